package enroll

import (
	"fmt"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// anyName stands for the name of whoever logs in, in the template of a scoped signing key.
const anyName = "{{name()}}"

// scope is the signing key of a role and what its users may do.
func scope(r Role, key string) *jwt.UserScope {
	rt := r.rights(anyName)
	s := jwt.NewUserScope()
	s.Key, s.Role = key, string(r)
	s.Description = "Rollcall: " + string(r)
	s.Template.Pub.Allow.Add(rt.publish...)
	s.Template.Sub.Allow.Add(rt.subscribe...)
	if rt.answer {
		s.Template.Resp = &jwt.ResponsePermission{MaxMsgs: 1, Expires: answerTime}
	}
	if rt.subscriptions > 0 {
		s.Template.Subs = rt.subscriptions
	}
	s.Template.AllowedConnectionTypes.Add(rt.connections...)
	return s
}

// accountClaims of the three accounts. keys are public ones by name.
func accountClaims(name string, keys map[string]string) *jwt.AccountClaims {
	a := jwt.NewAccountClaims(keys[name])
	a.Name = name
	for _, r := range Roles() {
		if r.account() == name && keys[string(r)] != "" {
			a.SigningKeys.AddScopedSigner(scope(r, keys[string(r)]))
		}
	}
	switch name {
	case collectorAccount:
		a.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
		export(a, append(reportSubjects(), natslink.JoinSubject("*")), jwt.ResponseTypeSingleton)
		imports(a, keys[gatewaysAccount], append(requestSubjects(), discovery))
	case gatewaysAccount:
		export(a, requestSubjects(), jwt.ResponseTypeSingleton)
		export(a, []string{discovery}, jwt.ResponseTypeStream)
		imports(a, keys[collectorAccount], append(reportSubjects(), natslink.JoinSubject("*")))
	}
	return a
}

func export(a *jwt.AccountClaims, subjects []string, answers jwt.ResponseType) {
	for _, s := range subjects {
		a.Exports.Add(&jwt.Export{Name: s, Subject: jwt.Subject(s), Type: jwt.Service, ResponseType: answers})
	}
}

func imports(a *jwt.AccountClaims, from string, subjects []string) {
	for _, s := range subjects {
		a.Imports.Add(&jwt.Import{Name: s, Subject: jwt.Subject(s), Account: from, Type: jwt.Service})
	}
}

// sign checks and signs claims.
func sign(c jwt.Claims, k nkeys.KeyPair) (string, error) {
	results := jwt.CreateValidationResults()
	c.Validate(results)
	if errs := results.Errors(); len(errs) > 0 {
		return "", fmt.Errorf("cannot sign %s: %w", c.Claims().Name, errs[0])
	}
	token, err := c.Encode(k)
	if err != nil {
		return "", fmt.Errorf("cannot sign %s: %w", c.Claims().Name, err)
	}
	return token, nil
}

// userToken is a token whose rights are those of its signing key's template.
func userToken(name, user, account string, expires time.Time, k nkeys.KeyPair) (string, error) {
	u := jwt.NewUserClaims(user)
	u.Name, u.IssuerAccount = name, account
	u.SetScoped(true)
	if !expires.IsZero() {
		u.Expires = expires.Unix()
	}
	return sign(u, k)
}
