package join

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nkeys"
)

// claims are what an agent wants to know of a NATS user token. The package that knows all of it is
// larger than what an agent may grow by.
type claims struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
	Name    string `json:"name"`
	NATS    struct {
		Account string `json:"issuer_account"`
		Type    string `json:"type"`
	} `json:"nats"`
}

var errToken = errors.New("no NATS user token")

// readToken reads a token and checks that its signature is its issuer's.
func readToken(token string) (*claims, error) {
	parts := strings.Split(strings.TrimSpace(token), ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: it has %d parts", errToken, len(parts))
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errToken, err)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errToken, err)
	}
	var c claims
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, fmt.Errorf("%w: %w", errToken, err)
	}
	issuer, err := nkeys.FromPublicKey(c.Issuer)
	if err != nil || !nkeys.IsValidPublicAccountKey(c.Issuer) || c.NATS.Type != "user" {
		return nil, fmt.Errorf("%w: it is a %q of issuer %q", errToken, c.NATS.Type, c.Issuer)
	}
	if err := issuer.Verify([]byte(parts[0]+"."+parts[1]), signature); err != nil {
		return nil, fmt.Errorf("%w: %w", errToken, err)
	}
	return &c, nil
}

// Account is that of the join token in a credentials file: the one that a gateway will be of.
func Account(creds []byte) (string, error) {
	token, err := nkeys.ParseDecoratedJWT(creds)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errToken, err)
	}
	c, err := readToken(token)
	if err != nil {
		return "", err
	}
	if !nkeys.IsValidPublicAccountKey(c.NATS.Account) {
		return "", fmt.Errorf("%w: it names no account", errToken)
	}
	return c.NATS.Account, nil
}

// Credentials is the credentials file of a user.
func Credentials(jwt string, seed []byte) []byte {
	return fmt.Appendf(nil, "-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"+
		"-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n", jwt, seed)
}
