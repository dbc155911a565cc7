package configs

import (
	_ "embed"
	"time"
)

// The commented examples of every option, as shipped.
//
//go:embed agent.yaml
var AgentExample []byte

//go:embed collector.yaml
var CollectorExample []byte

// Where the programs look when no --config is given. A file that is not there is no error.
const (
	AgentFile     = "/etc/rollcall/agent.yaml"
	CollectorFile = "/etc/rollcall/collector.yaml"
)

// NATS says how to reach the broker.
type NATS struct {
	// URLs are tried in random order: nats://, tls://, ws:// or wss://.
	URLs []string `mapstructure:"urls"`
	// Creds is the path of a .creds file (JWT and seed).
	Creds string `mapstructure:"creds"`
	// NKey is the path of a file with an NKey seed.
	NKey string `mapstructure:"nkey"`
	// Join is the path of a join token, with which an agent gets credentials of its own. Agents only.
	Join string `mapstructure:"join"`
	// CA, Cert and Key are paths of PEM files.
	CA   string `mapstructure:"ca"`
	Cert string `mapstructure:"cert"`
	Key  string `mapstructure:"key"`
}

// Log says how to write to standard error.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `mapstructure:"level"`
	// Format is text or json.
	Format string `mapstructure:"format"`
}

// Ports selects ports: each entry does so by itself.
type Ports struct {
	// Paths are nodes (/dev/ttyS1), or places of devices (usb:1-1.2).
	Paths []string `mapstructure:"paths"`
	// IDs are vid:pid; vid:* is every product of a vendor.
	IDs []string `mapstructure:"ids"`
	// Drivers are names of the kernel's.
	Drivers []string `mapstructure:"drivers"`
}

// Agent is the configuration of the daemon on a gateway.
type Agent struct {
	Gateway struct {
		// ID is one token of letters, digits, _ and -. Empty: a stable one of this machine.
		ID string `mapstructure:"id"`
		// Labels are sent with each report. Names are lower case.
		Labels map[string]string `mapstructure:"labels"`
		// LabelsDir holds files with more of them. Those of the configuration win.
		LabelsDir string `mapstructure:"labels_dir"`
	} `mapstructure:"gateway"`
	StateDir string `mapstructure:"state_dir"`
	// StatusFile tells `rollcall agent status` how the agent is. It is written where its folder is there.
	StatusFile string `mapstructure:"status_file"`
	Scan       struct {
		// Interval between full rounds; Jitter spreads them over that share of it (0 to 1).
		Interval time.Duration `mapstructure:"interval"`
		Jitter   float64       `mapstructure:"jitter"`
		// Timeout bounds the visit to one port.
		Timeout time.Duration `mapstructure:"timeout"`
		// Parallel is how many devices are asked at once.
		Parallel int `mapstructure:"parallel"`
		// Ports, where given, are asked instead of those found.
		Ports []string `mapstructure:"ports"`
		// Baud are the speeds to try on ports that are named or allowed; none means 115200.
		Baud []int `mapstructure:"baud"`
		// InhibitModemManager has ModemManager let go of a module while it is asked.
		InhibitModemManager bool `mapstructure:"inhibit_modemmanager"`
	} `mapstructure:"scan"`
	// Allow widens what may be asked beyond the built-in rules. Deny is what is never opened.
	Allow Ports `mapstructure:"allow"`
	Deny  Ports `mapstructure:"deny"`
	// Heartbeat is the time between signs of life while nothing changes.
	Heartbeat time.Duration `mapstructure:"heartbeat"`
	NATS      NATS          `mapstructure:"nats"`
	Spool     struct {
		MaxBytes   int64 `mapstructure:"max_bytes"`
		MaxReports int   `mapstructure:"max_reports"`
	} `mapstructure:"spool"`
	// MetricsListen is HOST:PORT on loopback where Prometheus may ask. Empty: nowhere.
	MetricsListen string `mapstructure:"metrics_listen"`
	Privacy       struct {
		// IMEI is full, tac (first eight digits) or hash (keyed with the report key).
		IMEI string `mapstructure:"imei"`
	} `mapstructure:"privacy"`
	// FingerprintsDir holds the user's own *.yaml rules.
	FingerprintsDir string `mapstructure:"fingerprints_dir"`
	Log             Log    `mapstructure:"log"`
}

