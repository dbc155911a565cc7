package enroll

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/internal/atomicfile"
)

// Authority is a directory of keys and records. One process at a time has it open.
type Authority struct {
	dir   string
	lock  *os.File
	now   func() time.Time
	about about
}

// about is the file that makes a directory an authority.
type about struct {
	Schema string `json:"schema"`
	Kind   Kind   `json:"kind"`
	Name   string `json:"name"`
	// Keys are the public keys of operator, accounts and signing keys, by name.
	Keys map[string]string `json:"keys,omitempty"`
}

const (
	authoritySchema = "rollcall.authority/1"
	operatorName    = "operator"
)

// Init makes an authority in dir, which may be missing or empty. Close ends it.
func Init(dir string, s Settings) (*Authority, error) {
	if s.Kind == "" {
		s.Kind = JWT
	}
	if s.Name == "" {
		s.Name = "rollcall"
	}
	if s.Kind != JWT && s.Kind != NKey {
		return nil, fmt.Errorf("unknown kind %q; use %s or %s", s.Kind, JWT, NKey)
	}
	a, err := begin(dir, s)
	if err != nil {
		return nil, fmt.Errorf("cannot make an authority in %s: %w", dir, err)
	}
	return a, nil
}

func begin(dir string, s Settings) (*Authority, error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(dir, authorityFile)); err == nil {
			return nil, fmt.Errorf("one %w", ErrExists)
		}
		return nil, errors.New("it holds other files, or an init that was cut short: choose an empty or a new directory")
	}
	if err := makeDirs(dir); err != nil {
		return nil, err
	}
	if err := checkPrivate(dir); err != nil {
		return nil, err
	}
	f, err := lock(dir)
	if err != nil {
		return nil, err
	}
	a := &Authority{dir: dir, lock: f, now: clock(s.Now), about: about{Schema: authoritySchema, Kind: s.Kind, Name: s.Name}}
	if err := a.fill(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

// fill makes everything. The file that makes the directory an authority comes last.
func (a *Authority) fill() error {
	if a.about.Kind == JWT {
		if err := a.makeKeys(); err != nil {
			return err
		}
		for _, account := range []string{systemAccount, collectorAccount, gatewaysAccount} {
			if err := a.signAccount(accountClaims(account, a.about.Keys)); err != nil {
				return err
			}
		}
		if err := a.signOperator(); err != nil {
			return err
		}
		if err := errors.Join(a.systemUser(), a.writeAccount()); err != nil {
			return err
		}
	}
	if err := a.writeTemplates(); err != nil {
		return err
	}
	if err := a.writeBroker(); err != nil {
		return err
	}
	return a.writeJSON(a.path(authorityFile), a.about)
}

func (a *Authority) makeKeys() error {
	a.about.Keys = map[string]string{}
	kinds := map[string]nkeys.PrefixByte{
		operatorName: nkeys.PrefixByteOperator, systemAccount: nkeys.PrefixByteAccount,
		collectorAccount: nkeys.PrefixByteAccount, gatewaysAccount: nkeys.PrefixByteAccount,
	}
	for _, r := range Roles() {
		kinds[string(r)] = nkeys.PrefixByteAccount
	}
	for name, kind := range kinds {
		public, err := a.newKey(name, kind)
		if err != nil {
			return err
		}
		a.about.Keys[name] = public
	}
	return nil
}

func (a *Authority) signOperator() error {
	o := jwt.NewOperatorClaims(a.about.Keys[operatorName])
	o.Name, o.SystemAccount = a.about.Name, a.about.Keys[systemAccount]
	return a.signInto(operatorName, o)
}

func (a *Authority) signAccount(c *jwt.AccountClaims) error { return a.signInto(c.Name, c) }

// signInto signs with the operator's key and keeps the token.
func (a *Authority) signInto(name string, c jwt.Claims) error {
	k, err := a.key(operatorName)
	if err != nil {
		return fmt.Errorf("%w (the operator's key is needed to change accounts)", err)
	}
	defer k.Wipe()
	token, err := sign(c, k)
	if err != nil {
		return err
	}
	return atomicfile.Write(a.path(accountsDir, name+".jwt"), []byte(token+"\n"), 0o600)
}

// systemUser makes the credentials with which accounts are pushed to brokers.
func (a *Authority) systemUser() error {
	k, err := a.key(systemAccount)
	if err != nil {
		return err
	}
	defer k.Wipe()
	pair, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	defer pair.Wipe()
	public, err := pair.PublicKey()
	if err != nil {
		return err
	}
	u := jwt.NewUserClaims(public)
	u.Name = "rollcall-push"
	u.Pub.Allow.Add(claimsUpdate)
	u.Sub.Allow.Add("_INBOX.>")
	token, err := sign(u, k)
	if err != nil {
		return err
	}
	file, err := credsFile(token, pair)
	if err != nil {
		return err
	}
	return atomicfile.Write(a.path(credsDir, "system.creds"), file, 0o600)
}

func credsFile(token string, user nkeys.KeyPair) ([]byte, error) {
	seed, err := user.Seed()
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	return jwt.FormatUserConfig(token, seed)
}

// Open opens an authority, and waits while another process has it open. Close ends it.
func Open(dir string) (*Authority, error) {
	a := &Authority{dir: dir, now: time.Now}
	if err := a.read(); err != nil { // first: what is no authority gets no lock file
		return nil, err
	}
	err := checkPrivate(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open authority: %w", err)
	}
	if a.lock, err = lock(dir); err != nil {
		return nil, fmt.Errorf("cannot open authority %s: %w", dir, err)
	}
	if err := a.read(); err != nil { // again: the other process may have made the key of a role
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// read reads what makes the directory an authority.
func (a *Authority) read() error {
	var about about
	err := readJSON(a.path(authorityFile), &about)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s holds no authority: make one with rollcall enroll init --dir %s", a.dir, a.dir)
	case err != nil:
		return fmt.Errorf("cannot open authority %s: %w", a.dir, err)
	case about.Schema != authoritySchema || !slices.Contains([]Kind{JWT, NKey}, about.Kind):
		return fmt.Errorf("cannot open authority %s: schema %q and kind %q are not of this version", a.dir, about.Schema, about.Kind)
	}
	a.about = about
	return nil
}

// Close lets other processes have it.
func (a *Authority) Close() error { return a.lock.Close() }

// Kind says how its brokers learn who may log in.
func (a *Authority) Kind() Kind { return a.about.Kind }

// BrokerDir holds what a broker needs: its configuration and who may log in.
func (a *Authority) BrokerDir() string { return a.path(brokerDir) }
