package access

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// Provider is an OpenID Connect provider that people log in with.
type Provider struct {
	// Name stands on the login page. Empty: the host of the issuer.
	Name string
	// Issuer is its URL; ClientID and ClientSecret are what it knows us by. Without a secret
	// we are a public client: PKCE is used with and without.
	Issuer, ClientID string
	ClientSecret     Secret
	// PublicURL is where browsers find us: https://rollcall.example.
	PublicURL string
	// Scopes are asked for beside openid. Nil: profile and email.
	Scopes []string
	// Claim is the claim that says what somebody belongs to, such as groups; a dot leads into
	// an object. Roles names the values that give a role.
	Claim string
	Roles map[Role][]string
	// Client reaches the provider. Nil: the usual one.
	Client *http.Client

	mu     sync.Mutex
	known  *oidc.Provider
	failed time.Time // when it could not be reached
	why    error
}

// NewSecret wraps a secret, so that it is not shown by accident.
func NewSecret(text string) Secret { return Secret{text} }

// providerTime bounds each exchange with a provider, loginTime the login of a person there.
const (
	providerTime = 15 * time.Second
	loginTime    = 10 * time.Minute
	// againTime is for how long a provider that did not answer is not asked again: those who
	// came meanwhile would wait for it one after the other.
	againTime = 2 * time.Second
)

// Check says what is missing or wrong.
func (p *Provider) Check() error {
	issuer, err := url.Parse(p.Issuer)
	switch {
	case err != nil || issuer.Host == "" || !tlsOrHere(issuer):
		return fmt.Errorf("oidc issuer %q is no https:// URL", p.Issuer)
	case p.ClientID == "":
		return errors.New("oidc needs a client id")
	case p.Claim == "" || len(p.Roles) == 0:
		return errors.New("oidc needs a claim and the values of it that give a role, or nobody could log in")
	}
	for role, values := range p.Roles {
		if _, err := ParseRole(string(role)); err != nil || len(values) == 0 {
			return fmt.Errorf("oidc: role %q: %w", role, errors.Join(err, errors.New("name the values of the claim that give it")))
		}
	}
	public, err := url.Parse(p.PublicURL)
	if err != nil || public.Host == "" || !tlsOrHere(public) || strings.Trim(public.Path, "/") != "" {
		return fmt.Errorf("oidc needs the public URL of the pages, such as https://rollcall.example, not %q", p.PublicURL)
	}
	return nil
}

// tlsOrHere: without TLS only this machine is believed.
func tlsOrHere(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && ownHost(&http.Request{Host: u.Host})
}

func (p *Provider) name() string {
	if p.Name != "" {
		return p.Name
	}
	u, _ := url.Parse(p.Issuer) // checked
	return u.Host
}

// discover reads what the provider says of itself, once; a provider that is away is asked
// again at the next login.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		if p.why != nil && time.Since(p.failed) < againTime {
			return nil, nil, p.why
		}
		known, err := oidc.NewProvider(p.context(ctx), p.Issuer)
		if p.failed, p.why = time.Now(), err; err != nil {
			return nil, nil, err
		}
		p.known = known
	}
	scopes := p.Scopes
	if scopes == nil {
		scopes = []string{"profile", "email"}
	}
	return p.known, &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(), Endpoint: p.known.Endpoint(),
		RedirectURL: strings.TrimRight(p.PublicURL, "/") + "/login/callback", Scopes: append([]string{oidc.ScopeOpenID}, scopes...),
	}, nil
}

func (p *Provider) context(ctx context.Context) context.Context {
	if p.Client == nil {
		return oidc.ClientContext(ctx, &http.Client{Timeout: providerTime})
	}
	return oidc.ClientContext(ctx, p.Client)
}

// attempt is one login that is on its way. It travels in a cookie that only we and this
// browser see: whoever comes back with the answer must be the one who left.
type attempt struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Next     string    `json:"next"`
	Until    time.Time `json:"until"`
}

func attemptCookie(secure bool) string { return cookieName("rollcall-oidc", secure) }

// toProvider sends a person to log in there.
func (g *Guard) toProvider(w http.ResponseWriter, r *http.Request) {
	v, ref := g.identify(r)
	if ref != nil {
		g.refuse(w, r, ref)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), providerTime)
	defer cancel()
	_, config, err := g.s.OIDC.discover(context.WithoutCancel(ctx))
	if err != nil {
		g.s.Log.Error("cannot reach the login provider", "issuer", g.s.OIDC.Issuer, "error", err)
		g.form(w, r, v, http.StatusBadGateway, r.URL.Query().Get("next"), "The login provider cannot be reached now. The collector's log says why.")
		return
	}
	a := attempt{State: random(secretBytes), Nonce: random(secretBytes), Verifier: oauth2.GenerateVerifier(),
		Next: here(r.URL.Query().Get("next")), Until: g.s.Now().Add(loginTime)}
	b, _ := json.Marshal(a) // plain fields
	setCookie(w, attemptCookie(v.secure), base64.RawURLEncoding.EncodeToString(b), v.secure, loginTime)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, config.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), http.StatusSeeOther)
}

