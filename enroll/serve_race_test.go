package enroll_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/enroll"
	"github.com/rollcall-iot/rollcall/enroll/join"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// TestJoinedWhileItStarts: gateways ask all the time, so one may get its token before Serve has come to its
// file of keys. It goes on all the same, and ends.
func TestJoinedWhileItStarts(t *testing.T) {
	t.Parallel()
	s := newSite(t, enroll.JWT)
	dir := filepath.Dir(s.a.BrokerDir())
	token := s.enrol("fleet", enroll.Options{Role: enroll.Join})
	s.start("jwt.conf")
	s.check(s.a.Close())
	nc, _ := s.client(token, natslink.JoinInbox)
	exported := filepath.Join(t.TempDir(), "keys.jsonl")
	x := newAsker(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- enroll.Serve(ctx, enroll.ServeSettings{
			Dir: dir, Link: natslink.Settings{URLs: []string{s.url()}, CAFile: s.ca}, List: enroll.List{"gw1": ""}, KeysFile: exported,
			Ready: func() {
				_, body := x.request(t, "gw1")
				if a := answerTo(t, nc, "gw1", body); a.Status != join.Joined {
					t.Errorf("it was answered %+v", a)
				}
			},
		})
	}()
	natslinktest.Eventually(t, "the collector's file of keys", func() bool {
		b, err := os.ReadFile(exported)
		return err == nil && strings.Contains(string(b), x.key())
	})
	cancel()
	select {
	case err := <-done:
		s.check(err)
	case <-time.After(natslinktest.Patience):
		t.Fatal("it does not end")
	}
}
