// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package agent is one run of the program, from the metadata to the last unit command.
package agent

import (
	"bytes"
	"os"
	"path/filepath"

	"flotilla.example/local-cloud/guest/internal/cloudconfig"
	"flotilla.example/local-cloud/guest/internal/digitalocean"
	"flotilla.example/local-cloud/guest/internal/droplet"
	"flotilla.example/local-cloud/guest/internal/userdata"
)

// Source is where metadata and user-data come from.
type Source interface {
	Await() error
	Metadata() (digitalocean.Metadata, error)
	UserData() ([]byte, error)
}

// File is a source without metadata.
type File string

// Await asks for the file to be there.
func (f File) Await() error {
	_, err := os.Stat(filepath.Clean(string(f)))
	return err
}

// Metadata of a file is empty.
func (f File) Metadata() (digitalocean.Metadata, error) { return digitalocean.Metadata{}, nil }

// UserData is the file's text.
func (f File) UserData() ([]byte, error) { return os.ReadFile(filepath.Clean(string(f))) }

// Agent has what a run needs.
type Agent struct {
	Source        Source
	Machine       *droplet.Machine
	IgnoreFailure bool
	Getenv        func(string) string
	Log           func(format string, arguments ...any)
}

// Run does all the work and returns the exit status.
func (a *Agent) Run() int {
	if err := a.Source.Await(); err != nil {
		a.Log("%v", err)
		return 1
	}
	metadata, err := a.Source.Metadata()
	if err != nil {
		a.Log("Failed fetching meta-data from datasource: %v", err)
		return 1
	}
	parts, failed := a.userData(metadata)
	var configs []*cloudconfig.Config
	for _, part := range parts {
		if part.Config != nil {
			configs = append(configs, part.Config)
		}
	}
	if !a.identity(metadata, configs) {
		return 1
	}
	if !failed {
		failed = a.runParts(parts, metadata)
	}
	if failed && !a.IgnoreFailure {
		return 1
	}
	return 0
}

// userData fetches and reads the user-data. A failure leaves the droplet with hostname and keys of the metadata.
func (a *Agent) userData(metadata digitalocean.Metadata) (parts []userdata.Part, failed bool) {
	text, err := Text(a.Source)
	if err != nil {
		a.Log("Failed fetching user-data from datasource: %v. Continuing...", err)
		return nil, true
	}
	for _, finding := range Findings(text) {
		a.Log("%s", finding)
	}
	parts, err = userdata.Parse(text, a.tokens(metadata))
	if err != nil {
		a.Log("Failed to parse user-data: %v", err)
		a.Log("Continuing...")
		return nil, true
	}
	return parts, false
}

// Text is the user-data of a source, unpacked.
func Text(source Source) (string, error) {
	content, err := source.UserData()
	if err == nil && bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		content, err = cloudconfig.Gunzip(content)
	}
	return string(content), err
}

// Findings are the lines of the validator; it knows nothing but cloud-configs.
func Findings(text string) []cloudconfig.Finding {
	if userdata.Detect(text) != userdata.CloudConfig {
		return nil
	}
	return cloudconfig.Validate([]byte(text))
}

func (a *Agent) tokens(metadata digitalocean.Metadata) userdata.Tokens {
	tokens := userdata.Tokens{}
	for _, known := range addresses(metadata) {
		tokens[known.token] = known.address
		if known.address == "" {
			tokens[known.token] = a.Getenv(known.variable)
		}
	}
	return tokens
}

type known struct{ token, variable, address string }

func addresses(metadata digitalocean.Metadata) []known {
	return []known{
		{"private_ipv4", "COREOS_PRIVATE_IPV4", metadata.PrivateIPv4},
		{"private_ipv6", "COREOS_PRIVATE_IPV6", metadata.PrivateIPv6},
		{"public_ipv4", "COREOS_PUBLIC_IPV4", metadata.PublicIPv4},
		{"public_ipv6", "COREOS_PUBLIC_IPV6", metadata.PublicIPv6},
	}
}

// identity sets hostname and the keys of user core; both are tried.
func (a *Agent) identity(metadata digitalocean.Metadata, configs []*cloudconfig.Config) bool {
	hostname, done := metadata.Hostname, true
	for i := len(configs) - 1; i >= 0; i-- {
		if configs[i].Hostname != "" {
			hostname = configs[i].Hostname
		}
	}
	if err := a.Machine.SetHostname(hostname); err != nil {
		a.Log("Failed to set hostname: %v", err)
		done = false
	}
	if err := a.Machine.AuthorizeCore(append(droplet.CoreKeys(configs), metadata.PublicKeys...)); err != nil {
		a.Log("Failed to apply SSH keys: %v", err)
		done = false
	}
	return done
}

func (a *Agent) runParts(parts []userdata.Part, metadata digitalocean.Metadata) (failed bool) {
	var environment []cloudconfig.Variable
	for _, known := range addresses(metadata) {
		if value := a.tokens(metadata)[known.token]; value != "" {
			environment = append(environment, cloudconfig.Variable{Name: known.variable, Value: value})
		}
	}
	for _, part := range parts {
		a.Log("Running part %q (%s)", part.Name, part.Kind)
		switch part.Kind {
		case userdata.CloudConfig:
			if err := a.Machine.Apply(part.Config, environment); err != nil {
				a.Log("Failed to run part %q: error applying cloud-config: %v", part.Name, err)
				failed = true
			}
		case userdata.Script:
			if err := a.Machine.RunScript(part.Text); err != nil {
				a.Log("Failed to run part %q: %v", part.Name, err)
				failed = true
			}
		default:
			a.Log("ignoring part of type %s", part.Kind)
		}
	}
	return failed
}
