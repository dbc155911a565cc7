package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Schema is that of manifests.
const Schema = "rollcall.bundle/1"

// Bounds of a bundle.
const (
	MaxBytes    = 16 << 20
	MaxFile     = 4 << 20
	MaxFiles    = 500
	maxManifest = 256 << 10
	maxVersion  = 1 << 53 // what every JSON reader keeps exactly
)

// Errors that callers branch on.
var (
	// ErrFormat: it is no bundle, or not exactly as one is written.
	ErrFormat = errors.New("not a bundle of this version")
	// ErrSignature: no key that is trusted signed it.
	ErrSignature = errors.New("not signed by a trusted key")
	// ErrContents: what it holds does not load, or a case in it fails.
	ErrContents = errors.New("its contents are not accepted")
)

// Manifest says what a bundle holds.
type Manifest struct {
	Schema string `json:"schema"`
	// Name is for people: lower-case letters, digits, ".", "_" and "-".
	Name string `json:"name"`
	// Version grows with every bundle that is published, whatever its name. A collector takes
	// no lower one than it has.
	Version int64     `json:"version"`
	Created time.Time `json:"created"`
	Files   []File    `json:"files"`
}

// File is one file in a bundle.
type File struct {
	Path   string `json:"path"`
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

// Content is a file with its bytes.
type Content struct {
	// Path is fingerprints/NAME.yaml, lists/NAME.yaml or rules/NAME.yaml.
	Path string
	Data []byte
}

// Bundle is one that was read. It is immutable.
type Bundle struct {
	Manifest
	Signature Signature
	contents  []Content
	manifest  []byte // as signed
	data      []byte
}

// Folders lists the folders that a bundle may have, in their order.
func Folders() []string { return []string{"fingerprints", "lists", "rules"} }

// Bytes gives the whole file. It must not be changed.
func (b *Bundle) Bytes() []byte { return b.data }

// Digest is the SHA-256 of the whole file, in hexadecimal.
func (b *Bundle) Digest() string { return digest(b.data) }

// String names the bundle: name and version.
func (b *Bundle) String() string { return fmt.Sprintf("%s version %d", b.Name, b.Version) }

// Make signs contents. Of m, Name, Version and Created are used.
func Make(m Manifest, contents []Content, key ed25519.PrivateKey) ([]byte, error) {
	contents = slices.Clone(contents)
	slices.SortFunc(contents, func(x, y Content) int { return strings.Compare(x.Path, y.Path) })
	m.Schema, m.Created, m.Files = Schema, m.Created.UTC().Truncate(time.Second), nil
	for _, c := range contents {
		m.Files = append(m.Files, File{Path: c.Path, Size: len(c.Data), SHA256: digest(c.Data)})
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("cannot make a bundle: %w", err)
	}
	text, err := m.encode()
	if err != nil {
		return nil, fmt.Errorf("cannot make a bundle: %w", err)
	}
	return archive(text, sign(text, key), contents), nil
}

// Read reads a bundle without asking who signed it: for looking, not for loading.
func Read(data []byte) (*Bundle, error) {
	return read(data, func([]byte, Signature) error { return nil })
}

// Open reads a bundle that one of the trusted keys signed.
func Open(data []byte, trusted ...ed25519.PublicKey) (*Bundle, error) {
	return read(data, func(manifest []byte, s Signature) error { return s.verify(manifest, trusted) })
}

func read(data []byte, believe func(manifest []byte, s Signature) error) (*Bundle, error) {
	parts, err := split(data)
	if err != nil {
		return nil, fmt.Errorf("cannot read the bundle: %w: %w", ErrFormat, err)
	}
	b := &Bundle{manifest: parts[0].Data, contents: parts[2:], data: data}
	if b.Signature, err = decodeSignature(parts[1].Data); err != nil {
		return nil, fmt.Errorf("cannot read the bundle: %w: %w", ErrFormat, err)
	}
	if err := believe(b.manifest, b.Signature); err != nil {
		return nil, fmt.Errorf("cannot believe the bundle: %w", err)
	}
	if err := b.decode(); err != nil {
		return nil, fmt.Errorf("cannot read the bundle: %w: %w", ErrFormat, err)
	}
	return b, nil
}

// decode reads the manifest and holds the contents against it.
func (b *Bundle) decode() error {
	d := json.NewDecoder(bytes.NewReader(b.manifest))
	d.DisallowUnknownFields()
	if err := d.Decode(&b.Manifest); err != nil {
		return fmt.Errorf("manifest.json: %w", err)
	}
	if err := b.check(); err != nil {
		return err
	}
	text, err := b.encode()
	if err != nil || !bytes.Equal(text, b.manifest) {
		return errors.New("manifest.json is not written as this version writes it")
	}
	if len(b.Files) != len(b.contents) {
		return fmt.Errorf("%d files, and %d in the manifest", len(b.contents), len(b.Files))
	}
	for i, f := range b.Files {
		c := b.contents[i]
		if c.Path != f.Path || len(c.Data) != f.Size || digest(c.Data) != f.SHA256 {
			return fmt.Errorf("%q is not what the manifest says", c.Path)
		}
	}
	return nil
}

// check says whether a manifest is one, whoever wrote it.
func (m *Manifest) check() error {
	switch {
	case m.Schema != Schema:
		return fmt.Errorf("schema %q, want %s", m.Schema, Schema)
	case !goodName(m.Name):
		return fmt.Errorf("name %q: use up to 64 lower-case letters, digits, \".\", \"_\" and \"-\"", m.Name)
	case m.Version < 1 || m.Version > maxVersion:
		return fmt.Errorf("version %d is not between 1 and %d", m.Version, int64(maxVersion))
	case m.Created.Year() < 2000 || m.Created.Year() > 9999:
		return fmt.Errorf("time %s is none", m.Created)
	case len(m.Files) == 0:
		return errors.New("no files in it")
	case len(m.Files) > MaxFiles:
		return fmt.Errorf("%d files, at most %d", len(m.Files), MaxFiles)
	}
	total := 0
	for i, f := range m.Files {
		total += f.Size
		switch {
		case !goodPath(f.Path):
			return fmt.Errorf("file %q: want NAME.yaml in one of the folders %s", f.Path, strings.Join(Folders(), ", "))
		case i > 0 && f.Path <= m.Files[i-1].Path:
			return fmt.Errorf("file %q stands twice, or out of order", f.Path)
		case f.Size < 1 || f.Size > MaxFile:
			return fmt.Errorf("file %q has %d bytes, want 1 to %d", f.Path, f.Size, MaxFile)
		case total > MaxBytes-maxManifest-MaxFiles*2*block:
			return fmt.Errorf("more than %d bytes in all", MaxBytes)
		}
	}
	return nil
}

func (m *Manifest) encode() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err == nil && len(text) >= maxManifest {
		err = fmt.Errorf("manifest.json has more than %d bytes", maxManifest)
	}
	return append(text, '\n'), err
}

func goodName(s string) bool { return named(s, "abcdefghijklmnopqrstuvwxyz0123456789") }

func goodPath(s string) bool {
	folder, file, _ := strings.Cut(s, "/")
	base, isYAML := strings.CutSuffix(file, ".yaml")
	return isYAML && slices.Contains(Folders(), folder) && named(base, "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

// named: up to 64 letters and digits; later also ".", "_" and "-".
func named(s, letters string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, letters+"._-") == "" && strings.Contains(letters, s[:1])
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
