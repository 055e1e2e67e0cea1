// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command coreos-cloudinit applies the user-data of a droplet, as Flatcar's program of that name does on DigitalOcean.
// It was written from a description of what that program does, for the local cloud's droplets.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"flotilla.example/local-cloud/guest/internal/agent"
	"flotilla.example/local-cloud/guest/internal/digitalocean"
	"flotilla.example/local-cloud/guest/internal/droplet"
	"flotilla.example/local-cloud/guest/internal/userdata"
)

const version = "local-cloud 1 (after coreos-cloudinit 1.9.3)"

// exitUsage is the status of bad flags and of no source.
const exitUsage = 2

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

type options struct {
	oem, metadata, file           string
	validate, ignoreFailure, show bool
	keyName, workspace            string
}

func run(arguments []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("coreos-cloudinit", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.oem, "oem", "", "use the settings of this cloud (only digitalocean)")
	flags.StringVar(&o.metadata, "from-digitalocean-metadata", "", "take user-data from this metadata service")
	flags.StringVar(&o.file, "from-file", "", "take user-data from this file")
	flags.BoolVar(&o.validate, "validate", false, "look at the user-data and change nothing")
	flags.BoolVar(&o.ignoreFailure, "ignore-failure", false, "exit with 0 when user-data cannot be applied")
	flags.StringVar(&o.keyName, "ssh-key-name", "coreos-cloudinit", "name of the set of SSH keys")
	flags.StringVar(&o.workspace, "workspace", "/var/lib/coreos-cloudinit", "folder for scripts")
	flags.BoolVar(&o.show, "version", false, "print the version and exit")
	if err := flags.Parse(arguments); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return exitUsage
	}
	if o.show {
		fmt.Fprintln(stdout, "coreos-cloudinit", version)
		return 0
	}
	logger := log.New(stderr, "", log.LstdFlags)
	source, err := o.source(logger)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	if o.validate {
		return validate(source, stdout, stderr)
	}
	machine := droplet.New(o.workspace, o.keyName, logger.Printf)
	a := agent.Agent{
		Source: source, Machine: machine, IgnoreFailure: o.ignoreFailure, Getenv: os.Getenv, Log: logger.Printf,
	}
	return a.Run()
}

func (o options) source(logger *log.Logger) (agent.Source, error) {
	switch o.oem {
	case "":
	case "digitalocean":
		o.metadata = digitalocean.Address
	default:
		return nil, fmt.Errorf("invalid option to --oem: %q, this program knows digitalocean only", o.oem)
	}
	switch {
	case o.metadata != "" && o.file != "":
		return nil, errors.New("choose one of --oem, --from-digitalocean-metadata and --from-file")
	case o.metadata != "":
		return digitalocean.NewClient(o.metadata, logger.Printf), nil
	case o.file != "":
		return agent.File(o.file), nil
	}
	return nil, errors.New("provide --oem, --from-digitalocean-metadata or --from-file")
}

func validate(source agent.Source, stdout, stderr io.Writer) int {
	if err := source.Await(); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	text, err := agent.Text(source)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	findings := agent.Findings(text)
	for _, finding := range findings {
		fmt.Fprintln(stdout, finding)
	}
	if userdata.Detect(text) == userdata.CloudConfig {
		_, err = userdata.Parse(text, nil)
		if err != nil && len(findings) == 0 {
			fmt.Fprintf(stdout, "line 0: error: %v\n", err)
		}
	}
	if err != nil || len(findings) > 0 {
		return 1
	}
	return 0
}
