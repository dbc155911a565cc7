package natslink

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/inventory"
)

const (
	// expirySoon is how long before the end of credentials and certificates a person is told.
	expirySoon = 30 * 24 * time.Hour
	// expiryEvery is how often the files are looked at: they may be replaced at any time.
	expiryEvery = time.Hour
)

// checkExpiry tells of what this gateway logs in with and is about to end. That it has ended, the server says.
func (l *Link) checkExpiry() {
	now := l.settings.Now()
	l.mu.Lock()
	due := now.Sub(l.checked) >= expiryEvery || now.Before(l.checked)
	if due {
		l.checked = now
	}
	l.mu.Unlock()
	if !due {
		return
	}
	for _, x := range []struct {
		what, path string
		read       func([]byte) time.Time
	}{{"credentials", l.settings.CredsFile, credsExpiry}, {"certificate", l.settings.CertFile, certExpiry}} {
		b, err := os.ReadFile(x.path)
		if x.path == "" || err != nil {
			continue // connecting says so
		}
		end := x.read(b)
		clear(b)
		if !end.IsZero() && end.Sub(now) < expirySoon {
			l.raise(codeExpiring, inventory.SeverityWarning, fmt.Sprintf(
				"%s in %s, with which this gateway logs in, end on %s: renew before that", x.what, x.path, end.UTC().Format(time.DateOnly)))
			return
		}
	}
	l.clear(codeExpiring)
}

// ended says whether the credentials have, by this gateway's clock.
func (l *Link) ended() bool {
	if l.settings.CredsFile == "" {
		return false
	}
	b, err := os.ReadFile(l.settings.CredsFile)
	defer clear(b)
	end := credsExpiry(b)
	return err == nil && !end.IsZero() && end.Before(l.settings.Now())
}

// credsExpiry is when a user token ends; the zero time is never.
func credsExpiry(file []byte) time.Time {
	token, err := nkeys.ParseDecoratedJWT(file)
	parts := strings.Split(token, ".")
	if err != nil || len(parts) != 3 {
		return time.Time{}
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}
	}
	var c struct {
		Expires int64 `json:"exp"`
	}
	if json.Unmarshal(body, &c) != nil || c.Expires == 0 {
		return time.Time{}
	}
	return time.Unix(c.Expires, 0)
}

// certExpiry is when the first certificate of a file ends.
func certExpiry(file []byte) time.Time {
	block, _ := pem.Decode(file)
	if block == nil {
		return time.Time{}
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}
	}
	return c.NotAfter
}
