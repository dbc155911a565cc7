package fingerprint

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/inventory"
)

// asked makes an observation of "command = line | line".
func asked(exchanges ...string) (o Observation) {
	for _, e := range exchanges {
		cmd, text, _ := strings.Cut(e, " = ")
		o.Transcript = append(o.Transcript, inventory.Exchange{Cmd: cmd, Lines: strings.Split(text, " | "), Final: "OK"})
	}
	return o
}

// identityCase is what a module said, and who it is.
type identityCase struct {
	seen Observation
	want inventory.Identity
}

// plainCases come in the forms that modules and programs give to their answers.
func plainCases() map[string]identityCase {
	return map[string]identityCase{
		"lines without labels": {
			asked("ATI = Quectel | EC25 | Revision: EC25EFAR06A08M4G"),
			inventory.Identity{Maker: "quectel", Model: "EC25-E", Variant: "E", Firmware: "EC25EFAR06A08M4G", Chipset: "Qualcomm MDM9x07", Technology: "LTE Cat 4"},
		},
		"fuller revision": {
			asked("ATI = Quectel | EG18 | Revision: EG18EAPAR01A12M4G", "AT+QGMR = EG18EAPAR01A12M4G_01.001.01.001"),
			inventory.Identity{Maker: "quectel", Model: "EG18-EA", Variant: "EA", Firmware: "EG18EAPAR01A12M4G_01.001.01.001"},
		},
		"a badge on another maker's module": {
			Observation{
				Transcript: asked("ATI = Manufacturer: QUALCOMM INCORPORATED | Model: 4105 | Revision: T77W676.F0.0.0.4.7.GC.017  1  [Jul 11 2018 00:00:00]").Transcript,
				USB:        &inventory.Device{Bus: "usb", VID: "1bc7", PID: "1900", Manufacturer: "Telit", Product: "Telit LN940 Mobile Broadband"},
			},
			inventory.Identity{Maker: "foxconn", Badge: "telit", Model: "T77W676", Firmware: "T77W676.F0.0.0.4.7.GC.017"},
		},
		"everything on one line": {
			asked("ATI = Manufacturer: INCORPORATED Model: A7670E-FASE Revision: A7670M7_V1.11.1 IMEI: 862205050000001 +GCAP: +CGSM,+FCLASS,+DS"),
			inventory.Identity{Maker: "simcom", Model: "A7670E-FASE", Variant: "FASE", Firmware: "A7670M7_V1.11.1", IMEI: "862205050000001"},
		},
		"replies inside replies": {
			asked("ATI = Manufacturer: +GMI: LG Electronics Inc. | Model: +GMI: LG Electronics Inc.+GMM: Model:LG-LX265 | Revision: +GMR: LX265V05, 50571 | ESN: +GSN: 0x92000000"),
			inventory.Identity{Maker: "lg", Model: "LG-LX265", Firmware: "LX265V05, 50571"},
		},
		"several questions in one": {
			asked("AT+CGMI;+CGMM;+CGMR = Quectel | BG96 | Revision: BG96MAR02A07M1G"),
			inventory.Identity{Maker: "quectel", Model: "BG96", Firmware: "BG96MAR02A07M1G"},
		},
		"several questions in one, the first of another kind": {
			asked("AT+QSIMSTAT?;+CPIN?;+CGMI;+CGSN;+CGMR = +QSIMSTAT: 0,1 | +CPIN: READY | Quectel | 867012040000009 | RG520NEBDGR03A03M4G"),
			inventory.Identity{Maker: "quectel", Model: "RG520N-EB", Firmware: "RG520NEBDGR03A03M4G", IMEI: "867012040000009"},
		},
		"a firmware that begins with a module's name": {
			asked("AT+CGMR = N720-CA-STD-BZ-V1.1.7"),
			inventory.Identity{Maker: "neoway", Model: "N720", Firmware: "N720-CA-STD-BZ-V1.1.7"},
		},
		"a firmware whose form is one company's and whose name is another's": {
			asked("AT+CGMR = GM551AV1.0.0B01"),
			inventory.Identity{Model: "GM551A", Firmware: "GM551AV1.0.0B01"},
		},
	}
}

