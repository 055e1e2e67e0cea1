// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package cloudconfig

// Etcd becomes the environment of etcd 0.4. Deprecated, and still applied.
type Etcd struct {
	Addr                     string  `yaml:"addr" env:"ETCD_ADDR"`
	AdvertiseClientURLs      string  `yaml:"advertise_client_urls" env:"ETCD_ADVERTISE_CLIENT_URLS"`
	BindAddr                 string  `yaml:"bind_addr" env:"ETCD_BIND_ADDR"`
	CAFile                   string  `yaml:"ca_file" env:"ETCD_CA_FILE"`
	CertFile                 string  `yaml:"cert_file" env:"ETCD_CERT_FILE"`
	ClusterActiveSize        int     `yaml:"cluster_active_size" env:"ETCD_CLUSTER_ACTIVE_SIZE"`
	ClusterRemoveDelay       float64 `yaml:"cluster_remove_delay" env:"ETCD_CLUSTER_REMOVE_DELAY"`
	ClusterSyncInterval      float64 `yaml:"cluster_sync_interval" env:"ETCD_CLUSTER_SYNC_INTERVAL"`
	CORS                     string  `yaml:"cors" env:"ETCD_CORS"`
	DataDir                  string  `yaml:"data_dir" env:"ETCD_DATA_DIR"`
	Discovery                string  `yaml:"discovery" env:"ETCD_DISCOVERY"`
	DiscoveryFallback        string  `yaml:"discovery_fallback" env:"ETCD_DISCOVERY_FALLBACK"`
	DiscoverySRV             string  `yaml:"discovery_srv" env:"ETCD_DISCOVERY_SRV"`
	DiscoveryProxy           string  `yaml:"discovery_proxy" env:"ETCD_DISCOVERY_PROXY"`
	ElectionTimeout          int     `yaml:"election_timeout" env:"ETCD_ELECTION_TIMEOUT"`
	ForceNewCluster          bool    `yaml:"force_new_cluster" env:"ETCD_FORCE_NEW_CLUSTER"`
	GraphiteHost             string  `yaml:"graphite_host" env:"ETCD_GRAPHITE_HOST"`
	HeartbeatInterval        int     `yaml:"heartbeat_interval" env:"ETCD_HEARTBEAT_INTERVAL"`
	HTTPReadTimeout          float64 `yaml:"http_read_timeout" env:"ETCD_HTTP_READ_TIMEOUT"`
	HTTPWriteTimeout         float64 `yaml:"http_write_timeout" env:"ETCD_HTTP_WRITE_TIMEOUT"`
	InitialAdvertisePeerURLs string  `yaml:"initial_advertise_peer_urls" env:"ETCD_INITIAL_ADVERTISE_PEER_URLS"`
	InitialCluster           string  `yaml:"initial_cluster" env:"ETCD_INITIAL_CLUSTER"`
	InitialClusterState      string  `yaml:"initial_cluster_state" env:"ETCD_INITIAL_CLUSTER_STATE"`
	InitialClusterToken      string  `yaml:"initial_cluster_token" env:"ETCD_INITIAL_CLUSTER_TOKEN"`
	KeyFile                  string  `yaml:"key_file" env:"ETCD_KEY_FILE"`
	ListenClientURLs         string  `yaml:"listen_client_urls" env:"ETCD_LISTEN_CLIENT_URLS"`
	ListenPeerURLs           string  `yaml:"listen_peer_urls" env:"ETCD_LISTEN_PEER_URLS"`
	MaxResultBuffer          int     `yaml:"max_result_buffer" env:"ETCD_MAX_RESULT_BUFFER"`
	MaxRetryAttempts         int     `yaml:"max_retry_attempts" env:"ETCD_MAX_RETRY_ATTEMPTS"`
	MaxSnapshots             int     `yaml:"max_snapshots" env:"ETCD_MAX_SNAPSHOTS"`
	MaxWALs                  int     `yaml:"max_wals" env:"ETCD_MAX_WALS"`
	Name                     string  `yaml:"name" env:"ETCD_NAME"`
	PeerAddr                 string  `yaml:"peer_addr" env:"ETCD_PEER_ADDR"`
	PeerBindAddr             string  `yaml:"peer_bind_addr" env:"ETCD_PEER_BIND_ADDR"`
	PeerCAFile               string  `yaml:"peer_ca_file" env:"ETCD_PEER_CA_FILE"`
	PeerCertFile             string  `yaml:"peer_cert_file" env:"ETCD_PEER_CERT_FILE"`
	PeerElectionTimeout      int     `yaml:"peer_election_timeout" env:"ETCD_PEER_ELECTION_TIMEOUT"`
	PeerHeartbeatInterval    int     `yaml:"peer_heartbeat_interval" env:"ETCD_PEER_HEARTBEAT_INTERVAL"`
	PeerKeyFile              string  `yaml:"peer_key_file" env:"ETCD_PEER_KEY_FILE"`
	Peers                    string  `yaml:"peers" env:"ETCD_PEERS"`
	PeersFile                string  `yaml:"peers_file" env:"ETCD_PEERS_FILE"`
	Proxy                    string  `yaml:"proxy" env:"ETCD_PROXY"`
	RetryInterval            float64 `yaml:"retry_interval" env:"ETCD_RETRY_INTERVAL"`
	Snapshot                 bool    `yaml:"snapshot" env:"ETCD_SNAPSHOT"`
	SnapshotCount            int     `yaml:"snapshot_count" env:"ETCD_SNAPSHOTCOUNT"`
	Trace                    string  `yaml:"trace" env:"ETCD_TRACE"`
	Verbose                  bool    `yaml:"verbose" env:"ETCD_VERBOSE"`
	VeryVerbose              bool    `yaml:"very_verbose" env:"ETCD_VERY_VERBOSE"`
	VeryVeryVerbose          bool    `yaml:"very_very_verbose" env:"ETCD_VERY_VERY_VERBOSE"`
}

