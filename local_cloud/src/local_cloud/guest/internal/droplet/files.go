// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package droplet

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"flotilla.example/local-cloud/guest/internal/cloudconfig"
)

const (
	defaultMode   = 0o644
	directoryMode = 0o755
)

// writeFile puts a file in place in one step. When that fails its temporary file stays behind, as with the real program.
func (m *Machine) writeFile(file cloudconfig.File) error {
	mode, err := parseMode(file.Permissions)
	if err != nil {
		return err
	}
	target := m.path(path.Join("/", file.Path))
	directory := filepath.Dir(target)
	if target == m.path("/") {
		directory = target
	}
	if err := os.MkdirAll(directory, directoryMode); err != nil {
		return err
	}
	partial, err := os.CreateTemp(directory, "cloudinit-temp")
	if err != nil {
		return err
	}
	defer partial.Close()
	if _, err := partial.WriteString(file.Content); err != nil {
		return err
	}
	if err := partial.Chmod(mode); err != nil {
		return err
	}
	if file.Owner != "" {
		if err := m.Execute("", "chown", file.Owner, partial.Name()); err != nil {
			return err
		}
	}
	return os.Rename(partial.Name(), target)
}

func parseMode(permissions string) (os.FileMode, error) {
	if permissions == "" {
		return defaultMode, nil
	}
	mode, err := strconv.ParseInt(permissions, 8, 32)
	if err != nil {
		return 0, fmt.Errorf("unable to parse file permissions %q as an octal number", permissions)
	}
	return os.FileMode(mode) & os.ModePerm, nil
}

// mergeEnvironment sets the variables in /etc/environment and leaves its other lines alone.
func (m *Machine) mergeEnvironment(variables []cloudconfig.Variable) error {
	old, err := os.ReadFile(m.path(environmentPath))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	merged := mergeLines(string(old), variables, func(line string, v cloudconfig.Variable) bool {
		return strings.HasPrefix(line, v.Name+"=")
	})
	if merged == string(old) {
		return nil
	}
	return m.writeFile(cloudconfig.File{Path: environmentPath, Content: merged})
}

// mergeLines replaces the first line that belongs to each variable; those without one are appended, sorted by name.
func mergeLines(text string, variables []cloudconfig.Variable, belongs func(string, cloudconfig.Variable) bool) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var lines []string
	if text != "" {
		lines = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	}
	sorted := slices.SortedFunc(slices.Values(variables), func(a, b cloudconfig.Variable) int {
		return strings.Compare(a.Name, b.Name)
	})
	for _, variable := range sorted {
		line := variable.Name + "=" + variable.Value
		if i := slices.IndexFunc(lines, func(l string) bool { return belongs(l, variable) }); i >= 0 {
			lines[i] = line
		} else {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
