package lists_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/policy/lists"
)

// Words that say more than a list says. Addresses are left out: they are quoted as they are.
var loud = regexp.MustCompile(`(?i)\bbann?(ed|s|ing)?\b|spyware|black-?list|backdoor|malicious|sanctioned|hostile`)

func TestWordingIsNeutral(t *testing.T) {
	links := regexp.MustCompile(`https?://\S+`)
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) != 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if w := loud.Find(links.ReplaceAll(b, nil)); w != nil {
			t.Errorf("%s: %q", f, w)
		}
	}
	for _, l := range embedded(t).All() {
		for i := range l.Entries {
			s := lists.Hit{List: &l, Entry: &l.Entries[i], Edition: l.Edition}.Sentence()
			if loud.MatchString(s) || !strings.HasPrefix(s, "named in ") {
				t.Errorf("%s: %q", l.ID, s)
			}
		}
	}
}

func TestEveryListIsComplete(t *testing.T) {
	for _, l := range embedded(t).All() {
		if l.File != l.ID+".yaml" {
			t.Errorf("%s stands in %s", l.ID, l.File)
		}
		for _, e := range l.Entries {
			if !e.Confirmed && e.Via == "" && e.Note == "" {
				t.Errorf("%s: %s is not confirmed, and nothing says why it is there", l.ID, e.Name)
			}
			if e.Confirmed && !l.Confirmed {
				t.Errorf("%s: %s is confirmed on a list that is not", l.ID, e.Name)
			}
			if !l.AsOf.IsZero() && e.Since.After(l.AsOf.Time()) && l.Kind == lists.KindList {
				t.Errorf("%s: %s is named since %s, after the state of %s", l.ID, e.Name, e.Since, l.AsOf)
			}
		}
	}
}

func TestWarnings(t *testing.T) {
	s := embedded(t)
	loud := func(at time.Time, age time.Duration) map[string]bool {
		m := map[string]bool{}
		for _, w := range s.Warnings(at, age) {
			if w.Code != "list-old" {
				t.Errorf("code %q", w.Code)
			}
			if w.Severity == "warning" {
				id := strings.Split(w.Text, `"`)[1]
				m[id] = true
			}
		}
		return m
	}
	// On 2026-11-22 the two lists that matter most were read 94 and 100 days ago.
	if got := loud(now, 0); len(got) != 1 || !got["bis-entity-list"] {
		t.Errorf("on 2026-11-22: %v", got)
	}
	later := loud(now.AddDate(0, 0, 30), 0)
	if !later["dod-1260h"] || !later["fcc-covered-list"] {
		t.Errorf("30 days later: %v", later)
	}
	if got := loud(now, 95*24*time.Hour); !got["dod-1260h"] || got["fcc-covered-list"] {
		t.Errorf("at most 95 days: %v", got)
	}
	for _, w := range s.Warnings(now.AddDate(1, 0, 0), 0) {
		if strings.Contains(w.Text, "dod-1260h") && !strings.Contains(w.Text, "media.defense.gov") {
			t.Errorf("the warning does not say where to look: %s", w.Text)
		}
	}
}
