package capture

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// What mmcli prints about a modem (ModemManager, cli/mmcli-output.c): a table for people, older ones
// with quotes; one "key : value" a line (-K); or JSON (-J).
var (
	mmcliRow  = pattern(`^(?:([A-Z0-9][\w.]*)\s*)?\|\s*(?:([A-Za-z][\w /.-]*?):\s*)?(.*)$`)
	mmcliPair = pattern(`^modem\.((?:generic|3gpp)\.[\w.\[\]-]+)\s*:\s*(.*)$`)
	mmcliJSON = pattern(`^"([\w-]+)": "(.*)",?$`)
	mmcliPath = pattern(`/org/freedesktop/ModemManager1/Modem/\d+`)
)

// mmcliKeys are the names of the values in the three forms. Those of the subscriber are not read.
var mmcliKeys = map[string]string{
	"manufacturer": "manufacturer", "model": "model", "equipment id": "equipment", "plugin": "plugin",
	"firmware revision": "revision", "revision": "revision", "h/w revision": "hardware", "H/W revision": "hardware",
	"generic.manufacturer": "manufacturer", "generic.model": "model", "generic.revision": "revision",
	"generic.hardware-revision": "hardware", "generic.equipment-identifier": "equipment", "generic.plugin": "plugin",
}

// manager is one modem as ModemManager shows it.
type manager struct {
	inventory.Managed
	used []Used
}

// listing collects what mmcli shows of modems, in order.
type listing struct {
	found  []*manager
	inside bool // a table has begun: a row of it was read
	object bool // the object "generic" of indented JSON has begun
}

// managers finds all, and marks their lines as read.
func managers(lines []logged, skip map[int]bool) []*manager {
	var t listing
	for _, l := range lines {
		if !skip[l.number] && t.read(l) {
			skip[l.number] = true
		}
	}
	return slices.DeleteFunc(t.found, func(m *manager) bool { return m.Manufacturer == "" && m.Model == "" })
}

// read takes one line; true when it was a value.
func (t *listing) read(l logged) bool {
	s := strings.TrimSpace(l.rest)
	if strings.HasPrefix(s, `{"modem":`) {
		var rec record
		if json.Unmarshal([]byte(s), &rec) == nil && rec.Modem != nil {
			t.found = append(t.found, &manager{Managed: rec.Modem.managed(), used: []Used{useManaged(l, s)}})
			return true
		}
		return false
	}
	if s == `"generic": {` {
		t.object = true
		return false
	}
	if t.object {
		if m := mmcliJSON().FindStringSubmatch(s); m != nil {
			return t.value(l, mmcliKeys["generic."+m[1]], m[2])
		}
	}
	t.object = t.object && !strings.HasPrefix(s, "}")
	if !strings.HasPrefix(s, "modem.") && !strings.Contains(s, "|") {
		t.inside = t.inside && !mmcliPath().MatchString(s)
		return false
	}
	if m := mmcliPair().FindStringSubmatch(s); m != nil {
		return t.value(l, mmcliKeys[m[1]], m[2])
	}
	m := mmcliRow().FindStringSubmatch(s)
	if m == nil {
		return false
	}
	if m[1] != "" {
		t.inside = m[1] == "Hardware" || m[1] == "System"
	}
	return t.inside && t.value(l, mmcliKeys[m[2]], m[3])
}

func (t *listing) value(l logged, key, value string) bool {
	value = strings.Trim(strings.TrimSpace(value), "'")
	if key == "" || value == "" || value == "--" || value == "unknown" || value == "n/a" {
		return false
	}
	if n := len(t.found); n == 0 || key == "manufacturer" && t.found[n-1].Manufacturer != "" {
		t.found = append(t.found, &manager{Managed: inventory.Managed{By: managerName}})
	}
	m := t.found[len(t.found)-1]
	fields := map[string]*string{
		"manufacturer": &m.Manufacturer, "model": &m.Model, "revision": &m.Revision, "hardware": &m.Hardware,
		"equipment": &m.EquipmentID, "plugin": &m.Plugin,
	}
	if f := fields[key]; *f == "" {
		*f = value
	}
	m.used = append(m.used, useManaged(l, strings.TrimSpace(l.rest)))
	return true
}

const managerName = "ModemManager"

func useManaged(l logged, text string) Used {
	return Used{Line: l.number, Text: text, As: UseManaged, Case: -1}
}

// attachManagers gives what was listed to the only case; where no dialogue is shown, each listed
// modem is a case of its own.
func attachManagers(cases []Case, found []*manager) ([]Case, []Used) {
	var used []Used
	if len(cases) == 0 {
		for i, m := range found {
			cases = append(cases, Case{})
			cases[i].Managed = &m.Managed
			used = append(used, m.uses(i)...)
		}
		return cases, used
	}
	for _, m := range found {
		if len(cases) == 1 && len(found) == 1 {
			cases[0].Managed = &m.Managed
			used = append(used, m.uses(0)...)
			continue
		}
		for _, u := range m.used {
			used = append(used, u.leftOut("of one of several modules, which one is not shown"))
		}
	}
	return cases, used
}

func (m *manager) uses(index int) []Used {
	for i := range m.used {
		m.used[i].Case = index
	}
	return m.used
}

// mmcliModem is the part of mmcli's JSON that is read.
type mmcliModem struct {
	Generic struct {
		Manufacturer string   `json:"manufacturer"`
		Model        string   `json:"model"`
		Revision     string   `json:"revision"`
		Hardware     string   `json:"hardware-revision"`
		EquipmentID  string   `json:"equipment-identifier"`
		Plugin       string   `json:"plugin"`
		Ports        []string `json:"ports"`
	} `json:"generic"`
}

func (m *mmcliModem) managed() inventory.Managed {
	g := &m.Generic
	out := inventory.Managed{
		By: managerName, Manufacturer: g.Manufacturer, Model: g.Model, Revision: g.Revision,
		Hardware: g.Hardware, EquipmentID: g.EquipmentID, Plugin: g.Plugin, Ports: g.Ports,
	}
	for _, s := range []*string{&out.Manufacturer, &out.Model, &out.Revision, &out.Hardware, &out.EquipmentID, &out.Plugin} {
		if *s == "--" {
			*s = ""
		}
	}
	return out
}