// OIDC says which OpenID Connect provider people log in with.
type OIDC struct {
	// Issuer is its URL. Empty: there is none.
	Issuer string `mapstructure:"issuer"`
	// Name stands on the login page. Empty: the issuer's host.
	Name     string `mapstructure:"name"`
	ClientID string `mapstructure:"client_id"`
	// ClientSecretFile is the path of a file with the secret. Empty: a public client.
	ClientSecretFile string   `mapstructure:"client_secret_file"`
	Scopes           []string `mapstructure:"scopes"`
	// CA is the path of a PEM file with the provider's authority. Empty: the machine's.
	CA string `mapstructure:"ca"`
	// Claim tells what a person belongs to; Read, Operate and Admin are the values that give a role.
	Claim   string   `mapstructure:"claim"`
	Read    []string `mapstructure:"read"`
	Operate []string `mapstructure:"operate"`
	Admin   []string `mapstructure:"admin"`
}

// Keep says how long a collector remembers what is past.
type Keep struct {
	// UnchangedDays is for reports that changed nothing.
	UnchangedDays int `mapstructure:"unchanged_days"`
	// HistoryDays is for changes, their evidence and events; 0 is for ever. HistoryBytes bounds them; 0 does not.
	HistoryDays  int   `mapstructure:"history_days"`
	HistoryBytes int64 `mapstructure:"history_bytes"`
}

// Collector is the configuration of the collector.
type Collector struct {
	NATS NATS `mapstructure:"nats"`
	// Store is sqlite:PATH or postgres://…
	Store    string `mapstructure:"store"`
	StateDir string `mapstructure:"state_dir"`
	// Listen is HOST:PORT of the pages and the API.
	Listen string `mapstructure:"listen"`
	// TLSCert and TLSKey are paths of PEM files; both or neither.
	TLSCert string `mapstructure:"tls_cert"`
	TLSKey  string `mapstructure:"tls_key"`
	// AllowOpenListen lets the pages be served beyond this machine without TLS of our own.
	AllowOpenListen bool `mapstructure:"allow_open_listen"`
	// TrustedProxies are addresses and networks whose word about clients counts.
	TrustedProxies []string `mapstructure:"trusted_proxies"`
	// PublicURL is where browsers find the pages.
	PublicURL string `mapstructure:"public_url"`
	OIDC      OIDC   `mapstructure:"oidc"`
	// Bundles bring fingerprints, lists and rules.
	Bundles Bundles `mapstructure:"bundles"`
	// Webhooks are told of events.
	Webhooks []Webhook `mapstructure:"webhooks"`
	// StreamReplicas is how many servers of a cluster keep each stream that the collector makes.
	StreamReplicas int `mapstructure:"stream_replicas"`
	// StreamMaxBytes bounds the stream of reports, where the collector makes it. 0: the broker's disk does.
	StreamMaxBytes int64 `mapstructure:"stream_max_bytes"`
	// Keys is tofu (the first key seen speaks for a gateway) or known (only recorded keys).
	Keys string `mapstructure:"keys"`
	// KeysFile holds recorded report keys, as "rollcall enroll export" prints them.
	KeysFile        string `mapstructure:"keys_file"`
	FingerprintsDir string `mapstructure:"fingerprints_dir"`
	// PolicyDir holds the user's own lists, rules and exceptions.
	PolicyDir string `mapstructure:"policy_dir"`
	// SilentAfter is how long a gateway may say nothing before it counts as silent.
	SilentAfter time.Duration `mapstructure:"silent_after"`
	// Keep says what is forgotten, and when.
	Keep Keep `mapstructure:"keep"`
	Log  Log  `mapstructure:"log"`
}

// Bundles says where knowledge comes from, and whose is believed.
type Bundles struct {
	// File is the path of a bundle that is looked at again and again.
	File string `mapstructure:"file"`
	// Bucket is an object store of JetStream that is watched.
	Bucket string `mapstructure:"bucket"`
	// Trust are public keys, or paths of files that hold one each.
	Trust []string `mapstructure:"trust"`
	// AllowOlder lets a bundle of a lower version replace one of a higher version.
	AllowOlder bool `mapstructure:"allow_older"`
}

// Webhook is one receiver of events.
type Webhook struct {
	Name string `mapstructure:"name"`
	URL  string `mapstructure:"url"`
	// SecretFile holds what signs, one secret a line.
	SecretFile string `mapstructure:"secret_file"`
	// Kinds of events; empty: all.
	Kinds []string `mapstructure:"kinds"`
	// Severity is the least of findings; empty: any.
	Severity string `mapstructure:"severity"`
	// CA is a PEM file of the authority of the receiver's certificate; empty: the machine's.
	CA string `mapstructure:"ca"`
	// AllowHTTP lets the URL be http://.
	AllowHTTP bool `mapstructure:"allow_http"`
	// Timeout of one try, Tries of an event that the receiver refuses, GiveUp of a receiver that fails.
	Timeout time.Duration `mapstructure:"timeout"`
	Tries   int           `mapstructure:"tries"`
	GiveUp  time.Duration `mapstructure:"give_up"`
}

