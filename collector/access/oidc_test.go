package access_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// provider is an OpenID Connect provider: discovery, keys, authorization with PKCE, and
// tokens that are signed with RS256 or ES256. Tests bend what it says.
type provider struct {
	*httptest.Server
	t      *testing.T
	rsa    *rsa.PrivateKey
	ecdsa  *ecdsa.PrivateKey
	now    func() time.Time
	secret string

	mu     sync.Mutex
	alg    string
	claims map[string]any                      // of the one who logs in
	forger *rsa.PrivateKey                     // signs instead, where there is one
	bend   func(header, claims map[string]any) // what a bad provider or somebody between says
	codes  map[string]url.Values               // what each code was asked for with
	seen   []url.Values                        // what came to the token endpoint
}

func newProvider(t *testing.T, now func() time.Time) *provider {
	t.Helper()
	p := &provider{t: t, now: now, secret: "marker-client-secret", alg: "RS256", codes: map[string]url.Values{}}
	var err error
	p.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	p.ecdsa, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /auth", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewTLSServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) say(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (p *provider) discovery(w http.ResponseWriter, _ *http.Request) {
	p.say(w, map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256", "ES256"}})
}

var b64 = base64.RawURLEncoding.EncodeToString

func (p *provider) keys(w http.ResponseWriter, _ *http.Request) {
	point, err := p.ecdsa.PublicKey.Bytes() // 4, x, y
	must(p.t, err)
	p.say(w, map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "kid": "r", "use": "sig", "alg": "RS256", "n": b64(p.rsa.N.Bytes()), "e": b64(big.NewInt(int64(p.rsa.E)).Bytes())},
		{"kty": "EC", "kid": "e", "use": "sig", "alg": "ES256", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])},
	}})
}

// authorize lets everybody in at once.
func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != "rollcall" || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("nonce") == "" || !strings.Contains(q.Get("scope"), "openid") {
		http.Error(w, "bad request: "+r.URL.RawQuery, http.StatusBadRequest)
		return
	}
	code := "code-" + rand.Text()
	p.mu.Lock()
	p.codes[code] = q
	p.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}.Encode(), http.StatusSeeOther)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, r.PostForm)
	q, ok := p.codes[r.PostForm.Get("code")]
	delete(p.codes, r.PostForm.Get("code"))
	id, secret, _ := r.BasicAuth()
	challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !ok || id != "rollcall" || secret != p.secret || b64(challenge[:]) != q.Get("code_challenge") || r.PostForm.Get("redirect_uri") != q.Get("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		p.say(w, map[string]string{"error": "invalid_grant", "error_description": secret})
		return
	}
	claims := map[string]any{"iss": p.URL, "aud": "rollcall", "sub": "s-1", "nonce": q.Get("nonce"), "iat": p.now().Unix(), "exp": p.now().Add(time.Minute).Unix()}
	for k, v := range p.claims {
		claims[k] = v
	}
	header := map[string]any{"alg": p.alg, "typ": "JWT"}
	if p.bend != nil {
		p.bend(header, claims)
	}
	p.say(w, map[string]any{"access_token": "marker-access-token", "token_type": "Bearer", "id_token": p.sign(header, claims)})
}

func (p *provider) sign(header, claims map[string]any) string {
	kid := map[string]string{"RS256": "r", "ES256": "e"}
	if _, ok := header["kid"]; !ok {
		header["kid"] = kid[p.alg]
	}
	h, err := json.Marshal(header)
	must(p.t, err)
	c, err := json.Marshal(claims)
	must(p.t, err)
	text := b64(h) + "." + b64(c)
	sum := sha256.Sum256([]byte(text))
	if p.alg == "ES256" {
		r, s, err := ecdsa.Sign(rand.Reader, p.ecdsa, sum[:])
		must(p.t, err)
		sig := make([]byte, 64)
		r.FillBytes(sig[:32])
		s.FillBytes(sig[32:])
		return text + "." + b64(sig)
	}
	key := p.rsa
	if p.forger != nil {
		key = p.forger
	}
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	must(p.t, err)
	return text + "." + b64(sig)
}

// withProvider makes a house whose people log in at p.
func withProvider(t *testing.T) (*house, *provider) {
	t.Helper()
	c := &clock{at: time.Now()}
	p := newProvider(t, c.now)
	conf := &access.Provider{Issuer: p.URL, ClientID: "rollcall", ClientSecret: access.NewSecret(p.secret), Claim: "realm.groups", Client: p.Client(),
		Roles: map[access.Role][]string{access.Read: {"staff"}, access.Operate: {"ops"}, access.Admin: {"fleet-admins", "root"}}}
	h := build(t, true, func(s *access.Settings) { s.OIDC, s.Now = conf, c.now })
	h.clock = c
	conf.PublicURL = h.URL
	must(t, conf.Check())
	return h, p
}

