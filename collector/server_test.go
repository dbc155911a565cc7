package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// A listener that other machines reach is served with TLS and access control only, or with
// the operator's word that a proxy has them.
func TestOpenListener(t *testing.T) {
	for _, c := range []struct {
		name, address          string
		tls, token, oidc, open bool
		want                   bool
	}{
		{"this machine's", "127.0.0.1:0", false, false, false, false, true},
		{"this machine's, IPv6 or 4", "localhost:0", false, false, false, false, true},
		{"everybody's", "0.0.0.0:0", false, false, false, false, false},
		{"everybody's, by no name", ":0", false, false, false, false, false},
		{"TLS alone", "0.0.0.0:0", true, false, false, false, false},
		{"a token alone", "0.0.0.0:0", false, true, false, false, false},
		{"TLS and a token", "0.0.0.0:0", true, true, false, false, true},
		{"TLS and a provider", "0.0.0.0:0", true, false, true, false, true},
		{"allowed", "0.0.0.0:0", false, false, false, true, true},
	} {
		s := openStore(t)
		b := newBench(t, s, nil)
		var err error
		b.s.Listener, err = Listen(t.Context(), c.address)
		must(t, err)
		b.s.AllowOpen = c.open
		if c.tls {
			b.s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		if c.token {
			_, _, err := access.NewToken(t.Context(), s, "first", access.Read, 0, time.Now())
			must(t, err)
		}
		if c.oidc {
			b.s.Access.OIDC = &access.Provider{Issuer: "https://id.example"}
		}
		_, err = b.server(t.Context())
		if c.want != (err == nil) || err != nil && (!errors.Is(err, ErrOpen) || !strings.Contains(err.Error(), "rollcall token create")) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil {
			b.s.Listener.Close()
		} else if c, err := net.Dial("tcp", b.s.Listener.Addr().String()); err == nil {
			c.Close()
			t.Error("a listener that is refused still listens")
		}
	}
}

// A running answer comes to its end when the server is told to end, and the port is free then.
func TestServerDrains(t *testing.T) {
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	must(t, err)
	begun, goOn := make(chan struct{}), make(chan struct{})
	s := NewServer(ln, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-goOn
		_, _ = io.WriteString(w, "whole")
	}), nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	answer := make(chan string, 1)
	go func() {
		r, err := http.Get("http://" + s.Addr().String())
		if err != nil {
			answer <- err.Error()
			return
		}
		b, _ := io.ReadAll(r.Body)
		r.Body.Close()
		answer <- string(b)
	}()
	<-begun
	cancel()
	select {
	case <-ended:
		t.Error("ended before the answer was given")
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	if got := <-answer; got != "whole" {
		t.Errorf("the answer is %q", got)
	}
	must(t, <-ended)
	if c, err := net.Dial("tcp", s.Addr().String()); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

// Everything is served on one listener, and to nobody who asks by another name.
func TestServes(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	must(t, err)
	base := "http://" + ln.Addr().String()
	s := openStore(t)
	_, reports := madeFleet(t, 3)
	publishedBefore := srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, publishedBefore, 0)
	publish(t, publishedBefore, reports...)
	r := start(t, srv, s, func(c *collector) { c.s.Listener = ln })
	wantGateways(t, s, 3)
	idle(t, srv, s)
	natslinktest.Eventually(t, "it is ready", func() bool { return status(t, base+"/readyz", "") == http.StatusOK })
	for _, path := range []string{"/", "/modules", "/modules.csv", "/gateways/" + store3(1), "/api/v1/modules", "/api/v1/openapi.json", "/metrics", "/healthz"} {
		if got := status(t, base+path, ""); got != http.StatusOK {
			t.Errorf("%s: %d", path, got)
		}
	}
	for host, want := range map[string]int{"evil.example": 421, "localhost": 200, "127.0.0.1:99": 200, "[::1]:80": 200, "127.0.0.1.evil.example": 421} {
		if got := status(t, base+"/api/v1/summary", host); got != want {
			t.Errorf("asked as %s: %d, want %d", host, got, want)
		}
	}
	w, err := http.Get(base + "/metrics")
	must(t, err)
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	must(t, err)
	for _, want := range []string{"rollcall_gateways 3\n", "rollcall_modules_identified 3\n", `rollcall_messages_total{kind="report",outcome="new"} 3`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the metrics do not hold %q", want)
		}
	}
	must(t, r.stop())
}

// Over TLS with a token: pages, API and figures are for those who show one; whether it is well
// is everybody's, and so is the login page.
func TestServesOverTLS(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	must(t, err)
	s := openStore(t)
	_, secret, err := access.NewToken(t.Context(), s, "alice", access.Read, 0, time.Now())
	must(t, err)
	other := httptest.NewUnstartedServer(nil) // for its certificate
	other.StartTLS()
	defer other.Close()
	r := start(t, srv, s, func(c *collector) {
		c.s.Listener, c.s.TLS = ln, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: other.TLS.Certificates}
	})
	client := other.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ask := func(path, token, accept string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+ln.Addr().String()+path, nil)
		must(t, err)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		req.Header.Set("Accept", accept)
		resp, err := client.Do(req)
		must(t, err)
		_ = resp.Body.Close()
		return resp
	}
	natslinktest.Eventually(t, "it is ready", func() bool { return ask("/readyz", "", "").StatusCode == http.StatusOK })
	for _, path := range []string{"/healthz", "/api/v1/openapi.json", "/login", "/login/style.css"} {
		if got := ask(path, "", "").StatusCode; got != http.StatusOK {
			t.Errorf("%s, to everybody: %d", path, got)
		}
	}
	for _, path := range []string{"/", "/modules", "/modules.csv", "/gateways", "/api/v1/modules", "/api/v1/findings", "/api/v1/lists", "/api/v1/nothing", "/metrics"} {
		without, with := ask(path, "", "").StatusCode, ask(path, secret.Reveal(), "").StatusCode
		if without != http.StatusUnauthorized || with != http.StatusOK && path != "/api/v1/nothing" {
			t.Errorf("%s: %d without a token, %d with one", path, without, with)
		}
	}
	if resp := ask("/modules?maker=x", "", "text/html"); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/login?next=%2Fmodules%3Fmaker%3Dx" {
		t.Errorf("a browser gets %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	if resp, err := http.Get("http://" + ln.Addr().String() + "/healthz"); err == nil {
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			t.Error("it answers without TLS")
		}
	}
	must(t, r.stop())
}

func status(t *testing.T, url, host string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	req.Host = host
	r, err := http.DefaultClient.Do(req)
	must(t, err)
	r.Body.Close()
	return r.StatusCode
}

// Without a broker the collector waits, says so, and begins when it comes.
func TestWaitsForBroker(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	srv.Stop()
	s := openStore(t)
	r := start(t, srv, s)
	if err := r.ready(t.Context()); err == nil {
		t.Error("ready without a broker")
	}
	srv.Start()
	js := srv.JetStream(natslinktest.User{})
	natslinktest.Eventually(t, "it is ready", func() bool { return r.ready(t.Context()) == nil })
	_, reports := madeFleet(t, 2)
	publish(t, js, reports...)
	wantGateways(t, s, 2)
}
