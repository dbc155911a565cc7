package enroll_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/enroll"
	"github.com/rollcall-iot/rollcall/enroll/join"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// door is a broker, an approver and the join token that a fleet shares.
type door struct {
	*site
	dir, token string
}

func newDoor(t *testing.T, serve enroll.ServeSettings) *door {
	t.Helper()
	s := newSite(t, enroll.JWT)
	d := &door{site: s, dir: filepath.Dir(s.a.BrokerDir())}
	d.token = s.enrol("fleet", enroll.Options{Role: enroll.Join})
	s.start("jwt.conf")
	s.check(s.a.Close())
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	ready := make(chan struct{})
	serve.Dir, serve.Ready = d.dir, func() { close(ready) }
	serve.Link = natslink.Settings{URLs: []string{s.url()}, CAFile: s.ca}
	wg.Go(func() {
		if err := enroll.Serve(ctx, serve); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	select {
	case <-ready:
	case <-time.After(natslinktest.Patience):
		t.Fatal("nobody answers")
	}
	return d
}

// with opens the authority as a command does.
func (d *door) with(do func(a *enroll.Authority)) {
	d.t.Helper()
	a, err := enroll.Open(d.dir)
	d.check(err)
	defer a.Close()
	do(a)
}

func (d *door) settings(gateway, state string) agent.JoinSettings {
	return agent.JoinSettings{
		Gateway:  inventory.Gateway{ID: gateway, Hostname: gateway + ".example", Labels: map[string]string{"site": "7"}, Agent: "rollcall-agent/1"},
		StateDir: state, FirstWait: 20 * time.Millisecond, MaxWait: 20 * time.Millisecond,
		Link: natslink.Settings{URLs: []string{d.url()}, CAFile: d.ca, CredsFile: d.token, MaxWait: 200 * time.Millisecond},
	}
}

// asker is one who holds the token and speaks as it likes.
type asker struct {
	user   nkeys.KeyPair
	report ed25519.PrivateKey
}

func newAsker(t *testing.T) *asker {
	t.Helper()
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	_, report, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &asker{user, report}
}

func (x *asker) key() string { return inventory.EncodeKey(x.report.Public().(ed25519.PublicKey)) }

func (x *asker) request(t *testing.T, gateway string) (*join.Request, []byte) {
	t.Helper()
	r := &join.Request{Gateway: gateway, Agent: "x"}
	b, err := join.Seal(r, x.user, x.report)
	if err != nil {
		t.Fatal(err)
	}
	return r, b
}

// answer of the approver to bytes on the subject of a gateway; nil where it says nothing.
func answerTo(t *testing.T, nc *nats.Conn, gateway string, body []byte) *join.Answer {
	t.Helper()
	m, err := nc.Request(natslink.JoinSubject(gateway), body, natslinktest.Patience)
	if err != nil {
		t.Fatal(err)
	}
	var a join.Answer
	if err := json.Unmarshal(m.Data, &a); err != nil {
		t.Fatal(err)
	}
	return &a
}

// TestJoin: one gateway that is on the list and one that a person approves end with credentials of their
// own, with which each can report under its own name alone; no key has left them.
func TestJoin(t *testing.T) {
	t.Parallel()
	exported := filepath.Join(t.TempDir(), "keys.jsonl")
	d := newDoor(t, enroll.ServeSettings{List: enroll.List{"gw1": ""}, KeysFile: exported})
	admin := ""
	d.with(func(a *enroll.Authority) { d.a = a; admin = d.enrol("admin", enroll.Options{Role: enroll.Admin}) })
	nc, _ := d.client(admin, "_INBOX")
	seen := make(chan *nats.Msg, 1000)
	if _, err := nc.ChanSubscribe("rollcall.>", seen); err != nil {
		t.Fatal(err)
	}
	state := map[string]string{"gw1": t.TempDir(), "gw2": t.TempDir()}
	d.check(agent.Join(t.Context(), d.settings("gw1", state["gw1"])))

	waiting := make(chan string, 100)
	s := d.settings("gw2", state["gw2"])
	s.Stands = func(status join.Status, text string) { waiting <- string(status) + " " + text }
	done := make(chan error, 1)
	go func() { done <- agent.Join(t.Context(), s) }()
	if text := <-waiting; !strings.Contains(text, "pending a person has to say rollcall enroll approve gw2") {
		t.Errorf("it stands: %s", text)
	}
	d.with(func(a *enroll.Authority) {
		all, err := a.Pending()
		d.check(err)
		if len(all) != 1 || all[0].Name != "gw2" || len(all[0].Asking) != 1 || all[0].Asking[0].Hostname != "gw2.example" || all[0].Asking[0].Labels["site"] != "7" {
			t.Errorf("pending is %+v", all)
		}
		_, err = a.Approve("gw2", "")
		d.check(err)
	})
	d.check(<-done)
	for gateway, dir := range state {
		creds, joined := agent.JoinedCreds(dir)
		info, err := os.Stat(creds)
		if !joined || err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: credentials %v, %v, %v", gateway, joined, info, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "user.nk")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the seed alone is still there: %v", gateway, err)
		}
		d.scoped(gateway, creds)
	}
	natslinktest.Eventually(t, "what was said is seen", func() bool { return len(seen) >= 4 })
	for range len(seen) {
		m := <-seen
		if bytes.Contains(m.Data, []byte("SU")) && seedIn.Match(m.Data) {
			t.Errorf("a seed went over %s", m.Subject)
		}
	}
	natslinktest.Eventually(t, "the collector's file of keys", func() bool {
		f, err := os.Open(exported)
		if err != nil {
			return false
		}
		defer f.Close()
		keys, err := enroll.ReadKeys(f)
		return err == nil && len(keys) == 2
	})
}

