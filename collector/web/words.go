package web

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// country gives the English name of an ISO 3166-1 code, from the Unicode CLDR.
func country(code string) string {
	if code == "" || code == store.None {
		return "not known"
	}
	r, err := language.ParseRegion(code)
	if err != nil || !r.IsCountry() {
		return code
	}
	return display.English.Regions().Name(r)
}

// origin names the seats of the maker and, where it differs, of its ultimate parent.
func origin(country1, parent string) string {
	switch {
	case country1 == "" && parent == "":
		return "not known"
	case parent == "" || parent == store.None || parent == country1:
		return country(country1)
	}
	return country(country1) + ", parent " + country(parent)
}

func originOf(o inventory.Origin) string {
	if o.Unconfirmed {
		return origin(o.Country, o.ParentCountry) + ", not confirmed"
	}
	return origin(o.Country, o.ParentCountry)
}

// originKey reads the form that filters take: "CN/CN", "CN", "" or "-".
func originKey(key string) string {
	a, b, pair := strings.Cut(key, "/")
	switch {
	case key == "" || key == store.None:
		return "not known"
	case !pair:
		return country(a) + " (maker or parent)"
	}
	return origin(a, b)
}

// stateWords say what a state means, in few words. It stands as its own type or as text.
func stateWords(state any) string {
	return cmp.Or(map[string]string{
		"identified": "maker and model are proven", "partial": "cellular, but maker or model is open",
		"unanswered": "asked, and no usable answer came", "held": "another program holds the port",
		"denied": "the system or a rule refused the port", "not-cellular": "answered, but is no cellular module",
		"unknown": "nothing that is known fits",
	}[fmt.Sprint(state)], "")
}

// kindWords name a kind of event.
func kindWords(k store.EventKind) string {
	return cmp.Or(map[store.EventKind]string{
		store.GatewayNew: "new gateway", store.GatewaySilent: "gateway silent", store.GatewayBack: "gateway back",
		store.GatewayConflict: "gateway conflict", store.KeyConflict: "key conflict",
		store.ModuleAdded: "module added", store.ModuleRemoved: "module removed", store.ModuleMoved: "module moved",
		store.ModuleSwapped: "module swapped", store.FirmwareChanged: "firmware changed", store.ModelChanged: "model changed",
		store.IMEIChanged: "IMEI changed", store.StateChanged: "state changed", store.IdentityClash: "evidence disagrees",
		store.IdentityAgreed: "evidence agrees again", store.JudgedAnew: "judged anew",
		store.FindingOpened: "finding opened", store.FindingClosed: "finding closed", store.IMEIDuplicate: "same IMEI twice", store.ConflictCleared: "conflict settled",
	}[k], string(k))
}

// kindTone says how much a kind of event asks for attention.
func kindTone(e store.Event) string {
	switch e.Kind {
	case store.FindingOpened:
		if e.Finding != nil && (e.Finding.Covered || store.SeverityRank(e.Finding.Severity) < store.SeverityRank("high")) {
			return "note"
		}
		return "alert"
	case store.GatewayConflict, store.KeyConflict, store.IdentityClash, store.ModuleSwapped, store.IMEIChanged, store.IMEIDuplicate, store.ModuleRemoved:
		return "alert"
	case store.GatewaySilent, store.ModelChanged, store.FirmwareChanged, store.StateChanged, store.ModuleMoved:
		return "note"
	}
	return "plain"
}

// briefly names a module in an event.
func briefly(b *store.Brief) string {
	if b == nil {
		return "nothing"
	}
	name := strings.TrimSpace(cmp.Or(b.MakerName, b.Maker) + " " + b.Model)
	return cmp.Or(name, "module ("+string(b.State)+")")
}

// sentence tells what an event changed; the kind and the place stand beside it.
func sentence(e store.Event) string {
	from, to := orBrief(e.From), orBrief(e.To)
	switch e.Kind {
	case store.FirmwareChanged:
		return briefly(e.To) + ": " + from.Firmware + " → " + to.Firmware
	case store.IMEIChanged:
		return briefly(e.To) + ": " + from.IMEI + " → " + to.IMEI + ". Another module of the same model, or its IMEI was rewritten."
	case store.ModelChanged, store.ModuleSwapped:
		return briefly(e.From) + " → " + briefly(e.To)
	case store.ModuleMoved:
		return briefly(e.To) + ": " + from.ID + " → " + to.ID
	case store.StateChanged:
		return briefly(e.To) + ": " + string(from.State) + " → " + string(to.State)
	case store.ModuleAdded, store.IdentityClash, store.IdentityAgreed:
		return briefly(e.To)
	case store.ModuleRemoved:
		return briefly(e.From)
	case store.FindingOpened, store.FindingClosed:
		return findingSentence(e)
	case store.JudgedAnew:
		return briefly(e.From) + " → " + briefly(e.To) + ", " + e.Text
	}
	return e.Text
}

// inShort is a sentence that leaves out why, where no report is the cause.
func inShort(e store.Event) string {
	if e.Finding != nil {
		e.Text = ""
	}
	return sentence(e)
}

// findingSentence tells of a finding that came or went, and why where no report is the cause.
func findingSentence(e store.Event) string {
	if e.Finding == nil {
		return e.Text
	}
	text := e.Finding.Severity + ": " + e.Finding.Text
	if e.Finding.Covered {
		text += " (accepted by an exception)"
	}
	if e.Text != "" {
		text += " – " + e.Text
	}
	return text
}

func orBrief(b *store.Brief) store.Brief {
	if b == nil {
		return store.Brief{}
	}
	return *b
}

// certainty puts a confidence in words.
func certainty(c float64) string {
	switch {
	case c >= 0.95:
		return "certain"
	case c >= 0.75:
		return "likely"
	case c > 0:
		return "weak"
	}
	return "open"
}

// count writes a number with separators.
func count(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func share(n, of int) string {
	if of == 0 {
		return "0 %"
	}
	p := 100 * float64(n) / float64(of)
	switch {
	case n > 0 && p < 0.1:
		return "< 0.1 %"
	case p < 10 && p != float64(int(p)):
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%.0f %%", p)
}

// percent is a width for a bar.
func percent(n, of int) string {
	if of == 0 {
		return "0%"
	}
	return fmt.Sprintf("%.3f%%", 100*float64(n)/float64(of))
}

// change compares a figure with that of a week ago.
func change(now int, week *store.Figures, of func(*store.Figures) int) string {
	if week == nil {
		return "no figure of 7 days ago yet"
	}
	switch d := now - of(week); {
	case d > 0:
		return "+" + count(d) + " in 7 days"
	case d < 0:
		return "−" + count(-d) + " in 7 days"
	}
	return "as 7 days ago"
}

// ago says how long before now a time was.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero() || t.Unix() <= 0:
		return "never"
	case d < -time.Minute:
		return "in the future"
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	case d < 60*24*time.Hour:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
	return t.Format("Jan 2006")
}

func stamp(t time.Time) string {
	if t.Unix() <= 0 {
		return "a time that is not known"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// plural writes a number and the word that goes with it.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}
