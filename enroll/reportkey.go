package enroll

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// NewReportKey makes a key for signing reports: the file that an agent finds as report.key
// in its state directory, and its public form. Gateways make their own at their first start;
// this is for images that are prepared elsewhere.
func NewReportKey() (file []byte, public string, err error) {
	key, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", fmt.Errorf("cannot make a report key: %w", err)
	}
	defer clear(private)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, "", fmt.Errorf("cannot make a report key: %w", err)
	}
	defer clear(der)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), inventory.EncodeKey(key), nil
}

// SetReportKey records the key that signs the reports of an enrolled gateway. Keys that
// were recorded before stay good, unless they are taken back.
func (a *Authority) SetReportKey(name, key string) (*Record, error) {
	if _, err := inventory.DecodeKey(key); err != nil {
		return nil, err
	}
	r, err := a.Record(name)
	if err != nil {
		return nil, err
	}
	if r.Role != Gateway || !r.Live(a.now()) {
		return nil, fmt.Errorf("%s is no gateway with good credentials: enrol it first", name)
	}
	r.setReportKey(key, a.now().UTC())
	return r, a.keep(r)
}

// Export writes the report keys of all gateways, as JSON Lines.
func (a *Authority) Export(w io.Writer) error {
	records, err := a.Records()
	if err != nil {
		return err
	}
	e := json.NewEncoder(w)
	for _, r := range records {
		for _, k := range r.ReportKeys {
			if err := e.Encode(k); err != nil {
				return fmt.Errorf("cannot export report keys: %w", err)
			}
		}
	}
	return nil
}

// maxExport bounds what ReadKeys takes: two keys each for a million gateways.
const maxExport = 512 << 20

// ReadKeys reads what [Authority.Export] wrote.
func ReadKeys(r io.Reader) ([]store.Key, error) {
	var keys []store.Key
	s := bufio.NewScanner(io.LimitReader(r, maxExport))
	for n := 1; s.Scan(); n++ {
		if len(bytes.TrimSpace(s.Bytes())) == 0 {
			continue
		}
		k, err := readKey(s.Bytes())
		if err != nil {
			return nil, fmt.Errorf("cannot read report keys: line %d: %w", n, err)
		}
		keys = append(keys, k)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("cannot read report keys: %w", err)
	}
	return keys, nil
}

func readKey(line []byte) (store.Key, error) {
	var k store.Key
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&k); err != nil {
		return k, err
	}
	if err := inventory.CheckGatewayID(k.Gateway); err != nil {
		return k, err
	}
	if _, err := inventory.DecodeKey(k.Key); err != nil {
		return k, err
	}
	if k.State != store.KeyEnrolled && k.State != store.KeyRevoked {
		return k, fmt.Errorf("state %q is neither %s nor %s", k.State, store.KeyEnrolled, store.KeyRevoked)
	}
	return k, nil
}

// Keys is the part of a collector's store that keeps report keys. store.Store is one.
type Keys interface {
	Keys(ctx context.Context, gateway string) ([]store.Key, error)
	PutKey(ctx context.Context, k store.Key) error
}

// Tell makes a collector's store hold the given keys. A key that a person recorded outranks
// the one that came first: keys that were only pinned for its gateway are revoked.
func Tell(ctx context.Context, to Keys, keys []store.Key) error {
	for _, k := range keys {
		known, err := to.Keys(ctx, k.Gateway)
		if err != nil {
			return err
		}
		same := false
		for _, old := range known {
			if old.Key == k.Key {
				k.First = old.First // since when it is known does not change
				same = old.State == k.State
			}
		}
		if !same {
			if err := to.PutKey(ctx, k); err != nil {
				return err
			}
		}
		for _, old := range known {
			if k.State == store.KeyEnrolled && old.State == store.KeyPinned && old.Key != k.Key {
				old.State = store.KeyRevoked
				if err := to.PutKey(ctx, old); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Forget revokes every key that a collector's store holds for a gateway: recorded ones and
// those that were pinned. It gives how many.
func Forget(ctx context.Context, to Keys, gateway string) (int, error) {
	known, err := to.Keys(ctx, gateway)
	if err != nil {
		return 0, err
	}
	for _, k := range known {
		k.State = store.KeyRevoked
		if err := to.PutKey(ctx, k); err != nil {
			return 0, err
		}
	}
	return len(known), nil
}

// live are the recorded report keys that were not taken back.
func (r *Record) live() (keys []string) {
	for _, k := range r.ReportKeys {
		if k.State == store.KeyEnrolled {
			keys = append(keys, k.Key)
		}
	}
	return keys
}
