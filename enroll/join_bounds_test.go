package enroll_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/enroll"
	"github.com/rollcall-iot/rollcall/enroll/join"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// TestFlood: what a holder of the token can have written down is bounded, at once and in all.
func TestFlood(t *testing.T) {
	t.Parallel()
	d := newDoor(t, enroll.ServeSettings{Every: time.Hour, Burst: 5})
	nc, _ := d.client(d.token, natslink.JoinInbox)
	busy := 0
	for i := range 20 {
		name := fmt.Sprintf("gw%d", i)
		if _, b := newAsker(t).request(t, name); answerTo(t, nc, name, b).Status == join.Busy {
			busy++
		}
	}
	if busy != 15 {
		t.Errorf("%d of 20 were sent away, want 15", busy)
	}
	d.with(func(a *enroll.Authority) {
		dir := filepath.Join(d.dir, "pending")
		for i := 5; i < enroll.MaxPending; i++ {
			d.check(os.WriteFile(filepath.Join(dir, fmt.Sprintf("x%d.json", i)), nil, 0o600))
		}
		ask := func(want join.Status) {
			t.Helper()
			r, _ := newAsker(t).request(t, "late")
			if answer, err := a.Join(r, enroll.JoinPolicy{}); err != nil || answer.Status != want {
				t.Errorf("%+v, %v, want %s", answer, err, want)
			}
		}
		ask(join.Busy)
		past := time.Now().Add(-8 * 24 * time.Hour)
		d.check(os.Chtimes(filepath.Join(dir, "x77.json"), past, past))
		ask(join.Pending)
	})
}

// lackRoles makes an authority one that was made before there were these roles.
func lackRoles(t *testing.T, dir string, roles ...enroll.Role) {
	t.Helper()
	path := filepath.Join(dir, "authority.json")
	var about map[string]any
	err := json.Unmarshal(read(t, path), &about)
	for _, r := range roles {
		delete(about["keys"].(map[string]any), string(r))
		err = errors.Join(err, os.Remove(filepath.Join(dir, "keys", string(r)+".nk")))
	}
	b, marshalErr := json.Marshal(about)
	if err = errors.Join(err, marshalErr, os.WriteFile(path, b, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// TestYoungerRoles: an authority that was made before there were join tokens learns of them.
func TestYoungerRoles(t *testing.T) {
	t.Parallel()
	s := newSite(t, enroll.JWT)
	dir := filepath.Dir(s.a.BrokerDir())
	s.check(s.a.Close())
	lackRoles(t, dir, enroll.Join, enroll.Approver)
	var err error
	s.a, err = enroll.Open(dir)
	s.check(err)
	token := s.enrol("fleet", enroll.Options{Role: enroll.Join})
	s.start("jwt.conf")
	nc, _ := s.client(token, natslink.JoinInbox)
	if !nc.IsConnected() {
		t.Error("the token of a younger role does not log in")
	}
}

// TestJoinNeedsJWT: an authority of the other kind says so.
func TestJoinNeedsJWT(t *testing.T) {
	t.Parallel()
	s := newSite(t, enroll.NKey)
	if _, err := s.a.Enroll("fleet", enroll.Options{Role: enroll.Join}); err == nil || !strings.Contains(err.Error(), "needs an authority of the kind jwt") {
		t.Errorf("a token: %v", err)
	}
	s.check(s.a.Close())
	err := enroll.Serve(t.Context(), enroll.ServeSettings{Dir: filepath.Dir(s.a.BrokerDir()), Link: natslink.Settings{URLs: []string{"nats://127.0.0.1:1"}}})
	if err == nil || !strings.Contains(err.Error(), "needs the kind jwt") {
		t.Errorf("serving: %v", err)
	}
}

// TestJoinNeedsState: where the keys cannot be kept, nothing is asked.
func TestJoinNeedsState(t *testing.T) {
	t.Parallel()
	d := newDoor(t, enroll.ServeSettings{})
	file := filepath.Join(t.TempDir(), "file")
	d.check(os.WriteFile(file, nil, 0o600))
	if err := agent.Join(t.Context(), d.settings("gw1", filepath.Join(file, "state"))); err == nil {
		t.Error("joined without a place for the keys")
	}
	d.with(func(a *enroll.Authority) {
		if all, err := a.Pending(); err != nil || len(all) != 0 {
			t.Errorf("asked all the same: %+v, %v", all, err)
		}
	})
}

// TestRefusedStaysRefused: who was refused and goes on asking is not forgotten, and so does not wait for a person
// again, however long ago that was.
func TestRefusedStaysRefused(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	a, _ := authority(t, enroll.Settings{Now: func() time.Time { return now }})
	ask := func(x *asker, want join.Status) {
		t.Helper()
		r, _ := x.request(t, "gw1")
		if answer, err := a.Join(r, enroll.JoinPolicy{}); err != nil || answer.Status != want {
			t.Fatalf("on %v it is answered %+v, %v; want %s", now, answer, err, want)
		}
	}
	refused, other := newAsker(t), newAsker(t)
	ask(refused, join.Pending)
	if _, err := a.Refuse("gw1"); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		now = now.Add(24 * time.Hour)
		ask(refused, join.Refused)
	}
	ask(other, join.Pending) // for whom room is made
	ask(refused, join.Refused)
}
