package natslink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/inventory"
)

// The codes of this package's warnings.
const (
	// CodeUnreachable: no server answers, or none is left to be tried.
	CodeUnreachable = "nats-unreachable"

	codeTLS      = "nats-tls"
	codeAuth     = "nats-auth"
	codeDenied   = "nats-denied"
	codeService  = "nats-service-denied"
	codeOld      = "nats-server-old"
	codeExpiring = "nats-expiring"
)

// Health lists what is wrong with the link now.
func (l *Link) Health() []inventory.Warning {
	l.checkExpiry()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.warnings.List()
}

func (l *Link) raise(code string, severity inventory.Severity, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.warnings.Raise(l.settings.Now(), code, severity, text)
}

func (l *Link) clear(codes ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.warnings.Clear(codes...)
}

func (l *Link) onUp(conn *nats.Conn) {
	l.dialer.came()
	l.clear(CodeUnreachable, codeTLS, codeAuth, codeOld, codeService)
	l.mu.Lock()
	l.isUp, l.wasUp = true, true
	l.mu.Unlock()
	if v := conn.ConnectedServerVersion(); outdated(v) {
		l.raise(codeOld, inventory.SeverityWarning, fmt.Sprintf(
			"the NATS server is of version %q, which has known holes; use 2.11.16, 2.12.7, 2.14 or newer", v))
	}
	select {
	case l.up <- struct{}{}:
	default:
	}
}

// onLost takes the end of a connection.
func (l *Link) onLost(err error) {
	l.mu.Lock()
	l.isUp = false
	l.mu.Unlock()
	l.failAll(errDisconnected)
	if err == nil {
		err = errors.New("the server ended the connection")
	}
	l.onDown(err)
}

// onDown takes the reason why there is no connection.
func (l *Link) onDown(err error) {
	if err == nil || errors.Is(err, errHeld) {
		return
	}
	code, text := connectCode(err)
	if errors.Is(err, nats.ErrAuthorization) { // all that a server says
		text = l.whyRefused(text)
	}
	others := []string{CodeUnreachable, codeTLS, codeAuth}
	for _, c := range others {
		if c != code {
			l.clear(c)
		}
	}
	l.raise(code, inventory.SeverityError, fmt.Sprintf("%s (%v)", text, err))
}

// Why gives the reason for which there is no connection in the place of the client's word for
// what could not be sent without one ("outbound buffer limit exceeded"). Other errors stay.
func Why(conn *nats.Conn, err error) error {
	if !errors.Is(err, nats.ErrReconnectBufExceeded) {
		return err
	}
	if last := conn.LastError(); last != nil {
		_, text := connectCode(last)
		return fmt.Errorf("%s (%w)", text, last)
	}
	return fmt.Errorf("no connection to NATS at %s: check that a server listens there and can be reached: %w",
		strings.Join(conn.Servers(), ", "), nats.ErrNoServers)
}

// whyRefused says why a server refuses these credentials, where this side can tell.
func (l *Link) whyRefused(otherwise string) string {
	switch now := publicKey(l.settings.NKeyFile); {
	case l.ended():
		return credsEnded
	case now != "" && now != l.nkey:
		return fmt.Sprintf("%s holds another key than when this program started: restart it, or have it read its configuration again", l.settings.NKeyFile)
	}
	return otherwise
}

const credsEnded = "the credentials, or the account that they are of, have expired: enrol this gateway again"

// connectCode names what keeps the link down.
func connectCode(err error) (code, text string) {
	var expired x509.CertificateInvalidError
	var name x509.HostnameError
	var ca x509.UnknownAuthorityError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &expired) && expired.Reason == x509.Expired:
		return codeTLS, "the NATS server's certificate has expired or is not yet valid: renew it, or check the clock of this gateway"
	case strings.Contains(err.Error(), "remote error: tls: expired certificate"):
		return codeTLS, "the NATS server says that this gateway's own certificate has expired: renew it, or check the clocks of both"
	case errors.As(err, &name):
		return codeTLS, "the NATS server's certificate is for another name: check the URL"
	case errors.As(err, &ca):
		return codeTLS, "the NATS server's certificate is from an authority that is not trusted: check the CA file"
	case errors.Is(err, nats.ErrSecureConnWanted), errors.Is(err, nats.ErrSecureConnRequired), errors.As(err, &verify), errors.As(err, &record),
		strings.Contains(err.Error(), "tls: "), strings.Contains(err.Error(), "x509: "):
		return codeTLS, "no safe connection to the NATS server: check the certificates on both sides"
	case errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAccountAuthExpired):
		return codeAuth, credsEnded
	case errors.Is(err, nats.ErrAuthRevoked):
		return codeAuth, "the credentials were taken back: enrol this gateway again"
	case errors.Is(err, nats.ErrAuthorization):
		return codeAuth, "the NATS server refuses the credentials: enrol this gateway, or renew them"
	case strings.Contains(err.Error(), "no such file"), strings.Contains(err.Error(), "permission denied"):
		return codeAuth, "the credentials cannot be read: check the file and its owner"
	default:
		return CodeUnreachable, "no NATS server can be reached: check the URL and the network"
	}
}

// violation finds the verb and the subject in the server's words.
var violation = regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to "([^"]*)"`)

// onError gets what the server says outside of any answer. Its word on permissions is
// the only sign of a refused publish, whose answer never comes.
func (l *Link) onError(_ *nats.Conn, _ *nats.Subscription, err error) {
	m := violation.FindStringSubmatch(err.Error())
	switch {
	case m == nil:
		return
	case strings.EqualFold(m[1], "publish"):
		l.failSubject(m[2], fmt.Errorf("%w: %w", errDenied, err))
	default:
		l.raise(codeService, inventory.SeverityWarning, fmt.Sprintf(
			"the NATS server does not let this gateway listen on %q: requests for a scan do not reach it; permit it", m[2]))
	}
}

// outdated: versions before these let a client pose as another (advisories of 2026).
func outdated(version string) bool {
	var major, minor, patch int
	if n, _ := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); n < 3 {
		return false
	}
	switch {
	case major != 2 || minor >= 14:
		return major < 2
	case minor == 12:
		return patch < 7
	case minor == 11:
		return patch < 16
	}
	return true
}
