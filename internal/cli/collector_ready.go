package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/internal/exit"
)

// readyTime bounds the question. Health checks are asked every few seconds.
const readyTime = 5 * time.Second

// collectorReady is what a container's health check runs: the image holds no other program that
// could ask.
func collectorReady() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "ready",
		Short: "Ask the collector of this machine whether it is ready",
		Long: `Asks the collector that runs here with the same configuration, at its address listen and with
the certificate that it shows, whether it has its store, its broker and its stream. Ends with
status 0 if so, and otherwise with status 1 and what is missing. It opens no store and writes nothing.`,
		Example: "  rollcall collector ready --config /etc/rollcall/collector.yaml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := configs.LoadCollector(configs.Source{File: file, Flags: c.Flags(), Environ: os.Environ()})
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			return askReady(c.Context(), config, c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration `file` (default "+configs.CollectorFile+", if there)")
	c.Flags().String("listen", "", "`HOST:PORT` of the collector's pages and API (default 127.0.0.1:8080)")
	return c
}

func askReady(ctx context.Context, c *configs.Collector, stdout io.Writer) error {
	address, err := reachable(c.Listen)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	scheme, transport := "http", http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // it is on this machine
	if c.TLSCert != "" {
		scheme = "https"
		if transport.TLSClientConfig, err = trustingOnly(c.TLSCert); err != nil {
			return fmt.Errorf("cannot read tls_cert: %w", err)
		}
	}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	url := scheme + "://" + address + "/readyz"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("no collector answers at %s: %w; see whether it runs, and its log", url, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	switch said := strings.TrimSpace(string(text)); {
	case err != nil:
		return fmt.Errorf("cannot read the answer of %s: %w", url, err)
	case resp.StatusCode == http.StatusServiceUnavailable:
		return fmt.Errorf("the collector at %s says %q", address, said)
	case resp.StatusCode != http.StatusOK || said != "ready":
		return fmt.Errorf("what answers at %s with status %d is no Rollcall collector; see listen in its configuration", url, resp.StatusCode)
	}
	_, err = fmt.Fprintf(stdout, "the collector at %s is ready\n", address)
	return writing(err)
}

// reachable is where a listener can be asked from this machine: one of all addresses also has the loopback's.
func reachable(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	if port == "0" {
		return "", errors.New("listen names port 0, which is another one at each start; name the port that the collector took with --listen")
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && ip.IsUnspecified() && ip.Is4():
		host = "127.0.0.1"
	case err == nil && ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port), nil
}

// trustingOnly believes who shows the first certificate of file, by whatever address it was reached:
// the names in it are those by which others know it.
func trustingOnly(file string) (*tls.Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	own, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // no chain and no name is asked for, but this very certificate
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !s.PeerCertificates[0].Equal(own) {
				return fmt.Errorf("it shows another certificate than %s", file)
			}
			return nil
		},
	}, nil
}
