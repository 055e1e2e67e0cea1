// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package agent

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flotilla.example/local-cloud/guest/internal/digitalocean"
)

var errSimulated = errors.New("simulated")

func TestUserDataOfOtherKinds(t *testing.T) {
	for _, test := range []struct{ name, text, log string }{
		{"none", "", ""},
		{"unknown", "hello\n", "ignoring part of type unknown"},
		{"an extra word", "#cloud-config yes\nhostname: a\n", "ignoring part of type unknown"},
		{"a byte-order mark", "\ufeff#cloud-config\nhostname: a\n", "ignoring part of type unknown"},
		{"Ignition", `{"ignition": {"version": "3.4.0"}}`, "ignoring part of type ignition"},
		{"old Ignition", `{"ignitionVersion": 1}`, "ignoring part of type ignition"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newFakeDroplet(t)
			d.status(0, d.run(test.text))
			d.called(setHostname, setKeys)
			d.absent("/etc/environment")
			d.logged(test.log)
		})
	}
}

func TestBlanksAfterTheHeaderAreFine(t *testing.T) {
	d := newFakeDroplet(t)
	d.status(0, d.run("#cloud-config \t\r\nhostname: a\r\n"))
	d.called("hostnamectl set-hostname a", setKeys)
}

func TestGzippedUserData(t *testing.T) {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write([]byte("#cloud-config\nhostname: packed\n"))
	_ = writer.Close()
	d := newFakeDroplet(t)
	d.status(0, d.run(packed.String()))
	d.called("hostnamectl set-hostname packed", setKeys)
}

func TestSpoiltGzipStillGivesHostnameAndKeys(t *testing.T) {
	d := newFakeDroplet(t)
	d.status(1, d.run("\x1f\x8bnothing"))
	d.called(setHostname, setKeys)
}

func TestWithoutMetadataNothingHappens(t *testing.T) {
	d := newFakeDroplet(t)
	d.metadataError = errSimulated
	d.ignoreFailure = true
	d.status(1, d.run("#cloud-config\n"))
	d.called()
}

func TestWithoutUserDataHostnameAndKeysAreApplied(t *testing.T) {
	d := newFakeDroplet(t)
	d.userDataError = errSimulated
	d.status(1, d.run(""))
	d.called(setHostname, setKeys)
	d.ignoreFailure = true
	d.status(0, d.run(""))
}

func TestIgnoredFailures(t *testing.T) {
	for _, document := range []string{"{", "{write_files: [{path: /tmp}]}"} {
		d := newFakeDroplet(t)
		d.ignoreFailure = true
		d.status(0, d.run("#cloud-config\n"+document))
	}
}

func TestHostnameFailureIsFatalButKeysAreTried(t *testing.T) {
	d := newFakeDroplet(t)
	d.ignoreFailure = true
	d.refuse["hostnamectl"] = errSimulated
	d.status(1, d.run("#cloud-config\n"))
	d.called(setHostname, setKeys)
	d.absent("/etc/environment")
	d.logged("Failed to set hostname: simulated")
}

func TestKeyFailureIsFatal(t *testing.T) {
	d := newFakeDroplet(t)
	d.refuse["update-ssh-keys"] = errSimulated
	d.status(1, d.run("#cloud-config\n"))
	d.absent("/etc/environment")
	d.logged("Failed to apply SSH keys: simulated")
}

func TestHostnames(t *testing.T) {
	long := strings.Repeat("x", 70)
	for _, test := range []struct{ document, metadata, want string }{
		{"{hostname: a.b.c}", "m", "a"},
		{"{}", "m.example", "m"},
		{"{hostname: .b}", "m", ""}, // nothing left, and no fall-back
		{"{hostname: " + long + "}", "m", long[:63]},
		{"{}", "", ""},
	} {
		d := newFakeDroplet(t)
		d.metadata = digitalocean.Metadata{Hostname: test.metadata}
		d.status(0, d.run("#cloud-config\n"+test.document))
		if test.want == "" {
			d.called()
		} else {
			d.called("hostnamectl set-hostname " + test.want)
		}
	}
}

func TestKeysOfCoreComeFromThreePlaces(t *testing.T) {
	d := newFakeDroplet(t)
	d.status(0, d.run(`#cloud-config
ssh_authorized_keys: [" k1 ", k2]
users: [{name: core, ssh_authorized_keys: [k2, k3]}]
`))
	d.called(setHostname, "update-ssh-keys -u core -a coreos-cloudinit <<< k1;k2;k3;ssh-ed25519 AAAA ops;")
}

