package fingerprint_test

import (
	"testing"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
)

// TestOtherScripts: names, labels and punctuation in Chinese, in UTF-8 and in the bytes of GBK. A sentence with a name in it proves
// nothing, nor does a name that is not known.
func TestOtherScripts(t *testing.T) {
	base, err := fingerprint.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		cmd          string
		lines        []string
		maker, model string
		firmware     string
	}{
		{name: "name alone", cmd: "AT+CGMI", lines: []string{"移远"}, maker: "quectel"},
		{name: "prefix", cmd: "AT+CGMI", lines: []string{"+CGMI: 广和通"}, maker: "fibocom"},
		{name: "full legal name", cmd: "AT+CGMI", lines: []string{"上海移远通信技术股份有限公司"}, maker: "quectel"},
		{name: "full legal name, another", cmd: "AT+CGMI", lines: []string{"深圳市有方科技股份有限公司"}, maker: "neoway"},
		{name: "GBK", cmd: "AT+CGMI", lines: []string{"\xd2\xc6\xd4\xb6"}, maker: "quectel"},
		{name: "GBK, with company words", cmd: "AT+CGMI", lines: []string{"\xb9\xe3\xba\xcd\xcd\xa8\xce\xde\xcf\xdf"}, maker: "fibocom"},
		{name: "a chipset's maker", cmd: "AT+CGMI", lines: []string{"展锐"}},
		{name: "labels", cmd: "ATI", lines: []string{"制造商：芯讯通", "型号：SIM7600CE", "软件版本：LE11B14SIM7600CE"}, maker: "simcom", model: "SIM7600CE", firmware: "LE11B14SIM7600CE"},
		{name: "glued to the model", cmd: "AT+CGMM", lines: []string{"移远EC20F"}, maker: "quectel", model: "EC20F"},
		{name: "a sentence", cmd: "", lines: []string{"本产品使用移远模块"}},
		{name: "a word that begins alike", cmd: "AT+CGMI", lines: []string{"移远小于"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := base.Identify(fingerprint.Observation{Transcript: []inventory.Exchange{{Cmd: c.cmd, Lines: c.lines, Final: "OK"}}})
			if i := v.Identity; i.Maker != c.maker || i.Model != c.model || i.Firmware != c.firmware {
				t.Errorf("told as %q %q %q, want %q %q %q", i.Maker, i.Model, i.Firmware, c.maker, c.model, c.firmware)
			}
		})
	}
}

// TestOtherScriptsInBanner: what comes unasked in Chinese is read as what is asked for.
func TestOtherScriptsInBanner(t *testing.T) {
	base, err := fingerprint.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	latin := base.Identify(fingerprint.Observation{Banner: []string{"Quectel EC20"}})
	for _, line := range []string{"移远 EC20", "移远EC20", "\xd2\xc6\xd4\xb6 EC20"} {
		if v := base.Identify(fingerprint.Observation{Banner: []string{line}}); v.State != latin.State || v.Identity != latin.Identity {
			t.Errorf("%q: %v %+v, want %v %+v", line, v.State, v.Identity, latin.State, latin.Identity)
		}
	}
}
