package judge_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// What a row says of who a module is stays short, whatever a gateway claims: it stands in each event.
func TestRowIsBounded(t *testing.T) {
	long := strings.Repeat("ä\x1b", 100_000)
	m := inventory.Module{ID: "usb:1-1", State: inventory.StateIdentified, Seems: long, Origin: inventory.Origin{Country: long, ParentCountry: long},
		Identity: inventory.Identity{Maker: long, MakerName: long, Badge: long, Model: long, Variant: long, Firmware: long, Hardware: long, IMEI: long, Chipset: long, Technology: long}}
	row := judge.Row("gw-1", &m)
	i := row.Identity
	for _, s := range []string{i.Maker, i.MakerName, i.Badge, i.Model, i.Variant, i.Firmware, i.Hardware, i.IMEI, i.Chipset, i.Technology, row.Seems, row.Origin.Country, row.Origin.ParentCountry} {
		if len(s) > 520 || !utf8.ValidString(s) || !strings.HasPrefix(s, `ä\x1b`) || !strings.HasSuffix(s, "…") {
			t.Errorf("%d bytes: %.40q", len(s), s)
		}
	}
}