// option is one setting: its key in the file, its default and, where there is one, its flag.
type option struct {
	key  string
	def  any
	flag string
}

func agentOptions() []option {
	return []option{
		{"gateway.id", "", "gateway-id"},
		{"gateway.labels", map[string]string{}, ""},
		{"gateway.labels_dir", "/etc/rollcall/labels.d", ""},
		{"state_dir", "/var/lib/rollcall", "state-dir"},
		{"status_file", "/run/rollcall/status.json", "status-file"},
		{"scan.interval", 24 * time.Hour, "interval"},
		{"scan.jitter", 0.1, ""},
		{"scan.timeout", time.Minute, ""},
		{"scan.parallel", 16, ""},
		{"scan.ports", []string{}, "port"},
		{"scan.baud", []string{}, "baud"},
		{"scan.inhibit_modemmanager", false, "inhibit-modemmanager"},
		{"allow.paths", []string{}, ""},
		{"allow.ids", []string{}, ""},
		{"allow.drivers", []string{}, ""},
		{"deny.paths", []string{}, ""},
		{"deny.ids", []string{}, ""},
		{"deny.drivers", []string{}, ""},
		{"heartbeat", 15 * time.Minute, ""},
		{"nats.urls", []string{"nats://127.0.0.1:4222"}, "nats-url"},
		{"nats.creds", "", ""},
		{"nats.nkey", "", ""},
		{"nats.join", "", ""},
		{"nats.ca", "", ""},
		{"nats.cert", "", ""},
		{"nats.key", "", ""},
		{"spool.max_bytes", int64(16 << 20), ""},
		{"spool.max_reports", 1000, ""},
		{"metrics_listen", "", "metrics-listen"},
		{"privacy.imei", "full", ""},
		{"fingerprints_dir", "/etc/rollcall/fingerprints.d", ""},
		{"log.level", "info", ""},
		{"log.format", "text", ""},
	}
}

func collectorOptions() []option {
	return []option{
		{"nats.urls", []string{"nats://127.0.0.1:4222"}, "nats-url"},
		{"nats.creds", "", ""},
		{"nats.nkey", "", ""},
		{"nats.ca", "", ""},
		{"nats.cert", "", ""},
		{"nats.key", "", ""},
		{"store", "sqlite:/var/lib/rollcall-collector/rollcall.db", "store"},
		{"state_dir", "/var/lib/rollcall-collector", "state-dir"},
		{"listen", "127.0.0.1:8080", "listen"},
		{"tls_cert", "", "tls-cert"},
		{"tls_key", "", "tls-key"},
		{"allow_open_listen", false, ""},
		{"trusted_proxies", []string{}, ""},
		{"public_url", "", ""},
		{"oidc.issuer", "", ""},
		{"oidc.name", "", ""},
		{"oidc.client_id", "", ""},
		{"oidc.client_secret_file", "", ""},
		{"oidc.scopes", []string{"profile", "email"}, ""},
		{"oidc.ca", "", ""},
		{"oidc.claim", "groups", ""},
		{"oidc.read", []string{}, ""},
		{"oidc.operate", []string{}, ""},
		{"oidc.admin", []string{}, ""},
		{"bundles.file", "", ""},
		{"bundles.bucket", "", ""},
		{"bundles.trust", []string{}, ""},
		{"bundles.allow_older", false, ""},
		{"webhooks", []any{}, ""},
		{"stream_replicas", 1, ""},
		{"stream_max_bytes", int64(0), ""},
		{"keys", "tofu", ""},
		{"keys_file", "", ""},
		{"fingerprints_dir", "/etc/rollcall/fingerprints.d", ""},
		{"policy_dir", "/etc/rollcall/policy.d", ""},
		{"silent_after", time.Hour, ""},
		{"keep.unchanged_days", 90, ""},
		{"keep.history_days", 730, ""},
		{"keep.history_bytes", int64(0), ""},
		{"log.level", "info", ""},
		{"log.format", "text", ""},
	}
}

// otherVariables are ROLLCALL_ variables that belong to no file: those of the tools, and the mark of
// a program that started itself again without a capability (serialport.DropSysAdmin).
func otherVariables() []string {
	return []string{"ROLLCALL_SERVER", "ROLLCALL_TOKEN", "ROLLCALL_STARTED_AGAIN"}
}
