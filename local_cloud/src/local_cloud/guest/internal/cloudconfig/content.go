// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package cloudconfig

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
)

// DecodeContent turns the text of a file's `content` into its bytes.
func DecodeContent(content, encoding string) ([]byte, error) {
	switch encoding {
	case "":
		return []byte(content), nil
	case "b64", "base64":
		return base64.StdEncoding.DecodeString(content)
	case "gz", "gzip":
		return Gunzip([]byte(content))
	case "gz+b64", "gz+base64", "gzip+b64", "gzip+base64":
		packed, err := base64.StdEncoding.DecodeString(content)
		if err != nil {
			return nil, err
		}
		return Gunzip(packed)
	}
	return nil, fmt.Errorf("unsupported encoding %q", encoding)
}

// Gunzip unpacks as far as it can: only what does not begin like gzip is an error, as with the real program.
func Gunzip(packed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	_, _ = io.Copy(&content, reader)
	return content.Bytes(), nil
}
