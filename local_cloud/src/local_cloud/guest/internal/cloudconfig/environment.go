// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package cloudconfig

import (
	"fmt"
	"reflect"
)

// Variable is one NAME=value of a section.
type Variable struct{ Name, Value string }

// Environment lists the fields of a section that have a value (false and 0 count as none), in the order of its keys.
func Environment(section any) []Variable {
	var variables []Variable
	value := reflect.ValueOf(section)
	for i := range value.NumField() {
		if name := value.Type().Field(i).Tag.Get("env"); name != "" && !value.Field(i).IsZero() {
			variables = append(variables, Variable{name, fmt.Sprint(value.Field(i).Interface())})
		}
	}
	return variables
}