// journey goes to the provider and back, and gives the answer to the callback. change, where
// there is one, changes the address that the provider sends the browser to.
func (b *browser) journey(p *provider, change func(url.Values)) answer {
	b.t.Helper()
	out := b.ask("GET", "/login/oidc?next=/modules", "")
	if out.status != http.StatusSeeOther {
		b.t.Fatalf("not sent to the provider: %d %s", out.status, out.body)
	}
	client := p.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := client.Get(out.header.Get("Location"))
	must(b.t, err)
	r.Body.Close()
	back, err := r.Location()
	must(b.t, err)
	q := back.Query()
	if change != nil {
		change(q)
	}
	back.RawQuery = q.Encode()
	return b.ask("GET", back.String(), "")
}

// Somebody who logs in at the provider gets the role of their groups.
func TestOIDC(t *testing.T) {
	h, p := withProvider(t)
	for _, c := range []struct {
		alg    string
		claims map[string]any
		want   string // "" is no role
	}{
		{"RS256", map[string]any{"email": "alice@example.org", "email_verified": true, "realm": map[string]any{"groups": []string{"staff", "root"}}}, "alice@example.org admin session"},
		{"ES256", map[string]any{"email": "bob@example.org", "preferred_username": "bob", "realm": map[string]any{"groups": []string{"ops", "else"}}}, "bob operate session"},
		{"ES256", map[string]any{"realm": map[string]any{"groups": "staff"}}, "s-1 read session"},
		{"RS256", map[string]any{"realm.groups": []string{"staff"}, "preferred_username": "a\x1b[2Jb"}, " read session"},
		{"RS256", map[string]any{"realm": map[string]any{"groups": []string{"guests"}}}, ""},
		{"RS256", map[string]any{"groups": []string{"root"}}, ""},
		{"RS256", map[string]any{"realm": "root"}, ""},
	} {
		h.clock.wait(time.Minute)
		p.alg, p.claims = c.alg, c.claims
		b := h.browser()
		in := b.journey(p, nil)
		if c.want == "" {
			in.want(t, "without a role", 403, "no role here")
			b.ask("GET", "/api/x", "").want(t, "without a role", 401, "")
			continue
		}
		if in.status != 303 || in.header.Get("Location") != "/modules" {
			t.Errorf("%v: %d to %q: %s", c.claims, in.status, in.header.Get("Location"), in.body)
			continue
		}
		a := b.ask("GET", "/", "")
		a.want(t, "logged in", 200, c.want)
		if strings.Contains(a.body, "\x1b") {
			t.Errorf("a name as it came: %q", a.body)
		}
	}
	// A provider is enough for nobody to be let in without it, also on loopback.
	h.browser().ask("GET", "/login", "").want(t, "the form", 200, "Log in with 127.0.0.1")
	if got := h.audits(store.AuditFilter{Action: "login"}); len(got) != 7 || got[6].Object != "oidc s-1" || got[6].Result != "ok" || got[0].Result != "refused: no role" {
		t.Errorf("kept: %+v", got)
	}
	for _, secret := range []string{p.secret, "marker-access-token", "eyJ"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log holds %s: %s", secret, h.log)
		}
	}
}

