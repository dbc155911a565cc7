package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// maxText bounds the text of a finding in bytes: a message quotes what a module said.
const maxText = 2 << 10

// message is a text with expressions in it.
type message []piece

type piece struct {
	literal string
	program cel.Program // or nil
}

// splitMessage cuts "maker ${module.identity.maker} is …" into literals and expressions, in
// turn, beginning with a literal.
func splitMessage(s string) ([]string, error) {
	var parts []string
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			return append(parts, s), nil
		}
		n, err := expressionEnd(s[i+2:])
		if err != nil {
			return nil, err
		}
		parts = append(parts, s[:i], s[i+2:i+2+n])
		s = s[i+2+n+1:]
	}
}

// expressionEnd finds the } that ends an expression, past braces and texts inside it.
func expressionEnd(s string) (int, error) {
	depth, quote := 0, byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth == 0:
			return i, nil
		case c == '}':
			depth--
		}
	}
	return 0, fmt.Errorf("${ without its }")
}

// render gives the text of the message.
func (m message) render(vars cel.Activation) (string, error) {
	if len(m) == 1 && m[0].program == nil {
		return shorten(m[0].literal), nil
	}
	var b strings.Builder
	for _, p := range m {
		if p.program == nil {
			b.WriteString(p.literal)
			continue
		}
		v, _, err := p.program.Eval(vars)
		if err != nil {
			return "", err
		}
		s, ok := v.(types.String)
		if !ok {
			return "", fmt.Errorf("message gives a %s", v.Type().TypeName())
		}
		b.WriteString(string(s))
	}
	return shorten(b.String()), nil
}

func shorten(s string) string {
	if len(s) <= maxText {
		return s
	}
	n := maxText - len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
