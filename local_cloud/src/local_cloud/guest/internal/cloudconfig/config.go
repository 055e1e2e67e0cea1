// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package cloudconfig is the `#cloud-config` document: its keys, how it is decoded, and what a validator says about it.
//
// The scalar rules of the real program (a string field keeps the source text, `yes` is a boolean only where one is
// expected, a quoted number is no number, nulls vanish from lists, a key given twice is an error) are those of yaml.v3
// decoding into typed fields, which is what the real program does too. So the types below carry most of the rules.
package cloudconfig

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Config is a decoded document. Only the keys with these exact names have an effect.
type Config struct {
	Hostname          string   `yaml:"hostname"`
	SSHAuthorizedKeys []string `yaml:"ssh_authorized_keys"`
	Users             []User   `yaml:"users"`
	WriteFiles        []File   `yaml:"write_files"`
	ManageEtcHosts    string   `yaml:"manage_etc_hosts"`
	CoreOS            CoreOS   `yaml:"coreos"`
}

// CoreOS holds what concerns the operating system's own services.
type CoreOS struct {
	Units     []Unit    `yaml:"units"`
	Update    Update    `yaml:"update"`
	OEM       OEM       `yaml:"oem"`
	Flannel   Flannel   `yaml:"flannel"`
	Locksmith Locksmith `yaml:"locksmith"`
	Etcd      Etcd      `yaml:"etcd"`
	Etcd2     Etcd2     `yaml:"etcd2"`
	Fleet     Fleet     `yaml:"fleet"`
}

// File is an entry of write_files. Decode leaves the decoded bytes in Content and clears Encoding.
type File struct {
	Path        string `yaml:"path"`
	Content     string `yaml:"content"`
	Encoding    string `yaml:"encoding" valid:"^(b64|base64|gz|gzip|gz\\+b64|gz\\+base64|gzip\\+b64|gzip\\+base64)$"`
	Owner       string `yaml:"owner"`
	Permissions string `yaml:"permissions" valid:"^0?[0-7]{3,4}$"`
}

// Unit is an entry of coreos.units.
type Unit struct {
	Name    string   `yaml:"name"`
	Content string   `yaml:"content"`
	Command string   `yaml:"command" valid:"^(start|stop|restart|reload|try-restart|reload-or-restart|reload-or-try-restart)$"`
	Enable  bool     `yaml:"enable"`
	Mask    bool     `yaml:"mask"`
	Runtime bool     `yaml:"runtime"`
	DropIns []DropIn `yaml:"drop_ins"`
}

// DropIn is a fragment of a unit.
type DropIn struct {
	Name    string `yaml:"name"`
	Content string `yaml:"content"`
}

// User is an entry of users.
type User struct {
	Name              string   `yaml:"name"`
	Passwd            string   `yaml:"passwd"`
	GECOS             string   `yaml:"gecos"`
	Homedir           string   `yaml:"homedir"`
	PrimaryGroup      string   `yaml:"primary_group"`
	Shell             string   `yaml:"shell"`
	Groups            []string `yaml:"groups"`
	SSHAuthorizedKeys []string `yaml:"ssh_authorized_keys"`
	NoCreateHome      bool     `yaml:"no_create_home"`
	NoUserGroup       bool     `yaml:"no_user_group"`
	System            bool     `yaml:"system"`
	NoLogInit         bool     `yaml:"no_log_init"`
	SSHImportGithub   string   `yaml:"coreos_ssh_import_github"`
	SSHImportGithubs  []string `yaml:"coreos_ssh_import_github_users"`
	SSHImportURL      string   `yaml:"coreos_ssh_import_url"`
}

// Update says when and from where the machine updates itself.
type Update struct {
	RebootStrategy string `yaml:"reboot_strategy" env:"REBOOT_STRATEGY" valid:"^(reboot|etcd-lock|off)$"`
	Group          string `yaml:"group" env:"GROUP"`
	Server         string `yaml:"server" env:"SERVER"`
}

// OEM names the maker of the image.
type OEM struct {
	ID           string `yaml:"id"`
	Name         string `yaml:"name"`
	VersionID    string `yaml:"version_id"`
	HomeURL      string `yaml:"home_url"`
	BugReportURL string `yaml:"bug_report_url"`
}

// Flannel is written to an environment file.
type Flannel struct {
	EtcdEndpoints string `yaml:"etcd_endpoints" env:"FLANNELD_ETCD_ENDPOINTS"`
	EtcdCAFile    string `yaml:"etcd_cafile" env:"FLANNELD_ETCD_CAFILE"`
	EtcdCertFile  string `yaml:"etcd_certfile" env:"FLANNELD_ETCD_CERTFILE"`
	EtcdKeyFile   string `yaml:"etcd_keyfile" env:"FLANNELD_ETCD_KEYFILE"`
	EtcdPrefix    string `yaml:"etcd_prefix" env:"FLANNELD_ETCD_PREFIX"`
	EtcdUsername  string `yaml:"etcd_username" env:"FLANNELD_ETCD_USERNAME"`
	EtcdPassword  string `yaml:"etcd_password" env:"FLANNELD_ETCD_PASSWORD"`
	IPMasq        string `yaml:"ip_masq" env:"FLANNELD_IP_MASQ"`
	SubnetFile    string `yaml:"subnet_file" env:"FLANNELD_SUBNET_FILE"`
	Interface     string `yaml:"interface" env:"FLANNELD_IFACE"`
	PublicIP      string `yaml:"public_ip" env:"FLANNELD_PUBLIC_IP"`
}

// Locksmith becomes the environment of the reboot manager.
type Locksmith struct {
	Endpoint     string `yaml:"endpoint" env:"LOCKSMITHD_ENDPOINT"`
	EtcdCAFile   string `yaml:"etcd_cafile" env:"LOCKSMITHD_ETCD_CAFILE"`
	EtcdCertFile string `yaml:"etcd_certfile" env:"LOCKSMITHD_ETCD_CERTFILE"`
	EtcdKeyFile  string `yaml:"etcd_keyfile" env:"LOCKSMITHD_ETCD_KEYFILE"`
	EtcdUsername string `yaml:"etcd_username" env:"LOCKSMITHD_ETCD_USERNAME"`
	EtcdPassword string `yaml:"etcd_password" env:"LOCKSMITHD_ETCD_PASSWORD"`
	Group        string `yaml:"group" env:"LOCKSMITHD_GROUP"`
	WindowStart  string `yaml:"window_start" env:"REBOOT_WINDOW_START" valid:"^((?i:mon|tue|wed|thu|fri|sat|sun) )?0*([0-9]|1[0-9]|2[0-3]):0*([0-9]|[1-5][0-9])$"`
	WindowLength string `yaml:"window_length" env:"REBOOT_WINDOW_LENGTH" valid:"^[-+]?([0-9]*(\\.[0-9]*)?[a-z]+)+$"`
}

// Decode reads a cloud-config, tokens already replaced. Any error spoils the whole document.
func Decode(text []byte) (*Config, error) {
	var config Config
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, err
	}
	for i := range config.WriteFiles {
		file := &config.WriteFiles[i]
		content, err := DecodeContent(file.Content, file.Encoding)
		if err != nil {
			return nil, fmt.Errorf("write_files %q: %w", file.Path, err)
		}
		file.Content, file.Encoding = string(content), ""
	}
	return &config, nil
}
