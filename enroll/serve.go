package enroll

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/enroll/join"
	"github.com/rollcall-iot/rollcall/internal/atomicfile"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// ServeSettings of an approver. Dir and Link are needed.
type ServeSettings struct {
	// Dir is the authority. It is open only while a request is answered, so that other commands can use it.
	Dir string
	// Link says where the broker is; credentials are the authority's own.
	Link natslink.Settings
	// List joins at once. Nil: everybody waits for a person.
	List List
	// KeysFile, where set, is written with the recorded report keys at the start and whenever a gateway
	// gets its token; a collector reads it (keys_file).
	KeysFile string
	// Every and Burst bound how many unknown ones are written down. Zero: one in 200 ms, 50 at once.
	Every time.Duration
	Burst int
	// Ready, where set, is called once when requests are heard.
	Ready func()
	Log   *slog.Logger
}

// flushTime bounds the wait for the broker's word that it listens for us.
const flushTime = 10 * time.Second

// approvers share the requests.
const approvers = "rollcall-enroll"

// Serve answers those who ask to join, until ctx ends.
func Serve(ctx context.Context, s ServeSettings) error {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Every == 0 {
		s.Every = 200 * time.Millisecond
	}
	if s.Burst == 0 {
		s.Burst = 50
	}
	creds, err := approverCreds(s.Dir)
	if err != nil {
		return fmt.Errorf("cannot serve those who join: %w", err)
	}
	s.Link.Name, s.Link.CredsFile = "rollcall-enroll", creds
	l, err := natslink.Connect(ctx, s.Link)
	if err != nil {
		return err
	}
	defer l.Close()
	v := newServer(s)
	defer v.end()
	sub, err := l.Conn().QueueSubscribe(natslink.JoinSubject("*"), approvers, v.take)
	if err != nil {
		return fmt.Errorf("cannot hear who asks to join: %w", err)
	}
	// What a flood brings beyond this is dropped by the client, and asked again.
	if err := sub.SetPendingLimits(4096, 16<<20); err != nil {
		return fmt.Errorf("cannot hear who asks to join: %w", err)
	}
	if err := l.Conn().FlushTimeout(flushTime); err != nil && ctx.Err() == nil {
		s.Log.Warn("the broker is not there yet", "error", errors.Join(err, trouble(l)))
	}
	if s.Ready != nil {
		s.Ready()
	}
	var wg sync.WaitGroup
	if s.KeysFile != "" {
		v.news() // what a collector finds at its start
		wg.Go(func() { v.export(ctx) })
	}
	<-ctx.Done()
	wg.Wait()
	return nil
}

// server answers one at a time: the client calls take from one goroutine.
type server struct {
	settings ServeSettings
	joined   chan struct{}

	mu     sync.Mutex // held while a request is answered
	ended  bool
	bucket bucket
	told   map[string]bool // user keys that were told their token
	logs   bucket
	unsaid int // lines that were left out of the log
}

func newServer(s ServeSettings) *server {
	return &server{settings: s, bucket: bucket{every: s.Every, most: s.Burst}, logs: bucket{every: logEvery, most: logBurst},
		told: map[string]bool{}, joined: make(chan struct{}, 1)}
}

// end waits for the request that is being answered, and lets none follow.
func (v *server) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ended = true
}

const maxTold = 100_000

// A join token is on every gateway of a fleet: whoever has one could fill the log. So many lines
// are written at once, and then one in logEvery.
const (
	logEvery = time.Second
	logBurst = 200
)

// log tells of a request, unless there were too many.
func (v *server) log(level slog.Level, text string, args ...any) {
	if !v.logs.take() {
		v.unsaid++
		return
	}
	if v.unsaid > 0 {
		args = append(args, "unsaid", v.unsaid)
		v.unsaid = 0
	}
	v.settings.Log.Log(context.Background(), level, text, args...)
}

