package enroll

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	natsconf "github.com/rollcall-iot/rollcall/configs/nats"
	"github.com/rollcall-iot/rollcall/internal/atomicfile"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// UsersFile is what the broker's configuration includes: whom to trust, or who may log in.
const UsersFile = "users.conf"

// writeTemplates puts the configurations beside the file that they include.
func (a *Authority) writeTemplates() error {
	for _, name := range natsconf.For(string(a.about.Kind)) {
		b, err := natsconf.Files.ReadFile(name)
		if err != nil {
			return err
		}
		if err := atomicfile.Write(a.path(brokerDir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeUsers makes what brokers read tell of all records.
func (a *Authority) writeUsers() error {
	if a.about.Kind == JWT {
		if err := a.writeRevocations(); err != nil {
			return err
		}
	}
	return a.writeBroker()
}

// writeRevocations signs each account anew whose users were taken back.
func (a *Authority) writeRevocations() error {
	records, err := a.Records()
	if err != nil {
		return err
	}
	for _, name := range []string{collectorAccount, gatewaysAccount} {
		c := accountClaims(name, a.about.Keys)
		for _, r := range records {
			for _, u := range r.Users {
				if !u.Revoked.IsZero() {
					// A key is revoked for good, whichever account it logs in to.
					c.RevokeAt(u.Key, later(u.Revoked, u.Issued).Add(time.Minute))
				}
			}
		}
		if err := a.signAccount(c); err != nil {
			return err
		}
	}
	return nil
}

// later of two times: a clock that was set back since must not keep a key alive.
func later(t, u time.Time) time.Time {
	if t.After(u) {
		return t
	}
	return u
}

// writeBroker writes the users file.
func (a *Authority) writeBroker() error {
	text := bytes.NewBufferString("# Made by rollcall enroll. It holds no secret, but who may change it decides who may log in.\n")
	write := a.writeAccounts
	if a.about.Kind == JWT {
		write = a.writeTokens
	}
	if err := write(text); err != nil {
		return err
	}
	return atomicfile.Write(a.path(brokerDir, UsersFile), text.Bytes(), 0o600)
}

// writeAccount names the account that leaf nodes join.
func (a *Authority) writeAccount() error {
	text := fmt.Sprintf("# Made by rollcall enroll.\nROLLCALL_COLLECTOR: %s\n", a.about.Keys[collectorAccount])
	return atomicfile.Write(a.path(brokerDir, "account.conf"), []byte(text), 0o600)
}

func (a *Authority) token(name string) (string, error) {
	b, err := os.ReadFile(a.path(accountsDir, name+".jwt"))
	return strings.TrimSpace(string(b)), err
}

// writeTokens is for the kind JWT: the operator and its accounts.
func (a *Authority) writeTokens(b *bytes.Buffer) error {
	operator, err := a.token(operatorName)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "operator: %s\nsystem_account: %s\nresolver_preload: {\n", operator, a.about.Keys[systemAccount])
	for _, account := range []string{systemAccount, collectorAccount, gatewaysAccount} {
		token, err := a.token(account)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "  # %s\n  %s: %s\n", account, a.about.Keys[account], token)
	}
	b.WriteString("}\n")
	return nil
}

// writeAccounts is for the kind NKey: accounts with all their users.
func (a *Authority) writeAccounts(b *bytes.Buffer) error {
	records, err := a.Records()
	if err != nil {
		return err
	}
	b.WriteString("accounts: {\n")
	for _, account := range []string{collectorAccount, gatewaysAccount} {
		fmt.Fprintf(b, "  %s: {\n", account)
		if account == collectorAccount {
			b.WriteString("    jetstream: enabled\n")
			writeServices(b, "exports", "", reportSubjects(), nil)
			writeServices(b, "imports", gatewaysAccount, requestSubjects(), []string{discovery})
		} else {
			writeServices(b, "exports", "", requestSubjects(), []string{discovery})
			writeServices(b, "imports", collectorAccount, reportSubjects(), nil)
		}
		b.WriteString("    users: [\n")
		for _, r := range records {
			if r.Role.account() == account {
				writeUser(b, r)
			}
		}
		b.WriteString("    ]\n  }\n")
	}
	b.WriteString("}\n")
	return nil
}

// writeServices lists exports (from is empty) or imports. Many answer to those of manyAnswer.
func writeServices(b *bytes.Buffer, what, from string, subjects, manyAnswer []string) {
	fmt.Fprintf(b, "    %s: [\n", what)
	for _, s := range slices.Concat(subjects, manyAnswer) {
		switch {
		case from != "":
			fmt.Fprintf(b, "      {service: {account: %s, subject: %q}}\n", from, s)
		case slices.Contains(manyAnswer, s):
			fmt.Fprintf(b, "      {service: %q, response_type: stream}\n", s)
		default:
			fmt.Fprintf(b, "      {service: %q}\n", s)
		}
	}
	b.WriteString("    ]\n")
}

// writeUser writes the keys of a name that were not taken back.
func writeUser(b *bytes.Buffer, r *Record) {
	rt := r.Role.rights(r.Name)
	for _, u := range r.Users {
		if !u.Revoked.IsZero() {
			continue
		}
		fmt.Fprintf(b, "      # %s, %s\n      {nkey: %s, allowed_connection_types: %s, permissions: {publish: {allow: %s}, subscribe: {allow: %s}",
			r.Name, r.Role, u.Key, list(rt.connections), list(rt.publish), list(rt.subscribe))
		if rt.answer {
			fmt.Fprintf(b, ", allow_responses: {max: 1, expires: %q}", answerTime)
		}
		b.WriteString("}}\n")
	}
}

func list(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// claimsUpdate is where brokers take accounts.
const claimsUpdate = "$SYS.REQ.CLAIMS.UPDATE"

// Push tells brokers with a full resolver of the accounts as they are now: what was revoked
// is out at once, and its connections end. s needs only URLs and, for TLS, CAFile.
func (a *Authority) Push(ctx context.Context, s natslink.Settings) error {
	if a.about.Kind != JWT {
		return fmt.Errorf("cannot push an authority of the kind %s: reload the broker's configuration (nats-server --signal reload)", a.about.Kind)
	}
	s.Name, s.CredsFile = "rollcall-push", a.path(credsDir, "system.creds")
	l, err := natslink.Connect(ctx, s)
	if err != nil {
		return fmt.Errorf("cannot push accounts: %w", err)
	}
	defer l.Close()
	for _, account := range []string{collectorAccount, gatewaysAccount} {
		token, err := a.token(account)
		if err != nil {
			return fmt.Errorf("cannot push accounts: %w", err)
		}
		if err := push(ctx, l.Conn(), token); err != nil {
			return fmt.Errorf("cannot push account %s: %w", account, errors.Join(err, trouble(l)))
		}
	}
	return nil
}

// trouble is what the link says of itself, where the server never answered.
func trouble(l *natslink.Link) error {
	for _, w := range l.Health() {
		return errors.New(w.Text)
	}
	return nil
}

func push(ctx context.Context, c *nats.Conn, token string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	m, err := c.RequestWithContext(ctx, claimsUpdate, []byte(token))
	if err != nil {
		return fmt.Errorf("the server does not take it: %w; its resolver may be of another type: reload its configuration instead", err)
	}
	var answer struct {
		Data  *struct{ Code int }           `json:"data"`
		Error *struct{ Description string } `json:"error"`
	}
	switch err := json.Unmarshal(m.Data, &answer); {
	case err != nil:
		return fmt.Errorf("cannot read the server's answer %q", m.Data)
	case answer.Error != nil:
		return fmt.Errorf("the server refuses it: %s", answer.Error.Description)
	case answer.Data == nil || answer.Data.Code != 200:
		return fmt.Errorf("the server answers %q", m.Data)
	}
	return nil
}
