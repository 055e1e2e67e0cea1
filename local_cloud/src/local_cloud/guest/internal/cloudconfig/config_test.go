// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package cloudconfig

import (
	"slices"
	"strings"
	"testing"
)

func decode(t *testing.T, text string) *Config {
	t.Helper()
	config, err := Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return config
}

func TestAStringKeepsItsSourceText(t *testing.T) {
	for _, text := range []string{"0600", "1e3", "yes", "2024-01-02", "1.10", "0x1F", "true", "_1_000"} {
		if got := decode(t, "hostname: "+text).Hostname; got != text {
			t.Errorf("%s became %q", text, got)
		}
	}
	for _, text := range []string{"", "~", "null", `""`} {
		if got := decode(t, "hostname: "+text).Hostname; got != "" {
			t.Errorf("%s became %q", text, got)
		}
	}
	if got := decode(t, `hostname: "null"`).Hostname; got != "null" {
		t.Errorf("got %q", got)
	}
	if got := decode(t, "hostname: !!binary aGk=").Hostname; got != "hi" {
		t.Errorf("got %q", got)
	}
}

func TestBooleans(t *testing.T) {
	want := map[bool][]string{
		true: {"true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", `"yes"`, `'on'`},
		false: {
			"false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF", `"no"`, "~", "",
		},
	}
	for value, texts := range want {
		for _, text := range texts {
			if got := decode(t, "coreos: {units: [{enable: "+text+"}]}").CoreOS.Units[0].Enable; got != value {
				t.Errorf("%s is %t", text, got)
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]int{"7": 7, "7.9": 7, "010": 8, "~": 0, "-3": -3} {
		if got := decode(t, "coreos: {etcd2: {max_wals: "+text+"}}").CoreOS.Etcd2.MaxWALs; got != want {
			t.Errorf("%s is %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]string{"2.50": "2.5", "1000000": "1e+06", "3": "3"} {
		fleet := decode(t, "coreos: {fleet: {etcd_request_timeout: "+text+"}}").CoreOS.Fleet
		if got := Environment(fleet); !slices.Equal(got, []Variable{{"FLEET_ETCD_REQUEST_TIMEOUT", want}}) {
			t.Errorf("%s became %v", text, got)
		}
	}
}

func TestDocumentsThatFail(t *testing.T) {
	for _, text := range []string{
		"hostname: [a]", "hostname: {a: b}", "ssh_authorized_keys: one", "users: {}", "coreos: []", "just text",
		`coreos: {units: [{enable: "true"}]}`, "coreos: {units: [{enable: 1}]}", `coreos: {units: [{enable: ""}]}`,
		`coreos: {etcd2: {max_wals: "7"}}`, `coreos: {fleet: {etcd_request_timeout: "2.5"}}`,
		"hostname: a\nhostname: b", "foo: 1\nfoo: 2", "coreos: {update: {x: 1, x: 2}}",
		"\thostname: a", "hostname: \xff", "hostname: \x01", "coreos: {units: [a]}",
		"write_files: [{encoding: zip}]", "write_files: [{encoding: B64}]", "write_files: [{encoding: b64, content: b2s}]",
		`write_files: [{encoding: b64, content: "b2 s="}]`, "write_files: [{encoding: gz, content: plain}]",
	} {
		if config, err := Decode([]byte(text)); err == nil {
			t.Errorf("%q became %+v", text, config)
		}
	}
}

func TestDocumentsThatDoNotFail(t *testing.T) {
	for _, text := range []string{"", "~", "foo: {a: 1, a: 2}", "coreos: ~", "users: ~\n", "a: 1\n---\nhostname: [b]\n"} {
		decode(t, text)
	}
}

func TestNullsVanishFromLists(t *testing.T) {
	if got := decode(t, "ssh_authorized_keys: [a, ~, b]").SSHAuthorizedKeys; !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}

func TestAnchorsAndMergeKeys(t *testing.T) {
	files := decode(t, "write_files:\n- &a {path: /a, content: &c text}\n- {<<: *a, path: /b}\n- {path: /c, content: *c}\n")
	for i, path := range []string{"/a", "/b", "/c"} {
		if file := files.WriteFiles[i]; file.Path != path || file.Content != "text" {
			t.Errorf("entry %d is %+v", i, file)
		}
	}
}

func TestEncodings(t *testing.T) {
	const packed = "H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=="
	for _, encoding := range []string{"gz+b64", "gz+base64", "gzip+b64", "gzip+base64"} {
		if got, err := DecodeContent(packed, encoding); err != nil || string(got) != "hello" {
			t.Errorf("%s gives %q, %v", encoding, got, err)
		}
	}
	for _, encoding := range []string{"b64", "base64"} {
		if got, err := DecodeContent("aGVs\nbG8=\n", encoding); err != nil || string(got) != "hello" {
			t.Errorf("%s gives %q, %v", encoding, got, err)
		}
	}
	config := decode(t, "write_files: [{encoding: gz, content: !!binary "+packed+"}]")
	if got := config.WriteFiles[0].Content; got != "hello" {
		t.Errorf("gz gives %q", got)
	}
}

func TestATruncatedGzipBodyIsTakenAsFarAsItGoes(t *testing.T) {
	if got, err := DecodeContent("H4sIAAAAAAAAA8tIzcnJBw==", "gz+b64"); err != nil || !strings.HasPrefix("hello", string(got)) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFindings(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"hostname: a", ""},
		{"foo: 1", `line 2: warning: unrecognized key "foo"`},
		{"coreos:\n  unit: []", `line 3: warning: unrecognized key "coreos.unit"`},
		{"write-files: 3\nssh-authorized-keys: x", ""},
		{"hostname: [a]", `line 2: warning: incorrect type for "hostname" (want string)`},
		{"coreos: {units: [{enable: 1}]}", `line 2: warning: incorrect type for "coreos.units[0].enable" (want bool)`},
		{"coreos: {fleet: {}}", `line 2: warning: deprecated key "coreos.fleet" (fleet is no longer shipped)`},
		{"coreos: {write_files: []}", `line 2: info: "coreos.write_files" has no effect, write_files belongs to the top`},
		{"write_files: [{path: /usr/bin/x}]", `line 2: error: file cannot be written to the read-only "/usr/bin"`},
		{"write_files: [{path: /usrx/y}]", ""},
		{"write_files: [{path: /a, encoding: b64, content: '*'}]",
			"line 2: error: content cannot be decoded: illegal base64 data at input byte 0"},
		{"write_files: [{path: /a, permissions: 0o644}]",
			`line 2: error: invalid value "0o644" for "write_files[0].permissions"`},
		{"write_files: [{path: /a, permissions: ''}]", ""},
		{"coreos: {units: [{command: kill}]}", `line 2: error: invalid value "kill" for "coreos.units[0].command"`},
		{"coreos: {update: {reboot_strategy: best-effort}}",
			`line 2: error: invalid value "best-effort" for "coreos.update.reboot_strategy"`},
		{"coreos: {locksmith: {window_start: Tue 24:00}}",
			`line 2: error: invalid value "Tue 24:00" for "coreos.locksmith.window_start"`},
		{"coreos: {locksmith: {window_start: 'sAT 004:059', window_length: -1.5h30m}}", ""},
		{"coreos: {locksmith: {window_length: 1H}}",
			`line 2: error: invalid value "1H" for "coreos.locksmith.window_length"`},
		{"{", "line 0: error: yaml: line 2: did not find expected node content"},
	} {
		var lines []string
		for _, finding := range Validate([]byte("#cloud-config\n" + test.text + "\n")) {
			lines = append(lines, finding.String())
		}
		if got := strings.Join(lines, "\n"); got != test.want {
			t.Errorf("%q gives\n%s\nwant\n%s", test.text, got, test.want)
		}
	}
}

func TestTheDiscoveryOfEtcdMustBeAURL(t *testing.T) {
	var found bool
	for _, finding := range Validate([]byte("coreos: {etcd: {discovery: here}}")) {
		found = found || strings.Contains(finding.Text, "discovery")
	}
	if !found {
		t.Error("not found")
	}
}