func TestUsers(t *testing.T) {
	for _, test := range []struct {
		name, user string
		want       []string
	}{
		{"no name", `{passwd: x}`, nil},
		{"an existing user with a hash", `{name: root, passwd: $6$x, groups: [a]}`, []string{"chpasswd -e <<< root:$6$x"}},
		{"an existing user without", `{name: root, groups: [a]}`, nil},
		{
			"everything", `{name: u, passwd: h, gecos: G, homedir: /h, primary_group: p, groups: [a, ~, b], shell: /s,
				no_user_group: yes, system: true, no_log_init: on, ssh_authorized_keys: [k], coreos_ssh_import_github: gh}`,
			[]string{
				`useradd --password h --comment "G" --home-dir /h --create-home --gid p --groups a,b --no-user-group` +
					` --system --no-log-init --shell /s u`,
				"update-ssh-keys -u u -a coreos-cloudinit <<< k;",
				"update-ssh-keys -u u -a github-gh <<< ssh-rsa GITHUB;",
			},
		},
		{"no home", `{name: u, no_create_home: true}`, []string{"useradd --password * --no-create-home u"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newFakeDroplet(t)
			d.status(0, d.run("#cloud-config\nusers: ["+test.user+"]\n"))
			d.called(append([]string{setHostname, setKeys}, test.want...)...)
		})
	}
}

func TestAFailingUserEndsTheWorkBeforeAnyFile(t *testing.T) {
	d := newFakeDroplet(t)
	d.refuse["useradd"] = errSimulated
	d.status(1, d.run("#cloud-config\n{users: [{name: u}], write_files: [{path: /a}]}"))
	d.absent("/a")
	d.logged(`Failed to run part "cloud-config.yaml": error applying cloud-config: simulated`)
}

func TestFiles(t *testing.T) {
	d := newFakeDroplet(t)
	d.put("/old", "old")
	if err := os.Symlink("/elsewhere", filepath.Join(d.root, "link")); err != nil {
		t.Fatal(err)
	}
	d.status(0, d.run(`#cloud-config
write_files:
- {path: /old, content: new, permissions: 420}
- {path: /link, content: plain}
- {path: ../../up, content: up}
- {path: /two, content: 1st}
- {path: /two, content: 2nd}
- {path: /dec, encoding: b64, content: !!binary Y2c9PQ==}
`))
	d.file("/old", "new")
	d.mode("/old", 0o420)
	d.file("/link", "plain")
	d.absent("/elsewhere")
	d.file("/up", "up")
	d.file("/two", "2nd")
	d.file("/dec", "r")
	d.logged("Wrote file /up to filesystem")
}

func TestBadFileModes(t *testing.T) {
	for _, mode := range []string{"0o644", "rwx", `" 644"`} {
		d := newFakeDroplet(t)
		d.status(1, d.run("#cloud-config\nwrite_files: [{path: /a, permissions: "+mode+"}]\n"))
		d.absent("/a")
	}
}

func TestAnUnknownOwnerLeavesTheTemporaryFile(t *testing.T) {
	d := newFakeDroplet(t)
	d.refuse["chown"] = errSimulated
	d.status(1, d.run("#cloud-config\nwrite_files: [{path: /opt/a, owner: nobody-here}]\n"))
	d.absent("/opt/a")
	if left, _ := filepath.Glob(filepath.Join(d.root, "opt/cloudinit-temp*")); len(left) != 1 {
		t.Errorf("%v stayed behind", left)
	}
}

