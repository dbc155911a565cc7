package render_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shown are modules in all states that a technician meets.
func shown() []render.Item {
	modules := []inventory.Module{
		{
			State: inventory.StateIdentified, Confidence: 0.99, Data: "2026-11-20+0a1b2c3d",
			Identity: inventory.Identity{Maker: "quectel", MakerName: "Quectel", Model: "EC25-E", Variant: "E", Firmware: "EC25EFAR06A08M4G",
				IMEI: "867012040000009", Chipset: "Qualcomm MDM9x07", Technology: "LTE Cat 4"},
			Origin: inventory.Origin{Country: "CN", ParentCountry: "CN"},
			Evidence: []inventory.Evidence{
				{Claim: "maker", Value: "quectel", Source: "at:ATI", Quote: "Quectel", Rule: "quectel/name"},
				{Claim: "maker", Value: "quectel", Source: "usb:id", Quote: "2c7c:0125", Rule: "usb/2c7c"},
				{Claim: "model", Value: "EC25-E", Source: "at:ATI", Quote: "EC25EFAR06A08M4G", Rule: "quectel/firmware"},
				{Claim: "model", Value: "EC25", Source: "at:ATI", Quote: "EC25", Rule: "quectel/ec25"},
				{Claim: "firmware", Value: "EC25EFAR06A08M4G", Source: "at:ATI", Quote: "EC25EFAR06A08M4G", Rule: "ati/revision"},
				{Claim: "imei", Value: "867012040000009", Source: "at:AT+CGSN", Quote: "867012040000009", Rule: "imei"},
				{Claim: "imei", Value: "867012040000009", Source: "tac", Quote: "86701204", Rule: "tac/quectel"},
			},
			Ports:  []inventory.Port{{Path: "/dev/ttyUSB0", Role: inventory.RoleDiag}, {Path: "/dev/ttyUSB2", Role: inventory.RoleAT, State: inventory.StateIdentified}},
			Device: &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125", Path: "1-1.2"},
			Transcript: []inventory.Exchange{
				{Cmd: "ATI", Lines: []string{"Quectel", "EC25", "Revision: EC25EFAR06A08M4G"}, Final: "OK", Millis: 40},
				{Cmd: "AT+CGSN", Lines: []string{"867012040000009"}, Final: "OK", Millis: 40},
				{Cmd: "AT+QGMR", Note: "timeout"},
			},
		}, {
			State: inventory.StateHeld, Confidence: 0.8,
			Identity: inventory.Identity{Maker: "sierra-wireless", MakerName: "Sierra Wireless", Badge: "dell", Model: "EM7455",
				Firmware: "SWI9X30C_02.24.05.06", IMEI: "014582000000007", Chipset: "Qualcomm MDM9230", Technology: "LTE Cat 6"},
			Origin:   inventory.Origin{Country: "CA", ParentCountry: "US"},
			Evidence: []inventory.Evidence{{Claim: "maker", Value: "sierra-wireless", Source: "mm:manufacturer", Quote: "Sierra Wireless, Incorporated"}},
			Ports:    []inventory.Port{{Path: "/dev/ttyUSB5", Role: inventory.RoleAT, State: inventory.StateHeld, Holder: "ModemManager (pid 812)", Reason: "held by ModemManager (pid 812): stop it, or let it answer"}},
			Device:   &inventory.Device{Bus: "usb", VID: "413c", PID: "81b6", Path: "1-1.3"},
		}, {
			State: inventory.StatePartial, Possible: []string{"fibocom", "rolling"}, Confidence: 0.5,
			Identity: inventory.Identity{Model: "FM350-GL", Technology: "5G NR"},
			Evidence: []inventory.Evidence{{Claim: "model", Value: "FM350-GL", Source: "pci:id", Quote: "14c3:4d75"}},
			Device:   &inventory.Device{Bus: "pci", VID: "14c3", PID: "4d75", Path: "0000:01:00.0"},
			Reason:   "t7xx is loaded without its AT port: rollcall doctor",
		}, {
			State: inventory.StateIdentified, Confidence: 0.6,
			Identity:  inventory.Identity{Maker: "telit", MakerName: "Telit Cinterion", Model: "LE910C4-NF", Firmware: "EG25GGBR07A08M2G_01.002.01.002"},
			Origin:    inventory.Origin{Country: "US", ParentCountry: "GB"},
			Conflicts: []inventory.Conflict{{Claim: "maker", Values: []string{"telit", "quectel"}, Why: "it names Telit, but its firmware is named as Quectel's are"}},
		},
		{State: inventory.StateNotCellular, Seems: "a vehicle diagnostics adapter (ELM327)", Reason: "this is no cellular module; choose another port"},
		{State: inventory.StateUnanswered, Device: &inventory.Device{Bus: "usb", VID: "1e0e", PID: "9001", Path: "2-1", Manufacturer: "SimTech, Incorporated"},
			Ports:  []inventory.Port{{Path: "/dev/serial/by-id/usb-SimTech_Incorporated-if02-port0", Role: inventory.RoleAT, State: inventory.StateUnanswered, Reason: "no answer to AT within 3 s; check its power"}},
			Reason: "no answer to AT within 3 s; check its power"},
		{State: inventory.StateIdentified, Confidence: 0.9, Identity: inventory.Identity{Maker: "x", MakerName: "移遠通信技術株式会社グローバル", Model: "ＥＣ２５", Firmware: "ファームウェア一二三四五六七八九十ファームウェア一二三四五六七八九十"}},
		hostile(),
		{State: inventory.StateUnknown},
	}
	items := make([]render.Item, len(modules))
	for i, m := range modules {
		items[i] = render.Item{Number: i + 1, Of: len(modules), Module: m}
	}
	items[0].Findings = []render.Finding{{Severity: "high", Text: "named in the DoD Section 1260H list, edition 2026-06-08"},
		{Severity: "low", Text: "firmware older than the oldest accepted", Covered: true}}
	return items
}

