// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package droplet

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"flotilla.example/local-cloud/guest/internal/cloudconfig"
)

var updateSources = []string{"/etc/coreos/update.conf", "/usr/share/coreos/update.conf"}

// generatedFiles computes the files that stand for a section, all of them before the first is written.
func (m *Machine) generatedFiles(config *cloudconfig.Config) ([]cloudconfig.File, error) {
	var files []cloudconfig.File
	for _, generate := range []func(*cloudconfig.Config) (*cloudconfig.File, error){
		m.oemFile, m.updateFile, m.hostsFile, m.flannelFile,
	} {
		file, err := generate(config)
		if err != nil {
			return nil, err
		}
		if file != nil {
			files = append(files, *file)
		}
	}
	return files, nil
}

func (m *Machine) oemFile(config *cloudconfig.Config) (*cloudconfig.File, error) {
	oem := config.CoreOS.OEM
	if oem.ID == "" {
		return nil, nil
	}
	quoted := func(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }
	return &cloudconfig.File{
		Path: "/etc/oem-release",
		Content: fmt.Sprintf("ID=%s\nVERSION_ID=%s\nNAME=%s\nHOME_URL=%s\nBUG_REPORT_URL=%s\n",
			oem.ID, oem.VersionID, quoted(oem.Name), quoted(oem.HomeURL), quoted(oem.BugReportURL)),
	}, nil
}

func (m *Machine) updateFile(config *cloudconfig.Config) (*cloudconfig.File, error) {
	update := config.CoreOS.Update
	if update == (cloudconfig.Update{}) {
		return nil, nil
	}
	if !slices.Contains([]string{"", "reboot", "etcd-lock", "off"}, update.RebootStrategy) {
		return nil, fmt.Errorf("invalid value %q for reboot_strategy (reboot, etcd-lock or off)", update.RebootStrategy)
	}
	var text []byte
	var err error
	for _, source := range updateSources {
		if text, err = os.ReadFile(m.path(source)); !os.IsNotExist(err) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	merged := mergeLines(string(text), cloudconfig.Environment(update), func(line string, v cloudconfig.Variable) bool {
		return strings.HasPrefix(line, v.Name)
	})
	return &cloudconfig.File{Path: updateSources[0], Content: merged}, nil
}

func (m *Machine) hostsFile(config *cloudconfig.Config) (*cloudconfig.File, error) {
	switch config.ManageEtcHosts {
	case "":
		return nil, nil
	case "localhost":
		hostname, err := m.Hostname()
		if err != nil {
			return nil, err
		}
		return &cloudconfig.File{Path: "/etc/hosts", Content: "127.0.0.1 " + hostname + "\n"}, nil
	}
	return nil, fmt.Errorf("invalid value %q for manage_etc_hosts (only localhost)", config.ManageEtcHosts)
}

func (m *Machine) flannelFile(config *cloudconfig.Config) (*cloudconfig.File, error) {
	var lines []string
	for _, variable := range cloudconfig.Environment(config.CoreOS.Flannel) {
		lines = append(lines, variable.Name+"="+variable.Value)
	}
	if lines == nil {
		return nil, nil
	}
	return &cloudconfig.File{Path: "/run/flannel/options.env", Content: strings.Join(lines, "\n")}, nil
}