// scoped tries what credentials are good for.
func (d *door) scoped(gateway, creds string) {
	d.t.Helper()
	nc, violations := d.client(creds, natslink.InboxPrefix(gateway))
	for _, s := range []string{natslink.Subject(inventory.KindReport, "gw3"), natslink.JoinSubject(gateway)} {
		d.check(nc.Publish(s, nil))
		refusedBy(d.t, violations, s)
	}
	d.check(nc.Publish(natslink.Subject(inventory.KindReport, gateway), nil))
	d.check(nc.Flush())
	select {
	case err := <-violations:
		d.t.Errorf("%s may not report: %v", gateway, err)
	default:
	}
}

func refusedBy(t *testing.T, violations chan error, subject string) {
	t.Helper()
	select {
	case err := <-violations:
		if !strings.Contains(err.Error(), `"`+subject+`"`) {
			t.Errorf("%s: the server says %v", subject, err)
		}
	case <-time.After(natslinktest.Patience):
		t.Errorf("%s was permitted", subject)
	}
}

// TestStolenToken: who holds the token can ask, and nothing else.
func TestStolenToken(t *testing.T) {
	t.Parallel()
	d := newDoor(t, enroll.ServeSettings{})
	nc, violations := d.client(d.token, natslink.JoinInbox)
	for _, s := range []string{natslink.Subject(inventory.KindReport, "gw1"), natslink.ScanSubject("gw1"), "$JS.API.INFO", "$SYS.REQ.CLAIMS.UPDATE", "_JOIN.victim", "_INBOX_gw1.x"} {
		d.check(nc.Publish(s, nil))
		refusedBy(t, violations, s)
	}
	for _, s := range []string{">", natslink.JoinSubject("*"), natslink.ScanSubject("*"), "_INBOX.>", "_INBOX_gw1.>", "_R_.>"} {
		_, err := nc.SubscribeSync(s)
		d.check(err)
		refusedBy(t, violations, s)
	}
}

