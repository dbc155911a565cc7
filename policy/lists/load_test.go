package lists_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/policy/lists"
)

const own = `
id: own-approved-suppliers
name: Example Utility supplier review
phrase: the supplier review of Example Utility
kind: guidance
concern: procurement
edition: 2026-09
edition_date: 2026-09-01
as_of: 2026-11-01
source: https://intranet.example/review
effect: Needs a second look before it is bought.
status: in-force
confirmed: true
entries:
  - {maker: fibocom, name: Fibocom Wireless Inc., since: 2026-09-01, confirmed: true}
`

func TestOverlayAddsAList(t *testing.T) {
	s, err := lists.Load(lists.Overlay{Name: "own.yaml", Data: []byte(own)})
	if err != nil {
		t.Fatal(err)
	}
	hits := s.Naming("fibocom", now)
	if len(hits) != 1 || hits[0].Sentence() != "named in the supplier review of Example Utility, edition 2026-09" {
		t.Fatalf("%v", names(hits))
	}
	if hits[0].List.File != "own.yaml" || len(s.All()) != 21 {
		t.Errorf("file %q, %d lists", hits[0].List.File, len(s.All()))
	}
	if embedded(t).Named("fibocom", "", now) {
		t.Error("the overlay reached another set")
	}
}

func TestOverlayReplacesAndExtends(t *testing.T) {
	base := embedded(t)
	more, err := base.With(lists.Overlay{Name: "more.yaml", Data: []byte(
		"extend: dod-1260h\nentries:\n  - {maker: fibocom, name: Fibocom, since: 2026-11-01, confirmed: true}\n")})
	if err != nil {
		t.Fatal(err)
	}
	if !more.Named("fibocom", "dod-1260h", now) || !more.Named("quectel", "dod-1260h", now) {
		t.Error("an extension must add to the list and leave the rest")
	}
	if base.Named("fibocom", "", now) {
		t.Error("With changed its receiver")
	}
	newer, err := base.With(lists.Overlay{Name: "newer.yaml", Data: []byte(strings.Replace(own, "own-approved-suppliers", "dod-1260h", 1))})
	if err != nil {
		t.Fatal(err)
	}
	if newer.Named("quectel", "dod-1260h", now) || !newer.Named("fibocom", "dod-1260h", now) {
		t.Error("a list of the same id must replace the whole list")
	}
}

func TestFaultsAreNamedWithFileLineAndReason(t *testing.T) {
	deep := strings.Repeat("[", 20000)
	for name, tt := range map[string]struct{ doc, want string }{
		"not yaml":     {"id: [", "x.yaml: not YAML"},
		"no mapping":   {"- a", "x.yaml:1: want a mapping"},
		"unknown key":  {own + "colour: red\n", `x.yaml:16: unknown key "colour"`},
		"key twice":    {own + "id: other\n", `x.yaml:16: key "id" stands twice`},
		"date":         {strings.Replace(own, "as_of: 2026-11-01", "as_of: 1.11.2026", 1), `x.yaml:9: as_of: "1.11.2026" is not a date`},
		"kind":         {strings.Replace(own, "kind: guidance", "kind: rumour", 1), `x.yaml:5: kind: "rumour" is none of list, statute, rule, guidance`},
		"missing":      {"id: a\n", "x.yaml:1: name: missing"},
		"path in id":   {strings.Replace(own, "id: own-approved", "id: ../../own", 1), "may hold only a-z, 0-9 and -"},
		"markup in id": {strings.Replace(own, "maker: fibocom", "maker: <b>", 1), "may hold only a-z, 0-9 and -"},
		"script link":  {strings.Replace(own, "https://intranet.example/review", "javascript:alert(1)", 1), "is not a web address"},
		"no source":    {strings.Replace(own, "source: https://intranet.example/review\n", "", 1), "a confirmed list needs the address"},
		"no such list": {"extend: nothing\n", `x.yaml:1: extend: there is no list "nothing"`},
		"status":       {strings.Replace(own, "status: in-force", "status: not-confirmed", 1), "does not go with confirmed: true"},
		"alias":        {"id: &a b\nname: *a\n", "anchors and aliases are not read here"},
		"bomb":         {deep, "x.yaml"},
		"too large":    {"# " + strings.Repeat("x", 2<<20), "is larger than"},
		"twice":        {own + "---" + own, `list "own-approved-suppliers" stands twice`},
		"until":        {strings.Replace(own, "since: 2026-09-01", "since: 2026-09-01, until: 2026-08-01", 1), "until: 2026-08-01 is not after since"},
		"no edition":   {strings.Replace(own, "edition_date: 2026-09-01\n", "", 1), "needs the day of its edition"},
		"future row":   {own + "editions: [{date: 2026-10-01}]\n", "one is newer than edition_date"},
		"disorder":     {own + "editions: [{date: 2026-02-01}, {date: 2026-01-01}]\n", "want the oldest first"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := lists.Load(lists.Overlay{Name: "x.yaml", Data: []byte(tt.doc)})
			if s != nil || err == nil {
				t.Fatalf("loaded: %v, %v", s != nil, err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestAllFaultsOfAFileAreShownAtOnce(t *testing.T) {
	_, err := lists.Load(lists.Overlay{Name: "x.yaml", Data: []byte("id: A\nkind: k\nstatus: s\nas_of: never\ncolour: red\n")})
	for _, want := range []string{"x.yaml:1: id", "x.yaml:2: kind", "x.yaml:3: status", "x.yaml:4: as_of", `x.yaml:5: unknown key "colour"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

// FuzzLoad: whatever the bytes, a load is whole or nothing, and what it gives can be asked.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(own))
	f.Add([]byte("extend: dod-1260h\nentries: []"))
	f.Add([]byte("a: &x [*x]"))
	f.Add([]byte("id: ../../x\n---\n- 1"))
	base := embedded(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := base.With(lists.Overlay{Name: "f", Data: b})
		if (s == nil) == (err == nil) {
			t.Fatalf("set %v, error %v", s != nil, err)
		}
		if s == nil {
			return
		}
		if !bytes.Contains(b, []byte("dod-1260h")) && !s.Named("quectel", "dod-1260h", now) {
			t.Error("an overlay that does not name the list changed it")
		}
		for _, l := range s.All() {
			for _, e := range l.Entries {
				for _, h := range s.Naming(e.Maker, now) {
					if !h.Entry.Confirmed || !h.List.Confirmed {
						t.Errorf("%q is a hit unconfirmed", h.Entry.Name)
					}
				}
			}
		}
	})
}

func BenchmarkNaming(b *testing.B) {
	s := embedded(b)
	b.ReportAllocs()
	for b.Loop() {
		s.Naming("huawei", now)
	}
}

func BenchmarkEmbedded(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		embedded(b)
	}
}