// Each thing that a provider's answer must be is looked at.
func TestOIDCRefuses(t *testing.T) {
	h, p := withProvider(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	claims := func(change func(map[string]any)) func(map[string]any, map[string]any) {
		return func(_, c map[string]any) { change(c) }
	}
	for name, c := range map[string]struct {
		bend   func(header, claims map[string]any)
		change func(url.Values)
		key    *rsa.PrivateKey
		wait   time.Duration
	}{
		"another's signature":    {key: other},
		"no signature":           {bend: func(h, _ map[string]any) { h["alg"] = "none" }},
		"a shared key":           {bend: func(h, _ map[string]any) { h["alg"] = "HS256" }},
		"another login's nonce":  {bend: claims(func(c map[string]any) { c["nonce"] = "another" })},
		"no nonce":               {bend: claims(func(c map[string]any) { delete(c, "nonce") })},
		"another client's":       {bend: claims(func(c map[string]any) { c["aud"] = "grafana" })},
		"given to another":       {bend: claims(func(c map[string]any) { c["aud"], c["azp"] = []string{"rollcall", "grafana"}, "grafana" })},
		"given to nobody":        {bend: claims(func(c map[string]any) { c["aud"] = []string{"rollcall", "grafana"} })},
		"another provider's":     {bend: claims(func(c map[string]any) { c["iss"] = "https://evil.example" })},
		"expired":                {bend: claims(func(c map[string]any) { c["exp"] = p.now().Add(-time.Minute).Unix() })},
		"another state":          {change: func(q url.Values) { q.Set("state", "another") }},
		"no state":               {change: func(q url.Values) { q.Del("state") }},
		"another code":           {change: func(q url.Values) { q.Set("code", "another") }},
		"another issuer's reply": {change: func(q url.Values) { q.Set("iss", "https://evil.example") }},
		"an error":               {change: func(q url.Values) { q.Set("error", "access_denied") }},
	} {
		h.clock.wait(10 * time.Minute) // few wrong logins are answered
		p.forger, p.bend = c.key, c.bend
		p.claims = map[string]any{"realm": map[string]any{"groups": "root"}}
		b := h.browser()
		b.journey(p, c.change).want(t, name, 401, "Log in")
		b.ask("GET", "/api/x", "").want(t, name, 401, "")
	}
	p.forger, p.bend = nil, nil
	h.clock.wait(10 * time.Minute)
	h.browser().ask("GET", "/login/callback?code=x&state=y", "").want(t, "begun nowhere", 401, "not begun here")
	b := h.browser()
	var late url.Values
	b.journey(p, func(q url.Values) { late = url.Values(q); h.clock.wait(11 * time.Minute) }).want(t, "too late", 401, "long ago")
	b.ask("GET", "/login/callback?"+late.Encode(), "").want(t, "the same answer again", 401, "not begun here")
	if strings.Contains(h.log.String(), p.secret) {
		t.Errorf("the log holds the secret: %s", h.log)
	}
}

// The verifier that proves that the browser is the one that began is sent, and the challenge alone is not enough.
func TestOIDCProvesPossession(t *testing.T) {
	h, p := withProvider(t)
	p.claims = map[string]any{"realm": map[string]any{"groups": "root"}}
	h.browser().journey(p, nil).want(t, "login", 303, "")
	if len(p.seen) != 1 || len(p.seen[0].Get("code_verifier")) < 43 {
		t.Errorf("the provider saw %v", p.seen)
	}
	// A code that somebody took from another's browser is worth nothing in their own.
	victim, thief := h.browser(), h.browser()
	var stolen url.Values
	victim.journey(p, func(q url.Values) { stolen = url.Values{"code": q["code"]}; q.Set("code", "gone") })
	thief.journey(p, func(q url.Values) { q.Set("code", stolen.Get("code")) }).want(t, "a stolen code", 401, "")
}

// A provider that is away is tried again; tokens go on.
func TestOIDCAway(t *testing.T) {
	h, p := withProvider(t)
	p.Config.Handler = http.NotFoundHandler()
	h.browser().ask("GET", "/login/oidc", "").want(t, "away", 502, "cannot be reached")
	h.as(h.token("alice", access.Read, 0), "GET", "/").want(t, "a token", 200, "alice")
}

// Those who come while the provider does not answer do not wait for it one after the other.
func TestOIDCSlow(t *testing.T) {
	h, p := withProvider(t)
	asked := make(chan bool, 100)
	p.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- true
		time.Sleep(300 * time.Millisecond)
		panic(http.ErrAbortHandler)
	})
	var wg sync.WaitGroup
	for range 8 {
		b := h.browser()
		wg.Go(func() { b.ask("GET", "/login/oidc", "").want(t, "away", 502, "cannot be reached") })
	}
	wg.Wait()
	if len(asked) > 3 { // a machine that is busy for long may ask again
		t.Errorf("the provider was asked %d times by 8 who came at once", len(asked))
	}
}

func TestProviderCheck(t *testing.T) {
	good := func() *access.Provider {
		return &access.Provider{Issuer: "https://id.example/realms/x", ClientID: "rollcall", Claim: "groups", PublicURL: "https://rollcall.example", Roles: map[access.Role][]string{access.Read: {"staff"}}}
	}
	must(t, good().Check())
	for name, change := range map[string]func(*access.Provider){
		"issuer":     func(p *access.Provider) { p.Issuer = "http://id.example" },
		"issuer URL": func(p *access.Provider) { p.Issuer = "id" },
		"client id":  func(p *access.Provider) { p.ClientID = "" },
		"claim":      func(p *access.Provider) { p.Claim = "" },
		"claim ":     func(p *access.Provider) { p.Roles = nil },
		"public URL": func(p *access.Provider) { p.PublicURL = "http://rollcall.example" },
		"pages":      func(p *access.Provider) { p.PublicURL = "https://rollcall.example/here" },
		"role":       func(p *access.Provider) { p.Roles["root"] = []string{"x"} },
		"role ":      func(p *access.Provider) { p.Roles[access.Admin] = nil },
	} {
		p := good()
		change(p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), strings.Fields(name)[0]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
