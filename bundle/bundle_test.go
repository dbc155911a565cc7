package bundle_test

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/bundle"
	"github.com/rollcall-iot/rollcall/bundle/bundletest"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
)

func TestRoundTrip(t *testing.T) {
	data := bundletest.Make(t, 7, 1, bundletest.Good(7)...)
	if !bytes.Equal(data, bundletest.Make(t, 7, 1, bundletest.Good(7)...)) {
		t.Error("the same contents make other bytes")
	}
	b, err := bundle.Open(data, bundletest.Public(2), bundletest.Public(1))
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != "fleet version 7" || len(b.Files) != 3 || b.Files[0].Path != "fingerprints/acme.yaml" {
		t.Errorf("%+v", b.Manifest)
	}
	k, err := b.Load()
	if err != nil {
		t.Fatal(err)
	}
	v := k.Base.Identify(fingerprint.Observation{Transcript: []inventory.Exchange{{Cmd: "AT+CGMM", Lines: []string{"AM-7"}, Final: "OK"}}})
	if v.Identity.Maker != "quectel" || !k.Policy.Lists().Named("acme", "utility", time.Now()) || k.Cases != 1 {
		t.Errorf("what the bundle holds is not known: %+v, %d cases", v.Identity, k.Cases)
	}
}

// Others' tools read a bundle, and can verify it without this package.
func TestOthersReadIt(t *testing.T) {
	files := map[string][]byte{}
	r := tar.NewReader(bytes.NewReader(bundletest.Make(t, 7, 1, bundletest.Good(7)...)))
	var names []string
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"manifest.json", "manifest.sig", "fingerprints/acme.yaml", "lists/utility.yaml", "rules/own.yaml"}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	var sig struct {
		Algorithm string `json:"algorithm"`
		Key       string `json:"public_key"`
		Signature string `json:"signature"`
	}
	var manifest struct {
		Files []struct{ Path, SHA256 string }
	}
	if err := errors.Join(json.Unmarshal(files["manifest.sig"], &sig), json.Unmarshal(files["manifest.json"], &manifest)); err != nil {
		t.Fatal(err)
	}
	key, err1 := base64.RawURLEncoding.DecodeString(sig.Key)
	value, err2 := base64.RawURLEncoding.DecodeString(sig.Signature)
	if err1 != nil || err2 != nil || !ed25519.Verify(key, []byte("rollcall.bundle/1\n"+string(files["manifest.json"])), value) {
		t.Errorf("signature %+v does not verify", sig)
	}
	for _, f := range manifest.Files {
		if sum := sha256.Sum256(files[f.Path]); hex.EncodeToString(sum[:]) != f.SHA256 {
			t.Errorf("%s: digest %s", f.Path, f.SHA256)
		}
	}
}