func (v *server) take(m *nats.Msg) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended {
		return
	}
	gateway := strings.TrimPrefix(m.Subject, natslink.JoinSubject(""))
	r, err := join.Open(gateway, m.Data)
	if err != nil || m.Reply == "" {
		v.log(slog.LevelWarn, "a request to join is not to be believed", "gateway", gateway, "error", err)
		return
	}
	answer, err := v.answer(r)
	if err != nil {
		v.log(slog.LevelError, "cannot answer a request to join", "gateway", gateway, "error", err)
		answer = r.Answered(join.Busy, "", "the authority has trouble: see its log")
	}
	b, err := json.Marshal(answer)
	if err == nil {
		err = m.Respond(b)
	}
	v.log(slog.LevelInfo, "asked to join", "gateway", gateway, "key", r.ReportKey, "answer", answer.Status, "text", answer.Text, "error", err)
}

func (v *server) answer(r *join.Request) (*join.Answer, error) {
	a, err := Open(v.settings.Dir)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	answer, err := a.Join(r, JoinPolicy{List: v.settings.List, Note: v.bucket.take})
	if err != nil || answer.Status != join.Joined || v.told[r.User] {
		return answer, err
	}
	if len(v.told) >= maxTold {
		clear(v.told)
	}
	v.told[r.User] = true
	v.news()
	return answer, nil
}

// news says that there is something to write for collectors. It never waits: one word holds for all.
func (v *server) news() {
	select {
	case v.joined <- struct{}{}:
	default:
	}
}

// exportEvery bounds how often all records are read to be written down for collectors; exportAgain is the pause
// after that failed.
const (
	exportEvery = 5 * time.Second
	exportAgain = time.Minute
)

// export keeps the file of keys current until ctx ends.
func (v *server) export(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-v.joined:
		}
		pause := exportEvery
		if err := exportTo(v.settings.Dir, v.settings.KeysFile); err != nil {
			v.settings.Log.Error("a gateway joined, but a collector cannot learn its report key; it is tried again", "error", err)
			pause = exportAgain
			v.news()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func exportTo(dir, path string) error {
	a, err := Open(dir)
	if err != nil {
		return err
	}
	defer a.Close()
	var b bytes.Buffer
	if err := a.Export(&b); err != nil {
		return err
	}
	return atomicfile.Write(path, b.Bytes(), 0o644)
}

// bucket lets most pass at once, and one more each time that every has passed.
type bucket struct {
	every time.Duration
	most  int
	full  time.Time // when it will be full again
}

func (b *bucket) take() bool {
	now := time.Now()
	if b.full.Before(now) {
		b.full = now
	}
	if b.full.Sub(now) > time.Duration(b.most-1)*b.every {
		return false
	}
	b.full = b.full.Add(b.every)
	return true
}

// approverCreds gives the credentials file of this authority's own approver, and makes it where it is missing.
func approverCreds(dir string) (string, error) {
	a, err := Open(dir)
	if err != nil {
		return "", err
	}
	defer a.Close()
	if a.about.Kind != JWT {
		return "", fmt.Errorf("the authority %s is of the kind %s: joining by token needs the kind %s", dir, a.about.Kind, JWT)
	}
	path := a.path(credsDir, "approver.creds")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	pair, err := nkeys.CreateUser()
	if err != nil {
		return "", err
	}
	defer pair.Wipe()
	public, err := pair.PublicKey()
	if err != nil {
		return "", err
	}
	token, err := a.userToken("rollcall-enroll", Approver, User{Key: public})
	if err != nil {
		return "", err
	}
	file, err := credsFile(token, pair)
	if err != nil {
		return "", err
	}
	return path, atomicfile.Write(path, file, 0o600)
}

// ReadList reads who joins at once: a name a line and, after white space, the report key that it must have.
// What follows # is a comment.
func ReadList(in io.Reader) (List, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxExport))
	if err != nil {
		return nil, fmt.Errorf("cannot read the list of who joins: %w", err)
	}
	list := List{}
	for i, line := range strings.Split(string(b), "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		key := strings.Join(words[1:], " ")
		if err := CheckName(words[0]); err != nil {
			return nil, fmt.Errorf("cannot read the list of who joins: line %d: %w", i+1, err)
		}
		if _, err := inventory.DecodeKey(key); key != "" && err != nil {
			return nil, fmt.Errorf("cannot read the list of who joins: line %d: %w", i+1, err)
		}
		list[words[0]] = key
	}
	return list, nil
}
