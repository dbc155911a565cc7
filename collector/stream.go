package collector

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// compareStream holds a stream that was there already against what was asked for. An error is a
// retention with which reports are lost. What the configuration asks for and the stream does not
// have is a warning, since nothing else tells it; what the stream keeps less of than one that is
// made here is told: somebody may have chosen it.
func (c *collector) compareStream(got, want jetstream.StreamConfig) error {
	if got.Retention != jetstream.LimitsPolicy {
		return &natslink.StreamError{Stream: want.Name, Problems: []string{"it forgets what one consumer acknowledged, which others and a store that is rebuilt still need"}}
	}
	missing, less := unlike(got, want)
	text := strings.Join(append(slices.Clone(missing), less...), "; ")
	if text == c.streamTold {
		return nil
	}
	c.streamTold = text
	if len(missing) > 0 {
		c.s.Log.Warn("a stream is not as configured; what is there already is changed by hand", "stream", want.Name, "differs", strings.Join(missing, "; "))
	}
	if len(less) > 0 {
		c.s.Log.Info("a stream keeps less than one that the collector makes", "stream", want.Name, "differs", strings.Join(less, "; "))
	}
	return nil
}

// unlike says what was configured and is not so, and what else there is less of.
func unlike(got, want jetstream.StreamConfig) (missing, less []string) {
	if got.Replicas < want.Replicas {
		missing = append(missing, fmt.Sprintf("it is kept by %d of %d servers: nats stream edit %s --replicas %d", got.Replicas, want.Replicas, want.Name, want.Replicas))
	}
	if want.MaxBytes > 0 && got.MaxBytes != want.MaxBytes {
		bound := fmt.Sprintf("its bound is %d bytes and not %d", got.MaxBytes, want.MaxBytes)
		if got.MaxBytes <= 0 {
			bound = fmt.Sprintf("it has no bound, and not %d bytes", want.MaxBytes)
		}
		missing = append(missing, fmt.Sprintf("%s: nats stream edit %s --max-bytes %d", bound, want.Name, want.MaxBytes))
	}
	if got.MaxMsgsPerSubject > 0 && got.MaxMsgsPerSubject < want.MaxMsgsPerSubject {
		less = append(less, fmt.Sprintf("%d messages of each gateway and kind instead of %d", got.MaxMsgsPerSubject, want.MaxMsgsPerSubject))
	}
	if got.MaxMsgs > 0 {
		less = append(less, fmt.Sprintf("%d messages in all", got.MaxMsgs))
	}
	if got.MaxAge > 0 && got.MaxAge < want.MaxAge {
		less = append(less, fmt.Sprintf("%s instead of %s", got.MaxAge, want.MaxAge))
	}
	if got.Duplicates < want.Duplicates {
		less = append(less, fmt.Sprintf("ids for %s instead of %s, so more comes twice", got.Duplicates.Round(time.Millisecond), want.Duplicates))
	}
	return missing, less
}
