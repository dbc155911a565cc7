package natslink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/inventory"
)

// StreamConfig is what the collector asserts. One stream holds all gateways; nobody may
// delete, purge or roll up, since one gateway could wipe out the others that way.
func StreamConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        Stream,
		Description: "Rollcall: reports and heartbeats of gateways",
		Subjects:    []string{Subject(inventory.KindReport, "*"), Subject(inventory.KindHeartbeat, "*")},
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardOld,
		Storage:     jetstream.FileStorage,
		Replicas:    1,
		// A gateway that comes back sends at most a spool of 1,000. A stolen key floods
		// its own subjects only.
		MaxMsgsPerSubject: 1000,
		MaxAge:            30 * 24 * time.Hour,
		MaxMsgSize:        inventory.MaxReportBytes + 4096,
		Duplicates:        2 * time.Minute,
		DenyDelete:        true,
		DenyPurge:         true,
	}
}

// StreamError says that a stream exists whose configuration is dangerous.
type StreamError struct {
	Stream   string
	Problems []string
}

func (e *StreamError) Error() string {
	return fmt.Sprintf("stream %s is not safe to use: %s; make it anew, or change it with the nats tool",
		e.Stream, strings.Join(e.Problems, "; "))
}

// AssertStream makes the stream where it is missing and refuses one of the same name that
// is dangerous. Sizes, ages and replicas of an existing stream are the operator's.
func AssertStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (jetstream.Stream, error) {
	st, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		st, err = js.CreateStream(ctx, want)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot assert stream %s: %w", want.Name, Why(js.Conn(), err))
	}
	if problems := dangers(st.CachedInfo().Config, want); len(problems) > 0 {
		return nil, &StreamError{Stream: want.Name, Problems: problems}
	}
	return st, nil
}

// dangers lists what would let one gateway harm another, or reports get lost.
func dangers(got, want jetstream.StreamConfig) []string {
	checks := []struct {
		bad  bool
		what string
	}{
		{got.AllowRollup, "rollups are allowed: one message could wipe out all others"},
		{!got.DenyDelete, "messages may be deleted"},
		{!got.DenyPurge, "the stream may be purged"},
		{got.NoAck, "messages are not acknowledged"},
		{got.Mirror != nil || len(got.Sources) > 0, "it copies from other streams"},
		{got.SubjectTransform != nil, "it changes subjects"},
		{got.RePublish != nil, "it publishes again on other subjects"},
		{got.AllowMsgTTL, "a message may set its own age"},
		{got.AllowMsgSchedules, "a message may ask to be published later, on another subject"},
		{got.AllowMsgCounter, "messages are counters"},
		{got.Storage != jetstream.FileStorage, "it is kept in memory"},
		{got.Discard != jetstream.DiscardOld, "it refuses new messages when it is full"},
		{got.Sealed, "it is sealed"},
		{got.MaxMsgSize >= 0 && got.MaxMsgSize < want.MaxMsgSize && got.MaxMsgSize != 0,
			fmt.Sprintf("it takes no message over %d bytes", got.MaxMsgSize)},
	}
	var problems []string
	for _, c := range checks {
		if c.bad {
			problems = append(problems, c.what)
		}
	}
	for _, s := range want.Subjects {
		if !slices.Contains(got.Subjects, s) {
			problems = append(problems, "it does not listen on "+s)
		}
	}
	return problems
}
