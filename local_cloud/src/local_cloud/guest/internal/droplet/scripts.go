// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package droplet

import (
	"fmt"
	"os"
	"path/filepath"
)

const scriptMode = 0o744

// RunScript keeps the script in the workspace and starts it as a service of its own, without waiting for it.
func (m *Machine) RunScript(text string) error {
	directory := filepath.Join(m.path(m.Workspace), "scripts")
	if err := os.MkdirAll(directory, directoryMode); err != nil {
		return err
	}
	file, err := os.CreateTemp(directory, "")
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	if err := file.Chmod(scriptMode); err != nil {
		return err
	}
	unit := fmt.Sprintf("coreos-cloudinit-%s.service", filepath.Base(file.Name()))
	if err := m.Units.StartTransient(unit, "/bin/bash", file.Name()); err != nil {
		return err
	}
	m.Log("Started script as unit %s", unit)
	return os.WriteFile(filepath.Join(directory, "unit-name"), []byte(unit), defaultMode)
}