// hostile says what a module should not be able to.
func hostile() inventory.Module {
	const evil = "\x1b[2J\x1b]52;c;cm0gLXJm\x07\x9b31m\u202egnp.exe\u200b\r\n\nlevel=ERROR msg=forged =HYPERLINK(\"x\")"
	return inventory.Module{
		ID: evil, State: inventory.StatePartial, Seems: evil, Reason: evil, Data: evil, Confidence: 0.9,
		Identity: inventory.Identity{Maker: evil, MakerName: evil, Badge: evil, Model: evil, Variant: evil, Firmware: evil, Hardware: evil,
			IMEI: evil, Chipset: evil, Technology: evil},
		Origin:     inventory.Origin{Country: evil, ParentCountry: "XX" + evil},
		Evidence:   []inventory.Evidence{{Claim: evil, Value: evil, Source: "at:" + evil, Quote: evil, Rule: evil}},
		Conflicts:  []inventory.Conflict{{Claim: evil, Values: []string{evil, evil}, Why: evil}},
		Possible:   []string{evil},
		Parts:      []inventory.Part{{Name: evil, Value: evil}},
		Ports:      []inventory.Port{{Path: evil, State: inventory.StateHeld, Holder: evil, Reason: evil}},
		Device:     &inventory.Device{Bus: evil, VID: evil, PID: evil, Path: evil, Driver: evil, Manufacturer: evil, Product: evil},
		Transcript: []inventory.Exchange{{Cmd: evil, Lines: []string{evil}, Final: evil, Note: evil}},
	}
}

// draw draws everything that can be drawn.
func draw(s render.Screen, items []render.Item) string {
	var b strings.Builder
	var sum render.Summary
	b.WriteString(s.Head("gw-0417", render.Count(len(items), "cellular device"), "data 2026-11-20"))
	b.WriteString(s.TableHead(items[0]))
	for _, it := range items {
		sum.Add(it)
		b.WriteString(s.Module(it) + "\n")
	}
	b.WriteString(s.Foot(sum, "rollcall explain N") + "\n")
	for _, it := range items {
		b.WriteString(s.Explain(it) + "\n")
	}
	return b.String()
}