// TestHostileAsker: a name that is enrolled stays whose it is; a request is good for nobody else; and an
// answer that a hostile one sees, or has sent to another, is of no use.
func TestHostileAsker(t *testing.T) {
	t.Parallel()
	d := newDoor(t, enroll.ServeSettings{List: enroll.List{"gw1": ""}})
	nc, _ := d.client(d.token, natslink.JoinInbox)
	answers, err := nc.SubscribeSync(natslink.JoinInbox + ".>")
	d.check(err)
	honest, hostile := newAsker(t), newAsker(t)
	r, body := honest.request(t, "gw1")
	first := answerTo(t, nc, "gw1", body)
	if first.Status != join.Joined || first.Nonce != r.Nonce {
		t.Fatalf("the honest one is answered %+v", first)
	}
	// Squatting.
	_, squat := hostile.request(t, "gw1")
	if a := answerTo(t, nc, "gw1", squat); a.Status != join.Refused || !strings.Contains(a.Text, "enrolled already") {
		t.Errorf("squatting is answered %+v", a)
	}
	// Half of the honest one's keys.
	for name, x := range map[string]*asker{"its user key": {honest.user, hostile.report}, "its report key": {hostile.user, honest.report}} {
		if _, b := x.request(t, "gw1"); answerTo(t, nc, "gw1", b).Status != join.Refused {
			t.Errorf("another with %s was not refused", name)
		}
	}
	// Replay: the same answer, which needs the seed to be of use.
	again := answerTo(t, nc, "gw1", body)
	seed, err := hostile.user.Seed()
	d.check(err)
	if _, err := nats.Connect(d.url(), nats.UserJWTAndSeed(again.JWT, string(seed)), nats.RootCAs(d.ca), nats.Timeout(natslinktest.Patience)); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("a token that was read lets another log in: %v", err)
	}
	if m, err := answers.NextMsg(natslinktest.Patience); err != nil || seedIn.Match(m.Data) {
		t.Errorf("an answer holds a seed: %v", err)
	}
	// An answer to another's question is not taken.
	account, err := join.Account(read(t, d.token))
	d.check(err)
	other, _ := hostile.request(t, "gw1")
	b, err := json.Marshal(first)
	d.check(err)
	if _, err := other.ReadAnswer(b, account); !errors.Is(err, join.ErrForeign) {
		t.Errorf("another's answer: %v", err)
	}
	stale, err := json.Marshal(r.Answered(join.Refused, "", "of another question"))
	d.check(err)
	if _, err := other.ReadAnswer(stale, account); !errors.Is(err, join.ErrForeign) {
		t.Errorf("a refusal of another's question: %v", err)
	}
	first.Nonce = other.Nonce
	b, err = json.Marshal(first)
	d.check(err)
	if _, err := other.ReadAnswer(b, account); !errors.Is(err, join.ErrForeign) {
		t.Errorf("another's token: %v", err)
	}
	if _, err := r.ReadAnswer(bytes.ReplaceAll(b, []byte(other.Nonce), []byte(r.Nonce)), "A"+account); !errors.Is(err, join.ErrForeign) {
		t.Errorf("a token of another account: %v", err)
	}
	d.with(func(a *enroll.Authority) {
		rec, err := a.Record("gw1")
		if err != nil || len(rec.Users) != 1 || len(rec.ReportKeys) != 1 || rec.ReportKeys[0].Key != honest.key() {
			t.Errorf("the record is %+v, %v", rec, err)
		}
	})
}

// TestForgedRequests are not answered at all.
func TestForgedRequests(t *testing.T) {
	t.Parallel()
	x := newAsker(t)
	_, body := x.request(t, "gw1")
	if _, err := join.Open("gw2", body); err == nil {
		t.Error("taken on another's subject")
	}
	if _, err := join.Open("gw1", append(bytes.Repeat([]byte(" "), join.MaxBytes), body...)); err == nil {
		t.Error("taken though too large")
	}
	var s map[string][]byte
	if err := json.Unmarshal(body, &s); err != nil {
		t.Fatal(err)
	}
	for part := range s {
		for i := 0; i < len(s[part]); i += 7 {
			s[part][i] ^= 1
			b, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := join.Open("gw1", b); err == nil || r != nil {
				t.Fatalf("taken with byte %d of %s changed", i, part)
			}
			s[part][i] ^= 1
		}
	}
	if _, err := join.Open("gw1", body); err != nil {
		t.Error(err)
	}
}

// FuzzOpen: what opens is bounded and printable.
func FuzzOpen(f *testing.F) {
	user, err := nkeys.CreateUser()
	if err != nil {
		f.Fatal(err)
	}
	b, err := join.Seal(&join.Request{Gateway: "gw1", Labels: map[string]string{"a": "b"}}, user, ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"request":"e30="}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := join.Open("gw1", data)
		if err == nil && (r.Gateway != "gw1" || len(data) > join.MaxBytes || !nkeys.IsValidPublicUserKey(r.User)) {
			t.Errorf("opened %+v", r)
		}
	})
}

