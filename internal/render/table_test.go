package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTableSideBySideAndStacked(t *testing.T) {
	heads := []string{"gateway", "module", "origin"}
	rows := [][]string{{"gw-1", "Quectel EC25-E", "CN"}, {"gw-22", "移远 EC25", ""}, {"gw-3", "evil\x1b[2J\u202e", "CA"}}
	wide := "gateway  module             origin\n" +
		"gw-1     Quectel EC25-E     CN\n" +
		"gw-22    移远 EC25\n" +
		"gw-3     evil\\x1b[2J\\u202e  CA\n"
	if d := cmp.Diff(wide, Screen{Width: 80}.Table(heads, rows, 3)); d != "" {
		t.Error(d)
	}
	narrow := Screen{Width: 30}.Table(heads, rows, 3)
	want := "gw-1\n  module  Quectel EC25-E\n  origin  CN\ngw-22\n  module  移远 EC25\ngw-3\n  module  evil\\x1b[2J\\u202e\n  origin  CA\n"
	if d := cmp.Diff(want, narrow); d != "" {
		t.Error(d)
	}
	dropped := Screen{Width: 30}.Table(heads, rows, 2)
	if strings.Contains(dropped, "origin") || !strings.HasPrefix(dropped, "gateway  module\n") {
		t.Errorf("the last column should be left out:\n%s", dropped)
	}
	for _, line := range strings.Split(narrow, "\n") {
		if columns(line) > 30 {
			t.Errorf("%q is wider than the screen", line)
		}
	}
}