func TestUnits(t *testing.T) {
	for _, test := range []struct {
		name, units string
		exit        int
		calls       []string
		check       func(d *fakeDroplet)
	}{
		{
			name: "masking replaces even what was just written", units: `[{name: a.service, content: x, mask: true}]`,
			calls: []string{"daemon-reload"},
			check: func(d *fakeDroplet) { d.link("/etc/systemd/system/a.service", "/dev/null") },
		},
		{
			name: "masking alone reloads nothing", units: `[{name: a.service, mask: true, runtime: true}]`,
			check: func(d *fakeDroplet) { d.link("/run/systemd/system/a.service", "/dev/null") },
		},
		{
			name: "a dangling link is in the way of a mask", units: `[{name: dangling.service, mask: true}]`, exit: 1,
		},
		{
			name:  "runtime units are unmasked",
			units: `[{name: masked.service, runtime: true}, {name: empty.service, runtime: true}]`,
			check: func(d *fakeDroplet) {
				d.absent("/run/systemd/system/masked.service", "/run/systemd/system/empty.service")
			},
		},
		{
			name: "without runtime nothing is unmasked", units: `[{name: masked.service, command: start}]`, exit: 1,
			calls: []string{"start masked.service"},
		},
		{
			name: "a unit that does not exist yet cannot be enabled", exit: 1,
			units: `[{name: a.service, enable: true}, {name: a.service, content: x}]`,
			calls: []string{"enable a.service runtime=false"},
			check: func(d *fakeDroplet) { d.absent("/etc/systemd/system/a.service") },
		},
		{
			name:  "network units restart networkd, and their own command is dropped",
			units: `[{name: a.network, content: x, runtime: true, enable: true, command: start}]`,
			calls: []string{"daemon-reload", "restart systemd-networkd.service"},
			check: func(d *fakeDroplet) { d.file("/run/systemd/network/a.network", "x") },
		},
		{
			name:  "network units without content too",
			units: `[{name: a.netdev}]`,
			calls: []string{"restart systemd-networkd.service"},
		},
		{
			name: "an unknown command", units: `[{name: update-engine.service, command: kill}]`, exit: 1,
		},
		{
			name: "a unit listed twice runs twice", units: `[{name: a.timer, content: x, command: start}, {name: a.timer, command: restart}]`,
			calls: []string{"daemon-reload", "start a.timer", "restart a.timer"},
		},
		{
			name: "drop-ins need name and content", units: `[{name: a.service, drop_ins: [{name: x}, {content: y}]}, {content: x}]`,
			check: func(d *fakeDroplet) { d.absent("/etc/systemd/system/a.service.d") },
		},
		{
			name: "names are not checked", units: `[{name: ../../a/b, content: x}]`, calls: []string{"daemon-reload"},
			check: func(d *fakeDroplet) { d.file("/etc/a/b", "x") },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newFakeDroplet(t)
			d.symlink("/dev/null", "/run/systemd/system/masked.service")
			d.symlink("/nowhere", "/etc/systemd/system/dangling.service")
			d.put("/run/systemd/system/empty.service", "")
			d.status(test.exit, d.run("#cloud-config\ncoreos: {units: "+test.units+"}\n"))
			d.called(append([]string{setHostname, setKeys}, test.calls...)...)
			if test.check != nil {
				test.check(d)
			}
		})
	}
}

func TestSections(t *testing.T) {
	for _, test := range []struct {
		name, section string
		calls         []string
		check         func(d *fakeDroplet)
	}{
		{
			name: "oem", section: `oem: {id: do, name: 'My "cloud"', version_id: 1.10}`,
			check: func(d *fakeDroplet) {
				d.file("/etc/oem-release",
					"ID=do\nVERSION_ID=1.10\nNAME=\"My \\\"cloud\\\"\"\nHOME_URL=\"\"\nBUG_REPORT_URL=\"\"\n")
			},
		},
		{
			name: "oem without id", section: `oem: {name: x}`,
			check: func(d *fakeDroplet) { d.absent("/etc/oem-release") },
		},
		{
			name: "no reboots", section: `update: {reboot_strategy: off}`, calls: []string{"stop locksmithd.service"},
			check: func(d *fakeDroplet) {
				d.file("/etc/coreos/update.conf", "GROUP=stable\nREBOOT_STRATEGY=off\n")
				d.link("/run/systemd/system/locksmithd.service", "/dev/null")
			},
		},
		{
			name: "reboots from another group", section: `update: {reboot_strategy: reboot, group: beta, server: http://s}`,
			calls: []string{"restart locksmithd.service", "restart update-engine.service"},
			check: func(d *fakeDroplet) {
				d.file("/etc/coreos/update.conf", "GROUP=beta\nREBOOT_STRATEGY=reboot\nSERVER=http://s\n")
			},
		},
		{
			name:    "the environment of etcd2 in the order of its keys",
			section: `etcd2: {name: n, debug: true, client_cert_auth: false, snapshot_count: 010, discovery: http://d/1}`,
			calls:   []string{"daemon-reload"},
			check: func(d *fakeDroplet) {
				d.file("/run/systemd/system/etcd2.service.d/20-cloudinit.conf", "[Service]\n"+
					"Environment=\"ETCD_DEBUG=true\"\nEnvironment=\"ETCD_DISCOVERY=http://d/1\"\n"+
					"Environment=\"ETCD_NAME=n\"\nEnvironment=\"ETCD_SNAPSHOT_COUNT=8\"\n")
				d.logged(`deprecated key "coreos.etcd2"`)
			},
		},
		{
			name: "the old etcd's snapshot count and floats", section: `etcd: {snapshot_count: 3.9, retry_interval: 1000000}`,
			calls: []string{"daemon-reload"},
			check: func(d *fakeDroplet) {
				d.file("/run/systemd/system/etcd.service.d/20-cloudinit.conf",
					"[Service]\nEnvironment=\"ETCD_RETRY_INTERVAL=1e+06\"\nEnvironment=\"ETCD_SNAPSHOTCOUNT=3\"\n")
			},
		},
		{
			name: "locksmith's window", section: `locksmith: {window_start: "Mon 4:00", window_length: 1h, group: g}`,
			calls: []string{"daemon-reload"},
			check: func(d *fakeDroplet) {
				d.file("/run/systemd/system/locksmithd.service.d/20-cloudinit.conf", "[Service]\n"+
					"Environment=\"LOCKSMITHD_GROUP=g\"\nEnvironment=\"REBOOT_WINDOW_START=Mon 4:00\"\n"+
					"Environment=\"REBOOT_WINDOW_LENGTH=1h\"\n")
				d.notLogged("error")
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newFakeDroplet(t)
			d.status(0, d.run("#cloud-config\ncoreos: {"+test.section+"}\n"))
			d.called(append([]string{setHostname, setKeys}, test.calls...)...)
			test.check(d)
		})
	}
}

