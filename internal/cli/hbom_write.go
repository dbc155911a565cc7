package cli

import (
	"bufio"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/internal/atomicfile"
)

// signatureOf is the file beside a document that holds its signature.
func signatureOf(path string) string { return path + ".sig" }

// write writes the document to a file, or to standard output if out is "".
func (d *document) write(c *cobra.Command, out, sign string) error {
	if out == "" {
		w := bufio.NewWriterSize(c.OutOrStdout(), 64<<10)
		return errors.Join(d.writeTo(w), writing(w.Flush()))
	}
	var key ed25519.PrivateKey
	if sign != "" { // a key that cannot be used is told before the work
		var err error
		if key, err = readPrivateKey(sign); err != nil {
			return err
		}
	}
	if info, err := os.Stat(out); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("cannot write %q: it is no regular file", out)
	}
	tmp, err := os.CreateTemp(filepath.Dir(out), "."+filepath.Base(out)+".*")
	if err != nil {
		return fmt.Errorf("cannot write %q: %w", out, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already if all went well
	w := bufio.NewWriterSize(tmp, 64<<10)
	if err := d.writeTo(w); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(w.Flush(), tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("cannot write %q: %w", out, err)
	}
	if key != nil {
		if err := signFile(tmp.Name(), signatureOf(out), key); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp.Name(), out); err != nil {
		return fmt.Errorf("cannot write %q: %w", out, err)
	}
	return nil
}

// signFile writes the signature of a file's bytes.
func signFile(path, sig string, key ed25519.PrivateKey) error {
	doc, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot sign: %w", err)
	}
	text, err := json.MarshalIndent(hbom.Sign(doc, key), "", "  ")
	if err != nil {
		return fmt.Errorf("cannot sign: %w", err)
	}
	return atomicfile.Write(sig, append(text, '\n'), 0o644)
}

// maxKey bounds a file with a key or a signature.
const maxKey = 64 << 10

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	if err == nil && len(b) > maxKey {
		err = fmt.Errorf("%s: larger than %d bytes", path, maxKey)
	}
	return b, err
}
