package agent

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/internal/atomicfile"
	"github.com/rollcall-iot/rollcall/inventory"
)

// The files of the state directory.
const (
	keyFile  = "report.key"
	bootFile = "boot"
)

// madeKey is a report key; err says why it will not outlive this process.
type madeKey struct {
	private ed25519.PrivateKey
	err     error
}

// reportKey reads the key that signs reports, or makes it at the first start. A key that
// others may read, or that is damaged, is an error: a new one in its place would make the
// gateway a stranger to the collector.
func reportKey(dir string) (madeKey, error) {
	path := filepath.Join(dir, keyFile)
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		key, err := parseKey(path, b)
		return madeKey{private: key}, err
	case !errors.Is(err, fs.ErrNotExist):
		return madeKey{}, fmt.Errorf("cannot read the report key: %w", err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return madeKey{}, fmt.Errorf("cannot make a report key: %w", err)
	}
	return madeKey{key, keepKey(dir, key)}, nil
}

// keepKey writes a key that is not kept yet.
func keepKey(dir string, key ed25519.PrivateKey) error {
	path := filepath.Join(dir, keyFile)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = atomicfile.Write(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
	}
	if err != nil {
		return fmt.Errorf("the report key is lost when the agent ends: cannot keep it in %s: %w", dir, err)
	}
	return nil
}

// keepState tries again what New could not keep: a disk that was full may have room again, and a collector takes no
// other key from this gateway than the first.
func (a *Agent) keepState() {
	if !a.unkept {
		return
	}
	err := errors.Join(keepKey(a.settings.StateDir, a.key), keepBoot(a.settings.StateDir, a.order.Boot))
	a.health.set("state-not-kept", inventory.SeverityError, err)
	a.unkept = err != nil
}

func parseKey(path string, b []byte) (ed25519.PrivateKey, error) {
	if err := checkMode(path); err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("report key %s is damaged: remove it and enrol the gateway again", path)
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := any.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("report key %s is no Ed25519 key: remove it and enrol the gateway again", path)
	}
	return key, nil
}

// checkMode refuses a key that others may use.
func checkMode(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot read a key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("key %s may be used by others (mode %04o): chmod 600 it, or remove it and enrol the gateway again", path, mode)
	}
	return nil
}

// nextBoot counts this start: one more than the last, or the time in Unix seconds where that
// is larger and the clock is synchronised, so that a lost state directory does not put the
// gateway behind its own past. The number is good even where it could not be kept.
func nextBoot(dir string, now time.Time, synced bool) (uint64, error) {
	path := filepath.Join(dir, bootFile)
	var boot uint64
	b, err := os.ReadFile(path)
	if err == nil {
		boot, err = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("the count of starts in %s cannot be read: %w", path, err)
	}
	boot++
	if t := now.Unix(); synced && t > 0 && uint64(t) > boot {
		boot = uint64(t)
	}
	return boot, errors.Join(err, keepBoot(dir, boot))
}

func keepBoot(dir string, boot uint64) error {
	path, text := filepath.Join(dir, bootFile), []byte(strconv.FormatUint(boot, 10)+"\n")
	if err := atomicfile.Write(path, text, 0o600); err != nil && overwrite(path, text) != nil {
		return fmt.Errorf("the count of starts cannot be kept in %s: %w", dir, err)
	}
	return nil
}

// overwrite puts b in the place of a file that is there. On a full disk that needs no room, and a count that was not
// kept would let the next start take the place of this one in the order of reports.
func overwrite(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	return errors.Join(err, f.Truncate(int64(len(b))), f.Sync(), f.Close())
}