// Etcd2 becomes the environment of etcd 2. Deprecated, and still applied.
type Etcd2 struct {
	AdvertiseClientURLs      string `yaml:"advertise_client_urls" env:"ETCD_ADVERTISE_CLIENT_URLS"`
	CAFile                   string `yaml:"ca_file" env:"ETCD_CA_FILE"`
	CertFile                 string `yaml:"cert_file" env:"ETCD_CERT_FILE"`
	ClientCertAuth           bool   `yaml:"client_cert_auth" env:"ETCD_CLIENT_CERT_AUTH"`
	CORS                     string `yaml:"cors" env:"ETCD_CORS"`
	DataDir                  string `yaml:"data_dir" env:"ETCD_DATA_DIR"`
	Debug                    bool   `yaml:"debug" env:"ETCD_DEBUG"`
	Discovery                string `yaml:"discovery" env:"ETCD_DISCOVERY"`
	DiscoveryFallback        string `yaml:"discovery_fallback" env:"ETCD_DISCOVERY_FALLBACK"`
	DiscoverySRV             string `yaml:"discovery_srv" env:"ETCD_DISCOVERY_SRV"`
	DiscoveryProxy           string `yaml:"discovery_proxy" env:"ETCD_DISCOVERY_PROXY"`
	ElectionTimeout          int    `yaml:"election_timeout" env:"ETCD_ELECTION_TIMEOUT"`
	EnablePprof              bool   `yaml:"enable_pprof" env:"ETCD_ENABLE_PPROF"`
	ForceNewCluster          bool   `yaml:"force_new_cluster" env:"ETCD_FORCE_NEW_CLUSTER"`
	HeartbeatInterval        int    `yaml:"heartbeat_interval" env:"ETCD_HEARTBEAT_INTERVAL"`
	InitialAdvertisePeerURLs string `yaml:"initial_advertise_peer_urls" env:"ETCD_INITIAL_ADVERTISE_PEER_URLS"`
	InitialCluster           string `yaml:"initial_cluster" env:"ETCD_INITIAL_CLUSTER"`
	InitialClusterState      string `yaml:"initial_cluster_state" env:"ETCD_INITIAL_CLUSTER_STATE"`
	InitialClusterToken      string `yaml:"initial_cluster_token" env:"ETCD_INITIAL_CLUSTER_TOKEN"`
	KeyFile                  string `yaml:"key_file" env:"ETCD_KEY_FILE"`
	ListenClientURLs         string `yaml:"listen_client_urls" env:"ETCD_LISTEN_CLIENT_URLS"`
	ListenPeerURLs           string `yaml:"listen_peer_urls" env:"ETCD_LISTEN_PEER_URLS"`
	LogPackageLevels         string `yaml:"log_package_levels" env:"ETCD_LOG_PACKAGE_LEVELS"`
	MaxSnapshots             int    `yaml:"max_snapshots" env:"ETCD_MAX_SNAPSHOTS"`
	MaxWALs                  int    `yaml:"max_wals" env:"ETCD_MAX_WALS"`
	Name                     string `yaml:"name" env:"ETCD_NAME"`
	PeerCAFile               string `yaml:"peer_ca_file" env:"ETCD_PEER_CA_FILE"`
	PeerCertFile             string `yaml:"peer_cert_file" env:"ETCD_PEER_CERT_FILE"`
	PeerKeyFile              string `yaml:"peer_key_file" env:"ETCD_PEER_KEY_FILE"`
	PeerClientCertAuth       bool   `yaml:"peer_client_cert_auth" env:"ETCD_PEER_CLIENT_CERT_AUTH"`
	PeerTrustedCAFile        string `yaml:"peer_trusted_ca_file" env:"ETCD_PEER_TRUSTED_CA_FILE"`
	Proxy                    string `yaml:"proxy" env:"ETCD_PROXY" valid:"^(on|off|readonly)$"`
	ProxyDialTimeout         int    `yaml:"proxy_dial_timeout" env:"ETCD_PROXY_DIAL_TIMEOUT"`
	ProxyFailureWait         int    `yaml:"proxy_failure_wait" env:"ETCD_PROXY_FAILURE_WAIT"`
	ProxyReadTimeout         int    `yaml:"proxy_read_timeout" env:"ETCD_PROXY_READ_TIMEOUT"`
	ProxyRefreshInterval     int    `yaml:"proxy_refresh_interval" env:"ETCD_PROXY_REFRESH_INTERVAL"`
	ProxyWriteTimeout        int    `yaml:"proxy_write_timeout" env:"ETCD_PROXY_WRITE_TIMEOUT"`
	SnapshotCount            int    `yaml:"snapshot_count" env:"ETCD_SNAPSHOT_COUNT"`
	StrictReconfigCheck      bool   `yaml:"strict_reconfig_check" env:"ETCD_STRICT_RECONFIG_CHECK"`
	TrustedCAFile            string `yaml:"trusted_ca_file" env:"ETCD_TRUSTED_CA_FILE"`
	WALDir                   string `yaml:"wal_dir" env:"ETCD_WAL_DIR"`
}

