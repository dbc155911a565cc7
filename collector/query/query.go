package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/fleet"
)

const (
	// Service is the name of the micro service.
	Service = "rollcall-collector"
	// Prefix is what all subjects begin with; the name of a list follows.
	Prefix = "rollcall.v1.query."

	answerTime = 20 * time.Second
	// drainTime is what an answer that is on its way still has when Serve is to end.
	drainTime  = 5 * time.Second
	maxRequest = 64 << 10
	// atOnce bounds the questions that are answered at the same time.
	atOnce = 8
)

// Rights are the subjects on which a broker must let a collector subscribe, beside letting it
// answer (allow_responses). Programs that ask need to publish on Prefix and a list's name.
func Rights() []string {
	list := []string{Prefix + "*"}
	for _, verb := range []string{"PING", "INFO", "STATS"} {
		base := "$SRV." + verb
		list = append(list, base, base+"."+Service, base+"."+Service+".*")
	}
	return list
}

// Settings of Serve. Conn and Fleet are needed.
type Settings struct {
	Conn  *nats.Conn
	Fleet *fleet.Fleet
	// Version is the program's.
	Version string
	// Log gets what nobody outside should read. Nil: nothing.
	Log *slog.Logger
}

type service struct {
	Settings
	ctx  context.Context // of Serve: requests bring none
	busy chan struct{}
	mu   sync.Mutex
	over bool // nothing is answered any more
	wg   sync.WaitGroup
}

type answerer func(context.Context, *fleet.Fleet, url.Values) (any, error)

func answerers() map[string]answerer {
	return map[string]answerer{"modules": api.Modules, "gateways": api.Gateways, "events": api.Events, "findings": api.Findings,
		"rejected": api.Rejected, "summary": api.Summary}
}

// Serve answers until ctx ends; the answers that are on their way are still given.
func Serve(ctx context.Context, s Settings) error {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	v := &service{Settings: s, ctx: ctx, busy: make(chan struct{}, atOnce)}
	m, err := micro.AddService(s.Conn, micro.Config{Name: Service, Version: semver(s.Version), Description: "Answers questions about the fleet of cellular modules"})
	if err != nil {
		return fmt.Errorf("cannot answer questions over NATS: %w", err)
	}
	for name, ask := range answerers() {
		h := micro.HandlerFunc(func(r micro.Request) { v.take(r, ask) })
		if err := m.AddEndpoint(name, h, micro.WithEndpointSubject(Prefix+name)); err != nil {
			return errors.Join(fmt.Errorf("cannot answer questions about %s over NATS: %w", name, err), m.Stop())
		}
	}
	<-ctx.Done()
	err = m.Stop() // which lets the library hand over what has come meanwhile
	v.mu.Lock()
	v.over = true
	v.mu.Unlock()
	v.wg.Wait()
	if errors.Is(err, nats.ErrConnectionClosed) {
		return nil
	}
	return err
}

// take answers beside others, up to a number; then whoever asks is told.
func (v *service) take(r micro.Request, ask answerer) {
	if r.Reply() == "" {
		return // nobody waits
	}
	select {
	case v.busy <- struct{}{}:
	default:
		_ = r.Error("429", "too many questions at once; try again", nil, micro.WithHeaders(micro.Headers{"Retry-After": {"1"}}))
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.over {
		<-v.busy
		_ = r.Error("503", "the collector ends; ask again", nil, micro.WithHeaders(micro.Headers{"Retry-After": {"1"}}))
		return
	}
	v.wg.Go(func() {
		defer func() { <-v.busy }()
		v.answer(r, ask)
	})
}

func (v *service) answer(r micro.Request, ask answerer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.ctx), answerTime)
	defer cancel()
	defer context.AfterFunc(v.ctx, func() { time.AfterFunc(drainTime, cancel) })()
	body, err := v.body(ctx, r.Data(), ask)
	if err == nil && int64(len(body)) > v.Conn.MaxPayload() {
		v.refuse(r, "413", fmt.Sprintf("the answer has %d bytes, and the broker takes %d: ask for fewer at once (limit)", len(body), v.Conn.MaxPayload()), nil, nats.Header{})
		return
	}
	if err == nil {
		v.respond(r, body, nil)
		return
	}
	p, wait := api.Explain(err)
	if p.Status == 500 {
		v.Log.Error("cannot answer over NATS", "subject", r.Subject(), "error", err)
	}
	h := nats.Header{}
	if wait > 0 {
		h["Retry-After"] = []string{strconv.Itoa(int(wait.Seconds()) + 1)}
	}
	text, _ := api.Encode(p) // two plain fields
	v.refuse(r, strconv.Itoa(p.Status), header(p.Error), text, h)
}

// refuse answers as micro.Request.Error does.
func (v *service) refuse(r micro.Request, code, text string, body []byte, h nats.Header) {
	h[micro.ErrorCodeHeader], h[micro.ErrorHeader] = []string{code}, []string{text}
	v.respond(r, body, h)
}

// respond answers as micro.Request.Respond does, which may be called in the handler alone: the library reads what
// that notes in the request as soon as the handler has returned.
func (v *service) respond(r micro.Request, body []byte, h nats.Header) {
	_ = v.Conn.PublishMsg(&nats.Msg{Subject: r.Reply(), Header: h, Data: body}) // who asked may have left
}

// header is text as it may stand in a header: printable and in one line.
func header(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

func (v *service) body(ctx context.Context, request []byte, ask answerer) ([]byte, error) {
	values, err := Parameters(request)
	if err != nil {
		return nil, err
	}
	answer, err := ask(ctx, v.Fleet, values)
	if err != nil {
		return nil, err
	}
	return api.Encode(answer)
}

// Parameters reads a request: nothing, or an object with texts, numbers, truths, or lists of them.
func Parameters(request []byte) (url.Values, error) {
	values := url.Values{}
	if len(request) == 0 {
		return values, nil
	}
	if len(request) > maxRequest {
		return nil, &api.UsageError{Parameter: "request", Text: fmt.Sprintf("is longer than %d bytes", maxRequest)}
	}
	var o map[string]any
	if err := json.Unmarshal(request, &o); err != nil {
		return nil, &api.UsageError{Parameter: "request", Text: `is neither empty nor JSON such as {"state": ["held"], "limit": 10}`}
	}
	for name, v := range o {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, x := range list {
			text, err := scalar(name, x)
			if err != nil {
				return nil, err
			}
			values.Add(name, text)
		}
	}
	return values, nil
}

func scalar(name string, v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", &api.UsageError{Parameter: name, Text: "takes a text, a number, a truth, or a list of them"}
}

// semver is the version as the service framework takes it: v1.2.3-4-gabc is 1.2.3.
func semver(version string) string {
	v := strings.TrimPrefix(version, "v")
	v, _, _ = strings.Cut(v, "-")
	if parts := strings.Split(v, "."); len(parts) != 3 || strings.Trim(v, ".0123456789") != "" || slices.Contains(parts, "") {
		return "0.0.0"
	}
	return v
}
