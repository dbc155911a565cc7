package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/internal/exit"
)

// defaultServer is the collector that is asked when none is named: one of this machine.
const defaultServer = "http://127.0.0.1:8080"

// server says which collector is asked, and how it knows us.
type server struct {
	url       string
	tokenFile string
	ca        string
}

func (s *server) addFlags(f *pflag.FlagSet) {
	f.StringVar(&s.url, "server", "", "`URL` of a collector (default ROLLCALL_SERVER, or "+defaultServer+")")
	f.StringVar(&s.tokenFile, "token-file", "", "`file` with the token that the collector takes (default: what ROLLCALL_TOKEN holds)")
	f.StringVar(&s.ca, "ca", "", "PEM `file` of the authority that the collector's certificate is from")
}

const tokenBytes = 4096

// client makes a client. A token is never an argument: every user of a machine sees those.
func (s *server) client() (client, error) {
	c := client{server: s.url, http: &http.Client{}, token: strings.TrimSpace(os.Getenv("ROLLCALL_TOKEN"))}
	if c.server == "" {
		c.server = os.Getenv("ROLLCALL_SERVER")
	}
	if c.server == "" {
		c.server = defaultServer
	}
	if s.tokenFile != "" {
		b, err := readToken(s.tokenFile)
		if err != nil {
			return c, fmt.Errorf("cannot read --token-file: %w", err)
		}
		c.token = b
	}
	if s.ca != "" {
		h, err := trusting(s.ca)
		if err != nil {
			return c, fmt.Errorf("cannot read --ca: %w", err)
		}
		h.Timeout = 0 // each request has its own
		c.http = h
	}
	// A redirect may lead to where a token can be read on the way: http.Client sends it along
	// to the same host without TLS, and to names below it.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, c.check()
}

func readToken(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, tokenBytes+1))
	text := strings.TrimSpace(string(b))
	switch {
	case err != nil:
		return "", err
	case text == "" || len(b) > tokenBytes || strings.ContainsAny(text, " \r\n\t"):
		return "", fmt.Errorf("%s does not hold one token and nothing else", file)
	}
	return text, nil
}

// client asks a collector's API.
type client struct {
	server string
	limit  int
	token  string
	http   *http.Client
}

// check refuses what could not work, and to send a token where others may read it.
func (c client) check() error {
	u, err := url.Parse(c.server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return exit.Usagef("--server %q is no URL such as http://127.0.0.1:8080", c.server)
	}
	if u.User != nil {
		return exit.Usagef("--server holds a user name or password; give a token with --token-file or ROLLCALL_TOKEN")
	}
	if c.token != "" && u.Scheme == "http" && !onThisMachine(u.Hostname()) {
		return exit.Usagef("--server %q is without TLS: the token could be read on the way; use https://", c.server)
	}
	return nil
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// page and answer bound what is asked for at once and what is read of it.
const (
	pageSize    = 500
	answerBytes = 64 << 20
	answerTime  = 30 * time.Second
)

// all fetches pages until the list ends or the limit is reached; more says that it was.
func (c client) all(ctx context.Context, what string, q url.Values) (items []json.RawMessage, more bool, err error) {
	items = []json.RawMessage{}
	q.Set("limit", strconv.Itoa(min(pageSize, c.limit)))
	for {
		var l api.List[json.RawMessage]
		if err := c.get(ctx, what, q, &l); err != nil {
			return nil, false, err
		}
		items = append(items, l.Items...)
		if len(items) >= c.limit {
			return items[:c.limit], l.Next != "" || len(items) > c.limit, nil
		}
		if l.Next == "" {
			return items, false, nil
		}
		q.Set("cursor", l.Next)
	}
}

func (c client) get(ctx context.Context, what string, q url.Values, into any) error {
	return c.do(ctx, http.MethodGet, what, q, into)
}

func (c client) do(ctx context.Context, method, what string, q url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	resp, err := c.send(ctx, method, what, q)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, answerBytes)).Decode(into); err != nil {
		return fmt.Errorf("cannot read the answer of %s: %w; is it a Rollcall collector?", c.server, err)
	}
	return nil
}

