package cli_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	collectors "github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// Who makes and ends tokens at the collector's machine stands in the log of who did what, also
// where it failed; the token's secret does not.
func TestTokensAreInTheLog(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "rollcall.db")
	run(t, 0, "token", "create", "alice", "--role", "operate", "--store", url)
	run(t, 1, "token", "create", "alice", "--role", "read", "--store", url)
	run(t, 0, "token", "revoke", "alice", "--store", url)
	run(t, 1, "token", "revoke", "bob", "--store", url)
	s, err := collectors.OpenAccess(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := s.Audits(t.Context(), store.AuditFilter{}, store.Page{})
	if err != nil || len(l.Items) != 4 {
		t.Fatalf("%+v, %v", l.Items, err)
	}
	for i, want := range []struct{ action, object, result string }{
		{"revoke token", "bob", ""}, {"revoke token", "alice", "revoked"}, {"create token", "alice", ""}, {"create token", "alice", "role operate"},
	} {
		a := l.Items[i]
		if a.Action != want.action || a.Object != want.object || want.result != "" && a.Result != want.result || want.result == "" && (a.Result == "revoked" || a.Result == "role read") {
			t.Errorf("entry %d is %+v, want %+v", i, a, want)
		}
		if a.Who == "" || a.Via != "command" || a.From == "" || a.At.IsZero() {
			t.Errorf("entry %d does not say who: %+v", i, a)
		}
	}
}

// What only looks or takes away makes no store where there is none: "no tokens" would be said of a
// path that was written wrongly.
func TestTokensNeedTheirStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	for _, args := range [][]string{{"list"}, {"revoke", "alice"}} {
		out, code := rollcall(t, append(append([]string{"token"}, args...), "--store", "sqlite:"+path)...)
		if code != 1 || !strings.Contains(out, "cannot open the store sqlite:"+path) || !strings.Contains(out, "--store names another") {
			t.Errorf("token %s: exit status %d: %s", args[0], code, out)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("token %s made a store: %v", args[0], err)
		}
	}
	run(t, 0, "token", "create", "alice", "--store", "sqlite:"+path)
	run(t, 0, "token", "revoke", "alice", "--store", "sqlite:"+path)
}
