// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package userdata

import (
	"regexp"
	"strings"
)

// Tokens are the addresses of the machine, by the token's name without the dollar sign. A missing one is empty text.
type Tokens map[string]string

var tokenNames = []string{"public_ipv4", "private_ipv4", "public_ipv6", "private_ipv6"}

// Replace puts addresses for tokens. A backslash in front keeps a token and is itself removed. The character before a
// token is part of the match, as with the real program: of the same token twice in a row only the first is replaced.
func (t Tokens) Replace(text string) string {
	for _, name := range tokenNames {
		token := "$" + name
		pattern := regexp.MustCompile(`(^|[^\\])` + regexp.QuoteMeta(token))
		text = pattern.ReplaceAllStringFunc(text, func(match string) string {
			return strings.TrimSuffix(match, token) + t[name]
		})
		text = strings.ReplaceAll(text, `\`+token, token)
	}
	return text
}
