// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package droplet

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"flotilla.example/local-cloud/guest/internal/cloudconfig"
)

var verbs = []string{
	"start", "stop", "restart", "reload", "try-restart", "reload-or-restart", "reload-or-try-restart",
}

// allUnits lists the document's units, then those that sections stand for.
func allUnits(config *cloudconfig.Config) []cloudconfig.Unit {
	c := config.CoreOS
	return slices.Concat(c.Units, []cloudconfig.Unit{
		sectionUnit("etcd.service", c.Etcd),
		sectionUnit("etcd2.service", c.Etcd2),
		sectionUnit("fleet.service", c.Fleet),
		sectionUnit("locksmithd.service", c.Locksmith),
	}, updateUnits(c.Update))
}

// sectionUnit hands a section to its unit as environment; an empty section still unmasks the unit.
func sectionUnit(name string, section any) cloudconfig.Unit {
	unit := cloudconfig.Unit{Name: name, Runtime: true}
	variables := cloudconfig.Environment(section)
	if len(variables) == 0 {
		return unit
	}
	var text strings.Builder
	text.WriteString("[Service]\n")
	for _, variable := range variables {
		fmt.Fprintf(&text, "Environment=\"%s=%s\"\n", variable.Name, variable.Value)
	}
	unit.DropIns = []cloudconfig.DropIn{{Name: "20-cloudinit.conf", Content: text.String()}}
	return unit
}

func updateUnits(update cloudconfig.Update) []cloudconfig.Unit {
	var units []cloudconfig.Unit
	switch update.RebootStrategy {
	case "off":
		units = append(units, cloudconfig.Unit{Name: "locksmithd.service", Command: "stop", Runtime: true, Mask: true})
	case "reboot", "etcd-lock":
		units = append(units, cloudconfig.Unit{Name: "locksmithd.service", Command: "restart", Runtime: true})
	}
	if update.Group != "" || update.Server != "" {
		units = append(units, cloudconfig.Unit{Name: "update-engine.service", Command: "restart"})
	}
	return units
}

func isNetwork(name string) bool {
	return slices.Contains([]string{".network", ".netdev", ".link"}, path.Ext(name))
}

func unitDirectory(unit cloudconfig.Unit) string {
	base := "/etc/systemd"
	if unit.Runtime {
		base = "/run/systemd"
	}
	if isNetwork(unit.Name) {
		return base + "/network"
	}
	return base + "/system"
}

// units writes, masks and enables all units first; then one reload, then the commands in order.
func (m *Machine) units(units []cloudconfig.Unit) error {
	reload, network := false, false
	var commands []cloudconfig.Unit
	for _, unit := range units {
		if unit.Name == "" {
			m.Log("Skipping unit without name")
			continue
		}
		written, err := m.placeUnit(unit)
		if err != nil {
			return err
		}
		reload = reload || written
		switch {
		case isNetwork(unit.Name):
			network = true
		case unit.Command != "":
			commands = append(commands, unit)
		}
	}
	if reload {
		if err := m.Units.Reload(); err != nil {
			return fmt.Errorf("failed systemd daemon-reload: %w", err)
		}
	}
	if network {
		if err := m.command("restart", "systemd-networkd.service"); err != nil {
			return err
		}
	}
	for _, unit := range commands {
		if err := m.command(unit.Command, unit.Name); err != nil {
			return err
		}
	}
	return nil
}

func (m *Machine) command(verb, name string) error {
	m.Log("Calling unit command %q on %q", verb, name)
	if !slices.Contains(verbs, verb) {
		return fmt.Errorf("unsupported systemd command %q", verb)
	}
	result, err := m.Units.Do(verb, name)
	if err != nil {
		return err
	}
	m.Log("Result of %q on %q: %s", verb, name, result)
	return nil
}

// placeUnit does what concerns one unit's files and links, and tells whether the manager has something to reload.
func (m *Machine) placeUnit(unit cloudconfig.Unit) (written bool, err error) {
	target := path.Join(unitDirectory(unit), unit.Name)
	if unit.Content != "" {
		if err := m.writeFile(cloudconfig.File{Path: target, Content: unit.Content}); err != nil {
			return false, err
		}
		m.Log("Wrote unit %q", unit.Name)
		written = true
	}
	for _, dropIn := range unit.DropIns {
		if dropIn.Name == "" || dropIn.Content == "" {
			continue
		}
		file := cloudconfig.File{Path: path.Join(target+".d", dropIn.Name), Content: dropIn.Content}
		if err := m.writeFile(file); err != nil {
			return written, err
		}
		m.Log("Wrote drop-in %q of unit %q", dropIn.Name, unit.Name)
		written = true
	}
	switch {
	case unit.Mask:
		err = m.mask(target)
	case unit.Runtime:
		err = m.unmask(target)
	}
	if err != nil || !unit.Enable {
		return written, err
	}
	if isNetwork(unit.Name) {
		m.Log("Cannot enable network unit %q, skipping", unit.Name)
		return written, nil
	}
	if err := m.Units.Enable(unit.Name, unit.Runtime); err != nil {
		return written, err
	}
	m.Log("Enabled unit %q", unit.Name)
	return written, nil
}

// mask looks through links before it removes what is there, so a dangling link is in its way, as with the real program.
func (m *Machine) mask(unit string) error {
	target := m.path(unit)
	if err := os.MkdirAll(path.Dir(target), directoryMode); err != nil {
		return err
	}
	if _, err := os.Stat(target); err == nil {
		if err := os.Remove(target); err != nil {
			return err
		}
	} else if !os.IsNotExist(err) {
		return err
	}
	return os.Symlink("/dev/null", target)
}

// unmask removes an empty file or a link to /dev/null, and nothing else.
func (m *Machine) unmask(unit string) error {
	target := m.path(unit)
	if link, err := os.Readlink(target); err == nil {
		if link != "/dev/null" {
			return nil
		}
		return os.Remove(target)
	}
	info, err := os.Stat(target)
	if err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > 0 {
		return nil
	}
	return os.Remove(target)
}
