package cli

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

// located is one module and the gateway that it sits in, or a gateway that has none.
type located struct {
	gateway *policy.Gateway
	module  *inventory.Module
	// bare: of the gateway nothing but its id is known, if that.
	bare bool
}

// unknownGateways is what to tell where modules of gateways of which nothing is known were judged by rules
// that look at them: such a rule finds nothing there, and would not in the fleet.
func unknownGateways(bare int, ps ...*policy.Policy) string {
	var fields []string
	for _, f := range []string{"labels", "hostname"} {
		if slices.ContainsFunc(ps, func(p *policy.Policy) bool { return p.Reads("gateway." + f) }) {
			fields = append(fields, "gateway."+f)
		}
	}
	if bare == 0 || len(fields) == 0 {
		return ""
	}
	return fmt.Sprintf("rules look at %s, which module objects do not tell: %d of them were judged without; a report or --server has it",
		strings.Join(fields, " and "), bare)
}

// source says where the modules come from that a command is about: a file, a collector, or
// this machine.
type source struct {
	at      server
	gateway string
	module  string
	filters map[string]*[]string
}

// addFlags adds those of a fleet. A command takes the file as its argument.
func (s *source) addFlags(c *cobra.Command) {
	f := c.Flags()
	s.at.addFlags(f)
	f.StringVar(&s.gateway, "gateway", "", "only modules of this gateway `ID`")
	f.StringVar(&s.module, "module", "", "only the module of this `ID`")
	s.filters = map[string]*[]string{}
	for _, name := range api.ModuleParameters() {
		if name != "gateway" && name != "sort" {
			s.filters[name] = filterFlag(f, name, "of a collector: "+filterText("modules", name))
		}
	}
}

// filtered names a filter that was given, or "".
func (s *source) filtered() string {
	var names []string
	for name, v := range s.filters {
		if len(*v) > 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return slices.Min(names)
}

// modules gives the modules of a file, or of a collector if there is none, in order of
// gateway and module as far as the file is.
func (s *source) modules(c *cobra.Command, args []string) (iter.Seq2[located, error], error) {
	if len(args) == 0 {
		from, err := s.at.client()
		if err != nil {
			return nil, err
		}
		return s.chosen(s.asked(c.Context(), from)), nil
	}
	if s.at.url != "" {
		return nil, exit.Usagef("give a file or --server, not both")
	}
	if name := s.filtered(); name != "" {
		return nil, exit.Usagef("--%s chooses among a collector's modules; of a file, --gateway and --module do", name)
	}
	hint(c, args[0])
	return s.chosen(readModules(c, args[0])), nil
}

// chosen leaves out what --gateway and --module leave out.
func (s *source) chosen(all iter.Seq2[located, error]) iter.Seq2[located, error] {
	return func(yield func(located, error) bool) {
		for l, err := range all {
			if err == nil && !s.meant(l) {
				continue
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

func (s *source) meant(l located) bool {
	return (s.gateway == "" || l.gateway.ID == s.gateway) && (s.module == "" || l.module != nil && l.module.ID == s.module)
}

// nothing is the error of a command that was to be about something and found none of it.
func (s *source) nothing(args []string) error {
	where := "the collector"
	if len(args) > 0 {
		where = named(args[0])
	}
	var which string
	if s.module != "" {
		which += fmt.Sprintf(" %q", s.module)
	}
	if s.gateway != "" {
		which += fmt.Sprintf(" in gateway %q", s.gateway)
	}
	if s.filtered() != "" {
		which += " that the filters let pass"
	}
	return fmt.Errorf("%s has no module%s", where, which)
}

// asked gives the modules of a collector with their evidence: one stream for all of them.
func (s *source) asked(ctx context.Context, from client) iter.Seq2[located, error] {
	return func(yield func(located, error) bool) {
		f := &fleetReader{client: from, has: map[string]bool{}}
		if err := f.readGateways(ctx, s.gateway); err != nil {
			yield(located{}, err)
			return
		}
		for m, err := range f.modules(ctx, s) {
			if !yield(m, err) || err != nil {
				return
			}
		}
		if s.module != "" || s.filtered() != "" {
			return
		}
		for _, g := range f.without() {
			if !yield(located{gateway: g}, nil) {
				return
			}
		}
	}
}
