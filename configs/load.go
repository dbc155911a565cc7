package configs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// Source says where to read from.
type Source struct {
	// File is the path given with --config; it must exist. Empty: the usual place, if there.
	File string
	// Flags are the parsed flags of the command; those that were set win. May be nil.
	Flags *pflag.FlagSet
	// Environ is os.Environ() of the process.
	Environ []string
}

// LoadAgent reads the agent's configuration.
func LoadAgent(s Source) (*Agent, error) {
	var c Agent
	given, err := load(&c, s, AgentFile, agentOptions())
	if err != nil {
		return nil, err
	}
	return &c, given.tell(c.validate())
}

// LoadCollector reads the collector's configuration.
func LoadCollector(s Source) (*Collector, error) {
	var c Collector
	given, err := load(&c, s, CollectorFile, collectorOptions())
	if err != nil {
		return nil, err
	}
	return &c, given.tell(c.validate())
}

// load fills c, and says where each option was given. Every key gets a default and an explicit environment binding: viper's
// Unmarshal sees only keys that it knows, so AutomaticEnv alone would drop variables
// for keys that the file does not name (spf13/viper#761).
func load(c any, s Source, usual string, options []option) (places, error) {
	v := viper.New()
	v.SetConfigType("yaml")
	given := places{}
	for _, o := range options {
		v.SetDefault(o.key, o.def)
		if s.Flags == nil || o.flag == "" {
			continue
		}
		if f := s.Flags.Lookup(o.flag); f != nil && f.Changed {
			if err := v.BindPFlag(o.key, f); err != nil {
				return nil, fmt.Errorf("cannot bind flag --%s: %w", o.flag, err)
			}
		}
	}
	if err := readFile(v, given, s.File, usual, options); err != nil {
		return nil, err
	}
	if err := setEnviron(v, given, s, options); err != nil {
		return nil, err
	}
	for _, o := range options {
		if flagSet(s.Flags, o.flag) {
			given[o.key] = "flag --" + o.flag
		}
	}
	hook := mapstructure.ComposeDecodeHookFunc(
		mapstructure.StringToTimeDurationHookFunc(), mapstructure.StringToSliceHookFunc(","))
	if err := v.UnmarshalExact(c, viper.DecodeHook(hook)); err != nil {
		return nil, given.tell(undecoded(err, v.Get, options))
	}
	return given, nil
}

func readFile(v *viper.Viper, given places, named, usual string, options []option) error {
	path := named
	if path == "" {
		path = usual
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read configuration: %w", err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("configuration %s is writable by everybody (mode %04o): chmod o-w it", path, info.Mode().Perm())
	}
	file := viper.New()
	file.SetConfigType("yaml")
	if err := file.ReadConfig(bytes.NewReader(b)); err != nil {
		return fmt.Errorf("cannot read configuration %s: %s", path, strings.Join(strings.Fields(err.Error()), " ")) // some are of several lines
	}
	lines, all := keyLines(b), file.AllKeys()
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(lines[a], lines[b]) })
	for _, key := range all {
		given[key] = fmt.Sprintf("configuration %s:%d", path, lines[key])
		if !known(key, options) {
			return fmt.Errorf("%s: unknown key %q; %s", given[key], key, meant(key, options, strings.ToLower))
		}
	}
	return v.MergeConfigMap(file.AllSettings())
}

// setEnviron applies ROLLCALL_ variables beneath the flags that were set. They are read from the Source,
// not from the process, so that a test needs no global state.
func setEnviron(v *viper.Viper, given places, s Source, options []option) error {
	for _, kv := range s.Environ {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "ROLLCALL_") || slices.Contains(otherVariables(), name) {
			continue
		}
		i := slices.IndexFunc(options, func(o option) bool { return variable(o.key) == name })
		switch {
		case i < 0 && !knownElsewhere(name):
			return fmt.Errorf("environment variable %s is unknown; %s", name, meant(keyOf(name), options, variable))
		case i < 0 || flagSet(s.Flags, options[i].flag):
			continue
		}
		set, err := parse(options[i].def, value)
		if err != nil {
			return fmt.Errorf("environment variable %s: %w", name, err)
		}
		v.Set(options[i].key, set)
		given[options[i].key] = "environment variable " + name
	}
	return nil
}

// parse gives lists and maps of a variable their shape: a,b and a=1,b=2.
func parse(def any, value string) (any, error) {
	switch def.(type) {
	case []string:
		return splitList(value), nil
	case map[string]string:
		m := map[string]string{}
		for _, pair := range splitList(value) {
			name, text, ok := strings.Cut(pair, "=")
			if !ok {
				return nil, fmt.Errorf("%q is not name=value", pair)
			}
			m[strings.ToLower(name)] = text
		}
		return m, nil
	}
	return value, nil
}

func splitList(s string) []string {
	list := []string{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

func flagSet(flags *pflag.FlagSet, name string) bool {
	if flags == nil || name == "" {
		return false
	}
	f := flags.Lookup(name)
	return f != nil && f.Changed
}

func known(key string, options []option) bool {
	return slices.ContainsFunc(options, func(o option) bool {
		_, isMap := o.def.(map[string]string)
		return key == o.key || isMap && strings.HasPrefix(key, o.key+".")
	})
}

// knownElsewhere lets an agent and a collector share one environment.
func knownElsewhere(name string) bool {
	all := append(agentOptions(), collectorOptions()...)
	return slices.ContainsFunc(all, func(o option) bool { return variable(o.key) == name })
}

func variable(key string) string {
	return "ROLLCALL_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// keyOf gives the key that a variable would be for, had keys no underscores.
func keyOf(variable string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, "ROLLCALL_")), "_", ".")
}
