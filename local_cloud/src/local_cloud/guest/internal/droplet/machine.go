// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package droplet is what a cloud-config does to the machine.
package droplet

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"flotilla.example/local-cloud/guest/internal/cloudconfig"
	"flotilla.example/local-cloud/guest/internal/digitalocean"
)

// Units is the service manager.
type Units interface {
	Enable(name string, runtime bool) error
	Reload() error
	// Do runs one of the seven verbs and waits for the job. The result of a job is no error; a refused call is.
	Do(verb, name string) (result string, err error)
	StartTransient(name string, command ...string) error
}

// Machine is everything that a run may touch. Tests give it another root and stand-ins.
type Machine struct {
	Root       string
	Workspace  string
	SSHKeyName string
	Units      Units
	Execute    func(stdin, name string, arguments ...string) error
	Hostname   func() (string, error)
	Fetch      func(url string) ([]byte, error)
	Log        func(format string, arguments ...any)
}

// New returns the machine that the program runs on.
func New(workspace, sshKeyName string, log func(string, ...any)) *Machine {
	client := digitalocean.NewClient("", log)
	return &Machine{
		Root: "/", Workspace: workspace, SSHKeyName: sshKeyName, Units: &systemd{},
		Execute: execute, Hostname: os.Hostname, Fetch: client.Fetch, Log: log,
	}
}

func execute(stdin, name string, arguments ...string) error {
	command := exec.Command(name, arguments...)
	command.Stdin = strings.NewReader(stdin)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		if text := strings.TrimSpace(output.String()); text != "" {
			return fmt.Errorf("%s: %w: %s", name, err, text)
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (m *Machine) path(name string) string { return filepath.Join(m.Root, name) }

// The longest name that the kernel's limit of 64 bytes, with its final zero, leaves room for.
const longestHostname = 63

// SetHostname cuts the name at its first dot and to 63 bytes. Nothing left means that nothing is set.
func (m *Machine) SetHostname(name string) error {
	name, _, _ = strings.Cut(name, ".")
	if len(name) > longestHostname {
		m.Log("Hostname %s is longer than %d bytes, cut", name, longestHostname)
		name = name[:longestHostname]
	}
	if name == "" {
		return nil
	}
	if err := m.Execute("", "hostnamectl", "set-hostname", name); err != nil {
		return err
	}
	m.Log("Set hostname to %s", name)
	return nil
}

// CoreKeys lists the keys that the parts give to user core, without repeats.
func CoreKeys(configs []*cloudconfig.Config) []string {
	var keys []string
	seen := map[string]bool{}
	add := func(candidates []string) {
		for _, key := range candidates {
			if !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
	}
	for _, config := range configs {
		add(config.SSHAuthorizedKeys)
		for _, user := range config.Users {
			if user.Name == "core" {
				add(user.SSHAuthorizedKeys)
			}
		}
	}
	return keys
}

// AuthorizeCore replaces the key set of user core; no keys at all leave the old ones.
func (m *Machine) AuthorizeCore(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	if err := m.authorize("core", m.SSHKeyName, keys); err != nil {
		return err
	}
	m.Log("Authorized SSH keys for core user")
	return nil
}

func (m *Machine) authorize(user, set string, keys []string) error {
	var lines strings.Builder
	for _, key := range keys {
		lines.WriteString(strings.TrimSpace(key) + "\n")
	}
	return m.Execute(lines.String(), "update-ssh-keys", "-u", user, "-a", set)
}
