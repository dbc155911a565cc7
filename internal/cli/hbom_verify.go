package cli

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/hbom"
)

func hbomVerifyCommand() *cobra.Command {
	var keys []string
	var signature string
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check that a bill of materials is what a trusted key signed",
		Long: `Checks the signature beside a document, FILE.sig, over its exact bytes. --key names who is
trusted: a file with a public key in PEM, or the key itself. The exit status is 1 if the
document was changed, or signed by another key.`,
		Example: "  rollcall hbom verify fleet.cdx.json --key auditor.pub",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if signature == "" {
				signature = signatureOf(args[0])
			}
			return hbomVerify(c, args[0], signature, keys)
		},
	}
	c.Flags().StringArrayVar(&keys, "key", nil, "trusted public `key`, or its file; repeatable")
	c.Flags().StringVar(&signature, "signature", "", "`file` of the signature (default FILE.sig)")
	if err := c.MarkFlagRequired("key"); err != nil {
		panic(err) // the flag was defined above
	}
	return c
}

func hbomVerify(c *cobra.Command, path, signature string, trusted []string) error {
	keys := make([]ed25519.PublicKey, len(trusted))
	for i, text := range trusted {
		var err error
		if keys[i], err = readPublicKey(text); err != nil {
			return err
		}
	}
	sig, err := readSignature(signature)
	if err != nil {
		return err
	}
	in, err := openInput(c, path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	doc, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", named(path), err)
	}
	if err := hbom.Verify(doc, sig, keys...); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s is what key %s signed\n", named(path), sig.PublicKey)
	return writing(err)
}

func readSignature(path string) (hbom.Signature, error) {
	var sig hbom.Signature
	b, err := readSmall(path)
	if err != nil {
		return sig, fmt.Errorf("cannot read the signature: %w; --signature names another file", err)
	}
	if err := json.Unmarshal(b, &sig); err != nil || sig.Value == "" {
		return sig, errors.Join(fmt.Errorf("cannot read the signature %s: not one of \"rollcall hbom --sign\"", path), err)
	}
	return sig, nil
}
