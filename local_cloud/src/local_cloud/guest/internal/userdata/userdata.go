// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package userdata tells what the text of a user-data is, replaces its tokens and takes a multipart document apart.
package userdata

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"flotilla.example/local-cloud/guest/internal/cloudconfig"
)

// Kind is what a text turned out to be.
type Kind string

// The kinds, named as in the log.
const (
	CloudConfig Kind = "cloud-config"
	Script      Kind = "script"
	Ignition    Kind = "ignition"
	Multipart   Kind = "multipart"
	Unknown     Kind = "unknown"
	Empty       Kind = "empty"
)

// Detect tests in the order of the real program: a script, a cloud-config, Ignition, multipart.
func Detect(text string) Kind {
	first, _, _ := strings.Cut(text, "\n")
	switch {
	case text == "":
		return Empty
	case strings.HasPrefix(first, "#!"):
		return Script
	case strings.TrimRightFunc(first, unicode.IsSpace) == "#cloud-config":
		return CloudConfig
	case isIgnition(text):
		return Ignition
	case isMultipart(text):
		return Multipart
	}
	return Unknown
}

func isIgnition(text string) bool {
	var document struct {
		Version  *int `json:"ignitionVersion"`
		Ignition struct {
			Version *string `json:"version"`
		} `json:"ignition"`
	}
	return json.Unmarshal([]byte(text), &document) == nil && (document.Version != nil || document.Ignition.Version != nil)
}

// Part is one thing to run.
type Part struct {
	Name   string
	Kind   Kind
	Text   string              // of a script
	Config *cloudconfig.Config // of a cloud-config
}

// Parse replaces the tokens, then reads the text; one part that does not parse discards all of them.
func Parse(text string, tokens Tokens) ([]Part, error) {
	kind := Detect(text)
	if kind == Multipart {
		return parseMultipart(text, tokens)
	}
	part, err := parsePart(string(kind), kind, text, tokens)
	if err != nil || kind == Empty {
		return nil, err
	}
	if kind == CloudConfig {
		part.Name = "cloud-config.yaml"
	}
	return []Part{part}, nil
}

func parsePart(name string, kind Kind, text string, tokens Tokens) (Part, error) {
	part := Part{Name: name, Kind: kind}
	switch kind {
	case Script:
		part.Text = tokens.Replace(text)
	case CloudConfig:
		config, err := cloudconfig.Decode([]byte(tokens.Replace(text)))
		if err != nil {
			return part, fmt.Errorf("cloud-config: %w", err)
		}
		part.Config = config
	}
	return part, nil
}
