package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-iot/rollcall/collector/deadletter"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/webhook"
	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/policy"
)

// webhooksOf makes what the configuration says.
func webhooksOf(ctx context.Context, c *configs.Collector, s store.Store, js jetstream.JetStream, r prometheus.Registerer, log *slog.Logger) (*webhook.Sender, error) {
	set := webhook.Settings{Store: s, Dead: deadletter.New(js, c.StreamReplicas), Metrics: r, Log: log}
	for i := range c.Webhooks {
		h, err := hookOf(&c.Webhooks[i])
		if err != nil {
			return nil, fmt.Errorf("webhook %q: %w", c.Webhooks[i].Name, err)
		}
		set.Hooks = append(set.Hooks, h)
	}
	if len(set.Hooks) > 0 && !strings.HasPrefix(c.Store, "sqlite:") { // a file has one collector; a database may have many
		identity, err := s.Identity(ctx)
		if err != nil {
			return nil, err
		}
		set.Lease = webhook.NewLease(webhook.LeaseSettings{JetStream: js, Key: "webhooks." + identity, Replicas: c.StreamReplicas, Log: log})
	}
	return webhook.New(set)
}

func hookOf(c *configs.Webhook) (webhook.Hook, error) {
	h := webhook.Hook{Name: c.Name, URL: c.URL, AllowHTTP: c.AllowHTTP, Timeout: c.Timeout, Tries: c.Tries, GiveUp: c.GiveUp}
	for _, k := range c.Kinds {
		h.Kinds = append(h.Kinds, store.EventKind(k))
	}
	var err error
	if c.Severity != "" {
		if h.Severity, err = policy.ParseSeverity(c.Severity); err != nil {
			return h, err
		}
	}
	if c.CA != "" {
		pem, err := readSmall(c.CA)
		if err != nil {
			return h, fmt.Errorf("ca: %w", err)
		}
		h.Roots = x509.NewCertPool()
		if !h.Roots.AppendCertsFromPEM(pem) {
			return h, fmt.Errorf("ca: no certificate in %s", c.CA)
		}
	}
	if h.Secrets, err = hookSecrets(c.SecretFile); err != nil {
		return h, fmt.Errorf("secret_file: %w", err)
	}
	return h, nil
}

func hookSecrets(path string) ([][]byte, error) {
	if path == "" {
		return nil, nil // said by webhook.New
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return nil, fmt.Errorf("everybody may read %s (mode %04o): chmod o= it", path, mode)
	}
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	secrets, err := webhook.ParseSecrets(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return secrets, nil
}
