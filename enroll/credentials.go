package enroll

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Enroll makes credentials for a name. The record is kept before they are given out.
func (a *Authority) Enroll(name string, o Options) (*Credentials, error) {
	if o.Role == "" {
		o.Role = Gateway
	}
	if err := errors.Join(CheckName(name), checkRole(o.Role)); err != nil {
		return nil, err
	}
	r, err := a.prepare(name, &o)
	if err != nil {
		return nil, err
	}
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, fmt.Errorf("cannot make a key for %s: %w", name, err)
	}
	defer pair.Wipe()
	public, err := pair.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("cannot make a key for %s: %w", name, err)
	}
	u := User{Key: public, Issued: a.now().UTC().Truncate(time.Second)}
	if o.Expires > 0 {
		u.Expires = u.Issued.Add(o.Expires)
	}
	file, err := a.file(name, o.Role, u, pair)
	if err != nil {
		return nil, fmt.Errorf("cannot enrol %s: %w", name, err)
	}
	if err := a.admit(r, u, o); err != nil {
		return nil, fmt.Errorf("cannot enrol %s: %w", name, err)
	}
	return &Credentials{Name: name, Role: o.Role, User: public, File: file}, nil
}

// prepare checks whether the name may be enrolled now, and gives its record.
func (a *Authority) prepare(name string, o *Options) (*Record, error) {
	r, err := a.Record(name)
	switch {
	case errors.Is(err, ErrUnknown):
		r = &Record{Schema: recordSchema, Name: name, Role: o.Role}
	case err != nil:
		return nil, err
	case r.Live(a.now()) && !o.Again:
		return nil, fmt.Errorf("cannot enrol %s: the name %w; to take its credentials back and make new ones, say --again", name, ErrExists)
	}
	if o.Expires > 0 && a.about.Kind == NKey {
		return nil, fmt.Errorf("cannot enrol %s: keys of the kind %s do not expire; revoke them instead", name, NKey)
	}
	if o.Role == Leaf && a.about.Kind == NKey {
		return nil, fmt.Errorf("cannot enrol %s: leaf nodes need an authority of the kind %s", name, JWT)
	}
	if (o.Role == Join || o.Role == Approver) && a.about.Kind == NKey {
		return nil, fmt.Errorf("cannot enrol %s: joining by token needs an authority of the kind %s, since brokers of the kind %s would be reloaded for each gateway", name, JWT, NKey)
	}
	if o.ReportKey != "" {
		if o.Role != Gateway {
			return nil, fmt.Errorf("cannot enrol %s: only gateways sign reports", name)
		}
		if _, err := inventory.DecodeKey(o.ReportKey); err != nil {
			return nil, fmt.Errorf("cannot enrol %s: %w", name, err)
		}
	}
	return r, nil
}

// file is what the holder gets.
func (a *Authority) file(name string, r Role, u User, pair nkeys.KeyPair) ([]byte, error) {
	if a.about.Kind == NKey {
		seed, err := pair.Seed()
		if err != nil {
			return nil, err
		}
		return append(seed, '\n'), nil
	}
	token, err := a.userToken(name, r, u)
	if err != nil {
		return nil, err
	}
	return credsFile(token, pair)
}

// userToken signs one with the key of the role.
func (a *Authority) userToken(name string, r Role, u User) (string, error) {
	if err := a.addRole(r); err != nil {
		return "", err
	}
	k, err := a.key(string(r))
	if err != nil {
		return "", err
	}
	defer k.Wipe()
	return userToken(name, u.Key, a.about.Keys[r.account()], u.Expires, k)
}

// addRole makes the signing key of a role that is younger than this authority. Brokers learn of it by
// [Authority.Push] or a reload.
func (a *Authority) addRole(r Role) error {
	if a.about.Keys[string(r)] != "" {
		return nil
	}
	public, err := a.newKey(string(r), nkeys.PrefixByteAccount)
	if err != nil {
		return err
	}
	a.about.Keys[string(r)] = public
	if err := a.writeUsers(); err != nil { // first: it fails where the operator's key is kept elsewhere
		delete(a.about.Keys, string(r))
		return err
	}
	return a.writeJSON(a.path(authorityFile), a.about)
}

// admit records a user, and takes back what was there before.
func (a *Authority) admit(r *Record, u User, o Options) error {
	had := a.retire(r, u.Issued)
	r.Role = o.Role
	r.Users = append(r.Users, u)
	if o.ReportKey != "" {
		r.setReportKey(o.ReportKey, u.Issued)
	}
	if err := a.keep(r); err != nil {
		return err
	}
	if had || a.about.Kind == NKey {
		return a.writeUsers()
	}
	return nil
}

// retire marks all that a name has as taken back, and says whether there was any.
func (a *Authority) retire(r *Record, now time.Time) bool {
	had := false
	for i := range r.Users {
		if r.Users[i].Revoked.IsZero() {
			r.Users[i].Revoked, had = now, true
		}
	}
	for i := range r.ReportKeys {
		r.ReportKeys[i].State = store.KeyRevoked
	}
	return had
}

func (r *Record) setReportKey(key string, now time.Time) {
	k := store.Key{Gateway: r.Name, Key: key, State: store.KeyEnrolled, First: now}
	if i := slices.IndexFunc(r.ReportKeys, func(k store.Key) bool { return k.Key == key }); i >= 0 {
		r.ReportKeys[i].State = store.KeyEnrolled
		return
	}
	r.ReportKeys = append(r.ReportKeys, k)
}

// Revoke takes back all credentials of a name and, for a gateway, the keys that sign its
// reports. Brokers know of it after [Authority.Push] or a reload of their configuration.
func (a *Authority) Revoke(name string) (*Record, error) {
	r, err := a.Record(name)
	if err != nil {
		return nil, fmt.Errorf("cannot revoke: %w", err)
	}
	a.retire(r, a.now().UTC().Truncate(time.Second))
	// Told twice, it is done twice: an earlier run may have been cut short.
	if err := errors.Join(a.keep(r), a.writeUsers()); err != nil {
		return nil, fmt.Errorf("cannot revoke %s: %w", name, err)
	}
	return r, nil
}

// Record gives what is known of a name, or ErrUnknown.
func (a *Authority) Record(name string) (*Record, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	var r Record
	err := readJSON(a.path(recordsDir, name+".json"), &r)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s %w by the authority %s", name, ErrUnknown, a.dir)
	case err != nil:
		return nil, err
	case r.Schema != recordSchema || r.Name != name || checkRole(r.Role) != nil:
		return nil, fmt.Errorf("cannot read the record of %s in %s: it is not of this version, or damaged", name, a.dir)
	}
	return &r, nil
}

// Records gives all that were enrolled, sorted by name.
func (a *Authority) Records() ([]*Record, error) {
	entries, err := os.ReadDir(a.path(recordsDir))
	if err != nil {
		return nil, fmt.Errorf("cannot list who is enrolled: %w", err)
	}
	var all []*Record
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || strings.HasPrefix(name, ".") {
			continue
		}
		r, err := a.Record(name)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func (a *Authority) keep(r *Record) error { return a.writeJSON(a.path(recordsDir, r.Name+".json"), r) }
