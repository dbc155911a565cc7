package natslink_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// plain are the ways of NATS to send without an acknowledgement.
var plain = map[string]bool{"Publish": true, "PublishMsg": true, "PublishRequest": true, "PublishAsync": true, "PublishMsgAsync": true}

// TestD17: no code that runs on a gateway sends without waiting for JetStream. In files
// that know NATS, every call by these names must be on a variable called js, which holds
// a jetstream.JetStream, and never the asynchronous kind. In all others none may be on a connection.
func TestD17(t *testing.T) {
	root := filepath.Join("..", "..")
	calls := 0
	for _, dir := range []string{"agent", "survey", "transport", "internal/agentcli", "cmd/rollcall-agent"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(filepath.Dir(path), "test") {
				return nil
			}
			good, bad := publishes(t, path)
			calls += good
			for _, b := range bad {
				t.Errorf("%s sends without an acknowledgement; use natslink.Link.Publish", b)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if calls == 0 {
		t.Error("found not even the one good call: the test looks in the wrong place")
	}
}

func publishes(t *testing.T, path string) (good int, bad []string) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	knows := imports(f, "github.com/nats-io/nats.go") || imports(f, "github.com/nats-io/nats.go/jetstream")
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !plain[sel.Sel.Name] {
			return true
		}
		on := last(sel.X)
		switch {
		case on == "js" && !strings.Contains(sel.Sel.Name, "Async"):
			good++
		case knows, on == "conn", on == "nc", on == "Conn":
			bad = append(bad, set.Position(call.Pos()).String())
		}
		return true
	})
	return good, bad
}

func imports(f *ast.File, path string) bool {
	for _, i := range f.Imports {
		if p, _ := strconv.Unquote(i.Path.Value); p == path {
			return true
		}
	}
	return false
}

func last(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.CallExpr:
		return last(e.Fun)
	}
	return ""
}
