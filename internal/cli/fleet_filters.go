package cli

import "github.com/spf13/pflag"

// filterFlag adds the flag that becomes a parameter of the API. That of the search has a letter,
// and also the parameter's own name.
func filterFlag(f *pflag.FlagSet, name, text string) *[]string {
	if name != "q" {
		return f.StringArray(name, nil, text)
	}
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "q" {
			name = "search"
		}
		return pflag.NormalizedName(name)
	})
	return f.StringArrayP("search", "q", nil, text)
}

// filterText is the help of a flag that narrows a list of a collector down, for the parameter of
// the API that it becomes. about is the list.
func filterText(about, name string) string {
	texts := map[string]string{
		"maker":    "only modules of this `maker`, named as -o json names it; repeatable; \"-\": not known",
		"model":    "only this `model`; repeatable; \"-\": not known",
		"firmware": "only this `firmware`; repeatable; \"-\": not known",
		"origin":   "only this origin: a `country` such as CN, or both as in CA/US; repeatable; \"-\": not known",
		"state":    "only modules in this `state`, as in identified or held; repeatable",
		"badge":    "only modules sold as this `brand`; repeatable; \"-\": none",
		"severity": "only findings of this `severity`: info, low, medium, high or critical; repeatable",
		"gateway":  "only this gateway `ID`",
		"module":   "only this module `ID`",
		"conflict": "`true`: only modules whose evidence disagrees",
		"kind":     "only events of this `kind`, as in firmware-changed or module-swapped; repeatable",
		"rule":     "only findings of this `rule`; repeatable",
		"list":     "only findings of this `list`, as in dod-1260h; repeatable",
		"covered":  "`yes`: only findings that an exception covers; no: only the others",
		"q":        "search: all `words` in maker, model, firmware, badge or chipset, in the gateway's id, hostname or labels (site=north), or six digits or more of an IMEI",
		"sort":     "`column` to sort by: gateway, maker, model, firmware, origin or state; \"-\" before it turns it round",
	}
	switch about + " " + name {
	case "modules severity":
		return "only modules whose worst open finding is of this `severity`; repeatable; \"-\": none"
	case "gateways state":
		return "only gateways in this `state`: heard, silent or conflict"
	case "gateways q":
		return "search: all `words` in id, hostname or labels, as in site=north"
	case "findings q":
		return "search: all `words` in a rule or list, or in the gateway's id, hostname or labels"
	case "findings sort":
		return "`column` to sort by: opened, severity, gateway or rule; \"-\" before it turns it round (default: the most severe first, and the newest of these)"
	}
	if text, ok := texts[name]; ok {
		return text
	}
	return "only this `" + name + "`; repeatable"
}