// doubtfulCases look like more, or like something else, than they prove.
func doubtfulCases() map[string]identityCase {
	return map[string]identityCase{
		"a firmware that begins with a short word": {
			asked("AT+CGMR = N58_1.0"),
			inventory.Identity{Firmware: "N58_1.0"},
		},
		"a chipset's name is no maker": {
			asked("AT+CGMI = QUALCOMM INCORPORATED", "AT+CGMM = 4094", "AT+CGMR = XYZ_1.0"),
			inventory.Identity{Model: "4094", Firmware: "XYZ_1.0", Chipset: "Qualcomm"},
		},
		"a maker that is known, a model that is not": {
			asked("AT+CGMI = Quectel", "AT+CGMM = ZZ9000-PLUS", "AT+CGMR = 1.0.0"),
			inventory.Identity{Maker: "quectel", Model: "ZZ9000-PLUS", Firmware: "1.0.0"},
		},
		"maker, model and revision in one line": {
			asked("ATI = Quectel EC25 EC25EFAR06A08M4G"),
			inventory.Identity{Maker: "quectel", Model: "EC25-E", Firmware: "EC25EFAR06A08M4G"},
		},
		"a revision that begins with the model, without labels": {
			asked("ATI = Longsung | U9300C | U9300C_V1.0.2"),
			inventory.Identity{Maker: "longsung", Model: "U9300C", Firmware: "U9300C_V1.0.2"},
		},
		"a model that ends like a version": {
			asked("ATI = Telit | GL868-DUAL V3.1 | 16.01.003"),
			inventory.Identity{Maker: "telit", Model: "GL868-DUAL V3.1", Firmware: "16.01.003"},
		},
		"a company's kind between its name and the model": {
			asked("AT+CGMM = Option N.V. GTM382"),
			inventory.Identity{Maker: "option", Model: "GTM382"},
		},
		"a label of which only the last word is known": {
			asked("AT+CGMI = Quectel", "AT+CGMR = Platform Version: ZZ_1.02 | Kernel Version: 3.18.44"),
			inventory.Identity{Maker: "quectel", Firmware: "ZZ_1.02"},
		},
		"words of technology behind name and model": {
			asked("AT+CGMM = Sierra Wireless EM7345 4G LTE"),
			inventory.Identity{Maker: "sierra-wireless", Model: "EM7345"},
		},
		"one word of a name and a version, where a model could stand": {
			asked("ATI = Quectel | XXXXXX_V1.0.3"),
			inventory.Identity{Maker: "quectel", Firmware: "XXXXXX_V1.0.3"},
		},
		"all lines in one, without blanks": {
			asked("ATI = QuectelRM520N-GLRevision: RM520NGLAAR03A03M4GOK"),
			inventory.Identity{Maker: "quectel", Model: "RM520N-GL", Firmware: "RM520NGLAAR03A03M4G"},
		},
		"answers in small letters": {
			asked("at+cgmm = simcom_sim7600ce", "at+cgmr = +cgmr: le11b12sim7600m21-a"),
			inventory.Identity{Maker: "simcom", Model: "sim7600ce", Firmware: "le11b12sim7600m21-a"},
		},
		"answers inside a program's own words": {
			asked("AT+CGMI = response: 'QUALCOMM INCORPORATED'", "AT+CGMR = response: 'XYZ_1.0'"),
			inventory.Identity{Firmware: "XYZ_1.0", Chipset: "Qualcomm"},
		},
		"a program's list with signs of equality": {
			asked("list-modems = [ /sierra_0 ] | Manufacturer = Sierra Wireless, Incorporated | Model = USB 308 | Revision = M3_0_12_0AP C:/WS/FW/M3_0_12_0AP/MDM8200/SRC/AMSS 2010/08/11 15:02:55"),
			inventory.Identity{Maker: "sierra-wireless", Model: "USB 308", Firmware: "M3_0_12_0AP"},
		},
		"a telephone's type and the date of its software": {
			asked("gammu identify = Device : /dev/ttyACM0 | Manufacturer : Nokia | Model : 6233 (RM-145) | Firmware : 05.43 A (12-03-07)"),
			inventory.Identity{Maker: "nokia", Model: "6233", Firmware: "05.43 A"},
		},
		"a date on a line of its own is no revision": {
			asked("AT+CGMI = Quectel", "AT+CGMR = Platform Version:ZZ_14A_Debug | HW Version: sp7731 | 01-20-2015 10:32:11"),
			inventory.Identity{Maker: "quectel", Firmware: "ZZ_14A_Debug"},
		},
		"an id that another company's module wears": {
			Observation{Transcript: asked("AT+CGMM = EC25-E").Transcript, USB: &inventory.Device{Bus: "usb", VID: "1199", PID: "9071"}},
			inventory.Identity{Model: "EC25-E"},
		},
		"a chipset's download mode": {
			Observation{USB: &inventory.Device{Bus: "usb", VID: "05c6", PID: "9008", Manufacturer: "Qualcomm CDMA Technologies MSM", Product: "QHSUSB__BULK"}},
			inventory.Identity{},
		},
		"a version with the speed of a telephone modem in it": {
			asked("ATI = Manufacturer: huawei | Model: E3372 | Revision: 21.28.8.00.00 | IMEI: 861821010000005 | +GCAP: +CGSM,+DS,+ES"),
			inventory.Identity{Maker: "huawei", Model: "E3372", Firmware: "21.28.8.00.00", IMEI: "861821010000005"},
		},
		"a boot loader before a module's whole answer": {
			Observation{Banner: []string{"U-Boot 1.1.3 (Jun 20 2016 - 11:12:13)"}, Transcript: asked("ATI = Manufacturer: Quectel | Model: EC25 | IMEI: 867012040000009").Transcript},
			inventory.Identity{Maker: "quectel", Model: "EC25", IMEI: "867012040000009"},
		},
		"labels with signs of equality": {
			asked("ATI = Quectel | EC25 | Revision=EC25EFAR06A08M4G | IMEI=867012040000009"),
			inventory.Identity{Maker: "quectel", Model: "EC25-E", Firmware: "EC25EFAR06A08M4G", IMEI: "867012040000009"},
		},
		"name and model above the revision": {
			asked("AT+CGMI = NEOWAY", "AT+CGMM = M590", "AT+CGMR = NEOWAY | M590 | R2"),
			inventory.Identity{Maker: "neoway", Model: "M590", Firmware: "R2"},
		},
		"when it was compiled": {
			asked("AT+CGMR = Compiled: Mar 03 2021 10:10:10", "ATI = Neoway | N58-CA | N58-CA-STD-BZ-V1.2.5"),
			inventory.Identity{Maker: "neoway", Model: "N58-CA", Firmware: "N58-CA-STD-BZ-V1.2.5"},
		},
		"the date behind a revision": {
			asked("AT+CGMR = UC15EQAR02A09E1G  2014/07/18 09:08"),
			inventory.Identity{Maker: "quectel", Model: "UC15", Firmware: "UC15EQAR02A09E1G"},
		},
		"the application among the parts, where nothing else is the revision": {
			asked("AT+CGMI = Sierra Wireless, Incorporated", "AT+CGMM = EM7455", "AT!GVER? = Boot: SWI9X30C_02.20.03.00 | Appl: SWI9X30C_02.24.05.06"),
			inventory.Identity{Maker: "sierra-wireless", Model: "EM7455", Firmware: "SWI9X30C_02.24.05.06"},
		},
		"the name of a chipset that a telephone has, too": {
			Observation{Transcript: asked("AT+CGMM = T700").Transcript, USB: &inventory.Device{Bus: "usb", VID: "0e8d", PID: "7127", Manufacturer: "MediaTek", Product: "T700"}},
			inventory.Identity{Model: "T700"},
		},
		"a satellite telephone of a maker of cellular ones": {
			asked("AT+CGMI = Motorola", "AT+CGMM = 9522B Satellite Series", "AT+CGMR = IS06002"),
			inventory.Identity{},
		},
		"an answer whose lines came as one": {
			asked("ATI = u-blox,SARA-R410M-02B,L0.0.00.00.05.06,867012040000009"),
			inventory.Identity{Maker: "u-blox", Model: "SARA-R410M-02B", Firmware: "L0.0.00.00.05.06", IMEI: "867012040000009"},
		},
		"a telephone sold under a name that its maker does not own": {
			asked("AT+CGMI = BlackBerry", "AT+CGMM = BBB100-1"),
			inventory.Identity{Maker: "tcl", Badge: "rim", Model: "BBB100-1"},
		},
		"a LoRa module whose answer has MODEL= in it": {
			asked("AT+HWMODEL=? = AT+HWMODEL=rak3172"),
			inventory.Identity{},
		},
		"a form like one company's, with a name that is none of its series": {
			asked("ATI = Acme | ZZ77 | ZZ77EFAR06A08M4G"),
			inventory.Identity{Firmware: "ZZ77EFAR06A08M4G"},
		},
		"a telephone whose name others give too": {
			asked("AT+CGMI = Nokia", "AT+CGMM = Nokia N75"),
			inventory.Identity{Maker: "nokia", Model: "N75"},
		},
		"only an id": {
			Observation{USB: &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0296"}},
			inventory.Identity{Maker: "quectel", Model: "BG96"},
		},
	}
}

func TestIdentify(t *testing.T) {
	b := embedded(t)
	for _, cases := range []map[string]identityCase{plainCases(), doubtfulCases()} {
		for name, tc := range cases {
			t.Run(name, func(t *testing.T) { checkIdentity(t, b.Identify(tc.seen).Identity, tc.want) })
		}
	}
}

// checkIdentity compares what is always to be right, and of the rest what the case names.
func checkIdentity(t *testing.T, got, want inventory.Identity) {
	t.Helper()
	for _, f := range []struct{ name, got, want string }{
		{"maker", got.Maker, want.Maker}, {"badge", got.Badge, want.Badge}, {"model", got.Model, want.Model},
		{"firmware", got.Firmware, want.Firmware}, {"imei", got.IMEI, want.IMEI},
	} {
		if f.got != f.want {
			t.Errorf("%s: got %q, want %q", f.name, f.got, f.want)
		}
	}
	for _, f := range []struct{ name, got, want string }{
		{"variant", got.Variant, want.Variant}, {"chipset", got.Chipset, want.Chipset}, {"technology", got.Technology, want.Technology},
	} {
		if f.want != "" && f.got != f.want {
			t.Errorf("%s: got %q, want %q", f.name, f.got, f.want)
		}
	}
}

// Sources that disagree are shown, and where they do so seriously nobody is named.
func TestConflicts(t *testing.T) {
	b := embedded(t)
	for name, tc := range map[string]struct {
		seen  Observation
		claim string
		maker string
		why   string
	}{
		"three makers": {
			Observation{
				Transcript: asked("AT+CGMI = Quectel", "ATI = Manufacturer: Fibocom Wireless Inc.").Transcript,
				USB:        &inventory.Device{Bus: "usb", VID: "1199", PID: "9071"},
			}, "maker", "", "the maker is left open",
		},
		"a name and another maker's firmware": {
			asked("AT+CGMI = Telit", "AT+CGMM = LE910C4-NF", "AT+CGMR = EC25EFAR06A08M4G"), "maker", "", "its firmware's name points to Quectel",
		},
		"a name alone and another maker's model": {
			asked("AT+CGMI = Murata", "AT+CGMM = EC25-E"), "maker", "", "its model points to Quectel",
		},
		"a name and another maker's id": {
			Observation{
				Transcript: asked("AT+CGMI = Telit", "AT+CGMM = LE910C4-NF", "AT+CGMR = M0F.660006").Transcript,
				USB:        &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125"},
			}, "maker", "", "left open",
		},
		"a model with another model's firmware": {
			asked("ATI = Quectel | BG95-M3 | Revision: BG95M1LAR02A03"), "model", "quectel", "its firmware is that of a BG95-M1",
		},
		"families that do not go together": {
			asked("ATI = Quectel | EC25 | Revision: EG91NAXGAR07A03M1G"), "model", "quectel", "its firmware is that of a EG91-NAX",
		},
		"one question, two models": {
			asked("AT+CGMI = Quectel", "AT+CGMM = EC25", "AT+CGMM = BG96"), "model", "quectel", "answered with BG96 and with EC25",
		},
		"one question, two revisions": {
			asked("ATI = Quectel | UC20 | Revision: UC20GQBR03A14E1G", "ATI = Quectel | UC20 | Revision: UC20GQBR03A12E1G"), "firmware", "quectel", "the same question was answered with",
		},
		"an IMEI with a wrong check digit": {
			asked("ATI = Quectel | BG96 | Revision: BG96MAR02A07M1G", "AT+CGSN = 866425030000007"), "imei", "quectel", "not its check digit",
		},
		"an IMEI that is too short": {
			asked("ATI = Quectel | BG96 | Revision: BG96MAR02A07M1G", "AT+CGSN = 86642503000000"), "imei", "quectel", "has not 15 digits",
		},
		"an IMEI of zeros": {
			asked("ATI = Quectel | BG96 | Revision: BG96MAR02A07M1G", "AT+CGSN = 000000000000000"), "imei", "quectel", "all zeros",
		},
		"two IMEIs": {
			asked("ATI = Quectel | BG96 | Revision: BG96MAR02A07M1G", "AT+CGSN = 866425030000006", "AT+GSN = 865341040000004"), "imei", "quectel", "two answers",
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.Identify(tc.seen)
			if v.Identity.Maker != tc.maker {
				t.Errorf("maker: got %q, want %q", v.Identity.Maker, tc.maker)
			}
			if !slices.ContainsFunc(v.Conflicts, func(c inventory.Conflict) bool {
				return c.Claim == tc.claim && strings.Contains(c.Why, tc.why) && len(c.Values) > 0
			}) {
				t.Errorf("no conflict about %s that says %q: %+v", tc.claim, tc.why, v.Conflicts)
			}
			if most := map[string]float64{"maker": 0.5, "model": 0.5, "firmware": 0.5, "imei": 0.9}[tc.claim]; v.Confidence > most {
				t.Errorf("confidence %v in spite of the conflict", v.Confidence)
			}
			if tc.maker == "" && len(v.Possible) < 2 {
				t.Errorf("the makers that remain are not listed: %v", v.Possible)
			}
		})
	}
}