func names(slug string) string {
	return map[string]string{"dell": "Dell", "fibocom": "Fibocom", "rolling": "Rolling", "telit": "Telit"}[slug]
}

func TestGolden(t *testing.T) {
	for _, width := range []int{40, 80, 120, 160} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			golden(t, fmt.Sprintf("modules-%d", width), draw(render.Screen{Width: width, Name: names}, shown()))
		})
	}
	golden(t, "modules-80-color", draw(render.Screen{Width: 80, Color: true, Name: names}, shown()[:3]))
}

func TestGoldenPorts(t *testing.T) {
	devices := []render.Found{
		{ID: "usb:1-1.2", Cellular: true, Device: inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125", Manufacturer: "Quectel", Product: "EC25-EF"},
			Reason: "its USB id is a cellular module's",
			Ports: []render.FoundPort{
				{Path: "/dev/ttyUSB2", Role: "at", Verdict: "ask", Reason: "interface 02 of 2c7c:0125 is its AT port"},
				{Path: "/dev/ttyUSB0", Role: "diag", Verdict: "skip", Reason: "interface 00 of 2c7c:0125 is its diagnostic port, which does not speak AT"},
				{Path: "wwan0", Role: "net", Verdict: "skip"},
			}},
		{ID: "usb:1-2", Device: inventory.Device{Bus: "usb", VID: "2341", PID: "0043", Product: "Uno\x1b[2J"}, State: inventory.StateUnknown,
			Reason: "a single serial port, as on microcontroller boards; name it to have it asked"},
	}
	for _, width := range []int{40, 80} {
		var b strings.Builder
		for _, d := range devices {
			b.WriteString(render.Screen{Width: width}.Device(d) + "\n")
		}
		golden(t, fmt.Sprintf("ports-%d", width), b.String())
	}
}

func TestGoldenUsed(t *testing.T) {
	used := []capture.Used{
		{Line: 1, Text: "root@OpenWrt:~# picocom /dev/ttyACM0", As: capture.UseNone, Why: "of the shell"},
		{Line: 2, Text: "picocom v3.1", As: capture.UseNone, Why: "of the terminal program"},
		{Line: 4, Text: "port is : /dev/ttyACM0", As: capture.UseNone, Why: "of the terminal program"},
		{Line: 14, Text: "AT+CGMR", As: capture.UseCommand, Of: "AT+CGMR"},
		{Line: 14, Text: "EC25EFAR06A08M4G\x1b[2J", As: capture.UseAnswer, Of: "AT+CGMR"},
		{Line: 15, Text: "OK", As: capture.UseFinal, Of: "AT+CGMR"},
	}
	for _, width := range []int{40, 80} {
		golden(t, fmt.Sprintf("used-%d", width), render.Screen{Width: width}.Used(used))
	}
}

// TestColorCarriesNothing: without its escape sequences, coloured output is the plain one.
func TestColorCarriesNothing(t *testing.T) {
	sgr := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for _, width := range []int{40, 80, 160} {
		want := draw(render.Screen{Width: width, Name: names}, shown())
		got := sgr.ReplaceAllString(draw(render.Screen{Width: width, Color: true, Name: names}, shown()), "")
		if diff := cmp.Diff(trimmed(want), trimmed(got)); diff != "" {
			t.Errorf("width %d: -plain +colour\n%s", width, diff)
		}
	}
}

func trimmed(s string) string {
	return regexp.MustCompile(`(?m) +$`).ReplaceAllString(s, "")
}

// checkScreen: nothing that a terminal acts upon, and no line wider than the screen.
func checkScreen(t *testing.T, text string, width int) {
	t.Helper()
	for i, line := range strings.Split(text, "\n") {
		if j := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) }); j >= 0 {
			t.Fatalf("line %d holds %q: %q", i+1, []rune(line[j:])[0], line)
		}
		if n := render.Columns(line); n > width {
			t.Fatalf("line %d has %d columns of %d: %q", i+1, n, width, line)
		}
	}
}

func TestNothingHostileAndNothingTooWide(t *testing.T) {
	for width := 24; width <= 200; width++ {
		checkScreen(t, draw(render.Screen{Width: width, Name: names}, shown()), width)
	}
}

