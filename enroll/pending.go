package enroll

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/enroll/join"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Bounds of what waits for a person.
const (
	// MaxPending is how many names may wait.
	MaxPending = 10_000
	// maxAsking is how many keys may ask for one name: a name that somebody squats stays open for
	// the gateway that it belongs to.
	maxAsking = 8
	// staleAfter is when one who no longer asks makes room.
	staleAfter = 7 * 24 * time.Hour
	// noteEvery bounds how often it is written down that somebody still asks.
	noteEvery = time.Hour
)

// Asking is one who asks for the credentials of a name.
type Asking struct {
	join.Request
	First time.Time `json:"first"`
	// Last is when it asked, to within the hour.
	Last time.Time `json:"last"`
	// Refused says that a person did.
	Refused bool `json:"refused,omitempty"`
}

// Pending is all that ask for one name.
type Pending struct {
	Schema string    `json:"schema"`
	Name   string    `json:"name"`
	Asking []*Asking `json:"asking"`
}

const pendingSchema = "rollcall.pending/1"

// List says who joins at once: a report key, or "" for whoever asks first, by name.
type List map[string]string

// JoinPolicy says what becomes of those who ask.
type JoinPolicy struct {
	List List
	// Note says whether one more may be written down now. Nil: always.
	Note func() bool
}

// Join answers one that asks to join. What opened as a request ([join.Open]) is all that may come here.
func (a *Authority) Join(r *join.Request, p JoinPolicy) (*join.Answer, error) {
	if a.about.Kind != JWT {
		return nil, fmt.Errorf("cannot let %s join: that needs an authority of the kind %s", r.Gateway, JWT)
	}
	if err := CheckName(r.Gateway); err != nil {
		return r.Answered(join.Refused, "", err.Error()), nil
	}
	record, err := a.Record(r.Gateway)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return nil, err
	}
	if record != nil {
		if answer, err := a.known(r, record); answer != nil || err != nil {
			return answer, err
		}
		return a.note(r, p) // it was, and is no longer: a person decides
	}
	if key, ok := p.List[r.Gateway]; ok && (key == "" || key == r.ReportKey) {
		if err := a.take(r); err != nil {
			return nil, err
		}
		return a.Join(r, JoinPolicy{})
	}
	return a.note(r, p)
}

// known answers one whose name has a record. Nil: a person may decide about it anew.
func (a *Authority) known(r *join.Request, record *Record) (*join.Answer, error) {
	live := record.Live(a.now())
	i := slices.IndexFunc(record.Users, func(u User) bool { return u.Key == r.User })
	switch {
	case i >= 0 && !record.Users[i].Revoked.IsZero():
		return r.Answered(join.Refused, "", "the key that asks was taken back: remove user.nk and nats.creds from the state directory, so that the gateway makes another"), nil
	case i >= 0 && live && record.Role == Gateway && record.signs(r.ReportKey):
		token, err := a.userToken(record.Name, Gateway, record.Users[i])
		if err != nil {
			return nil, err
		}
		return r.Answered(join.Joined, token, ""), nil
	case live:
		return r.Answered(join.Refused, "", fmt.Sprintf(
			"%s is enrolled already, with other keys: if this is the same gateway, made anew, say rollcall revoke %s; if not, give one of them another gateway.id", record.Name, record.Name)), nil
	}
	return nil, nil
}

func (r *Record) signs(key string) bool {
	return slices.ContainsFunc(r.live(), func(k string) bool { return k == key })
}

// note writes down that r asks, where it is not yet.
func (a *Authority) note(r *join.Request, policy JoinPolicy) (*join.Answer, error) {
	now := a.now().UTC().Truncate(time.Second)
	p, err := a.pending(r.Gateway)
	if err != nil {
		return nil, err
	}
	if x := p.of(r.User); x != nil {
		return a.noteAgain(r, p, x, now)
	}
	if policy.Note != nil && !policy.Note() {
		return r.Answered(join.Busy, "", "too many ask at once"), nil
	}
	if !p.makeRoom(now) {
		return r.Answered(join.Busy, "", fmt.Sprintf("%d others ask for the name %s: a person has to refuse them", len(p.Asking), r.Gateway)), nil
	}
	if len(p.Asking) == 0 {
		if room, err := a.room(now); err != nil || !room {
			return r.Answered(join.Busy, "", "too many wait for approval"), err
		}
	}
	p.Asking = append(p.Asking, &Asking{Request: *r, First: now, Last: now})
	return r.Answered(join.Pending, "", approve(r.Gateway)), a.keepPending(p)
}

// noteAgain answers one that asked before, and writes down that it still does: also of one that was refused, who
// would be forgotten otherwise and wait for a person again.
func (a *Authority) noteAgain(r *join.Request, p *Pending, x *Asking, now time.Time) (*join.Answer, error) {
	if x.ReportKey != r.ReportKey {
		return r.Answered(join.Refused, "", "this user key asked with another report key before"), nil
	}
	if now.Sub(x.Last) >= noteEvery {
		x.Last = now
		if err := a.keepPending(p); err != nil {
			return nil, err
		}
	}
	if x.Refused {
		return r.Answered(join.Refused, "", "a person refused it: ask them"), nil
	}
	return r.Answered(join.Pending, "", approve(r.Gateway)), nil
}

