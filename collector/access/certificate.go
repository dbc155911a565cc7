package access

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateTime is how often the files are looked at, at most.
const certificateTime = 5 * time.Second

// TLS serves with the certificate and key in two PEM files. When the files change they are
// read again, without a restart; a pair that is broken is not taken, and the log says why.
// A nil log says nothing.
func TLS(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &certificate{cert: certFile, key: keyFile, log: log, now: time.Now}
	if err := c.load(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// certificate is a pair that follows its files.
type certificate struct {
	cert, key string
	log       *slog.Logger
	now       func() time.Time

	mu     sync.Mutex
	pair   *tls.Certificate
	stamp  string
	looked time.Time
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked).Abs() >= certificateTime {
		c.looked = now
		if stamp := c.stamps(); stamp != c.stamp {
			if err := c.load(); err != nil {
				c.log.Error("the new certificate is not taken; the one before goes on", "error", err)
			}
			c.stamp = stamp
		}
	}
	return c.pair, nil
}

func (c *certificate) load() error {
	stamp := c.stamps()
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("cannot serve TLS with certificate %s and key %s: %w; give PEM files that belong together and that the collector may read", c.cert, c.key, err)
	}
	c.pair, c.stamp = &pair, stamp
	return nil
}

// stamps change when the files do; a link that leads elsewhere counts as well.
func (c *certificate) stamps() string {
	var s string
	for _, path := range []string{c.cert, c.key} {
		if info, err := os.Stat(path); err == nil {
			s += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), ";")
		}
	}
	return s
}
