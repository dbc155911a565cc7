package fingerprint

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// managedExchange is the number of the readings that a modem manager told: beyond those of exchanges.
const managedExchange = maxExchanges

// managedRank puts them below the module's own answers to the same questions.
const managedRank = 50

// noModel begins what ModemManager calls a module whose model it could not learn (mm-broadband-modem-mbim.c).
const noModel = "MBIM ["

// takeIDs keeps the descriptor's ids where they stand in place of a model: "MBIM [1199:9079]".
func (w *work) takeIDs(s string) bool {
	ids, ok := strings.CutPrefix(s, noModel)
	if ok && len(ids) >= len("1199:9079") {
		w.vid, w.pid = ids[:4], ids[5:9]
	}
	return ok
}

// readManaged reads what a modem manager knows. It asked the module itself, in its own way, so that
// its texts stand for the same sign as the module's answers and count once with them; that it manages
// the device at all says that the device is cellular.
func (b *Base) readManaged(w *work, m *inventory.Managed) {
	if m == nil {
		return
	}
	source := managedSource(m.By)
	for i, v := range [...]struct {
		field       knowledge.Field
		value, name string
	}{
		{knowledge.FieldMaker, m.Manufacturer, "Manufacturer"},
		{knowledge.FieldModel, m.Model, "Model"},
		{knowledge.FieldFirmware, m.Revision, "Revision"},
		{knowledge.FieldHardware, m.Hardware, "HardwareRevision"},
		{knowledge.FieldIMEI, m.EquipmentID, "EquipmentIdentifier"},
	} {
		line, _, _ := strings.Cut(v.value, "\n")
		value := trim(line[:min(len(line), maxValue)])
		if value == "" || !printable(value) || masked(value) || strings.HasPrefix(value, noModel) {
			continue
		}
		w.cellular = true
		w.add(reading{
			field: v.field, rank: managedRank, sure: true, exchange: managedExchange, line: uint8(i),
			value: value, quote: v.value, source: source + v.name,
		})
	}
}

// managedSource is how evidence names what a manager told: "mm:" for ModemManager, else its own name.
func managedSource(by string) string {
	if by == "ModemManager" {
		return "mm:"
	}
	return "manager:"
}

// temper weakens marks since before that rest on what a manager told: it proves nothing alone.
func (w *work) temper(exchange uint8, before int) {
	if exchange != managedExchange {
		return
	}
	for i := before; i < w.nMark; i++ {
		w.marks[i].strength = min(w.marks[i].strength, knowledge.Strong)
	}
}
