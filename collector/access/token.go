package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// A token is rollcall_ID_SECRET. The fixed beginning lets scanners of leaked secrets find it.
const (
	tokenPrefix = "rollcall_"
	idBytes     = 6
	secretBytes = 32
)

// Secret is text that shows itself to nobody by accident: formatted or logged it is "…".
type Secret struct{ text string }

// Reveal gives the text itself.
func (s Secret) Reveal() string { return s.text }

// String hides the text.
func (Secret) String() string { return "…" }

// GoString hides the text.
func (Secret) GoString() string { return "access.Secret{…}" }

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// NewToken makes a token and keeps its hash. ttl 0 holds until it is revoked. The secret is
// nowhere else: who loses it makes another.
func NewToken(ctx context.Context, s Store, name string, role Role, ttl time.Duration, now time.Time) (store.Token, Secret, error) {
	if !tokenName.MatchString(name) {
		return store.Token{}, Secret{}, fmt.Errorf("a token cannot be called %q: letters, digits and . _ @ - up to 64, such as grafana or alice@desk", name)
	}
	if _, err := ParseRole(string(role)); err != nil {
		return store.Token{}, Secret{}, err
	}
	if ttl < 0 {
		return store.Token{}, Secret{}, fmt.Errorf("a token cannot expire %s ago", -ttl)
	}
	id, text := random(idBytes), ""
	text = tokenPrefix + strings.NewReplacer("_", "0", "-", "1").Replace(id) + "_" + random(secretBytes)
	t := store.Token{Name: name, ID: shown(text), Role: string(role), Hash: hash(text), Created: now.UTC()}
	if ttl > 0 {
		t.Expires = now.Add(ttl).UTC()
	}
	err := s.PutToken(ctx, t)
	if errors.Is(err, store.ErrTaken) {
		err = fmt.Errorf("there is or was a token %q; choose another name, so that the log of who did what stays clear: %w", name, err)
	}
	if err != nil {
		return store.Token{}, Secret{}, err
	}
	return t, Secret{text}, nil
}

// shown is the part of a token that lists show.
func shown(token string) string {
	return token[:len(tokenPrefix)+base64.RawURLEncoding.EncodedLen(idBytes)]
}

// wellFormed says whether text can be a token, so that nothing else is looked up.
func wellFormed(text string) bool {
	return strings.HasPrefix(text, tokenPrefix) &&
		len(text) == len(tokenPrefix)+base64.RawURLEncoding.EncodedLen(idBytes)+1+base64.RawURLEncoding.EncodedLen(secretBytes)
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// holds says whether a token is good now, and what its role is.
func holds(t store.Token, now time.Time) (Role, bool) {
	role, err := ParseRole(t.Role)
	return role, err == nil && t.Revoked.IsZero() && (t.Expires.IsZero() || now.Before(t.Expires))
}