func TestBadSectionsFailBeforeAnyFile(t *testing.T) {
	for _, document := range []string{
		"{manage_etc_hosts: yes, write_files: [{path: /a}]}",
		"{coreos: {update: {reboot_strategy: best-effort}}, write_files: [{path: /a}]}",
	} {
		d := newFakeDroplet(t)
		d.status(1, d.run("#cloud-config\n"+document))
		d.absent("/a")
	}
	d := newFakeDroplet(t)
	if err := os.Remove(filepath.Join(d.root, "usr/share/coreos/update.conf")); err != nil {
		t.Fatal(err)
	}
	d.status(1, d.run("#cloud-config\n{coreos: {update: {group: a}}, write_files: [{path: /a}]}"))
	d.absent("/a")
}

func TestTokensFallBackToTheProcessEnvironment(t *testing.T) {
	d := newFakeDroplet(t)
	d.metadata = digitalocean.Metadata{}
	d.environment["COREOS_PRIVATE_IPV4"] = "192.0.2.7"
	d.status(0, d.run("#cloud-config\nwrite_files: [{path: /a, content: '[$private_ipv4|$public_ipv4]'}]\n"))
	d.file("/a", "[192.0.2.7|]")
	d.file("/etc/environment", "COREOS_PRIVATE_IPV4=192.0.2.7\n")
}

func TestScriptsStartAsServices(t *testing.T) {
	d := newFakeDroplet(t)
	d.status(0, d.run("#!/usr/bin/python\necho $public_ipv4\n"))
	last := d.calls[len(d.calls)-1]
	if !strings.HasPrefix(last, "transient coreos-cloudinit-") || !strings.Contains(last, "/bin/bash") {
		t.Fatalf("got %s", last)
	}
	path := strings.TrimPrefix(strings.Fields(last)[3], d.root)
	d.file(path, "#!/usr/bin/python\necho 203.0.113.10\n")
	d.mode(path, 0o744)
	d.file("/var/lib/coreos-cloudinit/scripts/unit-name", strings.Fields(last)[1])
}

const multipart = `Content-Type: multipart/mixed; boundary="B"
MIME-Version: 1.0

--B
Content-Type: text/cloud-config; name="a"

hostname: first
ssh_authorized_keys: [k1]
--B
Content-Type: text/plain
Content-Transfer-Encoding: base64

I2Nsb3VkLWNvbmZpZwpob3N0bmFtZTogc2Vjb25kCnNzaF9hdXRob3JpemVkX2tleXM6IFtrMl0K
--B
Content-Type: text/cloud-config

write_files: [{path: /tmp}]
--B
Content-Type: text/cloud-config

write_files: [{path: /after, content: x}]
--B--
`

func TestMultipart(t *testing.T) {
	d := newFakeDroplet(t)
	d.status(1, d.run(strings.ReplaceAll(multipart, "\n", "\r\n")))
	d.called("hostnamectl set-hostname first",
		"update-ssh-keys -u core -a coreos-cloudinit <<< k1;k2;ssh-ed25519 AAAA ops;")
	d.file("/after", "x") // a failing part does not stop the next
}

func TestAPartThatDoesNotParseDiscardsAll(t *testing.T) {
	d := newFakeDroplet(t)
	d.status(1, d.run(strings.Replace(multipart, "path: /tmp}]", "path: /tmp", 1)))
	d.called(setHostname, setKeys)
	d.absent("/after")
}
