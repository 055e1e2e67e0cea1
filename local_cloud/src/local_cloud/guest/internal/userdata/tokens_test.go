// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package userdata

import "testing"

func TestTokens(t *testing.T) {
	tokens := Tokens{"private_ipv4": "10.0.0.1", "public_ipv4": "192.0.2.1", "private_ipv6": "fd00::1"}
	for _, test := range []struct{ text, want string }{
		{"$private_ipv4", "10.0.0.1"},
		{"a $private_ipv4\n$private_ipv4", "a 10.0.0.1\n10.0.0.1"},
		{"$private_ipv46", "10.0.0.16"},
		{"${private_ipv4} $PRIVATE_IPV4", "${private_ipv4} $PRIVATE_IPV4"},
		{`\$private_ipv4`, `$private_ipv4`},
		{`\\$private_ipv4`, `\$private_ipv4`},
		{`\\\$private_ipv4`, `\\$private_ipv4`},
		{"$private_ipv4$private_ipv4$private_ipv4", "10.0.0.1$private_ipv410.0.0.1"},
		{"$public_ipv4$private_ipv4", "192.0.2.110.0.0.1"},
		{"$private_ipv6 $public_ipv6.", "fd00::1 ."},
	} {
		if got := tokens.Replace(test.text); got != test.want {
			t.Errorf("%q gives %q, want %q", test.text, got, test.want)
		}
	}
}

func TestAnAddressIsNoPattern(t *testing.T) {
	if got := (Tokens{"public_ipv4": "$1"}).Replace("x$public_ipv4"); got != "x$1" {
		t.Errorf("got %q", got)
	}
}
