package lists_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/policy/lists"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func embedded(t testing.TB) *lists.Set {
	t.Helper()
	s, err := lists.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func names(hits []lists.Hit) []string {
	var out []string
	for _, h := range hits {
		out = append(out, h.List.ID+" "+h.Entry.Since.String()+" "+h.Edition)
	}
	slices.Sort(out)
	return out
}

// The table was written from the published lists as read for 2026-11-22, not from the data
// files: a row that is wrong there is wrong here only if it was misread twice.
func TestWhoIsNamedWhere(t *testing.T) {
	s := embedded(t)
	for maker, want := range map[string][]string{
		"quectel": {"dod-1260h 2025-01-07 2026-06-08"},
		"huawei": {"bis-entity-list 2019-05-16 2020-12-18", "dod-1260h 2021-06-03 2026-06-08",
			"fcc-covered-list 2021-03-12 2026-07-28", "us-fy19-ndaa-889 2019-08-13 2018-08-13"},
		"zte":           {"fcc-covered-list 2021-03-12 2026-07-28", "us-fy19-ndaa-889 2019-08-13 2018-08-13"},
		"smic":          {"bis-entity-list 2020-12-18 2020-12-18", "dod-1260h 2021-06-03 2026-06-08", "us-fy23-ndaa-5949 2022-12-23 2022-12-23"},
		"cxmt":          {"dod-1260h 2026-06-08 2026-06-08", "us-fy23-ndaa-5949 2022-12-23 2022-12-23"},
		"ymtc":          {"dod-1260h 2026-06-08 2026-06-08", "us-fy23-ndaa-5949 2022-12-23 2022-12-23"},
		"dji":           {"bis-entity-list 2020-12-18 2020-12-18", "dod-1260h 2022-10-05 2026-06-08"},
		"china-telecom": {"dod-1260h 2021-06-03 2026-06-08"},
		"hikvision": {"dod-1260h 2021-06-03 2026-06-08", "fcc-covered-list 2021-03-12 2026-07-28",
			"us-fy19-ndaa-889 2019-08-13 2018-08-13"},
		"dahua": {"dod-1260h 2022-10-05 2026-06-08", "fcc-covered-list 2021-03-12 2026-07-28",
			"us-fy19-ndaa-889 2019-08-13 2018-08-13"},
		"hytera":   {"fcc-covered-list 2021-03-12 2026-07-28", "us-fy19-ndaa-889 2019-08-13 2018-08-13"},
		"tp-link":  {"dod-1260h 2026-06-08 2026-06-08"},
		"baicells": {"dod-1260h 2025-01-07 2026-06-08"},
	} {
		if diff := cmp.Diff(want, names(s.Naming(maker, now))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", maker, diff)
		}
	}
}

func TestWhoIsNamedNowhere(t *testing.T) {
	s := embedded(t)
	for _, maker := range []string{"", "fibocom", "simcom", "china-mobile-iot", "meig", "neoway", "gosuncn", "longsung",
		"lierda", "luat", "ai-thinker", "yuge", "mobiletek", "broadmobi", "td-tech", "tcl", "tozed", "netprisma",
		"rolling-wireless", "unisoc", "asr", "hisilicon", "eigencomm", "telit", "telit-cinterion", "cinterion",
		"sierra-wireless", "u-blox", "nordic", "sequans", "foxconn", "lenovo",
		"sunsea", "potevio", "datang", "xiaomi", "wingtech", "changhong", "haier", "hisense"} {
		if got := names(s.Naming(maker, now)); got != nil {
			t.Errorf("%s is named in %v", maker, got)
		}
	}
}

// A maker that is named in the 1260H list is not thereby named in another one.
func TestQuectelIsNotOnOtherLists(t *testing.T) {
	s := embedded(t)
	for _, id := range []string{"fcc-covered-list", "us-fy19-ndaa-889", "bis-entity-list", "ofac-ns-cmic", "us-fy23-ndaa-5949"} {
		if s.Named("quectel", id, now) {
			t.Errorf("quectel is named in %s", id)
		}
	}
	if !s.Named("quectel", "dod-1260h", now) || !s.Named("quectel", "", now) {
		t.Error("quectel is not named in dod-1260h")
	}
}

