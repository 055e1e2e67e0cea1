#!/bin/sh
# Copyright: (c) 2026, flotilla.coreos contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Turn a Debian root file system, with the overlay copied over it, into the image of a droplet. Runs in the chroot, as
# root; running it again changes nothing. At run time /usr is read-only, so whatever a boot would write there is done here.
set -eu

# --- user core, as on the real image ---
getent group core >/dev/null || groupadd --gid 500 core
id -u core >/dev/null 2>&1 ||
    useradd --uid 500 --gid core --create-home --shell /bin/bash --groups sudo,systemd-journal --password '*' core

# Git keeps no modes but the executable bit.
chown root:root /etc/sudoers.d/core
chmod 0440 /etc/sudoers.d/core

# --- what belongs to one machine is made at its first boot ---
rm -f /etc/hostname /etc/ssh/ssh_host_*
: >/etc/machine-id
: >/etc/motd
printf '127.0.0.1 localhost\n::1 localhost\n' >/etc/hosts
ln -sfn /run/systemd/resolve/resolv.conf /etc/resolv.conf
rm -f /etc/.resolv.conf.systemd-resolved.bak
mkdir -p /var/log/journal /opt/bin /etc/flatcar
# The names of older times, which the cloud-config agent uses.
ln -sfn flatcar /etc/coreos
ln -sfn flatcar /usr/share/coreos

# --- say what it is ---
sed -i '/^VARIANT/d' /usr/lib/os-release
printf 'VARIANT="local cloud droplet"\nVARIANT_ID=local-cloud-droplet\n' >>/usr/lib/os-release

# --- units ---
systemctl --quiet enable local-cloud-early.service sshd-keygen.service ssh.service systemd-resolved.service \
    oem-cloudinit.service locksmithd.service update-engine.service
systemctl --quiet disable systemd-networkd.service systemd-networkd-wait-online.service

mask() {
    for unit in "$@"; do
        ln -sfn /dev/null "/etc/systemd/system/$unit"
    done
}
# Debian's housekeeping: there is nothing to upgrade, check or trim in an image.
mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    logrotate.timer man-db.timer ldconfig.service systemd-firstboot.service systemd-sysusers.service \
    systemd-journal-catalog-update.service systemd-hwdb-update.service systemd-update-done.service
# The host's kernel and devices are none of a droplet's business, although it can write to /sys and /proc/sys.
mask systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service \
    systemd-modules-load.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount \
    sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount \
    dev-hugepages.mount systemd-pstore.service systemd-random-seed.service systemd-hibernate-clear.service
ln -sfn /dev/null /etc/sysctl.d/50-pid-max.conf
ln -sfn /dev/null /etc/sysctl.d/10-coredump-debian.conf
# No log-ins through the host's sockets either.
mkdir -p /etc/systemd/system-generators
ln -sfn /dev/null /etc/systemd/system-generators/systemd-ssh-generator
# Nobody sits at a console, and nothing here asks for a password.
mask console-getty.service getty@.service getty-static.service getty.target \
    systemd-ask-password-console.path systemd-ask-password-wall.path
# The interfaces have their addresses before the boot; with nothing to manage this would only run into its time-out.
mask systemd-networkd-wait-online.service
# Log-ins are welcome from the first moment, not only after the boot.
ln -sfn /dev/null /etc/tmpfiles.d/systemd-nologin.conf
