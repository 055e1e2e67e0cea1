// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The numbered examples of the behaviour that was seen in the real program, each as it is and again on a second boot.
func TestExamplesOfTheRealProgram(t *testing.T) {
	examples := []struct {
		name, document string
		exit           int
		prepare, check func(d *fakeDroplet)
	}{
		{
			name: "1 an empty document", document: `{}`,
			check: func(d *fakeDroplet) {
				d.file("/etc/environment", exampleEnvironment)
				d.called(setHostname, setKeys)
				d.logged("Set hostname to web-01", "Authorized SSH keys for core user",
					`Running part "cloud-config.yaml" (cloud-config)`, "Updated /etc/environment")
			},
		},
		{
			name:     "2 a hyphenated key has no effect and no warning",
			document: `{write-files: [{path: /opt/a, content: x}], write_files: [{path: /opt/b, content: x}]}`,
			check: func(d *fakeDroplet) {
				d.absent("/opt/a")
				d.file("/opt/b", "x")
				d.notLogged("warning")
			},
		},
		{
			name:     "3 path, mode and tokens",
			document: `{write_files: [{path: opt/../srv/c/, content: $public_ipv4$private_ipv4, permissions: "2750"}]}`,
			check: func(d *fakeDroplet) {
				d.file("/srv/c", "203.0.113.1010.132.0.21")
				d.mode("/srv/c", 0o750)
			},
		},
		{
			name: "4 one bad encoding spoils the document",
			document: `{hostname: h4, write_files: [{path: /opt/d, content: ok},
				{path: /opt/e, encoding: base64, content: "b2s"}]}`,
			exit: 1,
			check: func(d *fakeDroplet) {
				d.absent("/opt/d", "/opt/e", "/etc/environment")
				d.called(setHostname, setKeys)
				d.logged("Failed to parse user-data: ", "Continuing...")
			},
		},
		{
			name: "5 the first failure ends the work",
			document: `{users: [{name: e5, gecos: E F}], write_files: [{path: /opt/f, owner: e5, content: 0755},
				{path: /tmp, content: x}, {path: /opt/g}]}`,
			exit: 1,
			check: func(d *fakeDroplet) {
				d.file("/opt/f", "0755")
				d.absent("/opt/g", "/etc/environment")
				if d.calls[2] != `useradd --password * --comment "E F" --create-home e5` {
					d.t.Errorf("got %s", d.calls[2])
				}
				if !strings.HasPrefix(d.calls[3], "chown e5 /opt/cloudinit-temp") {
					d.t.Errorf("got %s", d.calls[3])
				}
				if left, _ := filepath.Glob(filepath.Join(d.root, "cloudinit-temp*")); len(left) == 0 {
					d.t.Error("no temporary file stayed behind")
				}
			},
		},
		{
			name: "6 the result of a job is no failure",
			document: `{coreos: {units: [{name: bad.service, command: start,
				content: "[Service]\nType=oneshot\nExecStart=/bin/false\n"}]}}`,
			prepare: func(d *fakeDroplet) { d.results["bad.service"] = "failed" },
			check: func(d *fakeDroplet) {
				d.logged(`Calling unit command "start" on "bad.service"`, `Result of "start" on "bad.service": failed`)
			},
		},
		{
			name: "7 a refused call ends the work, after all units are written",
			document: `{coreos: {units: [{name: gone.service, command: restart}, {name: ok.service, command: start,
				content: "[Service]\nExecStart=/bin/sleep 9\n"}]}}`,
			exit: 1,
			check: func(d *fakeDroplet) {
				d.file("/etc/systemd/system/ok.service", "[Service]\nExecStart=/bin/sleep 9\n")
				d.called(setHostname, setKeys, "daemon-reload", "restart gone.service")
			},
		},
		{
			name: "8 enabling starts nothing",
			document: `{coreos: {units: [{name: e8.service, enable: yes,
				content: "[Service]\nExecStart=/bin/sleep 9\n[Install]\nWantedBy=multi-user.target\n"}]}}`,
			check: func(d *fakeDroplet) {
				d.called(setHostname, setKeys, "enable e8.service runtime=false", "daemon-reload")
				d.logged(`Wrote unit "e8.service"`, `Enabled unit "e8.service"`)
			},
		},
		{
			name: "9 the hosts file", document: `{manage_etc_hosts: localhost, hostname: h9.example.test}`,
			check: func(d *fakeDroplet) {
				d.file("/etc/hosts", "127.0.0.1 h9\n")
				d.file("/etc/environment", exampleEnvironment)
			},
		},
		{
			name:     "10 an environment file of one's own",
			document: `{write_files: [{path: /etc/environment, content: "A=1\n"}]}`,
			check: func(d *fakeDroplet) {
				d.file("/etc/environment", "A=1\n")
				d.notLogged("Updated /etc/environment")
			},
		},
		{
			name: "11 flannel's options and a drop-in",
			document: `{coreos: {flannel: {interface: $private_ipv4, etcd_prefix: /n}, units: [{name: flanneld.service,
				drop_ins: [{name: 40-x.conf, content: "[Unit]\n"}]}]}}`,
			check: func(d *fakeDroplet) {
				d.file("/run/flannel/options.env", "FLANNELD_ETCD_PREFIX=/n\nFLANNELD_IFACE=10.132.0.21")
				d.file("/etc/systemd/system/flanneld.service.d/40-x.conf", "[Unit]\n")
				d.called(setHostname, setKeys, "daemon-reload")
			},
		},
		{
			name:     "12 an unknown reboot strategy",
			document: `{ssh_authorized_keys: [k1, k1], coreos: {update: {reboot_strategy: nightly}}}`,
			exit:     1,
			check: func(d *fakeDroplet) {
				d.absent("/etc/environment", "/etc/coreos/update.conf")
				d.called(setHostname, "update-ssh-keys -u core -a coreos-cloudinit <<< k1;ssh-ed25519 AAAA ops;")
			},
		},
	}
	for _, example := range examples {
		t.Run(example.name, func(t *testing.T) {
			d := newFakeDroplet(t)
			if example.prepare != nil {
				example.prepare(d)
			}
			for range 2 {
				d.status(example.exit, d.run("#cloud-config\n"+example.document))
				example.check(d)
			}
		})
	}
}

func TestTheExampleEnvironmentKeepsOtherLines(t *testing.T) {
	d := newFakeDroplet(t)
	d.put("/etc/environment", "B=2\r\nCOREOS_PUBLIC_IPV4=192.0.2.1\nCOREOS_PUBLIC_IPV6=::1\nA=1")
	if err := os.Chmod(filepath.Join(d.root, "etc/environment"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.status(0, d.run("#cloud-config"))
	d.file("/etc/environment",
		"B=2\nCOREOS_PUBLIC_IPV4=203.0.113.10\nCOREOS_PUBLIC_IPV6=::1\nA=1\nCOREOS_PRIVATE_IPV4=10.132.0.21\n")
	d.mode("/etc/environment", 0o644)
}