// TestSquattedName: a name that others ask for stays open for the gateway that it belongs to, and a person
// who approves has to say whom.
func TestSquattedName(t *testing.T) {
	t.Parallel()
	d := newDoor(t, enroll.ServeSettings{Burst: 1000})
	nc, _ := d.client(d.token, natslink.JoinInbox)
	var full *join.Answer
	for range 20 {
		_, b := newAsker(t).request(t, "gw1")
		full = answerTo(t, nc, "gw1", b)
	}
	if full.Status != join.Busy || !strings.Contains(full.Text, "has to refuse them") {
		t.Fatalf("the twentieth is answered %+v", full)
	}
	d.with(func(a *enroll.Authority) {
		if _, err := a.Approve("gw1", ""); !errors.Is(err, enroll.ErrSeveral) {
			t.Errorf("approved one of many: %v", err)
		}
		n, err := a.Refuse("gw1")
		d.check(err)
		if n > 10 {
			t.Errorf("%d keys wait for one name", n)
		}
	})
	honest, hostile := newAsker(t), newAsker(t)
	_, body := honest.request(t, "gw1")
	_, other := hostile.request(t, "gw1")
	if a := answerTo(t, nc, "gw1", body); a.Status != join.Pending {
		t.Fatalf("the honest one is answered %+v", a)
	}
	if a := answerTo(t, nc, "gw1", other); a.Status != join.Pending {
		t.Fatalf("the other one is answered %+v", a)
	}
	d.with(func(a *enroll.Authority) {
		if _, err := a.Approve("gw1", ""); !errors.Is(err, enroll.ErrSeveral) {
			t.Errorf("approved one of two: %v", err)
		}
		_, err := a.Approve("gw1", honest.key()[:12])
		d.check(err)
	})
	if a := answerTo(t, nc, "gw1", body); a.Status != join.Joined {
		t.Errorf("the honest one is answered %+v", a)
	}
	if a := answerTo(t, nc, "gw1", other); a.Status != join.Refused {
		t.Errorf("the other one is answered %+v", a)
	}
}

// TestJoinAfterRevoke: a key that was taken back never joins again, and a list does not help its name.
func TestJoinAfterRevoke(t *testing.T) {
	t.Parallel()
	d := newDoor(t, enroll.ServeSettings{List: enroll.List{"gw1": ""}})
	nc, _ := d.client(d.token, natslink.JoinInbox)
	former, next := newAsker(t), newAsker(t)
	_, old := former.request(t, "gw1")
	if a := answerTo(t, nc, "gw1", old); a.Status != join.Joined {
		t.Fatalf("%+v", a)
	}
	d.with(func(a *enroll.Authority) { _, err := a.Revoke("gw1"); d.check(err) })
	if a := answerTo(t, nc, "gw1", old); a.Status != join.Refused || a.JWT != "" {
		t.Errorf("a key that was taken back is answered %+v", a)
	}
	_, body := next.request(t, "gw1")
	if a := answerTo(t, nc, "gw1", body); a.Status != join.Pending {
		t.Fatalf("the name's next holder is answered %+v", a)
	}
	d.with(func(a *enroll.Authority) { _, err := a.Approve("gw1", ""); d.check(err) })
	if a := answerTo(t, nc, "gw1", body); a.Status != join.Joined {
		t.Errorf("approved, it is answered %+v", a)
	}
	if a := answerTo(t, nc, "gw1", old); a.Status != join.Refused {
		t.Errorf("the former key is answered %+v", a)
	}
}

// TestListedKey: a name on the list with a report key is that key's alone.
func TestListedKey(t *testing.T) {
	t.Parallel()
	honest, hostile := newAsker(t), newAsker(t)
	list, err := enroll.ReadList(strings.NewReader("# site 7\ngw1 " + honest.key() + "  # in the cabinet\n\ngw2\n"))
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	d := newDoor(t, enroll.ServeSettings{List: list})
	nc, _ := d.client(d.token, natslink.JoinInbox)
	_, squat := hostile.request(t, "gw1")
	if a := answerTo(t, nc, "gw1", squat); a.Status != join.Pending {
		t.Errorf("another key is answered %+v", a)
	}
	_, body := honest.request(t, "gw1")
	if a := answerTo(t, nc, "gw1", body); a.Status != join.Joined {
		t.Errorf("the listed key is answered %+v", a)
	}
	for _, text := range []string{"gw.1", "gw1 short", "pending", "gw1 " + honest.key() + " more"} {
		if _, err := enroll.ReadList(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
