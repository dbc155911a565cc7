package store

import (
	"context"
	"errors"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Errors that callers branch on.
var (
	// ErrNotFound: there is no such gateway, module or report.
	ErrNotFound = errors.New("not found")
	// ErrCursor: the cursor was not made by this version for this question.
	ErrCursor = errors.New("cursor is not one of this list; start again without it")
	// ErrFull: the disk is full or not writable. Nothing was stored; it may succeed later.
	ErrFull = errors.New("the store cannot write: make room or make it writable")
)

// Store is everything that a collector needs of a database.
type Store interface {
	Writer
	Reader
	Keeper
	Access
	Close() error
}

// Writer stores what arrives.
type Writer interface {
	// Update runs fn in one transaction in which nobody else changes the named gateways,
	// and stores what fn put. fn gets what is known of them; a gateway that is not known is
	// not in the map. An error of fn, or of the store, leaves everything as it was. Where another
	// transaction is in the way, fn runs again, with what is known then.
	Update(ctx context.Context, gateways []string, fn func(tx Tx, known map[string]*Gateway) error) error
	// UpdateBriefly is Update for what heartbeats change: of the gateways fn gets no more than ID, Order,
	// Digest, Beat, Key, Seen and Silent, which is quicker, and it puts no whole rows of them.
	UpdateBriefly(ctx context.Context, gateways []string, fn func(tx Tx, known map[string]*Gateway) error) error
	// Writers is how many Updates of intake are best run at once.
	Writers() int
}

// Tx is one running Update.
type Tx interface {
	// Modules gives the modules of each gateway now, sorted by ID.
	Modules(gateways []string) (map[string][]Module, error)
	// Keys gives the keys recorded for each gateway, oldest first.
	Keys(gateways []string) (map[string][]Key, error)
	// KeyUsers gives the gateways for which each key is recorded, sorted, 100 at most.
	KeyUsers(keys []string) (map[string][]string, error)
	// Findings gives the open findings of each gateway, sorted by module and key.
	Findings(gateways []string) (map[string][]Finding, error)
	// Reports gives the stored reports of a gateway, oldest first.
	Reports(gateway string) ([]Report, error)
	// Evidence gives the signed bytes behind findings, or ErrNotFound.
	Evidence(gateway, digest string) (Evidence, error)
	// Events gives the events that reports of a gateway caused, in the order of the reports.
	Events(gateway string) ([]Event, error)
	// Put adds to what will be stored. It may be called once.
	Put(b *Batch) error
}

// Batch is what one Update changes.
type Batch struct {
	Gateways []Gateway // whole rows, new or in place of the known ones
	Beats    []Beat
	Modules  []Module // whole rows, new or in place of the known ones
	Gone     []ModuleKey
	Findings []Found // all findings of these gateways, in place of those that are stored
	Reports  []Report
	Evidence []Evidence // kept once per gateway and digest
	Events   []Event
	Drop     []int64 // numbers of events that turned out not to be
	Keys     []Key   // new, or with another state
	Rejected []Rejected
}

// Reader answers questions.
type Reader interface {
	Gateway(ctx context.Context, id string) (Gateway, error)
	Gateways(ctx context.Context, f GatewayFilter, p Page) (GatewayList, error)
	Module(ctx context.Context, k ModuleKey) (Module, error)
	Modules(ctx context.Context, f ModuleFilter, p Page) (ModuleList, error)
	// SameIMEI gives the modules that report an IMEI, at most limit.
	SameIMEI(ctx context.Context, imei string, limit int) ([]ModuleKey, error)
	// Cohorts gives all kinds of modules with their counts.
	Cohorts(ctx context.Context) ([]Cohort, error)
	// Findings gives the open findings, the newest first where the page does not say otherwise.
	Findings(ctx context.Context, f FindingFilter, p Page) (FindingList, error)
	// Whole gives gateways after the given id with all that they are judged by, in order of id.
	Whole(ctx context.Context, after string, limit int, evidence bool) ([]Whole, error)
	// FindingCounts gives all kinds of findings with their counts, the most severe first.
	FindingCounts(ctx context.Context) ([]FindingCount, error)
	Events(ctx context.Context, f EventFilter, p Page) (EventList, error)
	// Reports gives the reports of a gateway, newest first.
	Reports(ctx context.Context, gateway string, p Page) (ReportList, error)
	Evidence(ctx context.Context, gateway, digest string) (Evidence, error)
	Keys(ctx context.Context, gateway string) ([]Key, error)
	Rejected(ctx context.Context, p Page) (RejectedList, error)
	// Figures gives the counts now; FiguresOn those recorded for a day, or ErrNotFound.
	Figures(ctx context.Context) (Figures, error)
	FiguresOn(ctx context.Context, day time.Time) (Figures, error)
}

// Keeper does what is due from time to time.
type Keeper interface {
	// Identity tells this store from any other, also from an empty one at the same place.
	Identity(ctx context.Context) (string, error)
	// Quiet gives gateways that are not marked silent and were not heard of since before.
	Quiet(ctx context.Context, before time.Time, limit int) ([]string, error)
	// Stale gives gateways after the given id that were judged by other knowledge or another
	// policy, in order of id, as Whole does.
	Stale(ctx context.Context, j Judgement, after string, limit int, evidence bool) ([]Whole, error)
	// CountStale says how many there are.
	CountStale(ctx context.Context, j Judgement) (int, error)
	// Judged notes that gateways were judged and found to be as they are stored: those among
	// ids that still bear the judgement from.
	Judged(ctx context.Context, ids []string, from, to Judgement) error
	// EventsAfter gives events in the order in which they were stored.
	EventsAfter(ctx context.Context, no int64, limit int) ([]Event, error)
	// Mark and SetMark keep a number by name: how far something has come.
	Mark(ctx context.Context, name string) (int64, error)
	SetMark(ctx context.Context, name string, n int64) error
	// PutKey records a key for a gateway, also before its first report.
	PutKey(ctx context.Context, k Key) error
	// RecordFigures keeps the counts of now for a day.
	RecordFigures(ctx context.Context, day time.Time) error
	// Prune forgets what is past, a part of the gateways at a time, and says how many rows that
	// were.
	Prune(ctx context.Context, f Forget) (int64, error)
	// HistoryBytes says about how much is kept of what is past.
	HistoryBytes(ctx context.Context) (int64, error)
	// IndexSearch makes gateways that came or changed their words findable, at most limit, and
	// says how many; 0 is none left. Until then searches have them as they were.
	IndexSearch(ctx context.Context, limit int) (int, error)
	// SearchWaiting says how many wait for it.
	SearchWaiting(ctx context.Context) (int, error)
	// Doubles gives the modules that report one of the IMEIs, where several do or one is marked
	// so. Without IMEIs it looks for them in the whole fleet.
	Doubles(ctx context.Context, imeis []string) ([]Double, error)
	// Ping says whether the store answers.
	Ping(ctx context.Context) error
}

// Gateway is what is known of one gateway. All times but Clock are the stream's: when
// the broker took a message, which stays the same however often it is delivered.
type Gateway struct {
	inventory.Gateway
	// Order and Report are those of the newest report.
	inventory.Order
	Report string `json:"report"`
	// Digest names the findings of the newest report; Evidence is kept under it.
	Digest string           `json:"digest"`
	Reason inventory.Reason `json:"reason"`
	// Clock is the gateway's own at its last word. It orders nothing.
	Clock       time.Time `json:"clock"`
	ClockSynced bool      `json:"clock_synced"`
	Truncated   bool      `json:"truncated,omitempty"`
	// Beat is the order of the newest heartbeat.
	Beat inventory.Order `json:"-"`
	// Key is the report key that speaks for the gateway.
	Key     string              `json:"key"`
	First   time.Time           `json:"first_seen"`
	Changed time.Time           `json:"changed"`
	Seen    time.Time           `json:"last_seen"`
	Modules int                 `json:"modules"`
	Silent  bool                `json:"silent"`
	Health  []inventory.Warning `json:"health"`
	// Conflict says in one sentence why a person must look. Empty is well.
	Conflict string `json:"conflict,omitempty"`
	// Data is the version of the knowledge that its modules were judged with.
	Data string `json:"data"`
	// Policy is the version of the policy that found its findings, "@" and the day from which
	// on that holds. Found names them all; see [FoundNumber].
	Policy string `json:"policy"`
	Found  int64  `json:"-"`
	// Cleared is where in its order a person cleared its conflict.
	Cleared inventory.Order `json:"-"`
}

// Judgement is what a gateway was judged by: Data and Policy of [Gateway].
type Judgement struct{ Data, Policy string }

// Judgement gives that of g.
func (g *Gateway) Judgement() Judgement { return Judgement{g.Data, g.Policy} }

// Whole is a gateway with all that it is judged by.
type Whole struct {
	Gateway Gateway
	Modules []Module
	// Packed is the newest report, where it was asked for and is kept; see [Unpack].
	Packed []byte
}

// Forget says what Prune forgets. The newest report of a gateway and its evidence always stay.
type Forget struct {
	// Unchanged: reports from before that changed nothing.
	Unchanged time.Time
	// History: reports, evidence and events from before, but for the last report of each
	// gateway before that time. Zero: none.
	History time.Time
	// Rejected is how many rejected messages stay.
	Rejected int
}

// Double is a module whose IMEI is reported by others too, or was.
type Double struct {
	ModuleKey
	IMEI   string
	Marked bool // as Duplicate of [Module]
}

// Beat is what a heartbeat changes of a gateway.
type Beat struct {
	Gateway     string
	Order       inventory.Order
	Seen, Clock time.Time
	ClockSynced bool
	Health      []inventory.Warning
}

// ModuleKey names one place in one gateway.
type ModuleKey struct {
	Gateway string `json:"gateway"`
	ID      string `json:"id"`
}

// Module is one module now, as lists show it. Evidence and transcript stand in the report.
type Module struct {
	ModuleKey
	State      inventory.State    `json:"state"`
	Identity   inventory.Identity `json:"identity"`
	Origin     inventory.Origin   `json:"origin"`
	Confidence float64            `json:"confidence"`
	// Conflicted says that evidence of different sources disagrees.
	Conflicted bool `json:"conflicted"`
	// Possible lists the maker slugs that remain when the maker is open.
	Possible []string `json:"possible,omitempty"`
	Seems    string   `json:"seems,omitempty"`
	// Worst is the highest severity among its findings that no exception covers, or "".
	Worst string `json:"worst,omitempty"`
	// Duplicate says that another module of the fleet reports the same IMEI.
	Duplicate bool `json:"duplicate_imei,omitempty"`
	// Facts is what rules can read of it beyond this.
	Facts Facts `json:"-"`
	// Last is what was known before the module stopped telling as much. Nil: nothing more than now.
	Last    *Last     `json:"last_known,omitempty"`
	First   time.Time `json:"first_seen"`
	Changed time.Time `json:"changed"`
}

// Facts is what the verdict says of a module beyond its row, in so far as rules can read it.
type Facts struct {
	Reason    string               `json:"reason,omitempty"`
	Conflicts []inventory.Conflict `json:"conflicts,omitempty"`
	Parts     []inventory.Part     `json:"parts,omitempty"`
}

// Last is what was known of a module until a report that told less.
type Last struct {
	Identity inventory.Identity `json:"identity"`
	Origin   inventory.Origin   `json:"origin"`
	Until    time.Time          `json:"until"`
}

// Report is one received report: its place in the order and what it found.
type Report struct {
	Gateway string `json:"gateway"`
	ID      string `json:"id"`
	inventory.Order
	Received    time.Time        `json:"received"`
	Clock       time.Time        `json:"time"`
	ClockSynced bool             `json:"clock_synced"`
	Reason      inventory.Reason `json:"reason"`
	Digest      string           `json:"digest"`
	// Key is the report key that signed it.
	Key string `json:"key"`
}

// Before says whether r stands before q: by boot and sequence, and among two that claim
// the same place by id, so that every collector decides alike.
func (r Report) Before(q Report) bool {
	if r.Order != q.Order {
		return r.Order.Before(q.Order)
	}
	return r.ID < q.ID
}

// Evidence is a report as it was signed: the proof behind its findings.
type Evidence struct {
	Gateway string
	Digest  string
	Report  string
	Body    []byte // as received
	// Packed is Body packed, where somebody has done it already; else the store does.
	Packed    []byte
	Key       string
	Signature []byte
}

// KeyState says what a key may do.
type KeyState string

// The states of a key.
const (
	// KeyPinned: the first key that spoke for the gateway.
	KeyPinned KeyState = "pinned"
	// KeyEnrolled: recorded by a person.
	KeyEnrolled KeyState = "enrolled"
	// KeyRevoked: no longer believed.
	KeyRevoked KeyState = "revoked"
)

// Key is a report key recorded for a gateway.
type Key struct {
	Gateway string    `json:"gateway"`
	Key     string    `json:"key"`
	State   KeyState  `json:"state"`
	First   time.Time `json:"since"`
}

// Rejected is a message that was not believed.
type Rejected struct {
	No       int64     `json:"no"`
	Received time.Time `json:"received"`
	// Sequence is the message's in the stream; with Received it names one delivery for good.
	Sequence uint64 `json:"sequence"`
	Subject  string `json:"subject"`
	Gateway  string `json:"gateway"`
	Key      string `json:"key"`
	Reason   string `json:"reason"`
	Text     string `json:"text"`
	Size     int    `json:"size"`
	Body     []byte `json:"-"` // the first 64 KiB
}

// Cohort is a kind of module and how many there are.
type Cohort struct {
	Facets
	Modules int `json:"modules"`
}

// Figures are counts over the whole fleet.
type Figures struct {
	Gateways   int `json:"gateways"`
	Silent     int `json:"silent"`
	Conflicts  int `json:"gateway_conflicts"`
	Modules    int `json:"modules"`
	Identified int `json:"identified"`
	Conflicted int `json:"modules_conflicted"`
	Rejected   int `json:"rejected"`
}
