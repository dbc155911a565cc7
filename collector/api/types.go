package api

import (
	"encoding/base64"
	"path"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// List is one page. Next is the cursor of the following one, "" on the last.
type List[T any] struct {
	Items []T `json:"items"`
	// Total is how many match on all pages; nil where that is not known.
	Total *int `json:"total,omitempty"`
	// AtLeast says that counting stopped at Total.
	AtLeast bool   `json:"total_at_least,omitempty"`
	Next    string `json:"next"`
}

// GatewayItem is a gateway in a list.
type GatewayItem struct {
	store.Gateway
	// State is "conflict", "silent" or "heard".
	State string `json:"state"`
}

// Gateway is one gateway with all that belongs to it.
type Gateway struct {
	GatewayItem
	ModulesNow []store.Module `json:"modules_now"`
	Places     []fleet.Place  `json:"places"`
	Reports    []store.Report `json:"reports"`
	Keys       []store.Key    `json:"keys"`
	History    []store.Event  `json:"history"`
}

// Problem is what an error answers with.
type Problem struct {
	Status int    `json:"status"`
	Error  string `json:"error"`
}

func newGatewayItem(g *store.Gateway) GatewayItem {
	item := GatewayItem{Gateway: *g, State: "heard"}
	switch {
	case g.Conflict != "":
		item.State = "conflict"
	case g.Silent:
		item.State = "silent"
	}
	item.Health = orEmpty(g.Health)
	if item.Labels == nil {
		item.Labels = map[string]string{}
	}
	return item
}

func newGateway(g *fleet.Gateway) *Gateway {
	out := &Gateway{GatewayItem: newGatewayItem(&g.Gateway), ModulesNow: orEmpty(g.List), Places: orEmpty(g.Places),
		Reports: orEmpty(g.Reports), Keys: orEmpty(g.Keys), History: orEmpty(g.History)}
	for i := range out.Places {
		out.Places[i].Ports = orEmpty(out.Places[i].Ports)
	}
	return out
}

func newModule(m *fleet.Module) *fleet.Module {
	m.Evidence, m.Conflicts, m.Parts, m.Ports = orEmpty(m.Evidence), orEmpty(m.Conflicts), orEmpty(m.Parts), orEmpty(m.Ports)
	m.Transcript, m.Banner = orEmpty(m.Transcript), orEmpty(m.Banner)
	m.SameIMEI, m.History = orEmpty(m.SameIMEI), orEmpty(m.History)
	if m.Managed != nil {
		m.Managed.Ports = orEmpty(m.Managed.Ports)
	}
	for i := range m.Transcript {
		m.Transcript[i].Lines = orEmpty(m.Transcript[i].Lines)
	}
	return m
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// ModulePath is the path of a module behind a prefix: "/modules/gw-1/usb:1-1.2".
func ModulePath(prefix string, k store.ModuleKey) string {
	return prefix + "/" + k.Gateway + "/" + EncodeModuleID(k.ID)
}

// EncodeModuleID writes a module's id as it stands in a path. One that a browser or a
// server would take for something else stands as ~ and unpadded URL base64.
func EncodeModuleID(id string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._-/"
	if strings.Trim(id, plain) == "" && path.Clean("/"+id) == "/"+id && id != "" && !strings.HasPrefix(id, "/") {
		return id
	}
	return "~" + base64.RawURLEncoding.EncodeToString([]byte(id))
}

// DecodeModuleID reads what EncodeModuleID wrote.
func DecodeModuleID(s string) (string, error) {
	code, ok := strings.CutPrefix(s, "~")
	if !ok {
		return s, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(code)
	if err != nil {
		return "", store.ErrNotFound
	}
	return string(b), nil
}
