package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/configs"
)

// doors are how a collector lets people in.
type doors struct {
	tls    *tls.Config // nil: without
	access access.Settings
}

// accessOf makes what the configuration says, and the scheme of the pages' address.
func accessOf(c *configs.Collector, log *slog.Logger) (d doors, scheme string, err error) {
	scheme = "http"
	if c.TLSCert != "" {
		scheme = "https"
		if d.tls, err = access.TLS(c.TLSCert, c.TLSKey, log); err != nil {
			return d, scheme, err
		}
	}
	if d.access.Proxies, err = access.ParseProxies(c.TrustedProxies); err != nil {
		return d, scheme, fmt.Errorf("trusted_proxies: %w", err)
	}
	if c.OIDC.Issuer != "" {
		d.access.OIDC, err = providerOf(c)
	}
	return d, scheme, err
}

func providerOf(c *configs.Collector) (*access.Provider, error) {
	o := &c.OIDC
	p := &access.Provider{Name: o.Name, Issuer: o.Issuer, ClientID: o.ClientID, PublicURL: c.PublicURL, Scopes: o.Scopes, Claim: o.Claim, Roles: map[access.Role][]string{}}
	for role, values := range map[access.Role][]string{access.Read: o.Read, access.Operate: o.Operate, access.Admin: o.Admin} {
		if len(values) > 0 {
			p.Roles[role] = values
		}
	}
	if o.ClientSecretFile != "" {
		b, err := os.ReadFile(o.ClientSecretFile)
		if err != nil {
			return nil, fmt.Errorf("oidc.client_secret_file: %w", err)
		}
		p.ClientSecret = access.NewSecret(strings.TrimSpace(string(b)))
	}
	if o.CA != "" {
		client, err := trusting(o.CA)
		if err != nil {
			return nil, fmt.Errorf("oidc.ca: %w", err)
		}
		p.Client = client
	}
	return p, p.Check()
}

// trusting makes a client that trusts the authorities in a PEM file, and no others.
func trusting(file string) (*http.Client, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New(file + " holds no certificate in PEM")
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: t, Timeout: 15 * time.Second}, nil
}
