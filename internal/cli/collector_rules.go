package cli

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	fleetjudge "github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/internal/overlay"
)

// rulesChanged is what the log of who did what calls it that a collector judges by other rules,
// lists or fingerprints than before.
const rulesChanged = "change rules"

// rulesLog keeps in the log of who did what by which rules a fleet is judged, and whose they are.
type rulesLog struct {
	store store.Access
	log   *slog.Logger
}

// note keeps that the fleet is judged by k from now on: once, whichever of several collectors is the
// first to tell, and not at all where the newest entry says so already.
func (l *rulesLog) note(k *fleetjudge.Known, who, via, result string) {
	if l == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	object := "policy " + k.Policy.Version() + "; fingerprints " + k.Base.Version()
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	_, err = l.store.PutAuditChange(ctx, store.Audit{At: time.Now().UTC(), Who: clean.Line(who), Via: via, From: clean.Line(host),
		Action: rulesChanged, Object: object, Result: clean.Line(result)})
	if err != nil {
		l.log.Error("the log of who did what does not have that the rules changed", "now", object, "by", who, "error", err)
	}
}

// lastOf names the file that was changed last among the operator's own, and whose it is. A file that
// was taken away has changed its directory; one that is replaced has, too, at the same moment.
func lastOf(dirs ...string) (owner, what string) {
	var newest fs.FileInfo
	var at time.Time
	look := func(path string, less time.Duration) {
		if info, err := os.Stat(path); err == nil && (newest == nil || info.ModTime().Add(-less).After(at)) {
			newest, at, what = info, info.ModTime().Add(-less), path
		}
	}
	for _, dir := range dirs {
		look(dir, 2*time.Second)
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // none, or one file
		}
		for _, e := range entries {
			if overlay.Holds(e.Name()) {
				look(filepath.Join(dir, e.Name()), 0)
			}
		}
	}
	if newest == nil {
		return "", ""
	}
	return ownerOf(newest), fmt.Sprintf("last changed: %s, %s", what, shortTime(newest.ModTime()))
}

// ownerOf is whose a file is, by the name that the system has.
func ownerOf(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "?"
	}
	id := strconv.FormatUint(uint64(st.Uid), 10)
	if u, err := user.LookupId(id); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + id
}
