package fleet

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate"
)

// Settings of a fleet. Gateways and Base are needed.
type Settings struct {
	// Gateways is how many there are.
	Gateways int
	// Seed decides all about them.
	Seed uint64
	// Boot is the boot number of their agents. A later run needs a higher one, or the
	// collector takes its reports for repetitions. 0 is the present Unix time.
	Boot uint64
	// Change is the share of later reports that tell of a change in the field, 0 to 1. Of
	// these one in four is a swapped module, the others a new firmware.
	Change float64
	// Heartbeats makes gateways send heartbeats once they have reported. A change is still
	// told by a report.
	Heartbeats bool
	// Base gives the verdicts that agents send along.
	Base *fingerprint.Base
	// Cases are what the modules answer. Nil: the embedded ones.
	Cases []capture.Case
	// Now is the agents' clock. Nil: the machine's.
	Now func() time.Time
}

// Fleet makes the messages of its gateways. It is not safe for concurrent use by itself;
// [Fleet.Run] is.
type Fleet struct {
	s        Settings
	kinds    []kind
	gateways []gateway
}

// gateway is what has to be remembered of one.
type gateway struct {
	key    ed25519.PrivateKey // nil until it is needed
	seq    uint64
	module uint32 // which kind of module
	serial uint32 // of the module: its IMEI
	fw     uint16 // how often its firmware was changed
	digest [sha256.Size]byte
}

// New makes a fleet.
func New(s Settings) (*Fleet, error) {
	if s.Gateways <= 0 || s.Gateways > 10_000_000 || s.Base == nil {
		return nil, errors.New("cannot make a fleet: it takes 1 to 10000000 gateways, and fingerprints")
	}
	if s.Change < 0 || s.Change > 1 {
		return nil, fmt.Errorf("cannot make a fleet: the share of changes is 0 to 1, not %v", s.Change)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Boot == 0 {
		s.Boot = uint64(s.Now().Unix())
	}
	if s.Cases == nil {
		var err error
		if s.Cases, err = simulate.Cases(); err != nil {
			return nil, err
		}
	}
	f := &Fleet{s: s, gateways: make([]gateway, s.Gateways)}
	if err := f.makeKinds(); err != nil {
		return nil, err
	}
	return f, nil
}

// Boot is the boot number of this run.
func (f *Fleet) Boot() uint64 { return f.s.Boot }

// ID names the i-th gateway.
func ID(i int) string { return fmt.Sprintf("load-%07d", i) }

// random gives numbers that follow from the seed, the gateway and what they are for.
func (f *Fleet) random(i int, what string) *rand.Rand {
	sum := f.hash(i, what)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])))
}

func (f *Fleet) hash(i int, what string) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "rollcall simulated fleet %d %d %s", f.s.Seed, i, what))
}

// key is the report key of the i-th gateway, the same in each run of the seed.
func (f *Fleet) key(i int) ed25519.PrivateKey {
	g := &f.gateways[i]
	if g.key == nil {
		seed := f.hash(i, "report key")
		g.key = ed25519.NewKeyFromSeed(seed[:])
	}
	return g.key
}

// place is where a gateway stands and what it is.
func (f *Fleet) place(i int) inventory.Gateway {
	r := f.random(i, "place")
	site := fmt.Sprintf("%s-%d", sites[r.IntN(len(sites))], 1+r.IntN(99))
	return inventory.Gateway{
		ID: ID(i), Hostname: ID(i), OS: "linux", Arch: archs[r.IntN(len(archs))], Agent: "rollcall-simulate",
		Labels: map[string]string{"simulated": "true", "site": site, "region": regions[r.IntN(len(regions))]},
	}
}

// Words that a fleet is told apart by.
var (
	sites   = [...]string{"substation", "pump-station", "crane", "depot", "meter", "charger", "kiosk"}
	regions = [...]string{"north", "east", "south", "west"}
	archs   = [...]string{"arm64", "arm", "amd64", "mipsle"}
)

// Next makes the next message of the i-th gateway: first a report, then what the settings say.
func (f *Fleet) Next(i int) (*inventory.Envelope, error) {
	g := &f.gateways[i]
	g.seq++
	if g.seq == 1 {
		g.module, g.serial = uint32(f.random(i, "module").IntN(len(f.kinds))), uint32(i)+1
		return f.report(i, inventory.ReasonStart)
	}
	r := f.random(i, fmt.Sprintf("change %d.%d", f.s.Boot, g.seq))
	if r.Float64() < f.s.Change {
		f.change(g, r)
		return f.report(i, inventory.ReasonChange)
	}
	if f.s.Heartbeats {
		return f.heartbeat(i)
	}
	return f.report(i, inventory.ReasonInterval)
}

// change swaps the module for another one, or gives it another firmware.
func (f *Fleet) change(g *gateway, r *rand.Rand) {
	if r.IntN(4) > 0 && len(f.kinds[g.module].firmwares) > 1 {
		g.fw++
		return
	}
	g.module = (g.module + 1 + uint32(r.IntN(max(1, len(f.kinds)-1)))) % uint32(len(f.kinds))
	g.serial = g.serial%serials + uint32(r.IntN(serials)) + 1
	g.fw = 0
}

// serials is how many IMEIs one type allocation code has.
const serials = 1_000_000

func (f *Fleet) heartbeat(i int) (*inventory.Envelope, error) {
	g := &f.gateways[i]
	return inventory.SealHeartbeat(&inventory.Heartbeat{
		ID: f.id(i), Gateway: ID(i), Order: f.order(g), Time: f.s.Now().UTC(), ClockSynced: true, Digest: hex.EncodeToString(g.digest[:]),
	}, f.key(i))
}

func (f *Fleet) order(g *gateway) inventory.Order {
	return inventory.Order{Boot: f.s.Boot, Seq: g.seq}
}

// id is that of the next message: random to all who don't know the seed.
func (f *Fleet) id(i int) string {
	sum := f.hash(i, fmt.Sprintf("message %d.%d", f.s.Boot, f.gateways[i].seq))
	return hex.EncodeToString(sum[:16])
}
