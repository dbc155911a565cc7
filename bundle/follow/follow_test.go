package follow_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/bundle"
	"github.com/rollcall-iot/rollcall/bundle/bundletest"
	"github.com/rollcall-iot/rollcall/bundle/follow"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// used collects the versions that a program was switched to.
type used chan int64

func (u used) prepare(b *bundle.Bundle) (func(), error) {
	if _, err := b.Load(); err != nil {
		return nil, err
	}
	return func() { u <- b.Version }, nil
}

func (u used) want(t *testing.T, versions ...int64) {
	t.Helper()
	for _, v := range versions {
		select {
		case got := <-u:
			if got != v {
				t.Fatalf("switched to version %d, want %d", got, v)
			}
		case <-time.After(natslinktest.Patience):
			t.Fatalf("never switched to version %d", v)
		}
	}
	select {
	case got := <-u:
		t.Fatalf("switched to version %d, too", got)
	default:
	}
}

func settings(t *testing.T, u used) follow.Settings {
	return follow.Settings{Trusted: []ed25519.PublicKey{bundletest.Public(1)}, Dir: filepath.Join(t.TempDir(), "state"),
		Prepare: u.prepare, Every: 20 * time.Millisecond}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// start runs a follower until the test ends, or the returned function is called.
func start(t *testing.T, s follow.Settings) (*follow.Follower, func()) {
	t.Helper()
	f, err := follow.New(s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.Run(ctx)
	}()
	stop := func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return f, stop
}

// refusal waits for one and gives its reason.
func refusal(t *testing.T, f *follow.Follower, n int) error {
	t.Helper()
	for end := time.Now().Add(natslinktest.Patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, refused, last := f.State(); refused >= n {
			if refused > n {
				t.Fatalf("%d refusals, want %d; the last: %v", refused, n, last)
			}
			return last
		}
	}
	t.Fatalf("never a refusal %d", n)
	return nil
}

func TestFile(t *testing.T) {
	u, path := make(used, 9), filepath.Join(t.TempDir(), "b.tar")
	s := settings(t, u)
	s.File = path
	write(t, path, bundletest.Make(t, 3, 1, bundletest.Good(3)...))
	f, stop := start(t, s)
	u.want(t, 3)
	write(t, path, bundletest.Make(t, 4, 1, bundletest.Good(4)...))
	u.want(t, 4)
	for i, bad := range []struct {
		data []byte
		want error
	}{
		{bundletest.Make(t, 3, 1, bundletest.Good(3)...), follow.ErrOlder},
		{bundletest.Make(t, 4, 1, bundletest.Good(5)...), follow.ErrOlder},
		{bundletest.Make(t, 5, 2, bundletest.Good(5)...), bundle.ErrSignature},
		{bundletest.Make(t, 6, 1, bundle.Content{Path: "rules/x.yaml", Data: []byte("a: [")}), bundle.ErrContents},
		{[]byte("no bundle"), bundle.ErrFormat},
		{make([]byte, bundle.MaxBytes+100), bundle.ErrFormat},
	} {
		write(t, path, bad.data)
		if err := refusal(t, f, i+1); !errors.Is(err, bad.want) {
			t.Errorf("%d: %v, want %v", i, err, bad.want)
		}
	}
	if now, _, _ := f.State(); now == nil || now.Version != 4 {
		t.Errorf("in use is %v", now)
	}
	write(t, path, bundletest.Make(t, 7, 1, bundletest.Good(7)...))
	u.want(t, 7)
	if _, _, last := f.State(); last != nil {
		t.Errorf("still complains: %v", last)
	}
	stop()
	// The next start has it without the file, and still knows what is older.
	write(t, path, bundletest.Make(t, 5, 1, bundletest.Good(5)...))
	f, stop = start(t, s)
	u.want(t, 7)
	if err := refusal(t, f, 1); !errors.Is(err, follow.ErrOlder) {
		t.Errorf("rolled back by a restart: %v", err)
	}
	stop()
	s.AllowOlder = true
	_, stop = start(t, s)
	u.want(t, 7, 5)
	stop()
	// A key that is no longer trusted takes its bundles with it.
	s.File, s.Trusted = "", []ed25519.PublicKey{bundletest.Public(9)}
	f, _ = start(t, s)
	if err := refusal(t, f, 1); !errors.Is(err, bundle.ErrSignature) {
		t.Errorf("got %v", err)
	}
	u.want(t)
}

func TestMissingFileIsTold(t *testing.T) {
	s := settings(t, make(used, 1))
	s.File = filepath.Join(t.TempDir(), "none.tar")
	f, err := follow.New(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, n, last := f.State(); n != 1 || !strings.Contains(fmt.Sprint(last), "there is no") {
		t.Errorf("%d, %v", n, last)
	}
	s.Trusted = nil
	if _, err := follow.New(s); err == nil {
		t.Error("runs without a key to trust")
	}
}

// What cannot be kept is not used, and is tried again.
func TestUnkept(t *testing.T) {
	u := make(used, 9)
	s := settings(t, u)
	s.File = filepath.Join(t.TempDir(), "b.tar")
	write(t, s.File, bundletest.Make(t, 3, 1, bundletest.Good(3)...))
	inTheWay := filepath.Join(s.Dir, ".bundle.tar.tmp", "x")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	f, _ := start(t, s)
	if now, n, last := f.State(); now != nil || n == 0 || !strings.Contains(fmt.Sprint(last), "not used") {
		t.Errorf("%v, %d, %v", now, n, last)
	}
	if err := os.RemoveAll(filepath.Dir(inTheWay)); err != nil {
		t.Fatal(err)
	}
	u.want(t, 3)
}

func push(t *testing.T, js jetstream.JetStream, data []byte, p follow.Publication) error {
	t.Helper()
	b, err := bundle.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), natslinktest.Patience)
	defer cancel()
	return follow.Push(ctx, js, b, p)
}

