package sheet

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/inventory"
)

// A fleet that does not fit on one page goes on on the next, each with the header.
func TestPages(t *testing.T) {
	items := func(yield func(hbom.Item, error) bool) {
		for i := range 7 {
			if !yield(hbom.Item{Gateway: inventory.Gateway{ID: fmt.Sprintf("gw-%d", i)}}, nil) {
				return
			}
		}
	}
	var b bytes.Buffer
	if err := writeXLSX(&b, items, Settings{Settings: hbom.Settings{Time: time.Unix(1764000000, 0)}}, 4); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := ""
	for _, page := range f.GetSheetList()[1:] {
		rows, err := f.GetRows(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			got += page + " " + r[0] + "\n"
		}
	}
	want := "Modules gateway\nModules gw-0\nModules gw-1\nModules gw-2\nModules 2 gateway\nModules 2 gw-3\nModules 2 gw-4\nModules 2 gw-5\n" +
		"Modules 3 gateway\nModules 3 gw-6\n"
	if got != want {
		t.Errorf("got\n%s", got)
	}
}
