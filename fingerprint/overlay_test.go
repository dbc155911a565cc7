package fingerprint

import (
	"errors"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

const privateBadge = `slug: acme
name: Acme Meters
role: badge
country: DE
parent_country: DE
names: [Acme]
families:
  - {name: AM-4G, maker: quectel, is: EC25, technology: LTE Cat 4, chipset: Qualcomm MDM9x07, examples: [AM-4G]}
rules:
  - id: firmware
    on: firmware
    pattern: '^ACME-(?P<firmware>[0-9.]+)$'
    strength: strong
    set: {maker: quectel, badge: acme}
    examples: [{text: ACME-1.2.3, maker: quectel, badge: acme, firmware: 1.2.3}]
usb: [{vid: "1234", pid: "5678", makers: quectel, badge: acme, model: AM-4G}]
`

func TestOverlayOfAPrivateBadge(t *testing.T) {
	plainBase := embedded(t)
	b, err := Load(Overlay{Name: "acme.yaml", Data: []byte(privateBadge)})
	if err != nil {
		t.Fatal(err)
	}
	v := b.Identify(asked("AT+CGMI = Acme GmbH", "AT+CGMM = AM-4G", "AT+CGMR = ACME-1.2.3"))
	if v.Identity.Maker != "quectel" || v.Identity.Badge != "acme" || v.Identity.Model != "AM-4G" || v.Identity.Firmware != "1.2.3" || v.Identity.Technology != "LTE Cat 4" {
		t.Errorf("identity: %+v", v.Identity)
	}
	if v := b.Identify(Observation{USB: &inventory.Device{Bus: "usb", VID: "1234", PID: "5678"}}); v.Identity.Maker != "quectel" || v.Identity.Badge != "acme" {
		t.Errorf("by its id: %+v", v.Identity)
	}
	if v := plainBase.Identify(asked("AT+CGMM = AM-4G")); v.Identity.Maker != "" {
		t.Error("the overlay reached the base that it was laid over")
	}
	if b.Version() == plainBase.Version() || !strings.HasPrefix(b.Version(), plainBase.Version()+"+") {
		t.Errorf("version %q does not name the overlay", b.Version())
	}
}

func TestOverlayAddsToAKnownMaker(t *testing.T) {
	b, err := Load(Overlay{Name: "more.yaml", Data: []byte("slug: quectel\nfamilies: [{name: XX99Z, technology: LTE Cat 4}]\n")})
	if err != nil {
		t.Fatal(err)
	}
	if v := b.Identify(asked("AT+CGMI = Quectel", "AT+CGMM = XX99Z-EU")); v.Identity.Technology != "LTE Cat 4" || v.Identity.Variant != "EU" || v.Identity.MakerName == "" {
		t.Errorf("identity: %+v", v.Identity)
	}
}

func TestOverlayOfAnotherKindOfDevice(t *testing.T) {
	b, err := Load(Overlay{Name: "plc.yaml", Data: []byte("kind: plc\nseems: a programmable controller\nrules:\n  - {id: hello, on: line, pattern: '^PLC-OS [0-9]', strength: proof, examples: [{text: PLC-OS 7.1}]}\n")})
	if err != nil {
		t.Fatal(err)
	}
	if v := b.Identify(asked("ATI = PLC-OS 7.1")); v.State != inventory.StateNotCellular || v.Seems != "a programmable controller" {
		t.Errorf("%s %q", v.State, v.Seems)
	}
}

// A file with a mistake is refused whole, with its name, the line and what is wrong.
func TestOverlayMistakes(t *testing.T) {
	for _, tc := range []struct{ data, want string }{
		{"slug: acme\nname: Acme\nrole: badge\ncolour: red\n", `x.yaml:4: unknown key "colour"`},
		{"slug: acme\nname: Acme\nrole: seller\n", `x.yaml:3: role "seller" is none of maker, badge, chipset`},
		{"slug: Acme Ltd\nname: Acme\nrole: badge\n", `x.yaml:1: slug "Acme Ltd"`},
		{"slug: acme\nslug: acme\n", `x.yaml:2: key "slug" stands twice`},
		{"slug: acme\nname: Acme\nrole: maker\nfamilies:\n  - {name: A1, technology: 9G}\n", `x.yaml:5: technology "9G" is not in vocabulary.yaml`},
		{"slug: acme\nname: Acme\nrole: badge\nfamilies:\n  - {name: A1, maker: nobody}\n", `x.yaml:5: "nobody" is no known slug`},
		{"slug: acme\nname: Acme\nrole: maker\nrules:\n  - id: x\n    on: firmware\n    pattern: '^A(1'\n    strength: fair\n", "x.yaml:7: rule acme/x: error parsing regexp"},
		{"slug: acme\nname: Acme\nrole: maker\nrules:\n  - id: x\n    on: firmware\n    pattern: '.*'\n    strength: fair\n", "matches nothing or everything"},
		{"slug: acme\nname: Acme\nrole: maker\nrules:\n  - id: x\n    on: firmware\n    pattern: '^(?:[A-Z]{900}){900}'\n    strength: fair\n", "x.yaml:7: rule acme/x: "},
		{"slug: acme\nname: Acme\nrole: maker\nrules:\n  - id: x\n    on: firmware\n    pattern: '^(?P<size>A[0-9])'\n    strength: fair\n", `x.yaml:7: rule acme/x: group "size" is none of`},
		{"slug: acme\nname: Acme\nrole: maker\nrules:\n  - {id: x, on: model, pattern: '^QQQ[0-9]$', strength: strong, examples: [{text: QQQ1, model: QQQ2}]}\n", `x.yaml:5: rule x, example "QQQ1": model comes out as "QQQ1", not "QQQ2"`},
		{"slug: acme\nname: Acme\nrole: maker\nrules:\n  - {id: x, on: firmware, pattern: '^EC25E', strength: hint, examples: [{text: EC25EFAR06A08M4G, maker: acme}]}\n", `maker comes out as "quectel", not "acme"`},
		{"slug: acme\nname: Acme\nrole: maker\nusb: [{vid: 2C7C, pid: \"0125\"}]\n", "x.yaml:4: ids are four lower-case hex digits"},
		{"slug: acme\nname: Acme\nrole: maker\ntac: [{tac: \"123\"}]\n", `x.yaml:4: tac "123"`},
		{"slug: acme\nname: &n Acme\nrole: maker\nlegal: *n\n", "x.yaml:2: anchors and aliases are not allowed"},
		{"slug: acme\nname: Acme\nrole: maker\nrules:\n  - {id: x, on: imei, pattern: '^35', strength: hint}\n", "x.yaml:5: rule acme/x: on imei is for devices that are not cellular"},
		{"slug: acme\nname: Acme\nrole: maker\nrules:\n  - id: x\n    on: firmware\n    pattern: '^A[0-9]'\n    strength: fair\n", "x.yaml:5: rule acme/x has no example"},
		{"slug: acme\nname: Acme\nrole: maker\nrules:\n  - id: x\n    on: model\n    pattern: '^QQQ[0-9]$'\n    strength: strong\n    examples:\n      - text: QQQ1\n      - text: RRR1\n", `x.yaml:11: rule x does not match its example "RRR1"`},
		{"slug: acme\nname: Acme\nrole: maker\n\ncountry: DE\nparent_country: Germany\n", "x.yaml:6: country codes are two capital letters"},
		{"slug: acme\nname: Acme\nrole: maker\nnames:\n  - Quectel\n", `x.yaml:4: name "Quectel" is also one of quectel`},
		{"slug: acme\nname: Acme\nrole: maker\nas_of: lately\n", `x.yaml:4: as_of "lately" is no day`},
		{"slug: acme\nname: Acme\nrole: maker\nfamilies:\n  - name: AA11\n    technology: LTE Cat 4\n    chipset: Foo 9\n", `x.yaml:7: chipset "Foo 9" begins with`},
		{"slug: acme\nname: Acme\nrole: maker\nfamilies:\n  - name: AA11\n    examples: [BB22]\n", `x.yaml:6: example "BB22"`},
		{"slug: acme\nname: Acme\nrole: maker\n---\nslug: zenith\nname: Zenith\nrole: maker\n", "x.yaml:4: holds a second document"},
		{"slug: acme\nname: \"Ac\x1bme\"\nrole: maker\n", "x.yaml:2: holds a control character"},
		{"slug: acme\nname: Acm\xe9\nrole: maker\n", "x.yaml:2: holds a control character, or bytes that are no UTF-8"},
		{"slug: [acme\n", "x.yaml:"},
		{"", "x.yaml: holds nothing"},
	} {
		_, err := Load(Overlay{Name: "x.yaml", Data: []byte(tc.data)})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q:\n got %v\nwant %s", tc.data, err, tc.want)
			continue
		}
		var typed *knowledge.Error
		if !errors.As(err, &typed) || typed.File != "x.yaml" {
			t.Errorf("%q: the error does not carry its file: %v", tc.data, err)
		}
	}
}