func FuzzModule(f *testing.F) {
	f.Add("EC25\x1b[2J", "ＥＣ２５ 東京 e\u0301", "a b c", 40)
	f.Add(strings.Repeat("x", 500), "\u202e\u0085", strings.Repeat("字 ", 300), 81)
	f.Fuzz(func(t *testing.T, a, b, c string, width int) {
		width = 24 + (width%200+200)%200
		m := inventory.Module{ID: a, State: inventory.StatePartial, Seems: b, Reason: c, Confidence: 0.9, Data: a,
			Identity:   inventory.Identity{Maker: a, MakerName: b, Badge: c, Model: a, Firmware: b, IMEI: c, Chipset: a, Technology: b},
			Origin:     inventory.Origin{Country: a, ParentCountry: b},
			Evidence:   []inventory.Evidence{{Claim: "model", Value: a, Source: "at:ATI", Quote: b, Rule: c}, {Claim: c, Value: b, Source: a, Quote: c}},
			Conflicts:  []inventory.Conflict{{Claim: b, Values: []string{a, c}, Why: b}},
			Possible:   []string{a, b, c, a, b},
			Parts:      []inventory.Part{{Name: a, Value: b}},
			Ports:      []inventory.Port{{Path: a, State: inventory.StateUnanswered, Reason: c}},
			Device:     &inventory.Device{Bus: a, Path: b, Product: c},
			Transcript: []inventory.Exchange{{Cmd: "ATI", Lines: []string{a, b, c}, Final: c, Note: a}},
		}
		it := render.Item{Number: 1, Module: m, Findings: []render.Finding{{Text: a}}}
		s := render.Screen{Width: width}
		checkScreen(t, draw(s, []render.Item{it}), width)
		checkScreen(t, s.Device(render.Found{ID: a, Reason: b, Ports: []render.FoundPort{{Path: a, Role: b, Verdict: "ask", Reason: c}}}), width)
		checkScreen(t, s.Used([]capture.Used{{Line: 1, Text: a, As: capture.UseNone, Why: b}, {Line: 20000, Text: c, As: capture.UseAnswer}}), width)
		checkScreen(t, s.Message("rollcall", a), width)
	})
}

func TestProgressLeavesNothing(t *testing.T) {
	var out bytes.Buffer
	p := render.Screen{Width: 40}.NewProgress(&out)
	p.Set("/dev/ttyUSB2", "AT+CGMR\x1b[2J")
	p.Clear()
	p.Set("/dev/ttyUSB3", "too late")
	text := out.String()
	if !strings.Contains(text, `ttyUSB2    AT+CGMR\x1b[2J …`) {
		t.Errorf("progress is not shown: %q", text)
	}
	if strings.Contains(text, "\x1b[2J") {
		t.Errorf("foreign escapes are shown: %q", text)
	}
	if !strings.HasSuffix(text, "\x1b[1A\r\x1b[J") {
		t.Errorf("the last line is not taken away: %q", text)
	}
}

// TestProgressShowsTheLast: what comes too soon to be drawn at once is drawn later.
func TestProgressShowsTheLast(t *testing.T) {
	r, w := io.Pipe()
	p := render.Screen{Width: 40}.NewProgress(w)
	go func() {
		p.Set("/dev/ttyUSB2", "opening")
		p.Set("/dev/ttyUSB2", "ATI")
		p.Set("/dev/ttyUSB2", "AT+CGMR")
	}()
	var got []byte
	buf := make([]byte, 256)
	for !bytes.Contains(got, []byte("AT+CGMR")) {
		n, err := r.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
	if bytes.Contains(got, []byte("ATI")) {
		t.Errorf("drawn too often: %q", got)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	p.Clear()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCountry(t *testing.T) {
	for code, want := range map[string]string{"CN": "China", "US": "United States", "": "", "ZZ": "ZZ", "\x1b": `\x1b`} {
		if got := render.Country(code); got != want {
			t.Errorf("Country(%q) = %q, want %q", code, got, want)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