// The same question may be answered more fully the second time, and with something unasked before it.
func TestFullerAnswersDoNotContradict(t *testing.T) {
	b := embedded(t)
	for _, o := range []Observation{
		asked("AT+CGMM = EC25", "AT+CGMM = EC25-E"),
		asked("AT+CGMI = Quectel", "AT+CGMM = EC25", "at+cgmm = ec25"),
		asked("ATI = Quectel | EC25 | Revision: EC25EFAR06A08M4G", "ATI = +CREG: 1 | Quectel | EC25 | Revision: EC25EFAR06A08M4G"),
		asked("AT+CGMI = Quectel", "AT+CGMR = EC25EFAR06A08M4G", "AT+CGMR = EC25EFAR06A08M4G_01.001.01.001"),
	} {
		if v := b.Identify(o); len(v.Conflicts) > 0 {
			t.Errorf("%v: %+v", o.Transcript, v.Conflicts)
		}
	}
}

// What is no valid IMEI never stands in the identity, but is reported as seen.
func TestIdentifiers(t *testing.T) {
	b := embedded(t)
	base := "ATI = Quectel | BG96 | Revision: BG96MAR02A07M1G"
	for _, tc := range []struct{ answer, imei, part, value string }{
		{"AT+CGSN = 866425030000006", "866425030000006", "", ""},
		{`AT+CGSN = +CGSN: "866425030000006"`, "866425030000006", "", ""},
		{"AT+CGSN = 866425030000006,QL000000PR", "866425030000006", "", ""},
		{"AT+CGSN = 866425030000007", "", "imei-not-valid", "866425030000007"},
		{"AT+CGSN = 8664250300000061", "", "imeisv", "8664250300000061"},
		{"AT+CGSN=0 = +CGSN: \"D1Q15A2B000456\"", "", "serial", "D1Q15A2B000456"},
		{"ATI = Manufacturer: Sierra Wireless, Incorporated | Model: EM7455B | FSN: LF104300140510", "", "serial", "LF104300140510"},
		{"AT+CGSN = 86642503000000612", "", "imei-not-valid", "86642503000000612"},
		{"AT+CGSN = 8664250300000XX", "", "", ""},
		{"AT+CGSN = 123456", "", "serial", "123456"},
		{"AT+GSN = 0x92000001", "", "esn", "92000001"},
		{"AT^MEID = ^MEID:A0C72311000001", "", "meid", "A0C72311000001"},
	} {
		v := b.Identify(asked(base, tc.answer))
		if v.Identity.IMEI != tc.imei {
			t.Errorf("%s: imei %q, want %q", tc.answer, v.Identity.IMEI, tc.imei)
		}
		if tc.part != "" && !slices.Contains(v.Parts, inventory.Part{Name: tc.part, Value: tc.value}) {
			t.Errorf("%s: no part %s %s in %v", tc.answer, tc.part, tc.value, v.Parts)
		}
	}
}

