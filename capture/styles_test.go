package capture_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate"
)

// A style writes a dialogue as some program logs it.
type style func(t []inventory.Exchange) string

// wire is what a module sends for an exchange, as V.250 frames it.
func wire(e inventory.Exchange, echo bool) string {
	var b strings.Builder
	if echo {
		b.WriteString(e.Cmd + "\r\r\n")
	} else {
		b.WriteString("\r\n")
	}
	for _, l := range e.Lines {
		b.WriteString(l + "\r\n")
	}
	if len(e.Lines) > 0 {
		b.WriteString("\r\n")
	}
	return b.String() + e.Final + "\r\n"
}

// fill puts a time for {t} and text for {}.
func fill(format string, i int, text string) string {
	return strings.NewReplacer("{t}", fmt.Sprintf("%02d", i%60), "{}", text).Replace(format)
}

// eachLine writes every exchange line by line.
func eachLine(cmd, line string) style {
	return func(t []inventory.Exchange) string {
		var b strings.Builder
		for i, e := range t {
			b.WriteString(fill(cmd, i, e.Cmd))
			for _, l := range append(slices.Clone(e.Lines), e.Final) {
				b.WriteString(fill(line, i, l))
			}
		}
		return b.String()
	}
}

// pieces writes what is on the wire in pieces of so many bytes.
func pieces(size int, cmd, piece string, quote func(string) string) style {
	return func(t []inventory.Exchange) string {
		var b strings.Builder
		for i, e := range t {
			b.WriteString(fill(cmd, i, quote(e.Cmd+"\r")))
			for c := range slices.Chunk([]byte(wire(e, i%2 == 0)), size) {
				b.WriteString(fill(piece, i, quote(string(c))))
			}
		}
		return b.String()
	}
}

func hexDump(s string) string {
	return fmt.Sprintf("% x  |%s|", s, strings.Map(func(r rune) rune {
		if r < 0x20 {
			return '.'
		}
		return r
	}, s))
}

func gammuHex(s string) string {
	var b strings.Builder
	for c := range slices.Chunk([]byte(s), 16) {
		var line, text strings.Builder
		for i, x := range c {
			shown := " "
			if x > 0x20 && x < 0x7f {
				shown = string(rune(x))
			}
			fmt.Fprintf(&line, "%02X%s", x, shown)
			if i < len(c)-1 {
				line.WriteByte('|')
			}
			if x < 0x20 || x > 0x7e {
				x = '.'
			}
			text.WriteByte(x)
		}
		fmt.Fprintf(&b, "%-64s%s\n", line.String(), text.String())
	}
	return b.String()
}

func gammu(numbered bool) style {
	return func(t []inventory.Exchange) string {
		var b strings.Builder
		for _, e := range t {
			fmt.Fprintf(&b, "SENDING frame type 0x00/length 0x%02X/%d\n%s", len(e.Cmd)+1, len(e.Cmd)+1, gammuHex(e.Cmd+"\r"))
			if numbered {
				for i, l := range append(append([]string{e.Cmd}, e.Lines...), e.Final) {
					fmt.Fprintf(&b, "%d \"%s\"\n", i+1, l)
				}
				fmt.Fprintf(&b, "Checking line: %s\nAT reply state: 1\n", e.Final)
			}
			raw := wire(e, true)
			fmt.Fprintf(&b, "RECEIVED frame type 0x00/length 0x%02X/%d\n%sModel name received\n", len(raw), len(raw), gammuHex(raw))
		}
		return b.String()
	}
}

