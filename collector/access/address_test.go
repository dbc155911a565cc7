package access

import (
	"crypto/tls"
	"net/http"
	"testing"
)

// What a header says counts only from a trusted proxy, and only the part that it wrote.
func TestClient(t *testing.T) {
	proxies, err := ParseProxies([]string{"10.0.0.0/8", "192.0.2.1", "fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		peer, forwarded, proto string
		tls                    bool
		want                   string
		secure                 bool
	}{
		{"203.0.113.7:1", "", "", false, "203.0.113.7", false},
		{"203.0.113.7:1", "6.6.6.6", "https", false, "203.0.113.7", false},
		{"203.0.113.7:1", "6.6.6.6", "", true, "203.0.113.7", true},
		{"10.0.0.1:1", "203.0.113.7", "https", false, "203.0.113.7", true},
		{"10.0.0.1:1", "6.6.6.6, 203.0.113.7", "http", false, "203.0.113.7", false},
		{"10.0.0.1:1", "6.6.6.6, 203.0.113.7, 10.1.1.1", "", false, "203.0.113.7", false},
		{"192.0.2.1:1", "10.0.0.1, 10.0.0.2", "", false, "10.0.0.1", false},
		{"10.0.0.1:1", "unknown", "", false, "10.0.0.1", false},
		{"10.0.0.1:1", "6.6.6.6, unknown", "", false, "10.0.0.1", false},
		{"10.0.0.1:1", "", "https", false, "10.0.0.1", true},
		{"[fd00::1]:1", "2001:db8::1", "", false, "2001:db8::1", false},
		{"[::ffff:10.0.0.1]:1", "::ffff:203.0.113.7", "", false, "203.0.113.7", false},
		{"nonsense", "6.6.6.6", "https", false, "invalid IP", false},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		r.Header.Set("X-Forwarded-Proto", c.proto)
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if got, secure := client(r, proxies); got.String() != c.want || secure != c.secure {
			t.Errorf("%s, %q: %s %v, want %s %v", c.peer, c.forwarded, got, secure, c.want, c.secure)
		}
	}
	for _, bad := range []string{"", "proxy.example", "10.0.0.0/33"} {
		if _, err := ParseProxies([]string{bad}); err == nil {
			t.Errorf("%q is taken for a proxy", bad)
		}
	}
}
