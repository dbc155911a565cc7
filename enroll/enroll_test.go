package enroll_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/enroll"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

func authority(t *testing.T, s enroll.Settings) (*enroll.Authority, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "authority")
	a, err := enroll.Init(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a, dir
}

func account(t *testing.T, dir, name string) *jwt.AccountClaims {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "accounts", name+".jwt"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := jwt.DecodeAccountClaims(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCredentials: a token holds no rights of its own; they are those of the template of the
// key that signed it, which gives a gateway what an agent needs and nothing more.
func TestCredentials(t *testing.T) {
	t.Parallel()
	a, dir := authority(t, enroll.Settings{})
	c, err := a.Enroll("gw1", enroll.Options{Expires: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.ParseDecoratedJWT(c.File)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := jwt.ParseDecoratedUserNKey(c.File)
	if err != nil {
		t.Fatal(err)
	}
	u, err := jwt.DecodeUserClaims(token)
	if err != nil {
		t.Fatal(err)
	}
	if public, _ := pair.PublicKey(); public != u.Subject || public != c.User {
		t.Errorf("key %s, token of %s, told %s", public, u.Subject, c.User)
	}
	gateways := account(t, dir, "GATEWAYS")
	scope, ok := gateways.SigningKeys.GetScope(u.Issuer)
	if !ok || scope == nil || u.Name != "gw1" || u.IssuerAccount != gateways.Subject || !u.HasEmptyPermissions() {
		t.Fatalf("the token is %+v", u)
	}
	if left := time.Until(time.Unix(u.Expires, 0)); left > time.Hour || left < 50*time.Minute {
		t.Errorf("expires in %v", left)
	}
	got := scope.(*jwt.UserScope).Template
	publish, subscribe := natslink.Permissions("gw1")
	want := func(list []string) jwt.StringList {
		for i := range list {
			list[i] = strings.ReplaceAll(list[i], "gw1", "{{name()}}")
		}
		return list
	}
	if d := cmp.Diff(want(publish), got.Pub.Allow) + cmp.Diff(want(subscribe), got.Sub.Allow); d != "" {
		t.Error(d)
	}
	if got.Resp == nil || got.Resp.MaxMsgs != 1 || slices.Contains(got.AllowedConnectionTypes, jwt.ConnectionTypeLeafnode) {
		t.Errorf("answers %+v, connections %v", got.Resp, got.AllowedConnectionTypes)
	}
	if n := gateways.Limits.JetStreamLimits; !n.IsUnlimited() && n.DiskStorage != 0 || gateways.Limits.DiskStorage != 0 {
		t.Errorf("gateways may use JetStream: %+v", n)
	}
}

// TestCollectorNames: the collector's template names what the collector uses.
func TestCollectorNames(t *testing.T) {
	t.Parallel()
	_, dir := authority(t, enroll.Settings{})
	for _, key := range account(t, dir, "COLLECTOR").SigningKeys.Keys() {
		scope, _ := account(t, dir, "COLLECTOR").SigningKeys.GetScope(key)
		s := scope.(*jwt.UserScope)
		if s.Role != string(enroll.Collector) {
			continue
		}
		for _, want := range []string{"$JS.API.STREAM.CREATE." + collector.EventStream, "$JS.API.STREAM.CREATE." + natslink.Stream} {
			if !slices.Contains(s.Template.Pub.Allow, want) {
				t.Errorf("no %s in %v", want, s.Template.Pub.Allow)
			}
		}
		if slices.Contains(s.Template.Pub.Allow, ">") || slices.ContainsFunc(s.Template.Pub.Allow, func(s string) bool {
			return strings.Contains(s, "DELETE") && !strings.HasPrefix(s, "$JS.API.CONSUMER.DELETE.OBJ_") || strings.Contains(s, "PURGE")
		}) {
			t.Errorf("a collector may do more than collect: %v", s.Template.Pub.Allow)
		}
		return
	}
	t.Error("no signing key for collectors")
}

// TestClockSetBack: what is revoked stays so, also where the clock was set back since it was made.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	offset := time.Duration(0)
	a, dir := authority(t, enroll.Settings{Now: func() time.Time { return time.Now().Add(offset) }})
	c, err := a.Enroll("gw1", enroll.Options{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.ParseDecoratedJWT(c.File)
	if err != nil {
		t.Fatal(err)
	}
	u, err := jwt.DecodeUserClaims(token)
	if err != nil {
		t.Fatal(err)
	}
	if account(t, dir, "GATEWAYS").IsClaimRevoked(u) {
		t.Fatal("revoked at birth")
	}
	offset = -24 * time.Hour
	if _, err := a.Revoke("gw1"); err != nil {
		t.Fatal(err)
	}
	if !account(t, dir, "GATEWAYS").IsClaimRevoked(u) {
		t.Error("not revoked")
	}
	if b, err := os.ReadFile(filepath.Join(a.BrokerDir(), enroll.UsersFile)); err != nil || bytes.Contains(b, []byte(c.User)) {
		t.Errorf("the users file names a user in clear, or cannot be read: %v", err)
	}
}

// TestTogether: many processes enrol at once; nobody is lost.
func TestTogether(t *testing.T) {
	t.Parallel()
	for _, kind := range []enroll.Kind{enroll.JWT, enroll.NKey} {
		a, dir := authority(t, enroll.Settings{Kind: kind})
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		const many = 8
		var wg sync.WaitGroup
		for i := range many {
			wg.Go(func() {
				a, err := enroll.Open(dir)
				if err != nil {
					t.Error(err)
					return
				}
				defer a.Close()
				if _, err := a.Enroll(fmt.Sprintf("gw%d", i), enroll.Options{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		a, err := enroll.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		records, err := a.Records()
		if err != nil || len(records) != many {
			t.Errorf("%s: %d records, %v", kind, len(records), err)
		}
		users, err := os.ReadFile(filepath.Join(a.BrokerDir(), enroll.UsersFile))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(users), "nkey: U"); kind == enroll.NKey && n != many {
			t.Errorf("%d users in %s", n, enroll.UsersFile)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestYoungerRoleTogether: many processes make the signing key of a role that the authority lacks; it gets one, and
// whatever was signed is signed with that.
func TestYoungerRoleTogether(t *testing.T) {
	t.Parallel()
	a, dir := authority(t, enroll.Settings{})
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	lackRoles(t, dir, enroll.Join)
	const many = 8
	signers := make(chan string, many)
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() {
			a, err := enroll.Open(dir)
			if err != nil {
				t.Error(err)
				return
			}
			defer a.Close()
			c, err := a.Enroll(fmt.Sprintf("fleet%d", i), enroll.Options{Role: enroll.Join})
			if err != nil {
				t.Error(err)
				return
			}
			token, err := jwt.ParseDecoratedJWT(c.File)
			if err != nil {
				t.Error(err)
				return
			}
			u, err := jwt.DecodeUserClaims(token)
			if err != nil {
				t.Error(err)
				return
			}
			signers <- u.Issuer
		})
	}
	wg.Wait()
	close(signers)
	known := account(t, dir, "GATEWAYS").SigningKeys
	for signer := range signers {
		if !known.Contains(signer) {
			t.Errorf("a token is signed with %s, which no broker learns of", signer)
		}
	}
}

// TestRecordFirst: where the record cannot be kept, no credentials are given out.
func TestRecordFirst(t *testing.T) {
	t.Parallel()
	for _, kind := range []enroll.Kind{enroll.JWT, enroll.NKey} {
		a, dir := authority(t, enroll.Settings{Kind: kind})
		// A directory in the record's place refuses to be replaced, whoever asks.
		if err := os.Mkdir(filepath.Join(dir, "enrolled", ".gw1.json.tmp"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "enrolled", ".gw1.json.tmp", "x"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := a.Enroll("gw1", enroll.Options{}); err == nil || c != nil {
			t.Errorf("%s: credentials without a record", kind)
		}
	}
}

// TestDamaged: an authority or a record that is not whole is refused, with its path.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for file, text := range map[string]string{
		"authority.json":      `{"schema":"rollcall.authority/2","kind":"jwt","name":"x"}`,
		"enrolled/gw1.json":   `{"schema":"rollcall.enrolled/1","name":"gw2","role":"gateway","users":[]}`,
		"enrolled/gw1.json ":  `{"schema":"rollcall.enrolled/1","name":"gw1","role":"gateway","users":[],"more":1}`,
		"enrolled/gw1.json  ": `{`,
		"keys/gateway.nk":     "SU",
	} {
		a, dir := authority(t, enroll.Settings{})
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, strings.TrimSpace(file)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := enroll.Open(dir)
		if err == nil {
			_, err = a.Enroll("gw1", enroll.Options{Again: true})
			_ = a.Close()
		}
		if err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestTwice: a name has credentials once, unless it is said that the former ones are void.
func TestTwice(t *testing.T) {
	t.Parallel()
	a, dir := authority(t, enroll.Settings{})
	_, key, err := enroll.NewReportKey()
	if err != nil {
		t.Fatal(err)
	}
	first, err := a.Enroll("gw1", enroll.Options{ReportKey: key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Enroll("gw1", enroll.Options{}); !errors.Is(err, enroll.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	second, err := a.Enroll("gw1", enroll.Options{Again: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Record("gw1")
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Users) != 2 || r.Users[0].Key != first.User || r.Users[0].Revoked.IsZero() || r.Users[1].Key != second.User || !r.Users[1].Revoked.IsZero() {
		t.Errorf("users %+v", r.Users)
	}
	if len(r.ReportKeys) != 1 || r.ReportKeys[0].State != store.KeyRevoked {
		t.Errorf("report keys %+v", r.ReportKeys)
	}
	revoked := account(t, dir, "GATEWAYS").Revocations
	if _, ok := revoked[first.User]; !ok || len(revoked) != 1 {
		t.Errorf("revoked are %v", revoked)
	}
	if r, err = a.SetReportKey("gw1", key); err != nil || r.ReportKeys[0].State != store.KeyEnrolled {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := a.Revoke("gw1"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.SetReportKey("gw1", key); err == nil {
		t.Error("a revoked gateway got a report key")
	}
	if _, err := a.Revoke("gw2"); !errors.Is(err, enroll.ErrUnknown) {
		t.Errorf("unknown: %v", err)
	}
}

// keys is a store of report keys.
type keys []store.Key

func (k *keys) Keys(_ context.Context, gateway string) (all []store.Key, _ error) {
	for _, x := range *k {
		if x.Gateway == gateway {
			all = append(all, x)
		}
	}
	return all, nil
}

func (k *keys) PutKey(_ context.Context, n store.Key) error {
	for i, x := range *k {
		if x.Gateway == n.Gateway && x.Key == n.Key {
			(*k)[i] = n
			return nil
		}
	}
	*k = append(*k, n)
	return nil
}

// TestTell: a key that a person recorded outranks one that came first, of that gateway alone.
func TestTell(t *testing.T) {
	t.Parallel()
	then, now := time.Unix(1, 0), time.Unix(2, 0)
	s := &keys{
		{Gateway: "gw1", Key: "theirs", State: store.KeyPinned, First: then},
		{Gateway: "gw1", Key: "old", State: store.KeyEnrolled, First: then},
		{Gateway: "gw2", Key: "pinned", State: store.KeyPinned, First: then},
	}
	err := enroll.Tell(t.Context(), s, []store.Key{
		{Gateway: "gw1", Key: "ours", State: store.KeyEnrolled, First: now},
		{Gateway: "gw2", Key: "pinned", State: store.KeyEnrolled, First: now},
		{Gateway: "gw1", Key: "old", State: store.KeyRevoked, First: now},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &keys{
		{Gateway: "gw1", Key: "theirs", State: store.KeyRevoked, First: then},
		{Gateway: "gw1", Key: "old", State: store.KeyRevoked, First: then},
		{Gateway: "gw2", Key: "pinned", State: store.KeyEnrolled, First: then},
		{Gateway: "gw1", Key: "ours", State: store.KeyEnrolled, First: now},
	}
	if d := cmp.Diff(want, s); d != "" {
		t.Error(d)
	}
	if n, err := enroll.Forget(t.Context(), s, "gw2"); err != nil || n != 1 || (*s)[2].State != store.KeyRevoked {
		t.Errorf("%d, %v, %+v", n, err, s)
	}
}

// FuzzReadKeys: what is read is what would be written again, and only keys of gateways.
func FuzzReadKeys(f *testing.F) {
	key := inventory.EncodeKey(make(ed25519.PublicKey, ed25519.PublicKeySize))
	f.Add(`{"gateway":"gw1","key":"` + key + `","state":"enrolled","since":"2026-01-01T00:00:00Z"}`)
	f.Add(`{"gateway":"gw.1","key":"` + key + `","state":"enrolled"}`)
	f.Add(`{"gateway":"gw1","key":"` + key + `","state":"pinned"}`)
	f.Add(`{"gateway":"gw1","key":"short","state":"revoked"}` + "\n\n{}")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := enroll.ReadKeys(strings.NewReader(text))
		if err != nil {
			if got != nil {
				t.Errorf("keys beside an error: %v", got)
			}
			return
		}
		for _, k := range got {
			if _, err := inventory.DecodeKey(k.Key); err != nil || inventory.CheckGatewayID(k.Gateway) != nil || k.State == store.KeyPinned {
				t.Errorf("read %+v", k)
			}
		}
	})
}

// TestSeedsAreWhole: every key of an authority is of its kind, and no two are the same.
func TestSeedsAreWhole(t *testing.T) {
	t.Parallel()
	_, dir := authority(t, enroll.Settings{})
	files, err := filepath.Glob(filepath.Join(dir, "keys", "*.nk"))
	if err != nil || len(files) != 10 {
		t.Fatal(files, err)
	}
	seen := map[string]bool{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		k, err := nkeys.FromSeed(bytes.TrimSpace(b))
		if err != nil {
			t.Fatal(f, err)
		}
		public, err := k.PublicKey()
		if err != nil || seen[public] {
			t.Errorf("%s: %v, seen before: %v", f, err, seen[public])
		}
		if operator := strings.HasSuffix(f, "operator.nk"); operator != nkeys.IsValidPublicOperatorKey(public) {
			t.Errorf("%s is of another kind", f)
		}
		seen[public] = true
	}
}

// seedIn finds the seed of a user or an account.
var seedIn = regexp.MustCompile(`\bS[OAU][A-Z2-7]{50,}`)