// A model's name that two makers gave names neither.
func TestSharedModelNamesNobody(t *testing.T) {
	b, err := Load(
		Overlay{Name: "x.yaml", Data: []byte("slug: xmaker\nname: X\nrole: maker\nfamilies: [{name: QX900, strength: strong}]\n")},
		Overlay{Name: "y.yaml", Data: []byte("slug: ymaker\nname: Y\nrole: maker\nnames: [Ymaker]\nfamilies: [{name: QX900, strength: fair}]\n")},
	)
	if err != nil {
		t.Fatal(err)
	}
	if v := b.Identify(asked("AT+CGMM = QX900")); v.Identity.Maker != "" || !slices.Equal(v.Possible, []string{"xmaker", "ymaker"}) || v.State != inventory.StatePartial {
		t.Errorf("%s %q %v", v.State, v.Identity.Maker, v.Possible)
	}
	if v := b.Identify(asked("AT+CGMI = Ymaker", "AT+CGMM = QX900")); v.Identity.Maker != "ymaker" {
		t.Errorf("with its name: %q", v.Identity.Maker)
	}
}

// The IMEI of one maker is no proof that this maker built the module.
func TestTACNamesNobody(t *testing.T) {
	b := embedded(t)
	v := b.Identify(asked("AT+CGSN = 866425030000006"))
	if v.Identity.Maker != "" || v.State != inventory.StatePartial {
		t.Errorf("an IMEI alone gives %s %q", v.State, v.Identity.Maker)
	}
}