// Two collectors watch one bucket; what one refuses the other does, too; both start without
// the broker.
func TestBucket(t *testing.T) {
	broker := natslinktest.Start(t, natslinktest.Settings{})
	js := broker.JetStream(natslinktest.User{})
	var us [2]used
	var ss [2]follow.Settings
	var fs [2]*follow.Follower
	var stops [2]func()
	for i := range us {
		us[i] = make(used, 9)
		ss[i] = settings(t, us[i])
		ss[i].JetStream, ss[i].Bucket = broker.JetStream(natslinktest.User{}), follow.Bucket
		fs[i], stops[i] = start(t, ss[i])
	}
	good := func(v int64) []byte { return bundletest.Make(t, v, 1, bundletest.Good(v)...) }
	publish := func(data []byte, p follow.Publication) {
		t.Helper()
		if err := push(t, js, data, p); err != nil {
			t.Fatal(err)
		}
	}
	publish(good(1), follow.Publication{})
	publish(good(1), follow.Publication{})
	for _, u := range us {
		u.want(t, 1)
	}
	publish(good(2), follow.Publication{})
	for _, u := range us {
		u.want(t, 2)
	}
	if err := push(t, js, good(1), follow.Publication{}); !errors.Is(err, follow.ErrOlder) {
		t.Errorf("published an older one: %v", err)
	}
	publish(good(1), follow.Publication{Replace: true})
	for _, f := range fs {
		if err := refusal(t, f, 1); !errors.Is(err, follow.ErrOlder) {
			t.Errorf("got %v", err)
		}
	}
	publish(bundletest.Make(t, 9, 2, bundletest.Good(9)...), follow.Publication{})
	for _, f := range fs {
		if err := refusal(t, f, 2); !errors.Is(err, bundle.ErrSignature) {
			t.Errorf("got %v", err)
		}
	}
	// The broker comes back with its store.
	broker.Restart()
	publish(good(10), follow.Publication{})
	for _, u := range us {
		u.want(t, 10)
	}
	stops[0]()
	broker.Stop()
	_, stops[0] = start(t, ss[0])
	us[0].want(t, 10)
	stops[0]()
	stops[1]()
}