// Fleet becomes the environment of fleet. Deprecated, and still applied.
type Fleet struct {
	AgentTTL                string  `yaml:"agent_ttl" env:"FLEET_AGENT_TTL"`
	AuthorizedKeysFile      string  `yaml:"authorized_keys_file" env:"FLEET_AUTHORIZED_KEYS_FILE"`
	DisableEngine           bool    `yaml:"disable_engine" env:"FLEET_DISABLE_ENGINE"`
	EngineReconcileInterval float64 `yaml:"engine_reconcile_interval" env:"FLEET_ENGINE_RECONCILE_INTERVAL"`
	EtcdCAFile              string  `yaml:"etcd_cafile" env:"FLEET_ETCD_CAFILE"`
	EtcdCertFile            string  `yaml:"etcd_certfile" env:"FLEET_ETCD_CERTFILE"`
	EtcdKeyFile             string  `yaml:"etcd_keyfile" env:"FLEET_ETCD_KEYFILE"`
	EtcdKeyPrefix           string  `yaml:"etcd_key_prefix" env:"FLEET_ETCD_KEY_PREFIX"`
	EtcdRequestTimeout      float64 `yaml:"etcd_request_timeout" env:"FLEET_ETCD_REQUEST_TIMEOUT"`
	EtcdServers             string  `yaml:"etcd_servers" env:"FLEET_ETCD_SERVERS"`
	EtcdUsername            string  `yaml:"etcd_username" env:"FLEET_ETCD_USERNAME"`
	EtcdPassword            string  `yaml:"etcd_password" env:"FLEET_ETCD_PASSWORD"`
	Metadata                string  `yaml:"metadata" env:"FLEET_METADATA"`
	PublicIP                string  `yaml:"public_ip" env:"FLEET_PUBLIC_IP"`
	TokenLimit              int     `yaml:"token_limit" env:"FLEET_TOKEN_LIMIT"`
	Verbosity               int     `yaml:"verbosity" env:"FLEET_VERBOSITY"`
	VerifyUnits             bool    `yaml:"verify_units" env:"FLEET_VERIFY_UNITS"`
}