// forged writes an archive of the wrong kind with archive/tar.
func forged(t *testing.T, parts ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := range parts {
		h := parts[i]
		body := strings.Repeat("x", int(h.Size))
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func replaceOnce(t *testing.T, data []byte, old, new string) []byte {
	t.Helper()
	if len(old) != len(new) || bytes.Count(data, []byte(old)) == 0 {
		t.Fatalf("cannot put %q for %q", new, old)
	}
	return bytes.Replace(bytes.Clone(data), []byte(old), []byte(new), 1)
}

func TestE12HostileFilesAreRefused(t *testing.T) {
	good := bundletest.Make(t, 7, 1, bundletest.Good(7)...)
	other := bundletest.Make(t, 8, 2, bundletest.Good(8)...)
	for name, tt := range map[string]struct {
		data []byte
		want error
		text string
	}{
		"empty":                {nil, bundle.ErrFormat, "too early"},
		"cut":                  {good[:len(good)-512], bundle.ErrFormat, ""},
		"cut in a file":        {good[:2000], bundle.ErrFormat, "too early"},
		"something behind":     {append(bytes.Clone(good), make([]byte, 512)...), bundle.ErrFormat, ""},
		"wrong key":            {other, bundle.ErrSignature, "none of those"},
		"contents altered":     {replaceOnce(t, good, "name: Acme Meters", "name: Acme Motors"), bundle.ErrFormat, "not what the manifest says"},
		"manifest altered":     {replaceOnce(t, good, `"version": 7`, `"version": 9`), bundle.ErrSignature, "not that of key"},
		"signature altered":    {replaceOnce(t, good, `"signature":"`, `"signature" "`), bundle.ErrFormat, "manifest.sig"},
		"other algorithm":      {replaceOnce(t, good, `Ed25519`, `Ed25510`), bundle.ErrSignature, "algorithm"},
		"renamed":              {renamed(good, "rules/../.yaml"), bundle.ErrFormat, `"rules/../.yaml", want a file in a folder`},
		"renamed and absolute": {renamed(good, "/etc/x/rc.yaml"), bundle.ErrFormat, "want a file in a folder"},
		"renamed plainly":      {renamed(good, "rules/owm.yaml"), bundle.ErrFormat, "not what the manifest says"},
		"executable":           {replaceLast(good, "0000644", "0000755"), bundle.ErrFormat, "header"},
		"a path in a name":     {forged(t, tar.Header{Name: "manifest.json", Size: 2}, tar.Header{Name: "manifest.sig", Size: 2}, tar.Header{Name: "rules/../../etc/x.yaml", Size: 1}), bundle.ErrFormat, ""},
		"a link":               {forged(t, tar.Header{Name: "manifest.json", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}), bundle.ErrFormat, ""},
		"PAX":                  {forged(t, tar.Header{Name: "manifest.json", PAXRecords: map[string]string{"path": "manifest.json"}, Format: tar.FormatPAX}), bundle.ErrFormat, ""},
		"GNU":                  {forged(t, tar.Header{Name: "manifest.json", Size: 2, Format: tar.FormatGNU}), bundle.ErrFormat, "header"},
		"no manifest":          {forged(t, tar.Header{Name: "rules/x.yaml", Size: 2, Format: tar.FormatUSTAR}), bundle.ErrFormat, ""},
		"larger than any":      {make([]byte, bundle.MaxBytes+1), bundle.ErrFormat, "at most"},
		"gzip":                 {append([]byte{0x1f, 0x8b}, make([]byte, 4096)...), bundle.ErrFormat, ""},
		"a file twice":         {twice(good), bundle.ErrFormat, ""},
		"claims to be endless": {replaceSize(good), bundle.ErrFormat, "size"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := bundle.Open(tt.data, bundletest.Public(1))
			if b != nil || !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, %v; want %v with %q", b, err, tt.want, tt.text)
			}
		})
	}
	if _, err := bundle.Open(good); !errors.Is(err, bundle.ErrSignature) {
		t.Errorf("without any trusted key: %v", err)
	}
}

