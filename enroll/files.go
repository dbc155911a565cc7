package enroll

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/internal/atomicfile"
)

// The files of an authority.
const (
	authorityFile = "authority.json"
	lockName      = "lock"
	keysDir       = "keys"     // seeds
	accountsDir   = "accounts" // signed tokens of operator and accounts
	credsDir      = "creds"    // of this authority's own users
	recordsDir    = "enrolled"
	pendingDir    = "pending" // who asked to join
	brokerDir     = "nats"    // what the broker needs; not secret
)

// makeDirs makes the directory with all that is below it.
func makeDirs(dir string) error {
	for _, d := range []string{"", keysDir, accountsDir, credsDir, recordsDir, pendingDir, brokerDir} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// checkPrivate refuses a directory or file that others may use.
func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	want := fs.FileMode(0o600)
	if info.IsDir() {
		want = 0o700
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%s may be used by others (mode %04o): set it to %04o, and make new keys if somebody may have read it", path, mode, want)
	}
	return nil
}

// lock waits until no other process uses the directory.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func (a *Authority) path(parts ...string) string {
	return filepath.Join(append([]string{a.dir}, parts...)...)
}

func (a *Authority) writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(b, '\n'), 0o600)
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("cannot read %s: %w", path, err)
	}
	return nil
}

// key reads a seed. name is that of an account or role.
func (a *Authority) key(name string) (nkeys.KeyPair, error) {
	path := a.path(keysDir, name+".nk")
	if err := checkPrivate(path); err != nil {
		return nil, fmt.Errorf("cannot use the key of %s: %w", name, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot use the key of %s: %w", name, err)
	}
	defer clear(b)
	k, err := nkeys.FromSeed(bytes.TrimSpace(b))
	if err != nil {
		return nil, fmt.Errorf("cannot use the key of %s in %s: %w", name, path, err)
	}
	return k, nil
}

// newKey makes and keeps a key, and gives its public form.
func (a *Authority) newKey(name string, kind nkeys.PrefixByte) (string, error) {
	k, err := nkeys.CreatePair(kind)
	if err != nil {
		return "", fmt.Errorf("cannot make a key for %s: %w", name, err)
	}
	defer k.Wipe()
	seed, err := k.Seed()
	if err != nil {
		return "", fmt.Errorf("cannot make a key for %s: %w", name, err)
	}
	defer clear(seed)
	if err := atomicfile.Write(a.path(keysDir, name+".nk"), append(seed, '\n'), 0o600); err != nil {
		return "", err
	}
	return k.PublicKey()
}
