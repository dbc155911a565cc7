package inventory_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// wrap puts modules into an otherwise good report.
func wrap(modules string) string {
	return `{"schema":"rollcall.report/1","id":"00","gateway":{"id":"gw","labels":{}},"boot":1,"seq":1,"modules":[` + modules + `]}`
}

func times(s string, n int) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }

// bombs are small messages that would be large in memory, or that two readers would
// understand differently.
var bombs = map[string]string{
	"depth 10,000":         wrap(strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)),
	"depth, objects":       wrap(strings.Repeat(`{"a":`, 5_000) + "1" + strings.Repeat("}", 5_000)),
	"10^5 empty modules":   wrap(times("{}", 100_000)),
	"10^5 null modules":    wrap(times("null", 100_000)),
	"2·10^5 wrong modules": wrap(times("0", 200_000)),
	"10^5 empty evidences": wrap(`{"evidence":[` + times("{}", 150_000) + `]}`),
	"10^5 empty lines":     wrap(`{"banner":[` + times(`""`, 150_000) + `]}`),
	"10^4 labels":          strings.Replace(wrap(""), `"labels":{}`, `"labels":{`+manyKeys(10_000)+`}`, 1),
	"same key twice":       strings.Replace(wrap(""), `"boot":1`, `"boot":1,"boot":2`, 1),
	"same key in capitals": strings.Replace(wrap(""), `"boot":1`, `"boot":1,"BOOT":2`, 1),
	"same key escaped":     strings.Replace(wrap(""), `"boot":1`, `"boot":1,"b\u006fot":2`, 1),
	"Kelvin sign for a k":  wrap(`{"evidence":[],"\u212aind":1}`),
	"many wide objects":    wrap(times("{"+manyKeys(128)+"}", 400)),
	"same key in a module": wrap(`{"id":"a","id":"b"}`),
	"number of 1e999":      strings.Replace(wrap(""), `"boot":1`, `"boot":1e999`, 1),
	"confidence of 1e999":  wrap(`{"confidence":1e999}`),
	"negative sequence":    strings.Replace(wrap(""), `"seq":1`, `"seq":-1`, 1),
	"two documents":        wrap("") + wrap(""),
	"unfinished":           strings.TrimSuffix(wrap(""), "}"),
	"open string":          wrap(`"`),
	"larger than allowed":  wrap(`{"reason":"` + strings.Repeat("a", inventory.MaxReportBytes) + `"}`),
	"hostile gateway id":   strings.Replace(wrap(""), `"id":"gw"`, `"id":"gw.>"`, 1),
	"no gateway":           strings.Replace(wrap(""), `"id":"gw",`, "", 1),
	"other schema":         strings.Replace(wrap(""), "report/1", "report/2", 1),
	"no schema":            strings.Replace(wrap(""), `"schema":"rollcall.report/1",`, "", 1),
	"a heartbeat":          strings.Replace(wrap(""), "report/1", "heartbeat/1", 1),
	"nothing":              "", "null": "null", "a list": "[]", "a text": `"x"`,
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":"",`, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// TestE11: each bomb is refused, and costs at most 10 MB on the way.
func TestE11(t *testing.T) {
	for name, bomb := range bombs {
		t.Run(name, func(t *testing.T) {
			b := []byte(bomb)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := inventory.DecodeReport(b)
			runtime.ReadMemStats(&after)
			if err == nil || r != nil {
				t.Fatalf("decoded to %v, error %v", r, err)
			}
			if cost := after.TotalAlloc - before.TotalAlloc; cost > 10<<20 {
				t.Errorf("refused after allocating %d bytes", cost)
			}
			if len(err.Error()) > 4096 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestDecodeErrorsAreTyped(t *testing.T) {
	if _, err := inventory.DecodeReport([]byte(bombs["larger than allowed"])); !errors.Is(err, inventory.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, err := inventory.DecodeReport([]byte(bombs["other schema"])); !errors.Is(err, inventory.ErrSchema) {
		t.Errorf("other schema: %v", err)
	}
	if _, err := inventory.DecodeHeartbeat([]byte(wrap(""))); !errors.Is(err, inventory.ErrSchema) {
		t.Errorf("report as heartbeat: %v", err)
	}
	big := goldenReport()
	big.Modules[0].Reason = strings.Repeat("x", inventory.MaxReportBytes)
	if _, err := big.Encode(); !errors.Is(err, inventory.ErrTooLarge) {
		t.Errorf("encoding too much: %v", err)
	}
}

// TestNewerMinorVersion: fields that are not known yet are no reason to refuse.
func TestNewerMinorVersion(t *testing.T) {
	newer := strings.NewReplacer("report/1", "report/1.7", `"seq":1`, `"seq":1,"weather":{"rain":[1,2]}`).Replace(wrap(`{"id":"m","colour":"red"}`))
	r, err := inventory.DecodeReport([]byte(newer))
	if err != nil || len(r.Modules) != 1 || r.Modules[0].ID != "m" {
		t.Errorf("decoded to %v, error %v", r, err)
	}
}

// TestLabelsMayDifferInCase: labels are a person's words, where Site and site are two.
func TestLabelsMayDifferInCase(t *testing.T) {
	two := strings.Replace(wrap(""), `"labels":{}`, `"labels":{"Site":"a","site":"b"}`, 1)
	if _, err := inventory.DecodeReport([]byte(two)); err != nil {
		t.Error(err)
	}
	same := strings.Replace(wrap(""), `"labels":{}`, `"labels":{"site":"a","site":"b"}`, 1)
	if _, err := inventory.DecodeReport([]byte(same)); err == nil {
		t.Error("the same label twice was read")
	}
}

// FuzzDecodeReport: what is read encodes, and reads back as the same bytes; what is
// refused gives nothing.
func FuzzDecodeReport(f *testing.F) {
	for _, b := range bombs {
		if len(b) < 10_000 {
			f.Add([]byte(b))
		}
	}
	good, err := goldenReport().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := inventory.DecodeReport(b)
		if err != nil {
			if r != nil {
				t.Fatal("a value beside an error")
			}
			return
		}
		once, err := r.Encode()
		if errors.Is(err, inventory.ErrTooLarge) {
			return // escapes may make it longer than what was read
		}
		if err != nil {
			t.Fatalf("read, but cannot be encoded: %v", err)
		}
		again, err := inventory.DecodeReport(once)
		if err != nil {
			t.Fatalf("own bytes refused: %v\n%s", err, once)
		}
		twice, err := again.Encode()
		if err != nil || string(once) != string(twice) {
			t.Fatalf("bytes are not canonical: %v\n%s\n%s", err, once, twice)
		}
	})
}

// BenchmarkRefuse gives the time that the worst message costs.
func BenchmarkRefuse(b *testing.B) {
	for name, bomb := range bombs {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := inventory.DecodeReport([]byte(bomb)); err == nil {
					b.Fatal("decoded")
				}
			}
		})
	}
}

func BenchmarkDecodeReport(b *testing.B) {
	good, err := goldenReport().Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(good)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := inventory.DecodeReport(good); err != nil {
			b.Fatal(err)
		}
	}
}