// renamed gives the last file another name and a right checksum.
func renamed(good []byte, name string) []byte {
	out := replaceLast(good, "rules/own.yaml", name)
	h := out[bytes.LastIndex(out, []byte(name)):][:512]
	copy(h[148:], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return out
}

func replaceLast(data []byte, old, new string) []byte {
	out := bytes.Clone(data)
	copy(out[bytes.LastIndex(out, []byte(old)):], new)
	return out
}

// twice puts the last file there a second time.
func twice(good []byte) []byte {
	at := bytes.LastIndex(good, []byte("rules/own.yaml"))
	last := good[at : len(good)-1024]
	return append(append(bytes.Clone(good[:len(good)-1024]), last...), make([]byte, 1024)...)
}

func replaceSize(good []byte) []byte {
	out := bytes.Clone(good)
	copy(out[124:], "77777777777")
	return out
}

func TestMakeRefuses(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ok := bundle.Manifest{Name: "fleet", Version: 1, Created: at}
	many := make([]bundle.Content, bundle.MaxFiles+1)
	for i := range many {
		many[i] = bundle.Content{Path: "rules/a" + strings.Repeat("b", i%60) + string(rune('a'+i/60)) + ".yaml", Data: []byte("x")}
	}
	big := bytes.Repeat([]byte("x"), bundle.MaxFile)
	for name, tt := range map[string]struct {
		m    bundle.Manifest
		c    []bundle.Content
		want string
	}{
		"no name":     {bundle.Manifest{Version: 1, Created: at}, bundletest.Good(1), "name"},
		"name":        {bundle.Manifest{Name: "A/b", Version: 1, Created: at}, bundletest.Good(1), "name"},
		"version":     {bundle.Manifest{Name: "a", Created: at}, bundletest.Good(1), "version"},
		"time":        {bundle.Manifest{Name: "a", Version: 1}, bundletest.Good(1), "time"},
		"nothing":     {ok, nil, "no files"},
		"folder":      {ok, []bundle.Content{{Path: "other/x.yaml", Data: []byte("x")}}, "other/x.yaml"},
		"path":        {ok, []bundle.Content{{Path: "rules/../x.yaml", Data: []byte("x")}}, "want NAME.yaml"},
		"nested":      {ok, []bundle.Content{{Path: "rules/a/x.yaml", Data: []byte("x")}}, "want NAME.yaml"},
		"hidden":      {ok, []bundle.Content{{Path: "rules/.x.yaml", Data: []byte("x")}}, "want NAME.yaml"},
		"no YAML":     {ok, []bundle.Content{{Path: "rules/x.sh", Data: []byte("x")}}, "want NAME.yaml"},
		"twice":       {ok, []bundle.Content{bundletest.Rules(), bundletest.Rules()}, "twice"},
		"empty file":  {ok, []bundle.Content{{Path: "rules/x.yaml"}}, "0 bytes"},
		"large file":  {ok, []bundle.Content{{Path: "rules/x.yaml", Data: append(big, 'x')}}, "bytes, want"},
		"all large":   {ok, []bundle.Content{{Path: "rules/a.yaml", Data: big}, {Path: "rules/b.yaml", Data: big}, {Path: "rules/c.yaml", Data: big}, {Path: "rules/d.yaml", Data: big}}, "in all"},
		"many":        {ok, many, "501 files"},
		"long name":   {ok, []bundle.Content{{Path: "rules/" + strings.Repeat("x", 65) + ".yaml", Data: []byte("x")}}, "want NAME.yaml"},
		"unprintable": {ok, []bundle.Content{{Path: "rules/a\x1b.yaml", Data: []byte("x")}}, "want NAME.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := bundle.Make(tt.m, tt.c, bundletest.Key(1)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestE12ContentsAreTried(t *testing.T) {
	file := func(path, text string) bundle.Content { return bundle.Content{Path: path, Data: []byte(text)} }
	for name, tt := range map[string]struct {
		c    bundle.Content
		want string
	}{
		"not YAML":         {file("rules/x.yaml", "a: ["), "fleet@7/rules/x.yaml: not YAML"},
		"broken rule":      {file("rules/x.yaml", "policy: own\nrules: [{id: a, when: 'module.nosuch', severity: high, message: x}]"), "undefined field"},
		"case that fails":  {file("rules/x.yaml", "policy: own\ncases: [{name: nothing, module: {origin: {country: CN}}, finds_not: [origin]}]"), "found, and should not be: origin"},
		"a list as rules":  {file("rules/x.yaml", string(bundletest.List("acme").Data)), "fleet@7/rules/x.yaml"},
		"rules as a list":  {file("lists/x.yaml", string(bundletest.Rules().Data)), "fleet@7/lists/x.yaml"},
		"unknown key":      {file("fingerprints/x.yaml", "slug: x\nfamilees: []\n"), "fleet@7/fingerprints/x.yaml"},
		"unknown command":  {file("fingerprints/x.yaml", "slug: x\nname: X\ncommands: [AT+CFUN=0]\n"), "fleet@7/fingerprints/x.yaml"},
		"a huge pattern":   {file("fingerprints/x.yaml", "slug: acme\nname: Acme\nrole: badge\nrules: [{id: a, on: firmware, pattern: '^[a-z]{900}[0-9]{900}$', strength: strong, set: {badge: acme}, examples: [{text: x}]}]\n"), "pattern"},
		"an alias":         {file("fingerprints/x.yaml", "slug: &a x\nname: *a\n"), "alias"},
		"deep nesting":     {file("rules/x.yaml", "policy: own\nrules: "+strings.Repeat("[", 20000)), "fleet@7/rules/x.yaml"},
		"wrong example":    {file("fingerprints/x.yaml", "slug: acme\nname: Acme\nrole: badge\ncountry: DE\nparent_country: DE\nnames: [Acme]\nfamilies: [{name: AM-4G, maker: quectel, is: EC25, examples: [ZZ-1]}]\n"), "fleet@7/fingerprints/x.yaml"},
		"an unknown maker": {file("fingerprints/x.yaml", "slug: acme\nname: Acme\nrole: badge\ncountry: DE\nparent_country: DE\nfamilies: [{name: AM-4G, maker: nosuchmaker}]\n"), "nosuchmaker"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := bundle.Open(bundletest.Make(t, 7, 1, tt.c), bundletest.Public(1))
			if err != nil {
				t.Fatal(err)
			}
			k, err := b.Load()
			if k != nil || !errors.Is(err, bundle.ErrContents) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// Aliases cannot make a small file of rules huge.
func TestAliasBomb(t *testing.T) {
	var s strings.Builder
	s.WriteString("policy: own\nsets:\n  a: &a [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 'b'; i < 'k'; i++ {
		p := string(i - 1)
		s.WriteString("  " + string(i) + ": &" + string(i) + " [*" + strings.Join([]string{p, p, p, p, p, p, p, p, p, p}, ",*") + "]\n")
	}
	b, err := bundle.Open(bundletest.Make(t, 7, 1, bundle.Content{Path: "rules/x.yaml", Data: []byte(s.String())}), bundletest.Public(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Load(); !errors.Is(err, bundle.ErrContents) {
		t.Errorf("got %v", err)
	}
}

// A list that this program knows newer than the bundle does is told of.
func TestOlderListIsTold(t *testing.T) {
	old := `id: dod-1260h
name: An old edition
kind: list
concern: procurement
edition: 2024-01-31
edition_date: 2024-01-31
as_of: 2024-01-31
source: https://example.org/list
effect: none
status: in-force
confirmed: true
entries: [{maker: acme, name: Acme, since: 2024-01-31, confirmed: true}]
`
	b, err := bundle.Open(bundletest.Make(t, 7, 1, bundletest.Fingerprints(1), bundle.Content{Path: "lists/old.yaml", Data: []byte(old)}), bundletest.Public(1))
	if err != nil {
		t.Fatal(err)
	}
	k, err := b.Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(k.Warnings) != 1 || !strings.Contains(k.Warnings[0], "list dod-1260h is as of 2024-01-31") {
		t.Errorf("%q", k.Warnings)
	}
}

// The user's own files stand over the bundle.
func TestOwnFilesAreAbove(t *testing.T) {
	b, err := bundle.Open(bundletest.Make(t, 7, 1, bundletest.Good(7)...), bundletest.Public(1))
	if err != nil {
		t.Fatal(err)
	}
	k, err := b.Load(fingerprint.Overlay{Name: "own.yaml", Data: []byte("slug: acme\nfamilies: [{name: AM-9, maker: quectel, is: EC25, technology: LTE Cat 4}]\n")})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := k.Base.Maker("acme"); !ok {
		t.Error("no acme")
	}
	if _, err := b.Load(fingerprint.Overlay{Name: "own.yaml", Data: []byte("slug: acme\nnosuch: 1\n")}); !errors.Is(err, bundle.ErrContents) {
		t.Errorf("got %v", err)
	}
}
