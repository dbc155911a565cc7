package join

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode"

	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Schemas of the two messages.
const (
	RequestSchema = "rollcall.join/1"
	AnswerSchema  = "rollcall.join-answer/1"
)

// MaxBytes bounds a message.
const MaxBytes = 16 << 10

// Bounds of what a request may say of its gateway.
const (
	maxText   = 256
	maxLabels = 32
)

// Request asks for credentials.
type Request struct {
	Schema  string `json:"schema"`
	Gateway string `json:"gateway"`
	// User is the public NKey that is to log in; ReportKey the public key that signs reports.
	User      string `json:"user"`
	ReportKey string `json:"report_key"`
	// What the gateway says of itself, for the person who decides.
	Hostname string            `json:"hostname"`
	Labels   map[string]string `json:"labels,omitempty"`
	Agent    string            `json:"agent"`
	// Nonce comes back in the answer: 128 random bits in hex.
	Nonce string `json:"nonce"`
}

// Status says how a request stands.
type Status string

// The statuses.
const (
	// Joined: the answer holds the token.
	Joined Status = "joined"
	// Pending: a person has to approve.
	Pending Status = "pending"
	// Refused: it will not be, unless a person acts.
	Refused Status = "refused"
	// Busy: too much is asked at once; nothing was noted.
	Busy Status = "busy"
)

// Answer to a request.
type Answer struct {
	Schema string `json:"schema"`
	Status Status `json:"status"`
	Nonce  string `json:"nonce"`
	// JWT lets the user of the request log in. It is of no use without that user's seed.
	JWT string `json:"jwt,omitempty"`
	// Text says why, and what to do.
	Text string `json:"text,omitempty"`
}

// signed is a request on the wire.
type signed struct {
	Request         []byte `json:"request"`
	UserSignature   []byte `json:"user_signature"`
	ReportSignature []byte `json:"report_signature"`
}

// purpose keeps these signatures apart from all others that the same keys make.
const purpose = "rollcall join v1\x00"

// Seal fills in the keys, a new nonce and the schema, leaves out texts that do not fit, and signs. A hostile server can have the key that
// logs in sign what it likes; the report key's signature it cannot have.
func Seal(r *Request, user nkeys.KeyPair, report ed25519.PrivateKey) ([]byte, error) {
	public, err := user.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("cannot ask to join: %w", err)
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	r.Schema, r.User, r.ReportKey, r.Nonce = RequestSchema, public, inventory.EncodeKey(report.Public().(ed25519.PublicKey)), hex.EncodeToString(nonce[:])
	r.trim()
	if err := r.check(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("cannot ask to join: %w", err)
	}
	s := signed{Request: body, ReportSignature: ed25519.Sign(report, append([]byte(purpose), body...))}
	if s.UserSignature, err = user.Sign(append([]byte(purpose), body...)); err != nil {
		return nil, fmt.Errorf("cannot ask to join: %w", err)
	}
	return json.Marshal(s)
}

// Open reads a request that came on the subject of a gateway. An error means that nothing in it is to be
// believed.
func Open(gateway string, data []byte) (*Request, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("cannot take a request to join of %d bytes: at most %d", len(data), MaxBytes)
	}
	var s signed
	var r Request
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("cannot read a request to join: %w", err)
	}
	if err := json.Unmarshal(s.Request, &r); err != nil {
		return nil, fmt.Errorf("cannot read a request to join: %w", err)
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.Gateway != gateway {
		return nil, fmt.Errorf("a request to join as %q came on the subject of %q", r.Gateway, gateway)
	}
	if err := r.verify(s); err != nil {
		return nil, err
	}
	return &r, nil
}

func (r *Request) verify(s signed) error {
	text := append([]byte(purpose), s.Request...)
	user, err := nkeys.FromPublicKey(r.User)
	if err != nil {
		return fmt.Errorf("cannot verify the request of %q to join: %w", r.Gateway, err)
	}
	report, err := inventory.DecodeKey(r.ReportKey)
	if err != nil {
		return fmt.Errorf("cannot verify the request of %q to join: %w", r.Gateway, err)
	}
	if user.Verify(text, s.UserSignature) != nil || !ed25519.Verify(report, text, s.ReportSignature) {
		return fmt.Errorf("cannot verify the request of %q to join: %w", r.Gateway, inventory.ErrSignature)
	}
	return nil
}

// trim leaves out what does not fit: it only helps the person who decides.
func (r *Request) trim() {
	for _, s := range []*string{&r.Hostname, &r.Agent} {
		if bad(*s) {
			*s = ""
		}
	}
	labels := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(r.Labels)) {
		if len(labels) < maxLabels && !bad(name) && !bad(r.Labels[name]) {
			labels[name] = r.Labels[name]
		}
	}
	r.Labels = labels
}

// check bounds everything: it is kept in files and shown to people.
func (r *Request) check() error {
	texts := slices.Concat([]string{r.Hostname, r.Agent}, slices.Collect(maps.Keys(r.Labels)), slices.Collect(maps.Values(r.Labels)))
	nonce, err := hex.DecodeString(r.Nonce)
	switch {
	case r.Schema != RequestSchema:
		return fmt.Errorf("cannot take a request to join of schema %q: want %s", r.Schema, RequestSchema)
	case inventory.CheckGatewayID(r.Gateway) != nil:
		return fmt.Errorf("cannot take a request to join: %w", inventory.CheckGatewayID(r.Gateway))
	case !nkeys.IsValidPublicUserKey(r.User):
		return fmt.Errorf("cannot take the request of %q to join: %q is no public user key", r.Gateway, r.User)
	case err != nil || len(nonce) != 16:
		return fmt.Errorf("cannot take the request of %q to join: its nonce is not 32 hex digits", r.Gateway)
	case len(r.Labels) > maxLabels || slices.ContainsFunc(texts, bad):
		return fmt.Errorf("cannot take the request of %q to join: want at most %d labels, and texts of at most %d printable characters", r.Gateway, maxLabels, maxText)
	}
	_, err = inventory.DecodeKey(r.ReportKey)
	return err
}

func bad(s string) bool {
	return len(s) > maxText || slices.ContainsFunc([]rune(s), func(r rune) bool { return !unicode.IsPrint(r) })
}

// Answered makes an answer to r.
func (r *Request) Answered(s Status, jwt, text string) *Answer {
	return &Answer{Schema: AnswerSchema, Status: s, Nonce: r.Nonce, JWT: jwt, Text: text}
}

// ErrForeign: the answer is not one to this request.
var ErrForeign = errors.New("not an answer to this gateway's request")

// ReadAnswer reads an answer to r. account is that of the join token ([Account]).
func (r *Request) ReadAnswer(data []byte, account string) (*Answer, error) {
	var a Answer
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("cannot take an answer of %d bytes: at most %d", len(data), MaxBytes)
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, fmt.Errorf("cannot read the answer to a request to join: %w", err)
	}
	switch {
	case a.Schema != AnswerSchema:
		return nil, fmt.Errorf("cannot take an answer of schema %q: want %s", a.Schema, AnswerSchema)
	case a.Nonce != r.Nonce:
		return nil, fmt.Errorf("%w: another nonce", ErrForeign)
	case a.Status != Joined:
		return &a, nil
	}
	c, err := readToken(a.JWT)
	if err != nil {
		return nil, err
	}
	if c.Subject != r.User || c.Name != r.Gateway || c.NATS.Account != account {
		return nil, fmt.Errorf("%w: its token is for user %q, name %q, account %q", ErrForeign, c.Subject, c.Name, c.NATS.Account)
	}
	return &a, nil
}
