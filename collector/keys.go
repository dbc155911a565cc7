package collector

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// keyring applies a KeyPolicy.
type keyring struct {
	policy KeyPolicy
	// told are claims, "gateway key", of a wrong key that an event told of already, and of how many
	// of each gateway. They are bounded, so that a flood of keys is no flood of events, and one
	// gateway does not use up what others are told of.
	mu   sync.Mutex
	told map[string]bool
	of   map[string]int
}

const (
	maxTold   = 1000
	toldOfOne = 10
)

func newKeyring(p KeyPolicy) *keyring {
	return &keyring{policy: p, told: map[string]bool{}, of: map[string]int{}}
}

// quiet says whether nobody is to be told of a claim: it was told, or there were too many. fresh are
// those that are about to be told.
func (k *keyring) quiet(claim string, fresh []string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	gateway := claimant(claim)
	n := k.of[gateway]
	for _, c := range fresh {
		if c == claim {
			return true
		}
		if claimant(c) == gateway {
			n++
		}
	}
	return k.told[claim] || n >= toldOfOne || len(k.told)+len(fresh) >= maxTold
}

// tell remembers claims that were told.
func (k *keyring) tell(claims []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range claims {
		if !k.told[c] {
			k.told[c] = true
			k.of[claimant(c)]++
		}
	}
}

// claimant is the gateway of a claim.
func claimant(claim string) string {
	gateway, _, _ := strings.Cut(claim, " ")
	return gateway
}

// loadKeys fetches at once what is recorded of keys that do not speak for their gateways already.
func (s *settler) loadKeys(ids []string, groups map[string][]*item) (err error) {
	var gateways, keys []string
	for _, id := range ids {
		g, asked := s.known[id], false
		for _, it := range groups[id] {
			if g != nil && g.Key == it.key {
				continue
			}
			if !asked {
				gateways, asked = append(gateways, id), true
			}
			if it.report != nil {
				keys = append(keys, it.key)
			}
		}
	}
	if s.recorded, err = s.tx.Keys(gateways); err != nil {
		return err
	}
	slices.Sort(keys)
	s.users, err = s.tx.KeyUsers(slices.Compact(keys))
	return err
}

// allow says whether the item's key speaks for its gateway; if not, its outcome says why.
func (s *settler) allow(it *item) bool {
	if g := s.known[it.gateway]; g != nil && g.Key == it.key {
		return true
	}
	recorded := s.recorded[it.gateway]
	usable := len(s.keys.policy.Known[it.gateway]) > 0
	for _, k := range recorded {
		switch {
		case k.Key == it.key && k.State == store.KeyRevoked:
			it.outcome = reject(RevokedKey, "key %s was revoked for gateway %q", it.key, it.gateway)
			return false
		case k.Key == it.key:
			return true
		}
		usable = usable || k.State != store.KeyRevoked
	}
	switch {
	case s.keys.known(it):
		return true
	case usable || s.keys.policy.KnownOnly || len(recorded) > 0:
		s.claim(it)
		return false
	case it.beat != nil:
		return true // asks for the report; that one pins the key
	}
	s.pin(it)
	return true
}

func (k *keyring) known(it *item) bool {
	return slices.ContainsFunc(k.policy.Known[it.gateway], func(key ed25519.PublicKey) bool { return inventory.EncodeKey(key) == it.key })
}

// claim rejects a key that does not speak for the gateway, and tells of it once.
func (s *settler) claim(it *item) {
	it.outcome = reject(UnknownKey, "key %s is not recorded for gateway %q: if the gateway got a new key, enrol it", it.key, it.gateway)
	name := it.gateway + " " + it.key
	if s.known[it.gateway] == nil || s.keys.quiet(name, s.claimed) {
		return
	}
	s.claimed = append(s.claimed, name)
	s.out.Events = append(s.out.Events, store.Event{Kind: store.KeyConflict, Gateway: it.gateway, At: it.received.UTC(),
		Text: fmt.Sprintf("key %.12s…, which is not recorded for it, signs as this gateway; its messages are not believed", it.key)})
}

// pin records the first key that speaks for a gateway. A key that speaks for others already
// is believed, and a person is told.
func (s *settler) pin(it *item) {
	users := s.users[it.key]
	k := store.Key{Gateway: it.gateway, Key: it.key, State: store.KeyPinned, First: it.received.UTC()}
	s.out.Keys = append(s.out.Keys, k)
	// What follows in this batch has to see it.
	s.recorded[k.Gateway], s.users[k.Key] = append(s.recorded[k.Gateway], k), append(users, k.Gateway)
	if len(users) > 0 {
		text := "The report key of this gateway also speaks for " + strings.Join(users[:min(len(users), 5)], ", ") +
			": a cloned image, or a gateway under a new name. Give each machine a key of its own."
		s.shared[it.gateway] = text
		s.out.Events = append(s.out.Events, store.Event{Kind: store.GatewayConflict, Gateway: it.gateway, At: it.received.UTC(), Text: text})
	}
}