// patience is how often a collector that has too much to do is asked again.
const patience = 5

// send asks, and asks again where the collector says when. Its answer is one that is well.
func (c client) send(ctx context.Context, method, what string, q url.Values) (*http.Response, error) {
	u, err := url.Parse(c.server)
	if err != nil {
		return nil, exit.Usagef("--server %q: %w", c.server, err)
	}
	u = u.JoinPath("api", "v1", what)
	u.RawQuery = q.Encode()
	for try := 1; ; try++ {
		resp, err := c.once(ctx, method, u.String())
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusOK {
			return resp, nil
		}
		wait, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		again := resp.StatusCode == http.StatusTooManyRequests && method == http.MethodGet && err == nil && wait <= 10 && try < patience
		if !again {
			defer resp.Body.Close()
			return nil, problem(resp, io.LimitReader(resp.Body, answerBytes))
		}
		resp.Body.Close()
		select {
		case <-time.After(time.Duration(max(1, wait)) * time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c client) once(ctx context.Context, method, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, exit.Usagef("--server %q: %w", c.server, err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json") // no form of another site's
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var failed *url.Error // its text has the whole address, with every filter
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return nil, fmt.Errorf("cannot ask the collector at %s: %w; is it running there? (--server, ROLLCALL_SERVER)", c.server, err)
	}
	return resp, nil
}

// maxLine bounds one line of a stream: one module with its evidence.
const maxLine = 4 << 20

// lines gives the lines of a stream of JSON, and an error where it was cut off.
func (c client) lines(ctx context.Context, what string, q url.Values) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		resp, err := c.send(ctx, http.MethodGet, what, q)
		if err != nil {
			yield(nil, err)
			return
		}
		defer resp.Body.Close()
		s := bufio.NewScanner(resp.Body)
		s.Buffer(make([]byte, 0, 64<<10), maxLine)
		for s.Scan() {
			line := s.Bytes()
			if bytes.HasPrefix(line, []byte(`{"next":`)) {
				if err := ended(line); err != nil {
					yield(nil, err)
				}
				return
			}
			if !yield(bytes.Clone(line), nil) {
				return
			}
		}
		err = s.Err()
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		yield(nil, fmt.Errorf("the collector's answer was cut off: %w", err))
	}
}

// ended reads the last line of a stream.
func ended(line []byte) error {
	var end api.ExportEnd
	if err := json.Unmarshal(line, &end); err != nil {
		return otherVersion(err)
	}
	if end.Problem != "" {
		return fmt.Errorf("the collector says: %s", end.Problem)
	}
	return nil
}

func problem(resp *http.Response, body io.Reader) error {
	if to, err := resp.Location(); err == nil {
		return fmt.Errorf("the collector's address leads to another, which is not followed; if that is right, ask it: --server %q", to.Scheme+"://"+to.Host)
	}
	var p api.Problem
	if err := json.NewDecoder(body).Decode(&p); err != nil || p.Error == "" {
		return fmt.Errorf("the collector answers %s", resp.Status)
	}
	err := errors.New(p.Error)
	switch resp.StatusCode {
	case http.StatusBadRequest:
		return exit.With(exit.Usage, err)
	case http.StatusUnauthorized:
		return &refusedError{fmt.Errorf("the collector wants a token: %w; give it with --token-file or ROLLCALL_TOKEN", err)}
	}
	err = fmt.Errorf("the collector says: %w", err)
	if resp.StatusCode == http.StatusForbidden {
		return &refusedError{err}
	}
	if resp.StatusCode == http.StatusNotFound {
		return &missingError{err}
	}
	return err
}

// missingError: what was asked for is not there.
type missingError struct{ error }

func (e *missingError) Unwrap() error { return e.error }

// refusedError: who asks may not, and asking again does not help.
type refusedError struct{ error }

func (e *refusedError) Unwrap() error { return e.error }