func TestTACContradicts(t *testing.T) {
	b := embedded(t)
	base, err := Load(Overlay{Name: "tac.yaml", Data: []byte("slug: quectel\ntac: [{tac: \"86642503\"}]\n")})
	if err != nil {
		t.Fatal(err)
	}
	seen := asked("AT+CGMI = Telit", "AT+CGMM = LE910C4-NF", "AT+CGMR = M0F.660006", "AT+CGSN = 866425030000006")
	v := base.Identify(seen)
	if len(v.Conflicts) != 1 || !strings.Contains(v.Conflicts[0].Why, "86642503") || !slices.Equal(v.Conflicts[0].Values, []string{"quectel", "telit"}) {
		t.Errorf("conflicts: %+v", v.Conflicts)
	}
	if clean := b.Identify(asked("AT+CGMI = Telit", "AT+CGMM = LE910C4-NF", "AT+CGMR = M0F.660006")); v.Confidence >= clean.Confidence {
		t.Errorf("confidence %v with the contradiction, %v without", v.Confidence, clean.Confidence)
	}
}

func TestNotAModem(t *testing.T) {
	b := embedded(t)
	for name, o := range map[string]Observation{
		"a loopback":                         asked("AT = AT", "ATI = ATI", "AT+CGMI = AT+CGMI"),
		"a console that refuses":             asked("ATI = -sh: ATI: not found", "AT+CGMI = -sh: AT+CGMI: not found"),
		"ok to everything":                   asked("AT = ", "ATI = ", "AT+CGMI = ", "AT+CGMM = "),
		"refusals that end in OK":            asked("AT+CGMI = Unknown command", "AT+CGMM = invalid command"),
		"a Wi-Fi module of a cellular maker": asked("ATI = Quectel | FC41D | Revision: FC41DAAR03A09M04"),
		"an embedded u-blox radio":           asked("ATI9 = Manufacturer: u-blox | Model: NORA-W36 | Serial Number: 123456789012347 | Firmware: 3.2.0"),
	} {
		t.Run(name, func(t *testing.T) {
			v := b.Identify(o)
			if v.State != inventory.StateNotCellular && v.State != inventory.StateUnknown {
				t.Errorf("state %s, maker %q", v.State, v.Identity.Maker)
			}
			if v.Identity != (inventory.Identity{}) {
				t.Errorf("has an identity: %+v", v.Identity)
			}
			if v.Reason == "" {
				t.Error("gives no reason")
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	v := embedded(t).Identify(asked("AT = AT", "ATI = ATI", "AT+CGMI = AT+CGMI"))
	if v.State != inventory.StateNotCellular || !strings.Contains(v.Seems, "loopback") {
		t.Errorf("%s %q", v.State, v.Seems)
	}
}

// What could act on a terminal, a log, a table or a page never becomes part of an identity as a name,
// or stands there as the plain text that it is.
func TestHostileText(t *testing.T) {
	b := embedded(t)
	for _, s := range []string{"\x1b[2J\x1b[HEC25", "\x1b]52;c;aGk=\x07", "EC25\nlevel=ERROR msg=forged", "EC25\u202eGFE", "EC25\u009b31m", "\xff\xfeEC25", "EC\x0025"} {
		for _, cmd := range []string{"AT+CGMI", "AT+CGMM", "AT+CGMR", "ATI"} {
			v := b.Identify(Observation{Transcript: []inventory.Exchange{{Cmd: cmd, Lines: []string{s}, Final: "OK"}}})
			if v.Identity != (inventory.Identity{}) {
				t.Errorf("%s = %q: %+v", cmd, s, v.Identity)
			}
		}
	}
	for _, s := range []string{"=HYPERLINK(1)", "<script>alert(1)</script>", "a.b.>", "../../x", "$(reboot)", "';--"} {
		if v := b.Identify(asked("AT+CGMI = Quectel", "AT+CGMM = "+s)); v.Identity.Model != s && v.Identity.Model != strings.Trim(s, `';`) {
			t.Errorf("model %q became %q", s, v.Identity.Model)
		}
	}
}

// Every verdict short of identified says why, every one names its data, and each claim has evidence.
func TestVerdictsExplainThemselves(t *testing.T) {
	b := embedded(t)
	for _, c := range readCorpus(t) {
		v := b.Identify(c.observation())
		if v.Data != b.Version() {
			t.Fatalf("%s: data %q", c.ID, v.Data)
		}
		if (v.State == inventory.StateIdentified) != (v.Reason == "") {
			t.Errorf("%s: state %s, reason %q", c.ID, v.State, v.Reason)
		}
		for _, claim := range []struct{ name, value string }{
			{"maker", v.Identity.Maker}, {"badge", v.Identity.Badge}, {"firmware", v.Identity.Firmware}, {"imei", v.Identity.IMEI}, {"hardware", v.Identity.Hardware},
		} {
			if claim.value != "" && !slices.ContainsFunc(v.Evidence, func(e inventory.Evidence) bool {
				return e.Claim == claim.name && e.Value == claim.value && e.Source != "" && e.Quote != "" && e.Rule != ""
			}) && !(claim.name == "maker" || claim.name == "badge") {
				t.Errorf("%s: no evidence for %s %q", c.ID, claim.name, claim.value)
			}
		}
		if v.Identity.Model != "" && !slices.ContainsFunc(v.Evidence, func(e inventory.Evidence) bool { return e.Claim == "model" }) {
			t.Errorf("%s: no evidence for model %q", c.ID, v.Identity.Model)
		}
		if v.Identity.Maker != "" && !slices.ContainsFunc(v.Evidence, func(e inventory.Evidence) bool { return e.Claim == "maker" }) {
			t.Errorf("%s: no evidence for maker %q", c.ID, v.Identity.Maker)
		}
	}
}

// The order in which the questions were asked does not matter.
func TestOrderDoesNotMatter(t *testing.T) {
	b := embedded(t)
	for _, c := range readCorpus(t) {
		o := c.observation()
		want := b.Identify(o)
		for range len(o.Transcript) {
			o.Transcript = append(slices.Clone(o.Transcript[1:]), o.Transcript[0])
			if diff := cmp.Diff(want, b.Identify(o)); diff != "" {
				t.Fatalf("%s (-as captured +rotated):\n%s", c.ID, diff)
			}
		}
		slices.Reverse(o.Transcript)
		if diff := cmp.Diff(want, b.Identify(o)); diff != "" {
			t.Fatalf("%s (-as captured +reversed):\n%s", c.ID, diff)
		}
	}
}

func TestApply(t *testing.T) {
	m := inventory.Module{ID: "tty:/dev/ttyS1", Ports: []inventory.Port{{Path: "/dev/ttyS1"}}}
	v := embedded(t).Identify(typical())
	v.Apply(&m)
	if m.ID != "tty:/dev/ttyS1" || len(m.Ports) != 1 || m.State != inventory.StateIdentified || m.Identity.Maker != "quectel" || m.Data == "" {
		t.Errorf("applied: %+v", m)
	}
}
