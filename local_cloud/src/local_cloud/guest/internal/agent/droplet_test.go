// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flotilla.example/local-cloud/guest/internal/digitalocean"
	"flotilla.example/local-cloud/guest/internal/droplet"
)

var exampleMetadata = digitalocean.Metadata{
	Hostname: "web-01.example.test", PublicKeys: []string{"ssh-ed25519 AAAA ops"},
	PublicIPv4: "203.0.113.10", PrivateIPv4: "10.132.0.21",
}

const exampleEnvironment = "COREOS_PRIVATE_IPV4=10.132.0.21\nCOREOS_PUBLIC_IPV4=203.0.113.10\n"

// fakeDroplet is a machine with a root folder of its own and a service manager that only knows which units it can see.
type fakeDroplet struct {
	t             *testing.T
	root          string
	metadata      digitalocean.Metadata
	metadataError error
	userDataError error
	ignoreFailure bool
	environment   map[string]string
	refuse        map[string]error // by the first words of a command
	results       map[string]string
	calls         []string
	log           strings.Builder
	hostname      string
}

func newFakeDroplet(t *testing.T) *fakeDroplet {
	t.Helper()
	d := &fakeDroplet{
		t: t, root: t.TempDir(), metadata: exampleMetadata, environment: map[string]string{},
		refuse: map[string]error{}, results: map[string]string{}, hostname: "localhost",
	}
	d.put("/etc/passwd", "root:x:0:0::/root:/bin/bash\ncore:x:500:500::/home/core:/bin/bash\n")
	d.put("/usr/share/coreos/update.conf", "GROUP=stable\n")
	for _, unit := range []string{"locksmithd", "update-engine", "systemd-networkd"} {
		d.put("/usr/lib/systemd/system/"+unit+".service", "[Service]\n")
	}
	d.put("/tmp/.keep", "")
	return d
}

func (d *fakeDroplet) put(path, content string) {
	d.t.Helper()
	target := filepath.Join(d.root, path)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(target, []byte(content), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

func (d *fakeDroplet) symlink(target, path string) {
	d.t.Helper()
	d.put(filepath.Join(filepath.Dir(path), ".keep"), "")
	if err := os.Symlink(target, filepath.Join(d.root, path)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *fakeDroplet) Enable(name string, runtime bool) error {
	d.calls = append(d.calls, fmt.Sprintf("enable %s runtime=%t", name, runtime))
	return d.missing(name)
}

func (d *fakeDroplet) Reload() error {
	d.calls = append(d.calls, "daemon-reload")
	return nil
}

func (d *fakeDroplet) Do(verb, name string) (string, error) {
	d.calls = append(d.calls, verb+" "+name)
	if err := d.missing(name); err != nil && verb != "stop" {
		return "", err
	}
	if result, known := d.results[name]; known {
		return result, nil
	}
	return "done", nil
}

func (d *fakeDroplet) StartTransient(name string, command ...string) error {
	d.calls = append(d.calls, "transient "+name+" "+strings.Join(command, " "))
	return nil
}

// missing looks where systemd looks; a link to /dev/null is a masked unit.
func (d *fakeDroplet) missing(name string) error {
	for _, directory := range []string{"etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system"} {
		path := filepath.Join(d.root, directory, name)
		if link, err := os.Readlink(path); err == nil && link == "/dev/null" {
			return fmt.Errorf("Unit %s is masked.", name)
		}
		if _, err := os.Stat(path); err == nil {
			return nil
		}
	}
	return fmt.Errorf("Unit %s not found.", name)
}

func (d *fakeDroplet) execute(stdin, name string, arguments ...string) error {
	call := strings.Join(append([]string{filepath.Base(name)}, arguments...), " ")
	if stdin != "" {
		call += " <<< " + strings.ReplaceAll(stdin, "\n", ";")
	}
	d.calls = append(d.calls, strings.ReplaceAll(call, d.root, ""))
	for prefix, err := range d.refuse {
		if strings.HasPrefix(call, prefix) {
			return err
		}
	}
	if strings.HasPrefix(call, "hostnamectl set-hostname ") {
		d.hostname = arguments[1]
	}
	return nil
}

func (d *fakeDroplet) run(userData string) int {
	d.t.Helper()
	d.calls = nil
	log := func(format string, arguments ...any) { fmt.Fprintf(&d.log, format+"\n", arguments...) }
	a := Agent{
		Source: fakeSource{d, userData},
		Machine: &droplet.Machine{
			Root: d.root, Workspace: "/var/lib/coreos-cloudinit", SSHKeyName: "coreos-cloudinit", Units: d,
			Execute: d.execute, Log: log,
			Hostname: func() (string, error) { return d.hostname, nil },
			Fetch:    func(string) ([]byte, error) { return []byte(`[{"key": "ssh-rsa GITHUB"}]`), nil },
		},
		IgnoreFailure: d.ignoreFailure, Log: log,
		Getenv: func(name string) string { return d.environment[name] },
	}
	return a.Run()
}

type fakeSource struct {
	droplet *fakeDroplet
	text    string
}

func (s fakeSource) Await() error { return nil }

func (s fakeSource) Metadata() (digitalocean.Metadata, error) {
	return s.droplet.metadata, s.droplet.metadataError
}

func (s fakeSource) UserData() ([]byte, error) { return []byte(s.text), s.droplet.userDataError }

func (d *fakeDroplet) status(want, got int) {
	d.t.Helper()
	if want != got {
		d.t.Errorf("exit status %d, want %d; log:\n%s", got, want, d.log.String())
	}
}

func (d *fakeDroplet) file(path, want string) {
	d.t.Helper()
	content, err := os.ReadFile(filepath.Join(d.root, path))
	if err != nil {
		d.t.Errorf("%v; log:\n%s", err, d.log.String())
	} else if string(content) != want {
		d.t.Errorf("%s is %q, want %q", path, content, want)
	}
}

func (d *fakeDroplet) mode(path string, want fs.FileMode) {
	d.t.Helper()
	info, err := os.Stat(filepath.Join(d.root, path))
	if err != nil {
		d.t.Error(err)
	} else if info.Mode() != want {
		d.t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
	}
}

func (d *fakeDroplet) link(path, want string) {
	d.t.Helper()
	if got, err := os.Readlink(filepath.Join(d.root, path)); err != nil || got != want {
		d.t.Errorf("%s links to %q (%v), want %q", path, got, err, want)
	}
}

func (d *fakeDroplet) absent(paths ...string) {
	d.t.Helper()
	for _, path := range paths {
		if _, err := os.Lstat(filepath.Join(d.root, path)); !errors.Is(err, fs.ErrNotExist) {
			d.t.Errorf("%s is there (%v)", path, err)
		}
	}
}

func (d *fakeDroplet) called(want ...string) {
	d.t.Helper()
	got := strings.Join(d.calls, "\n")
	if got != strings.Join(want, "\n") {
		d.t.Errorf("calls:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

func (d *fakeDroplet) logged(lines ...string) {
	d.t.Helper()
	for _, line := range lines {
		if !strings.Contains(d.log.String(), line) {
			d.t.Errorf("no %q in the log:\n%s", line, d.log.String())
		}
	}
}

func (d *fakeDroplet) notLogged(line string) {
	d.t.Helper()
	if strings.Contains(d.log.String(), line) {
		d.t.Errorf("%q is in the log:\n%s", line, d.log.String())
	}
}

const (
	setHostname = "hostnamectl set-hostname web-01"
	setKeys     = "update-ssh-keys -u core -a coreos-cloudinit <<< ssh-ed25519 AAAA ops;"
)