// A draft of an unknown device loads once its maker is filled in, and then names it.
func TestDraftBecomesAnOverlay(t *testing.T) {
	b := embedded(t)
	o := asked("AT+CGMI = Nobody's Modems", "AT+CGMM = NM-7000", "AT+CGMR = NM7000_V1.02.33")
	o.USB = &inventory.Device{Bus: "usb", VID: "abcd", PID: "0001"}
	draft := string(b.Draft(o))
	if _, err := Load(Overlay{Name: "draft.yaml", Data: []byte(draft)}); err == nil {
		t.Error("a draft loads before a person has completed it")
	}
	done := strings.NewReplacer("SLUG-OF-THE-MAKER", "nobody", "NAME OF THE MAKER", "Nobody", `technology: ""`, `technology: "LTE Cat 4"`).Replace(draft)
	laid, err := Load(Overlay{Name: "draft.yaml", Data: []byte(done)})
	if err != nil {
		t.Fatalf("%v in\n%s", err, done)
	}
	if v := laid.Identify(asked("AT+CGMR = NM7000_V1.05.01")); v.Identity.Maker != "nobody" {
		t.Errorf("by its firmware: %+v", v.Identity)
	}
	if v := laid.Identify(asked("AT+CGMM = NM-7000-EU")); v.Identity.Maker != "nobody" || v.Identity.Technology != "LTE Cat 4" {
		t.Errorf("by its model: %+v", v.Identity)
	}
}

