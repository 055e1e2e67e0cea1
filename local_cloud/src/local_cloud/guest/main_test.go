// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFlags(t *testing.T) {
	for _, test := range []struct {
		arguments string
		status    int
	}{
		{"", 2},
		{"--nonsense", 2},
		{"--oem=azure", 2},
		{"--oem=digitalocean --from-file=/a", 2},
		{"--version", 0},
		{"--help", 0},
		{"--from-file=/no/such/file --validate", 1},
	} {
		var stdout, stderr bytes.Buffer
		if got := run(strings.Fields(test.arguments), &stdout, &stderr); got != test.status {
			t.Errorf("%q exits with %d, want %d: %s", test.arguments, got, test.status, stderr.String())
		}
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		text   string
		status int
		lines  string
	}{
		{"#cloud-config\nhostname: a\n", 0, ""},
		{"#cloud-config\nfoo: a\n", 1, "line 2: warning: unrecognized key \"foo\"\n"},
		{"#cloud-config\nhostname: a\nhostname: b\n", 1,
			"line 0: error: cloud-config: yaml: unmarshal errors:\n  line 3: mapping key \"hostname\" already defined at line 2\n"},
		{"#!/bin/sh\nfoo\n", 0, ""},
		{"", 0, ""},
	} {
		file := filepath.Join(t.TempDir(), "user-data")
		if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		status := run([]string{"--from-file=" + file, "--validate"}, &stdout, &stderr)
		if status != test.status || stdout.String() != test.lines {
			t.Errorf("%q exits with %d and %q, want %d and %q", test.text, status, stdout.String(), test.status, test.lines)
		}
	}
}
