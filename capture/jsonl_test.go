package capture_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
)

func TestReadJSONLines(t *testing.T) {
	const text = "\ufeff" + `{"id": "a", "source": "x", "exchange": [{"cmd": "ATI", "lines": ["Quectel"], "final": "OK"}], "banner": ["RDY"], "usb": {"vid": "2C7C", "pid": "125", "manufacturer": null}, "pci": null, "expect": {"vendor": 1}}

{"id": "b", "exchange": [
{"id": "c", "transcript": [{"cmd": "ATI", "lines": [], "final": "ERROR"}], "device": {"bus": "pci", "vid": "14c3", "pid": "4d75"}}`
	var got []capture.Case
	var errs []string
	for c, err := range capture.ReadJSONLines(strings.NewReader(text)) {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		got = append(got, c)
	}
	want := []capture.Case{
		{ID: "a", Observation: fingerprint.Observation{
			Transcript: []inventory.Exchange{{Cmd: "ATI", Lines: []string{"Quectel"}, Final: "OK"}},
			Banner:     []string{"RDY"},
			USB:        &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125"},
		}},
		{ID: "c", Observation: fingerprint.Observation{
			Transcript: []inventory.Exchange{{Cmd: "ATI", Lines: []string{}, Final: "ERROR"}},
			PCI:        &inventory.Device{Bus: "pci", VID: "14c3", PID: "4d75"},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(errs) != 1 || !strings.Contains(errs[0], "line 3") {
		t.Errorf("errors %q, want one that names line 3", errs)
	}
}

// What a modem manager knows is read under the key of a module object, and as mmcli prints it.
func TestReadJSONLinesManaged(t *testing.T) {
	const text = `{"id": "a", "managed": {"by": "ModemManager", "manufacturer": "Telit", "model": "FN980m", "revision": "M0H.020001"}}
{"modem": {"generic": {"manufacturer": "Telit", "model": "FN980m", "revision": "M0H.020001", "plugin": "--"}}}
`
	want := inventory.Managed{By: "ModemManager", Manufacturer: "Telit", Model: "FN980m", Revision: "M0H.020001"}
	n := 0
	for c, err := range capture.ReadJSONLines(strings.NewReader(text)) {
		if err != nil || c.Managed == nil {
			t.Fatalf("case %d: managed %v, error %v", n, c.Managed, err)
		}
		if diff := cmp.Diff(want, *c.Managed); diff != "" {
			t.Errorf("case %d: -want +got\n%s", n, diff)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d cases, want 2", n)
	}
}

func TestReadJSONLinesTooLong(t *testing.T) {
	text := `{"id":"` + strings.Repeat("x", capture.MaxLine) + "\"}\n" + `{"id":"after"}` + "\n"
	var ids []string
	var errs []error
	for c, err := range capture.ReadJSONLines(strings.NewReader(text)) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ids = append(ids, c.ID)
	}
	if len(errs) != 1 || !errors.Is(errs[0], capture.ErrTooLarge) {
		t.Errorf("errors %v, want one ErrTooLarge", errs)
	}
	if diff := cmp.Diff([]string{"after"}, ids); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestReadTerminalTooLarge(t *testing.T) {
	_, _, err := capture.ReadTerminal(strings.NewReader(strings.Repeat("x", capture.MaxBytes+1)))
	if !errors.Is(err, capture.ErrTooLarge) {
		t.Errorf("error %v, want ErrTooLarge", err)
	}
}

func TestReadTerminalNothing(t *testing.T) {
	for _, text := range []string{"", "\n\n", "\x00\x01", "I would like to know which modem it is that I have."} {
		if _, _, err := capture.ReadTerminal(strings.NewReader(text)); !errors.Is(err, capture.ErrNothing) {
			t.Errorf("%q: error %v, want ErrNothing", text, err)
		}
	}
}

func TestSniff(t *testing.T) {
	for _, test := range []struct {
		text string
		want capture.Format
	}{
		{"", capture.Terminal},
		{"ATI\nQuectel\nOK\n", capture.Terminal},
		{`{"id":"a"}`, capture.JSONLines},
		{"\ufeff\n" + `{"id":"a"}` + "\n" + `{"id":"b","exchange":[{"c`, capture.JSONLines},
		{"{broken\n" + `{"id":"b"}`, capture.JSONLines},
		{`{"schema":"rollcall.report/1","id":"x"}`, capture.Report},
		{"{\n  \"schema\": \"rollcall.report/1\",\n  \"modules\": []\n}", capture.Report},
		{`{"id":"a","note":"rollcall.report/1"}`, capture.JSONLines},
	} {
		if got := capture.Sniff([]byte(test.text)); got != test.want {
			t.Errorf("Sniff(%q) = %v, want %v", test.text, got, test.want)
		}
	}
}

func TestReadReport(t *testing.T) {
	report := inventory.Report{Modules: []inventory.Module{{ID: "usb:1-1", Device: &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125"},
		Transcript: []inventory.Exchange{{Cmd: "ATI", Lines: []string{"Quectel"}, Final: "OK"}}}}}
	body, err := report.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if f := capture.Sniff(body); f != capture.Report {
		t.Errorf("Sniff = %v, want Report", f)
	}
	cases, err := capture.ReadReport(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	want := []capture.Case{{ID: "usb:1-1", Observation: fingerprint.Observation{
		Transcript: report.Modules[0].Transcript, USB: report.Modules[0].Device}}}
	if diff := cmp.Diff(want, cases); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
