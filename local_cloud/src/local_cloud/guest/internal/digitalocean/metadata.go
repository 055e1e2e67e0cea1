// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package digitalocean asks the metadata service of a droplet.
package digitalocean

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Address is the metadata service of every droplet.
const Address = "http://169.254.169.254/"

const (
	requestTimeout = 10 * time.Second
	probeDeadline  = 5 * time.Minute
	attempts       = 15
)

// Metadata is what the service says about the droplet, as far as anyone uses it. Addresses are in canonical form.
type Metadata struct {
	Hostname    string
	PublicKeys  []string
	PublicIPv4  string
	PublicIPv6  string
	PrivateIPv4 string
	PrivateIPv6 string
}

// Client knows one service. Sleep and Now are replaced by tests.
type Client struct {
	base  string
	http  http.Client
	Sleep func(time.Duration)
	Now   func() time.Time
	Log   func(format string, arguments ...any)
}

// NewClient returns a client of the service at a base URL.
func NewClient(base string, log func(string, ...any)) *Client {
	return &Client{
		base: strings.TrimRight(base, "/") + "/", http: http.Client{Timeout: requestTimeout},
		Sleep: time.Sleep, Now: time.Now, Log: log,
	}
}

// Await asks until the service answers, for at most five minutes.
func (c *Client) Await() error {
	deadline := c.Now().Add(probeDeadline)
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 30*time.Second) {
		if _, err := c.get("metadata/v1"); err == nil {
			return nil
		}
		if c.Now().Add(delay).After(deadline) {
			return errors.New("No datasources available in time") //nolint:staticcheck // the words of the real program
		}
		c.Sleep(delay)
	}
}

// Metadata fetches the droplet's metadata; a client error or an empty body means that there is none.
func (c *Client) Metadata() (Metadata, error) {
	body, err := c.Fetch("metadata/v1.json")
	if err != nil || len(body) == 0 {
		return Metadata{}, err
	}
	return parse(body)
}

// UserData fetches the user-data as it is; a client error means that there is none.
func (c *Client) UserData() ([]byte, error) {
	return c.Fetch("metadata/v1/user-data")
}

// Fetch gets a path of the service, or an absolute URL, with repeated attempts.
func (c *Client) Fetch(path string) ([]byte, error) {
	delay := 100 * time.Millisecond
	for attempt := 1; ; attempt++ {
		body, err := c.get(path)
		var status statusError
		if err == nil {
			return body, nil
		}
		if errors.As(err, &status) && status >= 400 && status < 500 {
			return nil, nil
		}
		c.Log("Unable to fetch data: %v", err)
		c.Sleep(delay) // after the last attempt too, as the real program does
		if attempt == attempts {
			return nil, fmt.Errorf("unable to fetch data, maximum retries reached: %w", err)
		}
		delay = min(2*delay, 5*time.Second)
	}
}

type statusError int

func (s statusError) Error() string { return fmt.Sprintf("status %d", int(s)) }

func (c *Client) get(path string) ([]byte, error) {
	url := path
	if !strings.Contains(path, "://") {
		url = c.base + path
	}
	response, err := c.http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, fmt.Errorf("%s: %w", url, statusError(response.StatusCode))
	}
	return io.ReadAll(response.Body)
}

// The fields that are only type-checked have their place here too: a wrong type in one of them is fatal.
type document struct {
	Hostname   string     `json:"hostname"`
	PublicKeys []string   `json:"public_keys"`
	DNS        dns        `json:"dns"`
	Interfaces interfaces `json:"interfaces"`
}

type dns struct {
	Nameservers []string `json:"nameservers"`
}

type interfaces struct {
	Public  []nic `json:"public"`
	Private []nic `json:"private"`
}

type nic struct {
	MAC        string   `json:"mac"`
	Type       string   `json:"type"`
	IPv4       *address `json:"ipv4"`
	IPv6       *address `json:"ipv6"`
	AnchorIPv4 *address `json:"anchor_ipv4"`
}

type address struct {
	IPAddress string `json:"ip_address"`
	Netmask   string `json:"netmask"`
	CIDR      int    `json:"cidr"`
	Gateway   string `json:"gateway"`
}

func (a *address) canonical() string {
	if a == nil {
		return ""
	}
	if ip := net.ParseIP(a.IPAddress); ip != nil {
		return ip.String()
	}
	return ""
}

func parse(body []byte) (Metadata, error) {
	var d document
	if err := json.Unmarshal(body, &d); err != nil {
		return Metadata{}, err
	}
	metadata := Metadata{Hostname: d.Hostname, PublicKeys: d.PublicKeys}
	if len(d.Interfaces.Public) > 0 {
		nic := d.Interfaces.Public[0]
		metadata.PublicIPv4, metadata.PublicIPv6 = nic.IPv4.canonical(), nic.IPv6.canonical()
	}
	if len(d.Interfaces.Private) > 0 {
		nic := d.Interfaces.Private[0]
		metadata.PrivateIPv4, metadata.PrivateIPv6 = nic.IPv4.canonical(), nic.IPv6.canonical()
	}
	return metadata, nil
}
