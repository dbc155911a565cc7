package policy

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// maxCached bounds what a Cache remembers: labels and reasons may be as many as modules.
const maxCached = 20_000

// Cache judges modules of a fleet, those that are alike only once. It may be used from many
// goroutines at once.
//
// It finds what [Policy.Evaluate] finds at the time of [Policy.Since], in another order. What
// depends on the very minute ("now") or on one module alone is judged each time.
type Cache struct {
	p      *Policy
	shared []*rule
	// rare are rules of which whole modules and gateways alike find nothing alike: what they
	// ask is shared, what they say is not. single are all others.
	rare   []*rule
	single []*rule
	labels bool // a rule that is not single reads them
	mu     sync.RWMutex
	since  time.Time
	found  map[string][]Finding
	quiet  map[string]bool // nothing is found by rare
}

// NewCache makes an empty one.
func (p *Policy) NewCache() *Cache {
	c := &Cache{p: p, found: map[string][]Finding{}, quiet: map[string]bool{}}
	for _, r := range p.module {
		switch {
		case r.reads.shared():
			c.shared = append(c.shared, r)
		case r.asks.alike():
			c.rare = append(c.rare, r)
		default:
			c.single = append(c.single, r)
			continue
		}
		c.labels = c.labels || r.reads["gateway.labels"]
	}
	return c
}

// Evaluate judges one module of one gateway at that time. The caller must not change what it gives.
func (c *Cache) Evaluate(m *inventory.Module, g *Gateway, now time.Time) []Finding {
	since := c.p.Since(now)
	key := c.key(m, g)
	ask := key + rareKey(m, g)
	c.mu.RLock()
	found, ok := c.found[key]
	ok = ok && c.since.Equal(since)
	quiet := ok && c.quiet[ask]
	c.mu.RUnlock()
	if !ok {
		found = c.p.judge(nil, c.shared, m, g, now)
		c.mu.Lock()
		if !c.since.Equal(since) || len(c.found) >= maxCached {
			c.since, c.found = since, map[string][]Finding{}
			clear(c.quiet)
		}
		c.found[key] = found
		c.mu.Unlock()
	}
	if len(c.rare) > 0 && !quiet {
		n := len(found)
		if found = c.p.judge(found[:n:n], c.rare, m, g, now); len(found) == n {
			c.hush(ask, since)
		}
	}
	if len(c.single) == 0 {
		return found
	}
	return c.p.judge(found[:len(found):len(found)], c.single, m, g, now)
}

// hush remembers that rare rules find nothing.
func (c *Cache) hush(ask string, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.quiet) >= maxCached {
		clear(c.quiet)
	}
	if c.since.Equal(since) {
		c.quiet[ask] = true
	}
}

// rareKey is what rare rules ask beyond that.
func rareKey(m *inventory.Module, g *Gateway) string {
	if g == nil {
		return "\x00" + m.ID
	}
	return "\x00" + m.ID + "\x00" + g.Conflict + "\x00" + strconv.FormatBool(g.Silent) + "\x00" + strings.Join(g.Duplicates, "\x00")
}

// key is all that shared rules can look at.
func (c *Cache) key(m *inventory.Module, g *Gateway) string {
	var b strings.Builder
	b.Grow(256)
	add := func(texts ...string) {
		for _, s := range texts {
			b.WriteString(strconv.Itoa(len(s)))
			b.WriteByte(' ')
			b.WriteString(s)
		}
		b.WriteByte('/')
	}
	i := &m.Identity
	add(string(m.State), i.Maker, i.MakerName, i.Badge, i.Model, i.Variant, i.Firmware, i.Hardware, i.Chipset, i.Technology,
		m.Origin.Country, m.Origin.ParentCountry, strconv.FormatBool(m.Origin.Unconfirmed), m.Seems, m.Reason)
	add(m.Possible...)
	for _, x := range m.Conflicts {
		add(x.Claim, x.Why)
		add(x.Values...)
	}
	if c.labels && g != nil {
		for _, k := range sortedKeys(g.Labels) {
			add(k, g.Labels[k])
		}
	}
	return b.String()
}
