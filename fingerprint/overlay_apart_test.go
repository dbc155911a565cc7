package fingerprint

import (
	"strings"
	"testing"
)

// TestOverlaysStayApart: two files laid over one base don't write into each other's questions, however many it has.
func TestOverlaysStayApart(t *testing.T) {
	with := func(b *Base, asks string) *Base {
		laid, err := b.with(Overlay{Name: "x.yaml", Data: []byte("slug: quectel\nask: [" + asks + "]\n")})
		if err != nil {
			t.Fatal(err)
		}
		return laid
	}
	for n := 1; n < 8; n++ {
		base := with(embedded(t), strings.TrimSuffix(strings.Repeat("{cmd: AT+CSUB, for: part}, ", n), ", "))
		first := with(base, "{cmd: AT+CGMR, for: firmware}")
		with(base, "{cmd: AT+GMM, for: model}")
		for _, m := range first.pack.Makers {
			if m.Slug == "quectel" && m.Ask[len(m.Ask)-1].Cmd != "AT+CGMR" {
				t.Errorf("with %d more, the last question is %q, which another file asks", n, m.Ask[len(m.Ask)-1].Cmd)
			}
		}
	}
}
