package knowledge

import (
	"errors"
	"os"
	"regexp/syntax"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func compiled(t testing.TB) *Pack {
	t.Helper()
	s, err := Read(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(nil, s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPackSurvivesItsBytes(t *testing.T) {
	p := compiled(t)
	data := p.Encode()
	got, err := Decode(string(data))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Errorf("(-compiled +decoded):\n%s", diff)
	}
	if again := compiled(t).Encode(); string(again) != string(data) {
		t.Error("the same files give different bytes")
	}
}

// A pack that is cut or changed anywhere, or of another version, is refused or read as another one; it never makes a panic.
func TestDamagedPackIsRefused(t *testing.T) {
	data := string(compiled(t).Encode())
	for _, n := range []int{0, 1, 8, 16, 20, headSize, 100, len(data) / 2, len(data) - 1} {
		if _, err := Decode(data[:n]); !errors.Is(err, ErrPack) {
			t.Errorf("cut at %d of %d: %v", n, len(data), err)
		}
	}
	if _, err := Decode(strings.Replace(data, magic, magic[:len(magic)-1]+"\x7f", 1)); !errors.Is(err, ErrPack) {
		t.Errorf("another version: %v", err)
	}
	if _, err := Decode(data + "x"); !errors.Is(err, ErrPack) {
		t.Errorf("something behind the end: %v", err)
	}
	for i := len(magic) + digestSize; i < len(data); i += 1 + i/8 {
		changed := []byte(data)
		changed[i] ^= 0xff
		if p, err := Decode(string(changed)); (p == nil) == (err == nil) || err != nil && !errors.Is(err, ErrPack) {
			t.Errorf("byte %d changed: pack %v, error %v", i, p != nil, err)
		}
	}
}

// A size that no pack has asks for no memory.
func TestSizeOfAPartIsBounded(t *testing.T) {
	data := []byte(magic + "00000000")
	data = append(data, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)
	if _, err := Decode(string(data)); !errors.Is(err, ErrPack) || !strings.Contains(err.Error(), "a part of 4294967295 bytes") {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	_, text, numbers, err := unseal(string(compiled(f).Encode()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text[:200], numbers[:2000])
	f.Add("a", "\x01\x01")
	f.Fuzz(func(t *testing.T, text, numbers string) {
		p, err := decode("00000000", text, numbers)
		if (p == nil) == (err == nil) {
			t.Fatalf("pack %v, error %v", p != nil, err)
		}
	})
}

func TestBeginnings(t *testing.T) {
	for _, tc := range []struct{ pattern, prefix, first, inside string }{
		{`^EC25`, "EC25", "E", "EC25"},
		{`^(?P<model>SIM[0-9]+)`, "SIM", "S", "SIM"},
		{`^[A-C]x`, "", "ABC", "x"},
		{`^(?:AB|CD)E`, "", "AC", "E"},
		{`^A?B`, "", "AB", "B"},
		{`^(?i)ab`, "", "Aa", ""},
		{`MODEL=(\w+)`, "", "", "MODEL="},
		{`^\s*x`, "", "\t\n\f\r x", "x"},
		{`^.x`, "", "", "x"},
	} {
		re, err := syntax.Parse(tc.pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		prefix, first := beginnings(re)
		if prefix != tc.prefix || first != tc.first || inside(re) != tc.inside {
			t.Errorf("%s: prefix %q, first %q, inside %q", tc.pattern, prefix, first, inside(re))
		}
	}
}

func TestKeysAndWords(t *testing.T) {
	for text, want := range map[string][2]string{
		"RG520N-NA":                    {"RG520NNA", "rg520n na"},
		"Ai_Thinker_Co._Ltd.":          {"AITHINKERCOLTD", "ai thinker co ltd"},
		"  u-blox  ":                   {"UBLOX", "u blox"},
		"Sierra Wireless, Inc.":        {"SIERRAWIRELESSINC", "sierra wireless inc"},
		"":                             {"", ""},
		"--":                           {"", ""},
		"龙尚":                           {"龙尚", "龙尚"},
		"SIMCOM_SIM7600E-H (a, \"b\")": {"SIMCOMSIM7600EHAB", "simcom sim7600e h a b"},
	} {
		if got := [2]string{Key(text), Words(text)}; got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// Mistakes in the files name file, line and reason.
func TestMistakesAreNamed(t *testing.T) {
	good := fstest.MapFS{}
	for _, name := range []string{"replies.yaml", "plan.yaml", "vocabulary.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		good[name] = &fstest.MapFile{Data: data}
	}
	head := "vid\tpid\tmakers\tbadge\tmodel\tkind\tsource\tas_of\tnote\n"
	good["ids/usb.tsv"] = &fstest.MapFile{Data: []byte(head)}
	good["ids/pci.tsv"] = &fstest.MapFile{Data: []byte("vendor\tdevice\tsubvendor\tsubdevice\tmakers\tbadge\tmodel\tsource\tas_of\tnote\n")}
	good["ids/tac.tsv"] = &fstest.MapFile{Data: []byte("tac\tmakers\tmodel\tsource\tas_of\tnote\n")}
	maker := "slug: acme\nname: Acme\nrole: maker\nas_of: 2026-11-22\nsource: s\n"
	for _, tc := range []struct{ file, data, want string }{
		{"makers/acme.yaml", maker, ""},
		{"makers/other.yaml", maker, "makers/other.yaml: the file must be named after what it holds: acme.yaml"},
		{"makers/acme.yaml", maker + "names: [\"...\"]\n", `makers/acme.yaml:6: name "..." holds no word`},
		{"makers/acme.yaml", maker + "country: Germany\n", "country codes are two capital letters"},
		{"makers/acme.yaml", strings.Replace(maker, "source: s\n", "", 1), "name, source and as_of must be given"},
		{"makers/acme.yaml", maker + "country: DE\nconfirmed: true\n", "is confirmed, but read does not say where"},
		{"makers/acme.yaml", maker + "country: DE\nconfirmed: true\nread: [{date: 2026, says: x, source: s}]\n", "read: what the source says, its address and a date"},
		{"makers/acme.yaml", maker + "confirmed: true\nread: [{date: 2026-01-01, says: x, source: s}]\n", "is confirmed, but has no country"},
		{"makers/acme.yaml", maker + "ask: [{cmd: AT+CGMM, for: colour}]\n", `ask: "colour" is no field`},
		{"makers/acme.yaml", maker + "families: [{name: A1}, {name: A-1}]\n", `family "A-1" stands twice`},
		{"makers/acme.yaml", maker + "rules: [{id: x, on: model, pattern: '^A', strength: fair}]\n", "rule acme/x has no example"},
		{"makers/acme.yaml", maker + "rules: [{id: x, on: colour, pattern: '^A', strength: fair}]\n", `rule acme/x: on "colour" is unknown`},
		{"makers/acme.yaml", maker + "rules: [{id: x, on: model, pattern: '^(A)', strength: fair, examples: [{text: A}]}]\n", "every group has a name"},
		{"others/plc.yaml", "kind: plc\nseems: x\nsource: s\nrules: [{id: x, on: line, pattern: '^A', strength: fair, set: {model: A}, examples: [{text: A}]}]\n", "has no fields to set"},
		{"ids/usb.tsv", head + "12d1\t1506\tnobody\t\t\tmodem\tsrc\t2026-11-22\t\n", `ids/usb.tsv:2: "nobody" is no known slug`},
		{"ids/usb.tsv", head + "# comment\n12d1\t15\t\t\t\tmodem\tsrc\t2026-11-22\t\n", "ids/usb.tsv:3: ids are four lower-case hex digits"},
		{"ids/usb.tsv", head + "12d1\t1506\t\t\t\tmodem\t\t2026-11-22\t\n", "ids/usb.tsv:2: has no source"},
		{"ids/usb.tsv", head + "12d1\t1506\t\t\t\tmodem\tsrc\tlately\t\n", `ids/usb.tsv:2: as_of "lately" is no day`},
		{"ids/usb.tsv", head + "12d1\t1506\t\t\t\ttoaster\tsrc\t2026-11-22\t\n", `kind "toaster" is unknown`},
		{"ids/usb.tsv", "vid\tpid\n", "ids/usb.tsv:1: the heading must be"},
		{"ids/usb.tsv", head + "12d1\t1\t2\t3\t4\t5\t6\t7\t8\t9\n", "ids/usb.tsv:2: has 10 columns, not 9"},
	} {
		folder := fstest.MapFS{}
		for name, f := range good {
			folder[name] = f
		}
		folder[tc.file] = &fstest.MapFile{Data: []byte(tc.data)}
		s, err := Read(folder)
		if err == nil {
			_, err = Compile(nil, s)
		}
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s %q:\n got %v\nwant %s", tc.file, tc.data, err, tc.want)
		}
	}
}
