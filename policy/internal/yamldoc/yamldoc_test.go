package yamldoc_test

import (
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/policy/internal/yamldoc"
)

func TestFieldsAreHandedOutOnce(t *testing.T) {
	f := &yamldoc.Faults{File: "a.yaml"}
	docs := yamldoc.Documents([]byte("name: x\nyes: true\nlist: [a, b]\nsub:\n  - {k: v}\nnone: ~\n---\nname: second\n"), f)
	if len(docs) != 2 || f.Err() != nil {
		t.Fatalf("%d documents, %v", len(docs), f.Err())
	}
	d := docs[0]
	if d.String("name") != "x" || !d.Bool("yes", false) || strings.Join(d.Strings("list"), "") != "ab" || d.String("none") != "" {
		t.Error("wrong values")
	}
	if sub := d.Docs("sub"); len(sub) != 1 || sub[0].String("k") != "v" || sub[0].Line != 5 {
		t.Errorf("%+v", sub)
	}
	d.Done()
	if f.Err() != nil {
		t.Errorf("%v", f.Err())
	}
	docs[1].Done()
	if err := f.Err(); err == nil || err.Error() != `a.yaml:8: unknown key "name"` {
		t.Errorf("%v", err)
	}
}

func TestFaultsOfKind(t *testing.T) {
	f := &yamldoc.Faults{File: "a.yaml"}
	d := yamldoc.Documents([]byte("text: [a]\nlist: b\nyes: maybe\ndoc: c\ndocs: [1]\n"), f)[0]
	d.String("text")
	d.Strings("list")
	d.Bool("yes", false)
	d.Doc("doc")
	d.Docs("docs")
	yamldoc.OneOf(d, "missing", "a", "b")
	want := []string{"a.yaml:1: text: want a text", "a.yaml:2: list: want a list", "a.yaml:3: yes: want true or false",
		"a.yaml:4: want a mapping of keys and values", "a.yaml:5: want a mapping of keys and values", "a.yaml:1: missing: missing"}
	if got := f.Err().Error(); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
}
