package render

import (
	"strings"
	"testing"
)

func TestCheckFitsTheScreen(t *testing.T) {
	out := Screen{Width: 40}.Check("fail", "NATS", "no server can be reached: dial tcp 127.0.0.1:4222: \x1b[2Jconnection refused", "check nats.urls, the route and the firewall")
	if strings.Contains(out, "\x1b") || !strings.HasPrefix(out, "fail  NATS: no server") || !strings.Contains(out, "      > check nats.urls") {
		t.Errorf("drawn as\n%s", out)
	}
	for line := range strings.SplitSeq(out, "\n") {
		if columns(line) > 40 {
			t.Errorf("%q is wider than the screen", line)
		}
	}
}
