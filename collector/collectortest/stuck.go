package collectortest

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Stuck asks h for path n times at once, for readers that take nothing of the answer until the
// test ends. It returns when all of them are being answered.
func Stuck(t testing.TB, h http.Handler, path string, n int) {
	t.Helper()
	begun, goOn, ended := make(chan bool, n), make(chan bool), make(chan bool, n)
	for range n {
		go func() {
			h.ServeHTTP(&stuck{httptest.NewRecorder(), begun, goOn}, httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil))
			ended <- true
		}()
	}
	for range n {
		<-begun
	}
	t.Cleanup(func() {
		close(goOn)
		for range n {
			<-ended
		}
	})
}

type stuck struct {
	*httptest.ResponseRecorder
	begun, goOn chan bool
}

func (s *stuck) Write(b []byte) (int, error) {
	select {
	case s.begun <- true:
	default:
	}
	<-s.goOn
	return len(b), nil
}