// makeRoom drops those who no longer ask and, where that does not do, those who were refused.
func (p *Pending) makeRoom(now time.Time) bool {
	p.Asking = slices.DeleteFunc(p.Asking, func(x *Asking) bool { return now.Sub(x.Last) > staleAfter })
	if len(p.Asking) >= maxAsking {
		p.Asking = slices.DeleteFunc(p.Asking, func(x *Asking) bool { return x.Refused })
	}
	return len(p.Asking) < maxAsking
}

func approve(name string) string { return "a person has to say rollcall enroll approve " + name }

// room says whether one more name may wait, and drops what is stale where there is none. When a file was
// written tells that well enough, and 10,000 of them are not read for each who asks.
func (a *Authority) room(now time.Time) (bool, error) {
	names, err := a.pendingNames()
	if err != nil || len(names) < MaxPending {
		return err == nil, err
	}
	dropped := 0
	for _, name := range names {
		path := a.path(pendingDir, name+".json")
		if info, err := os.Stat(path); err != nil || now.Sub(info.ModTime()) <= staleAfter {
			continue
		}
		if err := os.Remove(path); err != nil {
			return false, err
		}
		dropped++
	}
	return len(names)-dropped < MaxPending, nil
}

// ErrSeveral: more than one asks for the name.
var ErrSeveral = errors.New("more than one asks for it")

// Approve lets one that asks have the name; reportKey (or its beginning) says which, where several do.
func (a *Authority) Approve(name, reportKey string) (*Record, error) {
	p, err := a.asked(name)
	if err != nil {
		return nil, fmt.Errorf("cannot approve: %w", err)
	}
	var those []*Asking
	for _, x := range p.Asking {
		if strings.HasPrefix(x.ReportKey, reportKey) && (!x.Refused || reportKey != "") {
			those = append(those, x)
		}
	}
	switch {
	case len(those) == 0:
		return nil, fmt.Errorf("cannot approve %s: no one who asks has a report key %s…, or all were refused", name, reportKey)
	case len(those) > 1:
		return nil, fmt.Errorf("cannot approve %s: %w: see rollcall enroll pending, and name the report key with --report-key; the agent tells its own at its start", name, ErrSeveral)
	}
	if r, err := a.Record(name); err == nil && r.Live(a.now()) {
		return nil, fmt.Errorf("cannot approve %s: the name %w; say rollcall revoke %s first", name, ErrExists, name)
	}
	if err := a.take(&those[0].Request); err != nil {
		return nil, fmt.Errorf("cannot approve %s: %w", name, err)
	}
	return a.Record(name)
}

// take records the keys of a request, and forgets all that asked for the name.
func (a *Authority) take(r *join.Request) error {
	o := Options{Role: Gateway, ReportKey: r.ReportKey}
	record, err := a.prepare(r.Gateway, &o)
	if err != nil {
		return err
	}
	if err := a.admit(record, User{Key: r.User, Issued: a.now().UTC().Truncate(time.Second)}, o); err != nil {
		return err
	}
	if err := os.Remove(a.path(pendingDir, r.Gateway+".json")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Refuse tells all that ask for a name no. They stay noted until they no longer ask.
func (a *Authority) Refuse(name string) (int, error) {
	p, err := a.asked(name)
	if err != nil {
		return 0, fmt.Errorf("cannot refuse: %w", err)
	}
	for _, x := range p.Asking {
		x.Refused = true
	}
	return len(p.Asking), a.keepPending(p)
}

func (a *Authority) asked(name string) (*Pending, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	p, err := a.pending(name)
	if err == nil && len(p.Asking) == 0 {
		err = fmt.Errorf("nobody asks for the name %s", name)
	}
	return p, err
}

// Pending gives all who wait, sorted by name.
func (a *Authority) Pending() ([]*Pending, error) {
	names, err := a.pendingNames()
	if err != nil {
		return nil, err
	}
	var all []*Pending
	for _, name := range names {
		p, err := a.pending(name)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func (a *Authority) pendingNames() (names []string, err error) {
	entries, err := os.ReadDir(a.path(pendingDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot list who asks to join: %w", err)
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && inventory.CheckGatewayID(name) == nil {
			names = append(names, name)
		}
	}
	return names, nil
}

// pending gives who asks for a name; nobody is no error.
func (a *Authority) pending(name string) (*Pending, error) {
	p := Pending{Schema: pendingSchema, Name: name}
	err := readJSON(a.path(pendingDir, name+".json"), &p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &p, nil
	case err != nil:
		return nil, err
	case p.Schema != pendingSchema || p.Name != name || slices.Contains(p.Asking, nil):
		return nil, fmt.Errorf("cannot read who asks for %s in %s: it is not of this version, or damaged", name, a.dir)
	}
	return &p, nil
}

func (a *Authority) keepPending(p *Pending) error {
	if err := os.MkdirAll(a.path(pendingDir), 0o700); err != nil {
		return err
	}
	return a.writeJSON(a.path(pendingDir, p.Name+".json"), p)
}

func (p *Pending) of(user string) *Asking {
	i := slices.IndexFunc(p.Asking, func(x *Asking) bool { return x.User == user })
	if i < 0 {
		return nil
	}
	return p.Asking[i]
}
