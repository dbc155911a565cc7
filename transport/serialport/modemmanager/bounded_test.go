package modemmanager

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// A module that tells ModemManager a book does not make the gateway's report too large to send.
func TestManagedIsBounded(t *testing.T) {
	book := strings.Repeat("é", 1<<20)
	m := Modem{Manufacturer: book, Model: book, Revision: book, HardwareRevision: book, EquipmentIdentifier: book, Plugin: book}
	for range 10_000 {
		m.Ports = append(m.Ports, Port{Name: book, Type: "at"})
	}
	g := m.managed()
	b, err := json.Marshal(g)
	if err != nil || len(b) > 32<<10 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if g.Model == "" || !utf8.ValidString(g.Model) {
		t.Errorf("the model is %q", g.Model)
	}
}
