package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/enroll/join"
	"github.com/rollcall-iot/rollcall/internal/atomicfile"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// The files of a gateway that joined by itself: its credentials and, until it has them, the seed of
// the key that they will be for.
const (
	credsFile = "nats.creds"
	userFile  = "user.nk"
)

// JoinSettings say how to join.
type JoinSettings struct {
	Gateway  inventory.Gateway
	StateDir string
	// Link says where the broker is; its CredsFile is the join token.
	Link natslink.Settings
	// FirstWait and MaxWait bound the pause between two questions. Zero: 4 s and 5 min.
	FirstWait, MaxWait time.Duration
	// Stands is told in words how it stands, whenever it was asked.
	Stands func(status join.Status, text string)
	Log    *slog.Logger
}

// JoinedCreds is the path of the credentials that a gateway got by joining, where it has.
func JoinedCreds(stateDir string) (path string, joined bool) {
	path = filepath.Join(stateDir, credsFile)
	_, err := os.Stat(path)
	return path, !errors.Is(err, fs.ErrNotExist) // one that cannot be read is not joined over
}

// Join asks for credentials with a join token until it has them or ctx ends. It needs a state directory that
// can be written: with another key at each start this gateway would be a stranger each time.
func Join(ctx context.Context, s JoinSettings) error {
	j, err := newJoiner(s)
	if err != nil {
		return fmt.Errorf("cannot join: %w", err)
	}
	defer j.user.Wipe()
	s.Link.Name, s.Link.Joining = s.Gateway.ID, true
	l, err := natslink.Connect(ctx, s.Link)
	if err != nil {
		return fmt.Errorf("cannot join: %w", err)
	}
	defer l.Close()
	for n := 1; ; n++ {
		select {
		case <-l.Up(): // what is there already is no news
		default:
		}
		answer, err := j.ask(ctx, l)
		if err == nil && answer.Status == join.Joined {
			return j.keep(answer.JWT)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("cannot join: %w", ctx.Err())
		}
		j.tell(answer, err)
		// Half of it at least: what asks without a pause is no better than a flood.
		wait := min(j.s.FirstWait<<min(n-1, 10), j.s.MaxWait)
		pause(ctx, l.Up(), wait/2+natslink.Backoff(1, wait/2, wait/2))
	}
}

// joiner holds what joining needs.
type joiner struct {
	s       JoinSettings
	key     madeKey
	user    nkeys.KeyPair
	account string
}

func newJoiner(s JoinSettings) (*joiner, error) {
	if s.FirstWait == 0 {
		s.FirstWait = 4 * time.Second
	}
	if s.MaxWait == 0 {
		s.MaxWait = 5 * time.Minute
	}
	if s.Stands == nil {
		s.Stands = func(join.Status, string) {}
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	token, err := os.ReadFile(s.Link.CredsFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the join token: %w", err)
	}
	defer clear(token)
	j := &joiner{s: s}
	if j.account, err = join.Account(token); err != nil {
		return nil, fmt.Errorf("%s is no join token: %w", s.Link.CredsFile, err)
	}
	if j.key, err = reportKey(s.StateDir); err == nil {
		err = j.key.err
	}
	if err != nil {
		return nil, err
	}
	j.user, err = userKey(s.StateDir)
	return j, err
}

// userKey reads or makes the key that will log in.
func userKey(dir string) (nkeys.KeyPair, error) {
	path := filepath.Join(dir, userFile)
	b, err := os.ReadFile(path)
	defer clear(b)
	if err == nil {
		k, err := nkeys.FromSeed(bytes.TrimSpace(b))
		if err != nil {
			return nil, fmt.Errorf("user key %s is damaged: remove it: %w", path, err)
		}
		return k, checkMode(path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the user key: %w", err)
	}
	k, err := nkeys.CreateUser()
	if err != nil {
		return nil, fmt.Errorf("cannot make a user key: %w", err)
	}
	seed, err := k.Seed()
	if err == nil {
		line := append(bytes.Clone(seed), '\n') // the key keeps the seed that it gave
		err = atomicfile.Write(path, line, 0o600)
		clear(line)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot keep a user key in %s: %w", dir, err)
	}
	return k, nil
}

// ask asks once.
func (j *joiner) ask(ctx context.Context, l *natslink.Link) (*join.Answer, error) {
	if !l.Connected() {
		for _, w := range l.Health() {
			return nil, errors.New(w.Text)
		}
		return nil, errors.New("no NATS server was reached yet")
	}
	g := j.s.Gateway
	r := &join.Request{Gateway: g.ID, Hostname: g.Hostname, Labels: g.Labels, Agent: g.Agent}
	body, err := join.Seal(r, j.user, j.key.private)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	m, err := l.Conn().RequestWithContext(ctx, natslink.JoinSubject(g.ID), body)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, errors.New("nobody answers those who join: rollcall enroll serve does")
	case err != nil:
		return nil, fmt.Errorf("the question to join was not answered: %w", err)
	}
	return r.ReadAnswer(m.Data, j.account)
}

func (j *joiner) tell(a *join.Answer, err error) {
	status, text := join.Busy, ""
	if err != nil {
		text = err.Error()
	} else {
		status, text = a.Status, a.Text
	}
	j.s.Log.Info("asked to join", "gateway", j.s.Gateway.ID, "answer", status, "text", text)
	j.s.Stands(status, text)
}

// keep writes the credentials; only then the seed alone is no longer needed.
func (j *joiner) keep(token string) error {
	seed, err := j.user.Seed()
	if err != nil {
		return fmt.Errorf("cannot keep the credentials: %w", err)
	}
	file := join.Credentials(token, seed)
	defer clear(file)
	path, _ := JoinedCreds(j.s.StateDir)
	if err := atomicfile.Write(path, file, 0o600); err != nil {
		return fmt.Errorf("cannot keep the credentials: %w", err)
	}
	_ = os.Remove(filepath.Join(j.s.StateDir, userFile))
	j.s.Log.Info("joined; the join token is no longer used", "gateway", j.s.Gateway.ID)
	return nil
}

// pause waits, but no longer than until the connection comes.
func pause(ctx context.Context, up <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-up:
	}
}
