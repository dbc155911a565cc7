package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/rollcall-iot/rollcall/internal/version"
)

// Bounds of what a receiver may answer.
const (
	maxAnswerHeader = 64 << 10
	maxAnswer       = 64 << 10
	maxRetryAfter   = time.Hour
)

// verdict says what became of one try.
type verdict int

const (
	taken   verdict = iota
	failed          // may pass
	refused         // this event is, and others may not be
	gone            // the receiver wants no more, ever
)

// result is that of one try.
type result struct {
	verdict verdict
	err     error
	// after is how long the receiver wants to be left alone.
	after time.Duration
}

func newClient(h *Hook) *http.Client {
	dialer := net.Dialer{Timeout: h.Timeout, ControlContext: allowed}
	return &http.Client{
		Timeout:       h.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			TLSClientConfig:        &tls.Config{RootCAs: h.Roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: maxAnswerHeader, MaxConnsPerHost: 1, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
		},
	}
}

// errAddress: the name leads to where no receiver is.
var errAddress = errors.New("the address is link-local, unspecified or multicast: no receiver is there")

// allowed looks at the address that is dialled, after names were resolved. Private addresses
// are fine: an operator named the receiver, and many are inside.
func allowed(_ context.Context, _, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("cannot judge address %q: %w", address, err)
	}
	if ip := a.Addr().Unmap(); ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() {
		return fmt.Errorf("cannot send to %s: %w", ip, errAddress)
	}
	return nil
}

// post tries once.
func (h *sending) post(ctx context.Context, id string, body []byte) result {
	now := time.Now()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return result{verdict: failed, err: err}
	}
	r.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	r.Header.Set("User-Agent", "rollcall-collector/"+version.Version)
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("Webhook-Signature", signature(h.Secrets, id, now, body))
	answer, err := h.client.Do(r)
	if err != nil {
		return result{verdict: failed, err: withoutURL(err)}
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // so that the connection can be used again
	_ = answer.Body.Close()
	return judge(answer)
}

// withoutURL takes the address off an error: it may hold a token, and the name says enough.
func withoutURL(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

func judge(a *http.Response) result {
	if a.StatusCode >= 200 && a.StatusCode < 300 {
		return result{}
	}
	r := result{verdict: failed, err: fmt.Errorf("the receiver answers %d %s", a.StatusCode, http.StatusText(a.StatusCode)), after: retryAfter(a.Header.Get("Retry-After"), time.Now())}
	switch a.StatusCode {
	case http.StatusGone:
		r.verdict = gone
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		r.verdict = refused
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		to := "somewhere else"
		if u, err := a.Location(); err == nil {
			to = strconv.Quote(u.Host)
		}
		r.err = fmt.Errorf("the receiver answers %d, a redirect to %s, which is not followed: put the new address into the configuration", a.StatusCode, to)
	}
	return r
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}
