// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package cloudconfig

import (
	"fmt"
	"net/url"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Finding is one line of the validator. It never keeps a document from being applied.
type Finding struct {
	Line  int
	Level string
	Text  string
}

func (f Finding) String() string {
	return fmt.Sprintf("line %d: %s: %s", f.Line, f.Level, f.Text)
}

// Validate looks at the raw text of a cloud-config, its tokens not replaced.
func Validate(text []byte) []Finding {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return []Finding{{0, "error", err.Error()}}
	}
	if len(document.Content) == 0 {
		return nil
	}
	v := &validator{}
	v.walk("", document.Content[0], reflect.TypeFor[Config]())
	slices.SortStableFunc(v.findings, func(a, b Finding) int { return a.Line - b.Line })
	return v.findings
}

type validator struct{ findings []Finding }

func (v *validator) add(node *yaml.Node, level, format string, arguments ...any) {
	v.findings = append(v.findings, Finding{node.Line, level, fmt.Sprintf(format, arguments...)})
}

func (v *validator) walk(where string, node *yaml.Node, want reflect.Type) {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" {
		return
	}
	switch want.Kind() {
	case reflect.Struct:
		if node.Kind != yaml.MappingNode {
			v.wrongType(where, node, "a mapping")
			return
		}
		v.mapping(where, node, want)
	case reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			v.wrongType(where, node, "a list")
			return
		}
		for i, item := range node.Content {
			v.walk(fmt.Sprintf("%s[%d]", where, i), item, want.Elem())
		}
	default:
		if err := node.Decode(reflect.New(want).Interface()); err != nil {
			v.wrongType(where, node, want.Kind().String())
		}
	}
}

func (v *validator) wrongType(where string, node *yaml.Node, want string) {
	v.add(node, "warning", "incorrect type for %q (want %s)", where, want)
}

var deprecated = map[string]string{
	"coreos.etcd":  "etcd is no longer shipped, use etcd2",
	"coreos.etcd2": "etcd2 is no longer shipped",
	"coreos.fleet": "fleet is no longer shipped",
}

func (v *validator) mapping(where string, node *yaml.Node, want reflect.Type) {
	fields := map[string]reflect.StructField{}
	for i := range want.NumField() {
		fields[want.Field(i).Tag.Get("yaml")] = want.Field(i)
	}
	values := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := strings.TrimPrefix(where+"."+key.Value, ".")
		field, known := fields[key.Value]
		_, hyphenated := fields[strings.ReplaceAll(key.Value, "-", "_")]
		switch {
		case known:
			values[key.Value] = value
			if reason, is := deprecated[name]; is {
				v.add(key, "warning", "deprecated key %q (%s)", name, reason)
			}
			v.walk(name, value, field.Type)
			v.value(name, value, field.Tag.Get("valid"))
		case hyphenated, key.Tag == "!!merge":
			// The real validator takes hyphenated names for known ones, and so hides that they have no effect.
		case name == "coreos.write_files":
			v.add(key, "info", "%q has no effect, write_files belongs to the top", name)
		default:
			v.add(key, "warning", "unrecognized key %q", name)
		}
	}
	switch want {
	case reflect.TypeFor[File]():
		v.file(node, values)
	case reflect.TypeFor[Etcd]():
		v.discovery(values["discovery"])
	}
}

func (v *validator) value(name string, node *yaml.Node, rule string) {
	if rule != "" && node.Kind == yaml.ScalarNode && node.ShortTag() != "!!null" && node.Value != "" &&
		!regexp.MustCompile(rule).MatchString(node.Value) {
		v.add(node, "error", "invalid value %q for %q", node.Value, name)
	}
}

func (v *validator) file(node *yaml.Node, values map[string]*yaml.Node) {
	var file File
	if node.Decode(&file) != nil {
		return // said already
	}
	if _, err := DecodeContent(file.Content, file.Encoding); err != nil {
		at := node
		if content := values["content"]; content != nil {
			at = content
		}
		v.add(at, "error", "content cannot be decoded: %v", err)
	}
	directory := path.Dir(path.Join("/", file.Path))
	if file.Path != "" && (directory == "/usr" || strings.HasPrefix(directory, "/usr/")) {
		v.add(values["path"], "error", "file cannot be written to the read-only %q", directory)
	}
}

func (v *validator) discovery(node *yaml.Node) {
	if node == nil || node.Kind != yaml.ScalarNode || node.Value == "" || node.ShortTag() == "!!null" {
		return
	}
	if _, err := url.ParseRequestURI(node.Value); err != nil {
		v.add(node, "warning", "discovery URL is not valid")
	}
}
