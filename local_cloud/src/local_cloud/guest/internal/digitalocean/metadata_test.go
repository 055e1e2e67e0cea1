// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package digitalocean

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// service answers each path with the statuses given for it, the last one for ever.
type service struct {
	statuses map[string][]int
	bodies   map[string]string
	asked    []string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.URL.Path)
	status := http.StatusOK
	if left := s.statuses[r.URL.Path]; len(left) > 0 {
		status = left[0]
		if len(left) > 1 {
			s.statuses[r.URL.Path] = left[1:]
		}
	}
	if status == http.StatusMovedPermanently {
		http.Redirect(w, r, r.URL.Path+"/", status)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(s.bodies[r.URL.Path]))
}

func client(t *testing.T, s *service) (*Client, *time.Duration) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c := NewClient(server.URL, func(string, ...any) {})
	var slept time.Duration
	c.Sleep = func(d time.Duration) { slept += d }
	c.Now = func() time.Time { return time.Unix(0, 0).Add(slept) }
	return c, &slept
}

func TestTheProbeFollowsTheRedirect(t *testing.T) {
	s := &service{statuses: map[string][]int{"/metadata/v1": {301}}}
	c, slept := client(t, s)
	if err := c.Await(); err != nil || *slept != 0 {
		t.Errorf("%v after %v", err, *slept)
	}
}

func TestTheProbeIsRepeatedWhateverTheAnswer(t *testing.T) {
	c, slept := client(t, &service{statuses: map[string][]int{"/metadata/v1": {404, 500, 200}}})
	if err := c.Await(); err != nil || *slept != 300*time.Millisecond {
		t.Errorf("%v after %v", err, *slept)
	}
}

func TestTheProbeGivesUpAfterFiveMinutes(t *testing.T) {
	c, slept := client(t, &service{statuses: map[string][]int{"/metadata/v1": {503}}})
	err := c.Await()
	if err == nil || err.Error() != "No datasources available in time" {
		t.Errorf("got %v", err)
	}
	if *slept < 4*time.Minute || *slept > 5*time.Minute {
		t.Errorf("after %v", *slept)
	}
}

func TestAClientErrorMeansNoData(t *testing.T) {
	s := &service{statuses: map[string][]int{"/metadata/v1.json": {403}, "/metadata/v1/user-data": {404}}}
	c, slept := client(t, s)
	metadata, err := c.Metadata()
	if err != nil || metadata.Hostname != "" {
		t.Errorf("%+v, %v", metadata, err)
	}
	if text, err := c.UserData(); err != nil || text != nil {
		t.Errorf("%q, %v", text, err)
	}
	if len(s.asked) != 2 || *slept != 0 {
		t.Errorf("asked for %v, slept %v", s.asked, *slept)
	}
}

func TestAServerErrorIsRepeatedFifteenTimes(t *testing.T) {
	s := &service{statuses: map[string][]int{"/metadata/v1.json": {500}}}
	c, slept := client(t, s)
	if _, err := c.Metadata(); err == nil {
		t.Error("no error")
	}
	if len(s.asked) != 15 || *slept != 51300*time.Millisecond {
		t.Errorf("%d attempts in %v", len(s.asked), *slept)
	}
}

func TestMetadata(t *testing.T) {
	c, _ := client(t, &service{bodies: map[string]string{"/metadata/v1.json": `{
		"HostName": "a", "public_keys": ["k"], "droplet_id": "text is fine", "tags": null,
		"interfaces": {
			"public": [{"ipv4": {"ip_address": "192.0.2.1"}, "ipv6": {"ip_address": "2001:DB8:0::7", "cidr": 64}},
				{"ipv4": {"ip_address": "192.0.2.99"}}],
			"private": [{"ipv4": {"ip_address": "010.0.0.1"}, "ipv6": null}]}}`}})
	metadata, err := c.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	want := Metadata{Hostname: "a", PublicIPv4: "192.0.2.1", PublicIPv6: "2001:db8::7"}
	keys := metadata.PublicKeys
	metadata.PublicKeys = nil
	if len(keys) != 1 || metadata.Hostname != want.Hostname || metadata.PublicIPv4 != want.PublicIPv4 ||
		metadata.PublicIPv6 != want.PublicIPv6 || metadata.PrivateIPv4 != "" {
		t.Errorf("got %+v with keys %v", metadata, keys)
	}
}

func TestAWrongTypeInAKnownFieldIsAnError(t *testing.T) {
	for _, body := range []string{
		`{"hostname": 1}`, `{"public_keys": "k"}`, `{"dns": {"nameservers": "1.1.1.1"}}`, `[]`, `{`,
		`{"interfaces": {"public": [{}, {"ipv4": {"netmask": 24}}]}}`,
		`{"interfaces": {"public": [{"ipv6": {"cidr": "64"}}]}}`,
	} {
		c, _ := client(t, &service{bodies: map[string]string{"/metadata/v1.json": body}})
		if metadata, err := c.Metadata(); err == nil {
			t.Errorf("%s became %+v", body, metadata)
		}
	}
}

func TestAnEmptyBodyIsEmptyMetadata(t *testing.T) {
	c, _ := client(t, &service{})
	if metadata, err := c.Metadata(); err != nil || metadata.Hostname != "" {
		t.Errorf("%+v, %v", metadata, err)
	}
}
