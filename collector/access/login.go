package access

import (
	"bytes"
	"context"
	"crypto/subtle"
	_ "embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
)

//go:embed login.html
var loginHTML string

//go:embed login.css
var loginCSS []byte

// loginPage is what the login page shows.
type loginPage struct {
	Heading, Problem string
	Form             bool
	CSRF, Next       string
	// Provider is the name of the provider that people can log in with, or "".
	Provider string
}

// Names of cookies. Behind TLS they get the prefix that keeps others of the same domain from
// setting them (RFC 6265bis 4.1.3.2).
func sessionCookie(secure bool) string { return cookieName("rollcall", secure) }
func formCookie(secure bool) string    { return cookieName("rollcall-form", secure) }

func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

func setCookie(w http.ResponseWriter, name, value string, secure bool, age time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure, MaxAge: int(age.Seconds())}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// Pages serves /login, /logout and what belongs to them; all else is not found.
func (g *Guard) Pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", g.loginForm)
	mux.HandleFunc("POST /login", g.login)
	mux.HandleFunc("POST /logout", g.logout)
	mux.HandleFunc("GET /login/style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write(loginCSS)
	})
	if g.s.OIDC != nil {
		mux.HandleFunc("GET /login/oidc", g.toProvider)
		mux.HandleFunc("GET /login/callback", g.fromProvider)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		ctx, cancel := context.WithTimeout(r.Context(), pageTime)
		defer cancel()
		mux.ServeHTTP(w, r.WithContext(ctx))
	})
}

// page shows the login page, or a problem.
func (g *Guard) page(w http.ResponseWriter, status int, p loginPage) {
	if g.s.OIDC != nil {
		p.Provider = g.s.OIDC.name()
	}
	var buf bytes.Buffer
	t := template.Must(template.New("login").Parse(loginHTML)) // tested; rare enough to be parsed each time
	if err := t.Execute(&buf, p); err != nil {
		g.s.Log.Error("cannot show the login page", "error", err)
		http.Error(w, "This page could not be shown; the collector's log says why.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes())
}

// loginForm shows the form, or goes on where none is needed.
func (g *Guard) loginForm(w http.ResponseWriter, r *http.Request) {
	v, ref := g.identify(r)
	switch {
	case ref != nil:
		g.refuse(w, r, ref)
	case v.known:
		http.Redirect(w, r, here(r.URL.Query().Get("next")), http.StatusSeeOther)
	default:
		g.form(w, r, v, http.StatusOK, r.URL.Query().Get("next"), "")
	}
}

// form shows the form, with a cookie that makes it this browser's own.
func (g *Guard) form(w http.ResponseWriter, r *http.Request, v *visit, status int, next, problem string) {
	secret := ""
	if c, err := r.Cookie(formCookie(v.secure)); err == nil && len(c.Value) <= 64 {
		secret = c.Value
	}
	if secret == "" {
		secret = random(secretBytes)
	}
	setCookie(w, formCookie(v.secure), secret, v.secure, time.Hour)
	g.page(w, status, loginPage{Heading: "Log in", Problem: problem, Form: true, CSRF: formToken(secret), Next: here(next)})
}

// login takes a token from the form.
func (g *Guard) login(w http.ResponseWriter, r *http.Request) {
	v, ref := g.identify(r)
	if ref == nil && !g.ownForm(w, r, v) {
		ref = &refusal{status: http.StatusForbidden, text: "this form is from another site or an old page, or cookies are off; open the page anew and try again"}
	}
	if ref != nil {
		g.refuse(w, r, ref)
		return
	}
	t, role, err := g.token(r.Context(), strings.TrimSpace(r.PostForm.Get("token")))
	if err != nil {
		g.refuse(w, r, g.unavailable(err))
		return
	}
	if role == "" {
		ref := g.failed(r, v, "This token is not known here, expired or revoked.")
		if ref.wait > 0 {
			w.Header().Set("Retry-After", seconds(ref.wait))
		}
		g.form(w, r, v, ref.status, r.PostForm.Get("next"), ref.text)
		return
	}
	g.begin(w, r, v, store.Session{Name: t.Name, Role: string(role), Token: t.Hash}, "token", r.PostForm.Get("next"))
}

// ownForm says whether the login form was one that we gave to this browser: else another
// site could log somebody in as somebody else.
func (g *Guard) ownForm(w http.ResponseWriter, r *http.Request, v *visit) bool {
	if g.origins.Check(r) != nil {
		return false
	}
	c, err := r.Cookie(formCookie(v.secure))
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	return err == nil && r.ParseForm() == nil &&
		subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(formToken(c.Value))) == 1
}

// begin starts a session under a new secret, so that one that somebody planted is worth nothing.
func (g *Guard) begin(w http.ResponseWriter, r *http.Request, v *visit, s store.Session, how, next string) {
	secret, now := random(secretBytes), g.s.Now().UTC()
	s.Hash, s.Created, s.Seen, s.Ends = hash(secret), now, now, now.Add(g.s.Lifetime)
	if err := g.s.Store.PutSession(r.Context(), s); err != nil {
		g.refuse(w, r, g.unavailable(err))
		return
	}
	setCookie(w, sessionCookie(v.secure), secret, v.secure, g.s.Lifetime)
	setCookie(w, formCookie(v.secure), "", v.secure, 0)
	v.person, v.known = Person{Name: s.Name, Role: Role(s.Role), Via: ViaSession}, true
	g.Log(context.WithValue(r.Context(), visitKey{}, v), "login", how, "ok")
	http.Redirect(w, r, here(next), http.StatusSeeOther)
}

// logout ends the session.
func (g *Guard) logout(w http.ResponseWriter, r *http.Request) {
	v, ref := g.identify(r)
	if ref == nil && v.known {
		ref = g.meant(w, r, v)
	}
	if ref != nil {
		g.refuse(w, r, ref)
		return
	}
	if v.hash != nil {
		if err := g.s.Store.EndSession(r.Context(), v.hash); err != nil {
			g.refuse(w, r, g.unavailable(err))
			return
		}
		g.Log(context.WithValue(r.Context(), visitKey{}, v), "logout", "", "ok")
	}
	setCookie(w, sessionCookie(v.secure), "", v.secure, 0)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// here is a path of ours to go on to: another's would make the login page a signpost for
// whoever wants to look like us.
func here(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(next, "/login") || len(next) > 2000 {
		return "/"
	}
	return next
}
