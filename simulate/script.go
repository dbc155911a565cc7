package simulate

import (
	"hash/fnv"
	"strings"
	"sync/atomic"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/inventory"
)

// script is what one module says to which command.
type script struct {
	answers map[string][]byte
	unknown []byte
	hello   []byte // sent before the first answer
	greeted atomic.Bool
	echoes  bool
}

func newScript(c capture.Case) *script {
	s := &script{answers: map[string][]byte{}}
	refusal, speaksAT := "ERROR", false
	for _, e := range c.Transcript {
		key := commandKey(e.Cmd)
		if _, taken := s.answers[key]; !taken {
			s.answers[key] = s.format(e)
		}
		speaksAT = speaksAT || strings.HasPrefix(key, "AT")
		if len(e.Lines) == 0 && e.Final != "" && e.Final != "OK" {
			refusal = e.Final
		}
	}
	s.equate("ATI", "ATI0")
	s.prompts(c.Transcript)
	if speaksAT {
		s.unknown = framed(refusal)
		if _, taken := s.answers["AT"]; !taken {
			s.answers["AT"] = framed("OK")
		}
	}
	for _, line := range c.Banner {
		s.hello = append(s.hello, framed(line)...)
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(c.ID))
	s.echoes = hash.Sum32()&1 == 1
	return s
}

// equate: V.250 6.1.3 makes a missing number zero.
func (s *script) equate(a, b string) {
	if x, ok := s.answers[a]; ok && s.answers[b] == nil {
		s.answers[b] = x
	}
	if x, ok := s.answers[b]; ok && s.answers[a] == nil {
		s.answers[a] = x
	}
}

// prompts: devices that end their answers with a prompt refuse with one, too.
func (s *script) prompts(transcript []inventory.Exchange) {
	for _, e := range transcript {
		if n := len(e.Lines); n > 0 && e.Lines[n-1] == ">" {
			s.answers["AT"] = []byte("?\r\r>")
			return
		}
	}
}

// format frames an answer as V.250 5.7 does. Where the source cut the final result code
// off behind information text, it is OK; where it shows nothing at all, nothing comes.
func (s *script) format(e inventory.Exchange) []byte {
	if e.Raw != nil {
		return e.Raw
	}
	var b []byte
	if len(e.Lines) > 0 {
		b = append(b, "\r\n"...)
		for _, line := range e.Lines {
			b = append(append(b, line...), "\r\n"...)
		}
		if e.Lines[len(e.Lines)-1] == ">" {
			return b
		}
	}
	final := e.Final
	if final == "" {
		if len(e.Lines) == 0 {
			return nil
		}
		final = "OK"
	}
	return append(b, framed(final)...)
}

func framed(s string) []byte { return []byte("\r\n" + s + "\r\n") }

// answer gives the bytes that follow a command line. Characters before AT are not of
// the command (V.250 5.2.1).
func (s *script) answer(line string) []byte {
	key := commandKey(line)
	if i := strings.Index(key, "AT"); i > 0 && s.answers[key] == nil {
		key = key[i:]
	}
	answer, known := s.answers[key]
	if !known && strings.HasPrefix(key, "AT") {
		answer = s.unknown
	}
	if len(s.hello) > 0 && key != "" && s.greeted.CompareAndSwap(false, true) {
		return append(append([]byte(nil), s.hello...), answer...)
	}
	return answer
}

// commandKey: case and blanks do not matter (V.250 5.4.2).
func commandKey(cmd string) string {
	return strings.ToUpper(strings.Join(strings.Fields(cmd), ""))
}

func (s *script) echo(e Echo) bool {
	return e == EchoOn || e == EchoVaried && s.echoes
}