func TestHistory(t *testing.T) {
	s := embedded(t)
	day := func(d string) time.Time {
		v, err := time.Parse(time.DateOnly, d)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tt := range []struct {
		maker string
		at    time.Time
		want  []string
	}{
		{"quectel", day("2025-01-06"), nil},
		{"quectel", day("2025-01-07"), []string{"dod-1260h 2025-01-07 2025-01-07"}},
		// An edition that was posted and withdrawn never stood.
		{"quectel", day("2026-02-13"), []string{"dod-1260h 2025-01-07 2025-01-07"}},
		{"quectel", day("2026-06-08"), []string{"dod-1260h 2025-01-07 2026-06-08"}},
		{"ymtc", day("2026-01-01"), []string{"dod-1260h 2024-01-31 2025-01-07", "us-fy23-ndaa-5949 2022-12-23 2022-12-23"}},
		{"ymtc", day("2026-03-01"), []string{"us-fy23-ndaa-5949 2022-12-23 2022-12-23"}},
		// A clock that starts in 1970 clears nobody.
		{"quectel", time.Unix(0, 0), []string{"dod-1260h 2025-01-07 2026-06-08"}},
		{"quectel", time.Time{}, []string{"dod-1260h 2025-01-07 2026-06-08"}},
		{"ymtc", time.Time{}, []string{"dod-1260h 2026-06-08 2026-06-08", "us-fy23-ndaa-5949 2022-12-23 2022-12-23"}},
	} {
		if diff := cmp.Diff(tt.want, names(s.Naming(tt.maker, tt.at))); diff != "" {
			t.Errorf("%s at %v (-want +got):\n%s", tt.maker, tt.at, diff)
		}
	}
}

func TestHintsAreNoHits(t *testing.T) {
	s := embedded(t)
	for maker, want := range map[string]string{
		"china-mobile-iot": "dod-1260h", "td-tech": "fcc-covered-list", "hisilicon": "bis-entity-list", "huawei": "ofac-ns-cmic",
	} {
		hints := s.Hints(maker, now)
		if len(hints) == 0 || hints[0].List.ID != want {
			t.Errorf("%s: hints %v, want one in %s", maker, names(hints), want)
		}
		if s.Named(maker, want, now) {
			t.Errorf("%s counts as named in %s by a hint", maker, want)
		}
	}
}

func TestSentence(t *testing.T) {
	s := embedded(t)
	h := s.Naming("quectel", now)[0]
	if got, want := h.Sentence(), "named in the DoD Section 1260H list, edition 2026-06-08"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := h.Source(), "https://media.defense.gov/2026/Jun/08/"; len(got) < len(want) || got[:len(want)] != want {
		t.Errorf("source %q does not begin with %q", got, want)
	}
	old := s.Naming("quectel", time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC))[0]
	if got, want := old.Source(), "https://media.defense.gov/2025/Jan/07/"; len(got) < len(want) || got[:len(want)] != want {
		t.Errorf("source %q does not begin with %q", got, want)
	}
	if got := h.Since(); !got.Equal(time.Date(2025, 1, 7, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("since %v", got)
	}
}

// What somebody only asks about is never said to stand in an edition, and has no source.
func TestProposal(t *testing.T) {
	s, err := embedded(t).With(lists.Overlay{Name: "p.yaml", Data: []byte(`
extend: dod-1260h
entries: [{maker: fibocom, name: Fibocom Wireless Inc., since: 2026-11-01, confirmed: true, proposed: true}]`)})
	if err != nil {
		t.Fatal(err)
	}
	hits := s.Naming("fibocom", time.Time{})
	if len(hits) != 1 {
		t.Fatalf("%d hits", len(hits))
	}
	if got := hits[0].Sentence(); got != "named in a proposed edition of the DoD Section 1260H list" {
		t.Errorf("%q", got)
	}
	if got := hits[0].Source(); got != "" {
		t.Errorf("source %q does not have the name", got)
	}
}

func TestStates(t *testing.T) {
	s := embedded(t)
	want := map[string]string{
		"bis-entity-list": "in-force 2020-12-18 true", "bis-icts-vehicles": "in-force 2025-03-17 true",
		"dod-1260h": "in-force 2026-08-14 true", "eu-5g-toolbox": "not-confirmed 2020-01 false",
		"eu-csa2": "proposed 2026-02 true", "eu-ict-toolbox": "in-force 2026-02-13 true",
		"fcc-25-71": "in-force 2025-12-26 true", "fcc-covered-inverters-robots": "in-force 2026-08-20 true",
		"fcc-covered-list": "in-force 2026-08-20 true", "fcc-covered-routers": "in-force 2026-08-20 true",
		"fcc-fnprm-2025-21928": "proposed 2026-02-02 true", "in-trusted-source": "in-force 2026-03-27 true",
		"jp": "not-confirmed  false", "ofac-ns-cmic": "not-confirmed  false", "tw-prc-ict": "not-confirmed  false",
		"uk": "in-force 2026-11-22 true", "us-fy19-ndaa-889": "in-force 2018-08-13 true",
		"us-fy23-ndaa-5949": "in-force 2022-12-23 true", "us-fy24-ndaa-805": "in-force 2026-06-30 true",
		"us-fy25-fy26-ndaa": "not-confirmed 2026-11-22 false",
	}
	got := map[string]string{}
	for _, l := range s.All() {
		c := "false"
		if l.Confirmed {
			c = "true"
		}
		got[l.ID] = string(l.Status) + " " + l.AsOf.String() + " " + c
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestVersion(t *testing.T) {
	a, b := embedded(t).Version(), embedded(t).Version()
	if a != b {
		t.Errorf("two loads give %q and %q", a, b)
	}
	if a[:11] != "2026-11-22+" || len(a) != 19 {
		t.Errorf("version %q", a)
	}
	c, err := embedded(t).With(lists.Overlay{Name: "x", Data: []byte("extend: dod-1260h\nentries: [{maker: fibocom, name: F, since: 2026-12-01, confirmed: true}]")})
	if err != nil {
		t.Fatal(err)
	}
	if c.Version() == a {
		t.Error("another entry gives the same version")
	}
}
