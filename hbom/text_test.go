package hbom

import "testing"

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"867012040000009":                masked,
		"IMEI: 867012040000009, EC25":    "IMEI: " + masked + ", EC25",
		"35-209900-176148-1":             masked,
		"35 209900 176148 1.":            masked + ".",
		"356938/03/564380/9":             masked,
		"8949020000012345678F":           masked + "F",
		"86701204000000":                 masked, // without its check digit
		"edition 2026-06-08 2027-01-31":  "edition 2026-06-08 2027-01-31",
		"EC25EFAR06A08M4G_01.002.01.002": "EC25EFAR06A08M4G_01.002.01.002",
		"2003945537/-1/-1/1":             "2003945537/-1/-1/1",
		"- 1 -":                          "- 1 -",
	} {
		if got := (Settings{}).mask(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := (Settings{IMEI: true}).mask(in); got != in {
			t.Errorf("%q: %q, though IMEIs are asked for", in, got)
		}
	}
	if got := (Settings{}).maskName("20230115123045"); got != "20230115123045" {
		t.Errorf("a time in a revision became %q", got)
	}
}

func TestUUIDs(t *testing.T) {
	// RFC 9562, A.4: version 5 of www.example.com in the namespace of DNS names.
	dns := [16]byte{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	want := [16]byte{0x2e, 0xd6, 0x65, 0x7d, 0xe9, 0x27, 0x56, 0x8b, 0x95, 0xe1, 0x26, 0x65, 0xa8, 0xae, 0xa6, 0xa2}
	if got := uuid5(dns, []byte("www.example.com")); got != want {
		t.Errorf("%x, want %x", got, want)
	}
}