// A draft makes nothing that anybody's module says a sign of its maker.
func TestDraftClaimsNothingOfOthers(t *testing.T) {
	b := embedded(t)
	o := asked("AT+CGMI = Nobody's Modems", "AT+CGMM = NM-7000", "AT+CGMR = 1.2.34")
	o.USB = &inventory.Device{Bus: "usb", VID: "05c6", PID: "90b2"}
	draft := string(b.Draft(o))
	if strings.Contains(draft, "usb:") || !strings.Contains(draft, "needs: maker") {
		t.Errorf("drafted:\n%s", draft)
	}
	done := strings.NewReplacer("SLUG-OF-THE-MAKER", "nobody", "NAME OF THE MAKER", "Nobody").Replace(draft)
	laid, err := Load(Overlay{Name: "draft.yaml", Data: []byte(done)})
	if err != nil {
		t.Fatalf("%v in\n%s", err, done)
	}
	if v := laid.Identify(asked("AT+CGMR = 1.2.35")); v.Identity.Maker != "" {
		t.Errorf("a number names %s", v.Identity.Maker)
	}
	if v := laid.Identify(asked("AT+CGMI = Nobody's Modems", "AT+CGMR = 1.2.35")); v.Identity.Maker != "nobody" || v.Identity.Firmware != "1.2.35" {
		t.Errorf("its own: %+v", v.Identity)
	}
	for _, o := range []Observation{{}, asked("AT+CGMI = QUALCOMM INCORPORATED", "AT+CGMM = 4094"), asked("ATI = Quectel | EC25 | Revision: EC25EFAR06A08M4G")} {
		if draft := b.Draft(o); draft != nil {
			t.Errorf("%v is drafted:\n%s", o.Transcript, draft)
		}
	}
}
