// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package droplet

import (
	"path"

	"flotilla.example/local-cloud/guest/internal/cloudconfig"
)

const environmentPath = "/etc/environment"

// Apply does the work of one cloud-config, apart from hostname and keys of user core. The first error ends it, nothing
// is undone.
func (m *Machine) Apply(config *cloudconfig.Config, environment []cloudconfig.Variable) error {
	for _, user := range config.Users {
		if err := m.user(user); err != nil {
			return err
		}
	}
	generated, err := m.generatedFiles(config)
	if err != nil {
		return err
	}
	ownEnvironment := false
	for _, file := range append(config.WriteFiles, generated...) {
		if err := m.writeFile(file); err != nil {
			return err
		}
		m.Log("Wrote file %s to filesystem", path.Join("/", file.Path))
		ownEnvironment = ownEnvironment || path.Clean(file.Path) == environmentPath
	}
	if !ownEnvironment {
		if err := m.mergeEnvironment(environment); err != nil {
			return err
		}
		m.Log("Updated %s", environmentPath)
	}
	return m.units(allUnits(config))
}
