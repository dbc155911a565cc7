package inventory

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fill gives every field of v a value of its own that is not its zero, so that none is left out
// of what is encoded.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Repeat("x", *n%7+1))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Uint8:
		v.SetUint(uint64(*n % 256))
	case reflect.Float64:
		v.SetFloat(float64(*n) / 1024)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"a": "b", "c": "d"}))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(*n), 500).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		panic("no value for a " + v.Kind().String())
	}
}

// Every field that is written is read without the general decoder: this fails when one is added
// to a type and forgotten in the reader.
func TestReaderKnowsAllFields(t *testing.T) {
	var r Report
	var h Heartbeat
	n := 0
	fill(reflect.ValueOf(&r).Elem(), &n)
	fill(reflect.ValueOf(&h).Elem(), &n)
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var got Report
	if !readCanonical(b, &got, (*reader).report) {
		t.Fatalf("the reader gives up on\n%s", b)
	}
	r.Schema = ReportSchema
	if d := cmp.Diff(r, got); d != "" {
		t.Error(d)
	}
	if b, err = h.Encode(); err != nil {
		t.Fatal(err)
	}
	var beat Heartbeat
	if !readCanonical(b, &beat, (*reader).heartbeat) {
		t.Fatalf("the reader gives up on\n%s", b)
	}
	h.Schema = HeartbeatSchema
	if d := cmp.Diff(h, beat); d != "" {
		t.Error(d)
	}
}

// canonicalCases are what Encode writes, and what looks like it.
func canonicalCases(t testing.TB) []string {
	t.Helper()
	var r Report
	var h Heartbeat
	n := 0
	fill(reflect.ValueOf(&r).Elem(), &n)
	fill(reflect.ValueOf(&h).Elem(), &n)
	full, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	beat, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	cases := []string{string(full), string(beat)}
	wrap := func(modules string) string {
		return `{"schema":"rollcall.report/1","gateway":{"id":"gw","labels":{"a":"b"}},"boot":1,"seq":1,"modules":[` + modules + `]}`
	}
	for _, m := range []string{"", "{}", "{},{}", "{},", ",{}", "{}{}", "[]", "null", `{"id":"a","id":"b"}`, `{"state":"x","id":"a"}`, `{"ID":"a"}`,
		`{"id":"\u0061\n\"\\"}`, `{"id":"\ud800"}`, "{\"id\":\"\xff\u2028ü\"}", "{\"id\":\"a\nb\"}", `{"id":"a}`, `{"id":"\x"}`, `{"id":"` + "\x7f" + `"}`,
		`{"confidence":0}`, `{"confidence":00}`, `{"confidence":01.5}`, `{"confidence":.5}`, `{"confidence":5.}`, `{"confidence":-1}`, `{"confidence":1e3}`, `{"confidence":1.2.3}`,
		`{"transcript":[{"ms":1,"raw":"AP8N"}]}`, `{"transcript":[{"ms":-1}]}`, `{"transcript":[{"ms":9223372036854775807}]}`, `{"transcript":[{"ms":9223372036854775808}]}`,
		`{"transcript":[{"raw":"AP8"}]}`, `{"transcript":[{"raw":""}]}`, `{"transcript":[{"raw":"A\nP8N"}]}`, `{"transcript":[{"lines":["a",1]}]}`, `{"transcript":[{"lines":["a",]}]}`,
		`{"device":{}}`, `{"device":null}`, `{"ports":[{"baud":1.0}]}`, `{"ports":[{"baud":0}]}`, ` {}`, `{"id":"a" }`} {
		cases = append(cases, wrap(m))
	}
	good := wrap("{}")
	for _, c := range [][2]string{{`"labels":{"a":"b"}`, `"labels":{"a":"b","a":"c"}`}, {`"labels":{"a":"b"}`, `"labels":{"\u0061":"b"}`}, {`"labels":{"a":"b"}`, `"labels":{"a":"b",}`},
		{`"boot":1`, `"boot":18446744073709551615`}, {`"boot":1`, `"boot":18446744073709551616`}, {`"boot":1`, `"boot":`}, {`"boot":1`, `"boot":1,"time":"2026-11-22T12:00:00.5+01:00"`},
		{`"boot":1,"seq":1`, `"boot":1,"seq":1,"time":"2026-11-22T24:00:00Z"`}, {`"seq":1`, `"seq":1,"time":"2026-11-22T12:00:00.5+01:00","clock_synced":true`},
		{`"seq":1`, `"seq":1,"clock_synced":trues`}, {`}]}`, `}]} `}, {`}]}`, `}]}x`}, {`}]}`, `}]`}, {`{"schema"`, `["schema"`}} {
		cases = append(cases, strings.Replace(good, c[0], c[1], 1))
	}
	return cases
}

// agree holds the reader against the general decoder.
func agree[T any](t *testing.T, b []byte, read func(*reader, *T)) (quick bool) {
	t.Helper()
	var got, want T
	if !readCanonical(b, &got, read) {
		return false
	}
	if err := checkShape(b); err != nil {
		t.Fatalf("read what is of a refused shape: %v\n%q", err, b)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatalf("read what is no good JSON: %v\n%q", err, b)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("read otherwise (-want +got):\n%s\n%q", d, b)
	}
	return true
}

// FuzzReader: whatever the reader does not give up on, it reads as the general decoder does.
func FuzzReader(f *testing.F) {
	for _, c := range canonicalCases(f) {
		f.Add([]byte(c))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		agree(t, b, (*reader).report)
		agree(t, b, (*reader).heartbeat)
	})
}

// The bounds of the general decoder are the reader's too.
func TestReaderKeepsBounds(t *testing.T) {
	many := func(s string, n int) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	var labels strings.Builder
	for i := range maxKeys + 1 {
		labels.WriteString(`"` + strings.Repeat("k", i+1) + `":"",`)
	}
	for name, c := range map[string]struct {
		body string
		ok   bool
	}{
		"as many modules as may be": {`{"modules":[` + many("{}", maxModules) + `]}`, true},
		"one module too many":       {`{"modules":[` + many("{}", maxModules+1) + `]}`, false},
		"one warning too many":      {`{"health":[` + many("{}", maxModules+1) + `]}`, false},
		"one label too many":        {`{"gateway":{"labels":{` + strings.TrimSuffix(labels.String(), ",") + `}}}`, false},
		"large":                     {`{"id":"` + strings.Repeat("x", maxValues) + `"}`, false},
	} {
		if got := agree(t, []byte(c.body), (*reader).report); got != c.ok {
			t.Errorf("%s: read %v", name, got)
		}
	}
}