// A bundle that is replaced between its description and its reading has no bytes any more, and
// the library waits for them as long as it may. The next one must not wait for that.
func TestReplacedWhileRead(t *testing.T) {
	broker := natslinktest.Start(t, natslinktest.Settings{})
	js := broker.JetStream(natslinktest.User{})
	ctx, cancel := context.WithTimeout(context.Background(), natslinktest.Patience)
	defer cancel()
	if err := push(t, js, bundletest.Make(t, 1, 1, bundletest.Good(1)...), follow.Publication{}); err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(ctx, "OBJ_"+follow.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(ctx, jetstream.WithPurgeSubject("$O."+follow.Bucket+".C.>")); err != nil {
		t.Fatal(err)
	}
	u := make(used, 9)
	s := settings(t, u)
	s.JetStream, s.Bucket = js, follow.Bucket
	start(t, s)
	for reading := 0; reading == 0; { // the reader's own consumer, beside the watch's
		consumers := stream.ListConsumers(ctx)
		for c := range consumers.Info() {
			if strings.HasPrefix(c.Config.FilterSubject, "$O."+follow.Bucket+".C.") {
				reading++
			}
		}
		if consumers.Err() != nil {
			t.Fatal(consumers.Err())
		}
	}
	bucket, err := js.ObjectStore(ctx, follow.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.PutBytes(ctx, follow.Object, bundletest.Make(t, 2, 1, bundletest.Good(2)...)); err != nil {
		t.Fatal(err)
	}
	select {
	case v := <-u:
		if v != 2 {
			t.Errorf("switched to version %d, want 2", v)
		}
	case <-time.After(natslinktest.Patience / 2):
		t.Error("the new bundle waits for the bytes of the old one")
	}
}

// Whoever may write to the bucket can put more into it than bundles.
func TestHostileBucket(t *testing.T) {
	broker := natslinktest.Start(t, natslinktest.Settings{})
	js := broker.JetStream(natslinktest.User{})
	ctx, cancel := context.WithTimeout(context.Background(), 2*natslinktest.Patience)
	defer cancel()
	bucket, err := js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: follow.Bucket})
	if err != nil {
		t.Fatal(err)
	}
	u := make(used, 9)
	s := settings(t, u)
	s.JetStream, s.Bucket = js, follow.Bucket
	f, _ := start(t, s)
	put := func(name string, data []byte) *jetstream.ObjectInfo {
		t.Helper()
		info, err := bucket.Put(ctx, jetstream.ObjectMeta{Name: name}, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	put("something else", []byte("x"))
	if _, err := bucket.AddLink(ctx, follow.Object, put("other", bundletest.Make(t, 1, 1, bundletest.Good(1)...))); err != nil {
		t.Fatal(err)
	}
	if err := refusal(t, f, 1); !strings.Contains(err.Error(), "a link") {
		t.Errorf("got %v", err)
	}
	put(follow.Object, make([]byte, bundle.MaxBytes+1))
	if err := refusal(t, f, 2); !strings.Contains(err.Error(), "bytes, at most") {
		t.Errorf("got %v", err)
	}
	u.want(t)
	put(follow.Object, bundletest.Make(t, 2, 1, bundletest.Good(2)...))
	u.want(t, 2)
}

// What did not load is tried once more when it is asked for, wherever it came from; what was refused
// for another reason is not, and nothing is tried without being asked for.
func TestAgain(t *testing.T) {
	broker := natslinktest.Start(t, natslinktest.Settings{})
	js := broker.JetStream(natslinktest.User{})
	for _, from := range []string{"file", "bucket", "kept"} {
		t.Run(from, func(t *testing.T) {
			u := make(used, 9)
			s := settings(t, u)
			var loads atomic.Bool
			s.Prepare = func(b *bundle.Bundle) (func(), error) {
				if !loads.Load() {
					return nil, errors.New("does not go with what is here")
				}
				return u.prepare(b)
			}
			data := bundletest.Make(t, 5, 1, bundletest.Good(5)...)
			refusals := 1
			switch from {
			case "file":
				s.File = filepath.Join(t.TempDir(), "b.tar")
				write(t, s.File, data)
			case "bucket":
				s.JetStream, s.Bucket = js, follow.Bucket
				if err := push(t, js, data, follow.Publication{}); err != nil {
					t.Fatal(err)
				}
			case "kept":
				if err := os.MkdirAll(s.Dir, 0o700); err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Join(s.Dir, "bundle.tar"), data)
				s.File = filepath.Join(t.TempDir(), "b.tar")
				write(t, s.File, bundletest.Make(t, 6, 2, bundletest.Good(6)...)) // of a stranger
				refusals = 2
			}
			f, _ := start(t, s)
			refusal(t, f, refusals)
			loads.Store(true)
			time.Sleep(10 * s.Every)
			u.want(t)
			f.Again()
			u.want(t, 5)
			refusal(t, f, refusals)
		})
	}
}
