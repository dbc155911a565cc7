package inventory

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// MaxReportBytes bounds an encoded report. Servers refuse more than 1 MiB by default.
const MaxReportBytes = 512 << 10

// Errors that callers branch on.
var (
	// ErrTooLarge: the encoded report is larger than MaxReportBytes.
	ErrTooLarge = errors.New("report is larger than 512 KiB")
	// ErrSchema: the bytes are of no schema, or of one that this version does not read.
	ErrSchema = errors.New("not a schema that this version reads")
)

// NewID returns 128 random bits in lower-case hex.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}

// Encode returns the canonical bytes of r: compact JSON, fields in the order of the
// schema, map keys sorted, no HTML escapes, no trailing newline. The same value
// always gives the same bytes. Lists that are nil are written as [].
func (r *Report) Encode() ([]byte, error) {
	c := *r
	c.Schema = ReportSchema
	c.Gateway.Labels = orEmptyMap(c.Gateway.Labels)
	c.Modules = make([]Module, len(r.Modules))
	for i := range r.Modules {
		c.Modules[i] = r.Modules[i].Normal()
	}
	b, err := encode(&c)
	if err != nil {
		return nil, fmt.Errorf("cannot encode report %q: %w", r.ID, err)
	}
	if len(b) > MaxReportBytes {
		return nil, fmt.Errorf("cannot encode report %q of %d bytes: %w", r.ID, len(b), ErrTooLarge)
	}
	return b, nil
}

// Encode returns the canonical bytes of h.
func (h *Heartbeat) Encode() ([]byte, error) {
	c := *h
	c.Schema = HeartbeatSchema
	b, err := encode(&c)
	if err != nil {
		return nil, fmt.Errorf("cannot encode heartbeat %q: %w", h.ID, err)
	}
	return b, nil
}

// Normal returns m with empty lists in place of nil ones, as JSON readers expect.
func (m Module) Normal() Module {
	m.Evidence = orEmpty(m.Evidence)
	m.Conflicts = orEmpty(m.Conflicts)
	m.Ports = orEmpty(m.Ports)
	if m.Managed != nil {
		managed := *m.Managed
		managed.Ports = orEmpty(managed.Ports)
		m.Managed = &managed
	}
	m.Transcript = append([]Exchange{}, m.Transcript...)
	for i := range m.Transcript {
		m.Transcript[i].Lines = orEmpty(m.Transcript[i].Lines)
	}
	return m
}

// Digest identifies the findings of a report: it changes when a module, its identity,
// its ports or its answers change, and not with time, sequence, reason or the
// milliseconds that an answer took.
func (r *Report) Digest() (string, error) {
	modules := make([]Module, len(r.Modules))
	for i := range r.Modules {
		m := r.Modules[i].Normal()
		m.Banner = nil // unasked lines differ from visit to visit
		for j := range m.Transcript {
			m.Transcript[j].Millis = 0
			m.Transcript[j].Raw = nil
		}
		modules[i] = m
	}
	g := r.Gateway
	g.Labels = orEmptyMap(g.Labels)
	h := hasher{sha256.New()}
	err := encodeTo(h, struct {
		Gateway Gateway
		Modules []Module
	}{g, modules})
	if err != nil {
		return "", fmt.Errorf("cannot digest report %q: %w", r.ID, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hasher digests what [encode] would give.
type hasher struct{ hash.Hash }

// Write gets all in one piece, and a newline behind it.
func (h hasher) Write(b []byte) (int, error) {
	_, _ = h.Hash.Write(bytes.TrimSuffix(b, []byte("\n"))) // never fails
	return len(b), nil
}

// DecodeReport reads the bytes of a report, within bounds.
func DecodeReport(b []byte) (*Report, error) {
	r, err := decode(b, (*reader).report, func(r *Report) bool { return r.Schema == "" || readable(r.Schema, ReportSchema) })
	if err != nil {
		return nil, fmt.Errorf("cannot decode report: %w", err)
	}
	if !readable(r.Schema, ReportSchema) {
		return nil, fmt.Errorf("cannot decode report of schema %q: %w", r.Schema, ErrSchema)
	}
	if err := CheckGatewayID(r.Gateway.ID); err != nil {
		return nil, fmt.Errorf("cannot decode report: %w", err)
	}
	return r, nil
}

// FromModules gives what stands in the bytes of a report from its modules on: what it says, and
// not who says it, when and why. False where what stands before is not as Encode writes it.
func FromModules(b []byte) ([]byte, bool) {
	at := bytes.Index(b, []byte(`,"modules":`))
	if at < 0 {
		return nil, false
	}
	r := &reader{s: string(b[:at])}
	r.beforeModules(new(Report))
	return b[at:], !r.bad && r.at == at
}

// DecodeHeartbeat reads the bytes of a heartbeat, within bounds.
func DecodeHeartbeat(b []byte) (*Heartbeat, error) {
	h, err := decode(b, (*reader).heartbeat, func(h *Heartbeat) bool { return h.Schema == "" || readable(h.Schema, HeartbeatSchema) })
	if err != nil {
		return nil, fmt.Errorf("cannot decode heartbeat: %w", err)
	}
	if !readable(h.Schema, HeartbeatSchema) {
		return nil, fmt.Errorf("cannot decode heartbeat of schema %q: %w", h.Schema, ErrSchema)
	}
	if err := CheckGatewayID(h.Gateway); err != nil {
		return nil, fmt.Errorf("cannot decode heartbeat: %w", err)
	}
	return h, nil
}

// decode reads what is canonical quickly and all else by the general decoder, whose error stands
// only where ours says that the schema is: what is of another schema is called so, rather than a
// list of unfitting fields.
func decode[T any](b []byte, read func(*reader, *T), ours func(*T) bool) (*T, error) {
	if len(b) > MaxReportBytes {
		return nil, fmt.Errorf("%d bytes: %w", len(b), ErrTooLarge)
	}
	v := new(T)
	if readCanonical(b, v, read) {
		return v, nil
	}
	if err := checkShape(b); err != nil {
		return nil, err
	}
	*v = *new(T)
	if err := json.Unmarshal(b, v); err != nil && ours(v) {
		return nil, err
	}
	return v, nil
}

// CheckGatewayID says whether id can stand as one token in a NATS subject and as a
// file name: 1 to 64 of A-Z a-z 0-9 _ -.
func CheckGatewayID(id string) error {
	if len(id) == 0 || len(id) > 64 {
		return fmt.Errorf("gateway id %q is not 1 to 64 characters long", id)
	}
	for _, c := range []byte(id) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			continue
		}
		return fmt.Errorf("gateway id %q may hold only letters, digits, _ and -", id)
	}
	return nil
}

func readable(got, want string) bool {
	return got == want || strings.HasPrefix(got, want+".")
}

func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	if err := encodeTo(&buf, v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

func encodeTo(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func orEmptyMap(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
