package cli

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/bundle"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
)

func bundleCommand() *cobra.Command {
	c := needsCommand(&cobra.Command{
		Use:   "bundle",
		Short: "Fingerprints, lists and rules for collectors, as one signed file",
		Long: `A bundle carries fingerprints, lists, rules and exceptions to all collectors. It is a tar
archive with a manifest and an Ed25519 signature over it. Collectors take one that a key of
bundles.trust signed, that is newer than what they have, and that loads without a fault.`,
		Example: `  rollcall bundle key --out bundle.pem
  rollcall bundle make --key bundle.pem --version 7 -o fleet-7.tar knowledge
  rollcall bundle verify --trust bundle.pub fleet-7.tar
  rollcall bundle push --nats-url nats://127.0.0.1:4222 fleet-7.tar`,
	})
	c.AddCommand(bundleKeyCommand(), bundleMakeCommand(), bundleShowCommand(), bundleVerifyCommand(), bundlePushCommand())
	return c
}

func bundleKeyCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "key",
		Short: "Make the key that signs bundles",
		Long: `Makes an Ed25519 key for bundles alone into a file that nobody else may read, and prints its
public half, which goes to bundles.trust of collector.yaml.`,
		Example: "  rollcall bundle key --out bundle.pem",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			public, err := makeKey(out)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), inventory.EncodeKey(public))
			return writing(err)
		},
	}
	c.Flags().StringVar(&out, "out", "", "`file` for the key, which must not exist")
	if err := c.MarkFlagRequired("out"); err != nil {
		panic(err) // the flag was defined in the line above
	}
	return c
}

func makeKey(path string) (ed25519.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	return public, secretFile(path, func(w io.Writer) error { return pem.Encode(w, &pem.Block{Type: "PRIVATE KEY", Bytes: der}) })
}

func bundleShowCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "show FILE",
		Short: "Show what a bundle holds and who says to have signed it",
		Long: `Shows name, version, time, key and files. That the files are what the manifest says is
checked; that the key is one to trust is what "rollcall bundle verify" says.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			data, err := readBundle(args[0])
			if err != nil {
				return err
			}
			b, err := bundle.Read(data)
			if err != nil {
				return err
			}
			return showBundle(c.OutOrStdout(), b, format)
		},
	}
	addOutput(c, &format, formatTable, formatJSON, formatYAML)
	return c
}

// shown is a bundle as machines read it.
type shown struct {
	bundle.Manifest
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
}

func showBundle(w io.Writer, b *bundle.Bundle, format string) error {
	if format != formatTable {
		return writeObject(w, format, shown{b.Manifest, b.Signature.PublicKey, b.Digest()})
	}
	_, err := fmt.Fprintf(w, "%s\nmade    %s\nkey     %s\nSHA-256 %s\n\n", b, b.Created.Format("2006-01-02 15:04:05Z"), clean.Text(b.Signature.PublicKey), b.Digest())
	for _, f := range b.Files {
		if err == nil {
			_, err = fmt.Fprintf(w, "%8d  %s\n", f.Size, f.Path)
		}
	}
	return writing(err)
}

func bundleVerifyCommand() *cobra.Command {
	var trust []string
	c := &cobra.Command{
		Use:   "verify FILE --trust KEY",
		Short: "Say whether a collector that trusts these keys would take a bundle",
		Long: `Checks the signature, loads all that is in the bundle over the knowledge of this version,
and judges the cases in it. The exit status is 1 if anything is wrong.`,
		Example: "  rollcall bundle verify --trust bundle.pub fleet-7.tar",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			keys, err := trustedKeys(trust)
			if err != nil {
				return err
			}
			data, err := readBundle(args[0])
			if err != nil {
				return err
			}
			b, err := bundle.Open(data, keys...)
			if err != nil {
				return err
			}
			return tryBundle(c, b)
		},
	}
	c.Flags().StringArrayVar(&trust, "trust", nil, "public `key`, or a file that holds one; repeatable")
	if err := c.MarkFlagRequired("trust"); err != nil {
		panic(err) // the flag was defined in the line above
	}
	return c
}

// tryBundle loads a bundle and says what came of it.
func tryBundle(c *cobra.Command, b *bundle.Bundle) error {
	k, err := b.Load()
	if err != nil {
		return err
	}
	for _, w := range k.Warnings {
		fmt.Fprintf(c.ErrOrStderr(), "rollcall: %s\n", clean.Text(w))
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s is good: %s, %s as expected, signed by key %s\n", b,
		render.Count(len(b.Files), "file"), render.Count(k.Cases, "case"), clean.Text(b.Signature.PublicKey))
	return writing(err)
}

// trustedKeys reads public keys, each given itself or as the path of its file.
func trustedKeys(texts []string) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for _, t := range texts {
		k, err := readPublicKey(t)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func readBundle(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the bundle: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, bundle.MaxBytes+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("cannot read the bundle: %w", err)
	}
	return data, nil
}