// socat writes what socat -v or -x, or both, log of a relay: a header before each block, which -v begins where the last
// one ended.
func socat(hex, text bool) style {
	return func(t []inventory.Exchange) string {
		var b strings.Builder
		sent, came := 0, 0
		block := func(way byte, from *int, s string) {
			fmt.Fprintf(&b, "%c 2026/11/22 10:00:00.000123456  length=%d from=%d to=%d\n", way, len(s), *from, *from+len(s)-1)
			*from += len(s)
			switch {
			case hex && text:
				for line := range strings.SplitAfterSeq(s, "\n") {
					for c := range slices.Chunk([]byte(line), 16) {
						fmt.Fprintf(&b, "%-48s  %s\n", fmt.Sprintf(" % x", c), strings.Map(printable, string(c)))
					}
				}
				b.WriteString("--\n")
			case hex:
				fmt.Fprintf(&b, " % x\n", s)
			default:
				b.WriteString(strings.NewReplacer(`\`, `\\`, "\r", `\r`).Replace(s))
			}
		}
		for i, e := range t {
			block('>', &sent, e.Cmd+"\r")
			for c := range slices.Chunk([]byte(wire(e, i%2 == 0)), 40) {
				block('<', &came, string(c))
			}
		}
		return b.String()
	}
}

func printable(r rune) rune {
	if r < 0x20 || r > 0x7e {
		return '.'
	}
	return r
}

// asterisk writes what chan_dongle logs: the bytes as they are, in brackets.
func asterisk(t []inventory.Exchange) string {
	var b strings.Builder
	for i, e := range t {
		head := fmt.Sprintf("[2026-11-22 10:00:%02d] DEBUG[%d]: ", i%60, 800+i%2)
		fmt.Fprintf(&b, "%sat_queue.c:191 at_write: [dongle0] [%s\r]\n", head, e.Cmd)
		raw := wire(e, false)
		fmt.Fprintf(&b, "%sat_read.c:80 at_read: [dongle0] receive %d byte, used %d, free 2025, read 0, write %d\n", head, len(raw), len(raw), len(raw))
		fmt.Fprintf(&b, "%sat_read.c:95 at_read: [dongle0] [%s]\n", head, raw)
	}
	return b.String()
}

// bareHex writes all that a terminal shows as digits, sixteen bytes a line.
func bareHex(t []inventory.Exchange) string {
	var all, b strings.Builder
	for _, e := range t {
		all.WriteString(wire(e, true))
	}
	for c := range slices.Chunk([]byte(all.String()), 16) {
		fmt.Fprintf(&b, "% X\n", c)
	}
	return b.String()
}

func rangeHex(s string) string {
	var b strings.Builder
	b.WriteString("0000-0020: ")
	for i := range 32 {
		if i < len(s) {
			fmt.Fprintf(&b, "%02X ", s[i])
		} else {
			b.WriteString("   ")
		}
		if i%8 == 7 {
			b.WriteByte(' ')
		}
	}
	return b.String() + "  " + strings.Map(printable, s)
}

// counted writes the wire in pieces of which the log says how long they are.
func counted(t []inventory.Exchange) string {
	var b strings.Builder
	shown := strings.NewReplacer("\r", "<cr>", "\n", "<ln>")
	for i, e := range t {
		fmt.Fprintf(&b, "[INFO][CELL]: AT TX (%2d): %s\n", len(e.Cmd)+1, shown.Replace(e.Cmd+"\r"))
		for c := range slices.Chunk([]byte(wire(e, i%2 == 0)), 1+i%5) {
			fmt.Fprintf(&b, "[INFO][CELL]: AT RX (%2d): %s\n", len(c), shown.Replace(string(c)))
		}
	}
	return b.String()
}

func styles() map[string]style {
	mm := strings.NewReplacer("\r", "<CR>", "\n", "<LF>").Replace
	asIs := func(s string) string { return s }
	return map[string]style{
		"terminal with echo": func(t []inventory.Exchange) string {
			var b strings.Builder
			for _, e := range t {
				b.WriteString(wire(e, true))
			}
			return b.String()
		},
		"terminal that echoes too":  eachLine("{}\n{}\n", "{}\n"),
		"minicom with times":        eachLine("[2026-11-22 10:00:{t}] {}\n", "[2026-11-22 10:00:{t}] {}\n"),
		"tio with times":            eachLine("[10:00:{t}.123] {}\n", "[10:00:{t}.125] {}\n"),
		"seconds":                   eachLine("[    {t}.123456] {}\n", "[    {t}.125] {}\n"),
		"syslog":                    eachLine("Nov 22 10:00:{t} gw modemd[12]: > {}\n", "Nov 22 10:00:{t} gw modemd[12]: < {}\n"),
		"Arduino":                   eachLine("10:00:{t}.031 -> {}\n", "10:00:{t}.055 -> {}\n"),
		"TX and RX":                 eachLine("TX: {}\n", "RX: {}\n"),
		"TX and RX in brackets":     eachLine("[TX] {}\n", "[RX] {}\n"),
		"double arrows":             eachLine(">> {}\n", "<< {}\n"),
		"the modem's view":          eachLine("RX: {}\n", "TX: {}\n"),
		"logger":                    eachLine("2026-11-22 10:00:{t},123 DEBUG modem: send: {}\n", "2026-11-22 10:00:{t},125 DEBUG modem: recv: {}\n"),
		"radio":                     eachLine("11-22 10:00:{t}.000  1234  1250 D AT      : AT> {}\n", "11-22 10:00:{t}.000  1234  1251 D AT      : AT< {}\n"),
		"modem_chat":                eachLine("[00:00:{t}.532,000] <dbg> modem_chat: modem_chat_script_next: sending: {}\n", "[00:00:{t}.560,000] <dbg> modem_chat: modem_chat_log_received_command: {}\n"),
		"chat":                      eachLine("Sep  6 08:02:{t} gw chat[123]: send ({}^M)\n", "Sep  6 08:02:{t} gw chat[123]: {}^M\n"),
		"sms_tool":                  eachLine("root@OpenWrt:~# sms_tool -d /dev/ttyUSB2 at '{}'\n", "{}\n"),
		"mail":                      eachLine("> {}\n", "> {}\n"),
		"wvdial":                    eachLine("--> Sending: {}\n{}\n", "{}\n"),
		"ModemManager":              pieces(1000, "ModemManager[7]: <debug> [15996400{t}.18] [modem0/ttyUSB2/at] --> '{}'\n", "ModemManager[7]: <debug> [15996400{t}.18] [modem0/ttyUSB2/at] <-- '{}'\n", mm),
		"ModemManager in pieces":    pieces(7, "<debug> [15996400{t}.18] (ttyUSB2): --> '{}'\n", "<debug> [15996400{t}.18] (ttyUSB2): <-- '{}'\n", mm),
		"bytes of Python in pieces": pieces(9, ">> b'{}'\n", "<< b'{}'\n", strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace),
		"C strings":                 pieces(1000, "TX: {}\n", "RX: {}\n", strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace),
		"hex dumps":                 pieces(16, "D ({t}0) esp-modem: writing:\nD ({t}0) esp-modem: 0x3f404498   {}\n", "D ({t}0) esp-modem: reading:\nD ({t}0) esp-modem: 0x3f404498   {}\n", hexDump),
		"sscom":                     pieces(1000, "[10:00:{t}.335]发→◇{}□\n", "[10:00:{t}.339]收←◆{}", asIs),
		"gammu":                     gammu(true),
		"gammu, dumps alone":        gammu(false),
		"socat -v":                  socat(false, true),
		"socat -x":                  socat(true, false),
		"socat -v -x":               socat(true, true),
		"gnokii":                    pieces(1000, "write: [{}]\n", "read : [{}]\nReceived message type 06\n", strings.NewReplacer("\r", "<cr>", "\n", "<lf>").Replace),
		"Asterisk":                  asterisk,
		"oFono":                     pieces(1000, "ofonod[550]: App: > {}\n", "ofonod[550]: App: < {}\n", strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace),
		"a blog's arrows":           eachLine("–> {}\n", "<– {}\n"),
		"radio in brackets":         eachLine(" 02-03 15:52:{t}.295 I/use-Rlog/RLOG-AT( 2927): AT(12)> {}\n", " 02-03 15:52:{t}.299 I/use-Rlog/RLOG-AT( 2927): AT(12)< {}\n"),
		"digits alone":              bareHex,
		"mbed OS in pieces":         counted,
		"RT-Thread":                 pieces(32, "[D/AT] sendline: {}\n", "[D/AT] recvline: {}\n", rangeHex),
		"lengths in brackets":       eachLine("UART TX[5]: {}\n", "UART RX[60]: {}\n"),
	}
}

// TestStyles: a dialogue is found whole and unchanged, whichever program logged it.
func TestStyles(t *testing.T) {
	cases, err := simulate.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range styles() {
		t.Run(name, func(t *testing.T) {
			for _, c := range cases {
				want := logged(c.Transcript)
				if len(want) == 0 {
					continue
				}
				log := write(want)
				got, _, err := capture.ReadTerminal(strings.NewReader(log))
				if err != nil {
					t.Errorf("%s: %v\n%s", c.ID, err, log)
					continue
				}
				if diff := cmp.Diff(want, got.Transcript); diff != "" {
					t.Errorf("%s: -want +got\n%s\n%s", c.ID, diff, log)
				}
			}
		})
	}
}

// logged makes a transcript that every style can write: answers that end, without blanks
// that a terminal does not show.
func logged(t []inventory.Exchange) []inventory.Exchange {
	var out []inventory.Exchange
	for _, e := range t {
		if len(e.Lines) == 0 || !strings.HasPrefix(strings.ToUpper(e.Cmd), "AT") {
			continue
		}
		x := inventory.Exchange{Cmd: strings.TrimSpace(e.Cmd), Final: "OK"}
		for _, l := range e.Lines {
			if l = strings.TrimSpace(l); l != "" {
				x.Lines = append(x.Lines, l)
			}
		}
		out = append(out, x)
	}
	return out
}