// fromProvider takes a person back.
func (g *Guard) fromProvider(w http.ResponseWriter, r *http.Request) {
	v, ref := g.identify(r)
	if ref != nil {
		g.refuse(w, r, ref)
		return
	}
	a, ok := g.attempt(r, v)
	setCookie(w, attemptCookie(v.secure), "", v.secure, 0)
	if !ok {
		ref := g.failed(r, v, "This login was not begun here, or long ago. Try again.")
		g.form(w, r, v, ref.status, "", ref.text)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), providerTime)
	defer cancel()
	who, err := g.s.OIDC.person(ctx, r.URL.Query(), a, g.s.Now)
	if err != nil {
		g.s.Log.Warn("a login at the provider was refused", "from", v.from, "error", bounded(err.Error()))
		ref := g.failed(r, v, "The login provider's answer could not be accepted. The collector's log says why.")
		g.form(w, r, v, ref.status, a.Next, ref.text)
		return
	}
	how := "oidc " + who.subject // names can be chosen at many a provider: the log tells who it was
	if who.role == "" {
		g.refused(ctx, how, store.Audit{Who: who.name, From: v.from, Action: "login", Object: how, Result: "refused: no role"})
		g.form(w, r, v, http.StatusForbidden, a.Next, "You are logged in as "+who.name+", who has no role here. Ask whoever runs the collector.")
		return
	}
	g.begin(w, r, v, store.Session{Name: who.name, Role: string(who.role)}, how, a.Next)
}

// attempt is the one that the cookie tells, if the answer is to it.
func (g *Guard) attempt(r *http.Request, v *visit) (attempt, bool) {
	var a attempt
	c, err := r.Cookie(attemptCookie(v.secure))
	if err != nil {
		return a, false
	}
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || json.Unmarshal(b, &a) != nil || a.State == "" || a.Nonce == "" || a.Verifier == "" {
		return a, false
	}
	same := subtle.ConstantTimeCompare([]byte(a.State), []byte(r.URL.Query().Get("state"))) == 1
	return a, same && g.s.Now().Before(a.Until)
}

// someone is a person as the provider knows them. The subject is theirs alone and for good;
// role "" is nothing.
type someone struct {
	name, subject string
	role          Role
}

// person exchanges the provider's answer for who it is and what they may.
func (p *Provider) person(ctx context.Context, q url.Values, a attempt, now func() time.Time) (who someone, err error) {
	if e := q.Get("error"); e != "" {
		return who, fmt.Errorf("the provider says %q: %q", e, q.Get("error_description"))
	}
	if iss := q.Get("iss"); iss != "" && iss != p.Issuer { // RFC 9207: the answer is another provider's
		return who, fmt.Errorf("the answer is from %q, not from %q", iss, p.Issuer)
	}
	provider, config, err := p.discover(context.WithoutCancel(ctx))
	if err != nil {
		return who, err
	}
	tokens, err := config.Exchange(p.context(ctx), q.Get("code"), oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return who, withoutBody(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" {
		return who, errors.New("the provider gave no id_token")
	}
	id, err := provider.VerifierContext(p.context(ctx), &oidc.Config{ClientID: p.ClientID, Now: now}).Verify(ctx, raw)
	if err != nil {
		return who, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {
		return who, errors.New("the id_token is for another login (nonce)")
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return who, err
	}
	if azp, ok := claims["azp"]; len(id.Audience) > 1 && (!ok || azp != p.ClientID) { // OpenID Connect Core 3.1.3.7
		return who, errors.New("the id_token was given to another client (azp)")
	}
	return someone{nameOf(claims, id.Subject), bounded(id.Subject), p.role(claims)}, nil
}

// withoutBody drops what the provider answered: it may repeat what it was sent.
func withoutBody(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return fmt.Errorf("the provider refuses the code: %s, %q", refused.Response.Status, refused.ErrorCode)
	}
	return err
}

// nameOf is what a person is called.
func nameOf(claims map[string]any, subject string) string {
	if mail, _ := claims["email"].(string); mail != "" && claims["email_verified"] == true {
		return bounded(mail)
	}
	if name, _ := claims["preferred_username"].(string); name != "" {
		return bounded(name)
	}
	return bounded(subject)
}

// role is the highest that the claim gives.
func (p *Provider) role(claims map[string]any) Role {
	has := valuesOf(claims, p.Claim)
	for _, role := range slices.Backward(Roles()) {
		for _, v := range p.Roles[role] {
			if slices.Contains(has, v) {
				return role
			}
		}
	}
	return ""
}

// valuesOf reads a claim: a text, or a list of them. One whose name holds dots is tried before
// the dots lead anywhere.
func valuesOf(claims map[string]any, name string) []string {
	v, ok := claims[name]
	if !ok {
		head, rest, dotted := strings.Cut(name, ".")
		inner, is := claims[head].(map[string]any)
		if !dotted || !is {
			return nil
		}
		return valuesOf(inner, rest)
	}
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}
