// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package droplet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"flotilla.example/local-cloud/guest/internal/cloudconfig"
)

const githubKeys = "https://api.github.com/users/%s/keys"

func (m *Machine) user(user cloudconfig.User) error {
	if user.Name == "" {
		m.Log("User object has no 'name' field, skipping")
		return nil
	}
	exists, err := m.userExists(user.Name)
	if err != nil {
		return err
	}
	switch {
	case !exists:
		m.Log("Creating user '%s'", user.Name)
		err = m.Execute("", "useradd", userOptions(user)...)
	case user.Passwd != "":
		m.Log("Setting '%s' user's password", user.Name)
		err = m.Execute(user.Name+":"+user.Passwd, "/usr/sbin/chpasswd", "-e")
	}
	if err != nil {
		return err
	}
	return m.userKeys(user)
}

func (m *Machine) userExists(name string) (bool, error) {
	file, err := os.Open(m.path("/etc/passwd"))
	if err != nil {
		return false, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), name+":") {
			return true, nil
		}
	}
	return false, lines.Err()
}

func userOptions(user cloudconfig.User) []string {
	password := user.Passwd
	if password == "" {
		password = "*"
	}
	options := []string{"--password", password}
	with := func(flag, value string) {
		if value != "" {
			options = append(options, flag, value)
		}
	}
	when := func(condition bool, flag string) {
		if condition {
			options = append(options, flag)
		}
	}
	if user.GECOS != "" {
		with("--comment", `"`+user.GECOS+`"`) // quotes that the shell of older times took away
	}
	with("--home-dir", user.Homedir)
	when(!user.NoCreateHome, "--create-home")
	when(user.NoCreateHome, "--no-create-home")
	with("--gid", user.PrimaryGroup)
	with("--groups", strings.Join(user.Groups, ","))
	when(user.NoUserGroup, "--no-user-group")
	when(user.System, "--system")
	when(user.NoLogInit, "--no-log-init")
	with("--shell", user.Shell)
	return append(options, user.Name)
}

func (m *Machine) userKeys(user cloudconfig.User) error {
	if len(user.SSHAuthorizedKeys) > 0 && user.Name != "core" {
		if err := m.authorize(user.Name, m.SSHKeyName, user.SSHAuthorizedKeys); err != nil {
			return err
		}
		m.Log("Authorized SSH keys for user '%s'", user.Name)
	}
	githubs := user.SSHImportGithubs
	if user.SSHImportGithub != "" {
		githubs = append([]string{user.SSHImportGithub}, githubs...)
	}
	for _, github := range githubs {
		if err := m.importKeys(user.Name, "github-"+github, fmt.Sprintf(githubKeys, github)); err != nil {
			return err
		}
	}
	if user.SSHImportURL != "" {
		return m.importKeys(user.Name, m.SSHKeyName+"-import", user.SSHImportURL)
	}
	return nil
}

func (m *Machine) importKeys(user, set, url string) error {
	body, err := m.Fetch(url)
	if err != nil {
		return err
	}
	var answer []struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("keys of user '%s' from %s: %w", user, url, err)
	}
	keys := make([]string, len(answer))
	for i := range answer {
		keys[i] = answer[i].Key
	}
	return m.authorize(user, set, keys)
}
