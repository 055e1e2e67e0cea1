// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package userdata

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"

	"flotilla.example/local-cloud/guest/internal/cloudconfig"
)

func isMultipart(text string) bool {
	_, err := open(text)
	return err == nil
}

func open(text string) (*multipart.Reader, error) {
	message, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	kind, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if kind != "multipart/mixed" {
		return nil, errors.New("not multipart/mixed")
	}
	return multipart.NewReader(message.Body, parameters["boundary"]), nil
}

func parseMultipart(text string, tokens Tokens) ([]Part, error) {
	reader, err := open(text)
	if err != nil {
		return nil, err
	}
	var parts []Part
	for {
		body, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return parts, nil
		}
		if err != nil {
			return nil, err
		}
		part, err := readPart(body, len(parts)+1, tokens)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
}

func readPart(body *multipart.Part, number int, tokens Tokens) (Part, error) {
	content, err := io.ReadAll(body)
	if err != nil {
		return Part{}, err
	}
	if strings.EqualFold(body.Header.Get("Content-Transfer-Encoding"), "base64") {
		if content, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(content))); err != nil {
			return Part{}, err
		}
	}
	name := body.FileName()
	if name == "" {
		name = fmt.Sprintf("part-%03d", number)
	}
	declared, _, _ := mime.ParseMediaType(body.Header.Get("Content-Type"))
	switch declared {
	case "application/gzip", "application/x-gzip", "application/x-gunzip", "application/gzip-compressed", "gzip/document":
		if content, err = cloudconfig.Gunzip(content); err != nil {
			return Part{}, err
		}
	case "text/cloud-config":
		return parsePart(name, CloudConfig, string(content), tokens)
	case "text/x-shellscript":
		return parsePart(name, Script, string(content), tokens)
	}
	return parsePart(name, Detect(string(content)), string(content), tokens)
}
