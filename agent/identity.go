package agent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/internal/atomicfile"
	"github.com/rollcall-iot/rollcall/inventory"
)

// identityFile of the state directory holds the id that was first used, and marks of the machine.
const identityFile = "identity.json"

// markSources are files that tell one machine from another of its kind. No single one decides: boards, cards and
// disks are replaced. None is a file of the image.
var markSources = map[string]string{
	"devicetree": "sys/firmware/devicetree/base/serial-number",
	"soc":        "sys/devices/soc*/serial_number",
	"dmi":        "sys/class/dmi/id/product_uuid", // root alone may read it
	"mmc":        "sys/block/mmcblk*/device/cid",
	"nvme":       "sys/class/nvme/nvme*/serial",
	"mac":        "sys/class/net/*", // see cards
}

// Identity of a gateway.
type Identity struct {
	ID string
	// ClonedFrom is the id that the state directory held, where that belongs to another machine.
	ClonedFrom string
	// Warnings are codes with texts, for [Agent.Raise].
	Warnings map[string]string
}

// identity is the file.
type identity struct {
	Schema     string              `json:"schema"`
	ID         string              `json:"id,omitempty"` // as derived at the first start; empty where it was configured
	Marks      map[string][]string `json:"marks"`
	ClonedFrom string              `json:"cloned_from,omitempty"`
}

const identitySchema = "rollcall.identity/1"

// Identify gives the id of this gateway: the configured one, else the one that it used first, else one made from
// the machine ([MachineID]), which is kept: what may be read of a machine differs from user to user.
//
// A state directory that came from another machine (an image of a running gateway, a disk that was moved) is
// noticed. A configured id stays, with a warning. One that was kept belongs to the other machine: this one takes an
// id of its own, and sets aside what is the other's, report key, credentials and spool. root is "/" but in tests.
func Identify(root, stateDir, configured string) (Identity, error) {
	out := Identity{ID: configured, Warnings: map[string]string{}}
	path := filepath.Join(stateDir, identityFile)
	kept, err := readIdentity(path)
	if err != nil {
		out.Warnings["identity-not-kept"] = err.Error()
	}
	now := marks(root)
	next := identity{Schema: identitySchema, ID: kept.ID, Marks: maps.Clone(kept.Marks), ClonedFrom: kept.ClonedFrom}
	if next.Marks == nil {
		next.Marks = map[string][]string{}
	}
	cloned := other(kept.Marks, now)
	switch {
	case cloned && configured == "" && kept.ID != "":
		if err := setAside(stateDir, kept.ID); err != nil {
			return out, fmt.Errorf("the state directory %s is a copy of gateway %s's, and cannot be made this machine's: %w", stateDir, kept.ID, err)
		}
		next = identity{Schema: identitySchema, Marks: map[string][]string{}, ClonedFrom: kept.ID}
	case cloned:
		next.Marks = map[string][]string{}
		next.ClonedFrom = "another machine"
	}
	maps.Copy(next.Marks, now)
	if out.ID == "" && next.ID == "" {
		if next.ID, err = MachineID(root); err != nil {
			return out, err
		}
	}
	if out.ID == "" {
		out.ID = next.ID
	}
	if out.ClonedFrom = next.ClonedFrom; out.ClonedFrom != "" {
		out.Warnings["cloned-image"] = clonedText(path, next.ClonedFrom, configured)
	}
	if !reflect.DeepEqual(kept, next) && err == nil {
		if err := keepIdentity(path, next); err != nil {
			out.Warnings["identity-not-kept"] = err.Error()
		}
	}
	return out, nil
}

func clonedText(path, from, configured string) string {
	if configured != "" {
		return fmt.Sprintf("the state directory came from another machine, or most of this one was replaced: if both run with this id, give one "+
			"another gateway.id and its own report key; then remove cloned_from from %s", path)
	}
	return fmt.Sprintf("the state directory came from gateway %s, which is another machine: this one has an id and a report key of its own now; "+
		"if it replaces %s, set gateway.id to that and move the files of of-%s back; then remove cloned_from from %s", from, from, from, path)
}

func readIdentity(path string) (identity, error) {
	var i identity
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return i, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &i)
	}
	if err == nil && (i.Schema != identitySchema || i.ID != "" && inventory.CheckGatewayID(i.ID) != nil) {
		err = fmt.Errorf("schema %q and id %q are not of this version", i.Schema, i.ID)
	}
	if err != nil {
		return identity{}, fmt.Errorf("cannot read which gateway this is in %s: %w; the id is made anew from the machine", path, err)
	}
	return i, nil
}

func keepIdentity(path string, i identity) error {
	b, err := json.MarshalIndent(i, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = atomicfile.Write(path, append(b, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("the id of this gateway may differ from user to user: cannot keep it: %w", err)
	}
	return nil
}

// setAside moves what belongs to another gateway into a directory named after it. Where that has been done, and only
// this one's id could not be kept, what is found now is this one's own and stays.
func setAside(stateDir, id string) error {
	to := filepath.Join(stateDir, "of-"+id)
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, name := range []string{keyFile, credsFile, userFile, "spool"} {
		if _, err := os.Lstat(filepath.Join(to, name)); err == nil {
			continue
		}
		err := os.Rename(filepath.Join(stateDir, name), filepath.Join(to, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// other says whether the marks are those of another machine: some can be compared, and none is the same.
func other(then, now map[string][]string) bool {
	compared := false
	for source, marks := range now {
		if len(then[source]) == 0 {
			continue
		}
		compared = true
		if slices.ContainsFunc(marks, func(m string) bool { return slices.Contains(then[source], m) }) {
			return false
		}
	}
	return compared
}

// marks reads what tells this machine from others, as hashes that tell nothing else.
func marks(root string) map[string][]string {
	all := map[string][]string{}
	for source, pattern := range markSources {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if source == "mac" {
			paths, err = cards(root)
		}
		if err != nil {
			continue
		}
		for _, p := range paths {
			b, err := os.ReadFile(p)
			text := strings.ToLower(strings.TrimSpace(strings.Trim(string(b), "\x00")))
			if err != nil || text == "" || isPlaceholder(strings.ReplaceAll(text, ":", "")) {
				continue
			}
			h := hmac.New(sha256.New, []byte("rollcall machine mark "+source))
			h.Write([]byte(text))
			all[source] = append(all[source], hex.EncodeToString(h.Sum(nil)[:8]))
		}
		slices.Sort(all[source])
	}
	maps.DeleteFunc(all, func(_ string, m []string) bool { return len(m) == 0 })
	return all
}

// cards are the address files of network cards that have an address of their own, and are no module's: those come
// and go.
func cards(root string) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(root, markSources["mac"]))
	all = slices.DeleteFunc(all, func(dir string) bool {
		kind, err := os.ReadFile(filepath.Join(dir, "addr_assign_type"))
		device, linked := filepath.EvalSymlinks(filepath.Join(dir, "device"))
		return err != nil || linked != nil || strings.TrimSpace(string(kind)) != "0" || strings.Contains(device, "/usb")
	})
	for i := range all {
		all[i] = filepath.Join(all[i], "address")
	}
	return all, err
}
