// Command pagetimes asks a running collector for its pages and API over HTTP, and prints how
// long each took: the half, 99 of 100, and the longest.
//
// It draws gateways, models and places in lists at random, so that answers come from all over
// the store. It never changes anything.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	server := flag.String("server", "http://127.0.0.1:8080", "the collector")
	n := flag.Int("n", 100, "how often each page is asked for")
	flag.Parse()
	p := prober{server: strings.TrimSuffix(*server, "/"), client: &http.Client{Timeout: time.Minute}, draw: rand.New(rand.NewPCG(1, 2))}
	if err := p.run(os.Stdout, *n); err != nil {
		fmt.Fprintln(os.Stderr, "pagetimes:", err)
		os.Exit(1)
	}
}

type prober struct {
	server  string
	client  *http.Client
	draw    *rand.Rand
	modules []module // drawn from the whole list
}

type module struct {
	Gateway  string `json:"gateway"`
	ID       string `json:"id"`
	Identity struct{ Maker, Model, Firmware, IMEI string }
}

// run prints one line for each kind of page. The slowest kind comes last.
func (p *prober) run(w io.Writer, n int) error {
	if err := p.sample(); err != nil {
		return err
	}
	type line struct {
		name string
		took []time.Duration
	}
	var lines []line
	for _, k := range p.kinds() {
		l := line{name: k.name}
		for range n {
			took, err := p.get(k.path())
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			l.took = append(l.took, took)
		}
		slices.Sort(l.took)
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b line) int { return int(a.took[n*99/100] - b.took[n*99/100]) })
	for _, l := range lines {
		if _, err := fmt.Fprintf(w, "%-34s 50 %% %8.1f ms   99 %% %8.1f ms   longest %8.1f ms\n", l.name, ms(l.took[n/2]), ms(l.took[n*99/100]), ms(l.took[n-1])); err != nil {
			return err
		}
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// get asks for a page and reads all of it.
func (p *prober) get(path string) (time.Duration, error) {
	start := time.Now()
	r, err := p.client.Get(p.server + path)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		return 0, err
	}
	if r.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s answers %s", path, r.Status)
	}
	return time.Since(start), nil
}

// sample takes modules from several places of the list.
func (p *prober) sample() error {
	cursor := ""
	for range 20 {
		r, err := p.client.Get(p.server + "/api/v1/modules?limit=100&cursor=" + url.QueryEscape(cursor))
		if err != nil {
			return err
		}
		var page struct {
			Items []module `json:"items"`
			Next  string   `json:"next"`
		}
		err = json.NewDecoder(r.Body).Decode(&page)
		if err := errors.Join(err, r.Body.Close()); err != nil {
			return err
		}
		p.modules = append(p.modules, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(p.modules) == 0 {
		return errors.New("the collector has no modules yet")
	}
	return nil
}

// kind is a kind of page with a way to draw one.
type kind struct {
	name string
	path func() string
}

func (p *prober) kinds() []kind {
	some := func() module { return p.modules[p.draw.IntN(len(p.modules))] }
	q := url.QueryEscape
	fixed := func(path string) func() string { return func() string { return path } }
	digits := func() string { return fmt.Sprintf("%04d", p.draw.IntN(10_000)) }
	return []kind{
		{"/", fixed("/")},
		{"/modules", fixed("/modules")},
		{"/gateways", fixed("/gateways")},
		{"/changes", fixed("/changes")},
		{"/gateways/ID", func() string { return "/gateways/" + q(some().Gateway) }},
		{"/api/v1/summary", fixed("/api/v1/summary")},
		{"/api/v1/modules", fixed("/api/v1/modules")},
		{"/api/v1/modules?maker", func() string { return "/api/v1/modules?maker=" + q(some().Identity.Maker) }},
		{"/api/v1/modules?model&firmware", func() string {
			m := some().Identity
			return "/api/v1/modules?model=" + q(m.Model) + "&firmware=" + q(m.Firmware)
		}},
		{"/api/v1/modules?severity", fixed("/api/v1/modules?severity=high")},
		{"/api/v1/modules?q=digits", func() string { return "/api/v1/modules?q=" + digits() }},
		{"/api/v1/modules?q=model", func() string { return "/api/v1/modules?q=" + q(some().Identity.Model) }},
		{"/api/v1/modules?q=IMEI", func() string { return "/api/v1/modules?q=" + q(some().Identity.IMEI) }},
		{"/api/v1/modules?q=nothing", func() string { return "/api/v1/modules?q=zz" + digits() }},
		{"/api/v1/modules/GATEWAY/ID", func() string { m := some(); return "/api/v1/modules/" + q(m.Gateway) + "/" + url.PathEscape(m.ID) }},
		{"/api/v1/gateways", fixed("/api/v1/gateways")},
		{"/api/v1/gateways?state", fixed("/api/v1/gateways?state=silent")},
		{"/api/v1/gateways?q=digits", func() string { return "/api/v1/gateways?q=" + digits() }},
		{"/api/v1/gateways/ID", func() string { return "/api/v1/gateways/" + q(some().Gateway) }},
		{"/api/v1/gateways/ID/reports", func() string { return "/api/v1/gateways/" + q(some().Gateway) + "/reports" }},
		{"/api/v1/events", fixed("/api/v1/events")},
		{"/api/v1/events?gateway", func() string { return "/api/v1/events?gateway=" + q(some().Gateway) }},
		{"/api/v1/findings", fixed("/api/v1/findings")},
		{"/api/v1/findings?severity", fixed("/api/v1/findings?severity=high")},
		{"/api/v1/findings/counts", fixed("/api/v1/findings/counts")},
		{"/api/v1/lists", fixed("/api/v1/lists")},
		{"/api/v1/rejected", fixed("/api/v1/rejected")},
		{"/readyz", fixed("/readyz")},
	}
}
