package serialport

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// claim says that a program is configured to use a port. It may be free at this moment and in use
// at the next, and where the program takes no lock and runs as another user nothing else shows it.
type claim struct {
	// text says which, for people: "netifd interface wan", "smsd of smstools in /etc/smsd.conf".
	text string
	// program is its name in /proc, "" where it comes and goes; file is what names the port.
	program, file string
}

// claimRule is a line of claims.tsv.
type claimRule struct{ file, key, program, name string }

// claims gives the ports that this machine's configuration names, by their paths.
func (t tree) claims(rules []claimRule) map[string]claim {
	claims := map[string]claim{}
	for _, r := range rules {
		files, _ := filepath.Glob(t.path(r.file))
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil || !info.Mode().IsRegular() {
				continue
			}
			name := strings.TrimPrefix(file, strings.TrimSuffix(string(t), "/"))
			for _, port := range r.ports(attr(file)) {
				claims[t.follow(port)] = claim{r.name + " in " + name, r.program, name}
			}
		}
	}
	for port, text := range t.netifd() {
		claims[port] = claim{text: text}
	}
	return claims
}

// ports gives the devices that the lines of a file with the rule's key name.
func (r claimRule) ports(text string) (all []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		words := strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(" \t=\"',", c) })
		if r.key != "*" && !slices.Contains(words, r.key) {
			continue
		}
		for _, w := range words {
			if strings.HasPrefix(w, "/dev/") {
				all = append(all, w)
			}
		}
	}
	return all
}

// netifd gives the ports that OpenWrt's network configuration names, with the interface that does.
func (t tree) netifd() map[string]string {
	claims := map[string]string{}
	section := ""
	for line := range strings.SplitSeq(attr(t.path("etc/config/network")), "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) >= 3 && f[0] == "config" && f[1] == "interface":
			section = unquote(f[2])
		case len(f) >= 2 && f[0] == "config":
			section = ""
		case len(f) >= 3 && f[0] == "option" && f[1] == "device" && section != "":
			if dev := unquote(f[2]); strings.HasPrefix(dev, "/dev/") {
				claims[t.follow(dev)] = "netifd interface " + section
			}
		}
	}
	return claims
}

func unquote(s string) string { return strings.Trim(s, `'"`) }

// running gives a process of a name, nil if there is none.
func (t tree) running(program string) *Holder {
	names, err := list(t.path("proc"))
	if err != nil || program == "" {
		return nil
	}
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid != os.Getpid() && attr(t.path("proc", name, "comm")) == program {
			return &Holder{PID: pid, Name: program}
		}
	}
	return nil
}
