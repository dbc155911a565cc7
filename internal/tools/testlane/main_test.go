package main

import (
	"strings"
	"testing"
)

func run(t *testing.T, in string) (string, bool) {
	t.Helper()
	l := lane{packages: map[string]bool{}, output: map[string][]string{}}
	if err := l.read(strings.NewReader(in)); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	ok := l.report(&out, "x")
	return out.String(), ok
}

func TestVerdicts(t *testing.T) {
	pass := `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n"
	for _, c := range []struct {
		name, in, want string
		ok             bool
	}{
		{"passed", pass, "1 tests passed in 1 packages, 0 failed", true},
		{"nothing ran", `{"Action":"pass","Package":"p"}`, "ran nothing", false},
		{"failed", pass + `{"Action":"output","Package":"p","Test":"TestB","Output":"boom\n"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestB"}`, "boom", false},
		{"skipped", pass + `{"Action":"skip","Package":"p","Test":"TestB"}`, "SKIPPED p TestB", false},
		{"did not build", pass + `{"ImportPath":"q","Action":"build-output","Output":"syntax\n"}` + "\n" + `{"ImportPath":"q","Action":"build-fail"}`, "syntax", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, ok := run(t, c.in)
			if ok != c.ok || !strings.Contains(out, c.want) {
				t.Errorf("got %v and\n%s\nwant %v and %q", ok, out, c.ok, c.want)
			}
		})
	}
}

func TestAgain(t *testing.T) {
	pass := `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n"
	failed := func(test, why string) string {
		return `{"Action":"output","Package":"p","Test":"` + test + `","Output":"` + why + `\n"}` + "\n" +
			`{"Action":"fail","Package":"p","Test":"` + test + `"}` + "\n"
	}
	whole := `{"Action":"fail","Package":"p"}` + "\n"
	for _, c := range []struct{ name, in, want string }{
		{"late", pass + failed("TestB/x", "never came") + failed("TestB", "") + whole, "p ^TestB$\n"},
		{"two", pass + failed("TestB", "a") + failed("TestC", "b") + whole, "p ^TestB$\np ^TestC$\n"},
		{"three", pass + failed("TestB", "a") + failed("TestC", "b") + failed("TestD", "c") + whole, ""},
		{"race", pass + failed("TestB", "WARNING: DATA RACE") + whole, ""},
		{"panic", pass + failed("TestB", "panic: nil") + whole, ""},
		{"without a test", pass + whole, ""},
		{"did not build", pass + failed("TestB", "a") + whole + `{"Action":"build-fail","ImportPath":"q [q.test]"}`, ""},
		{"nothing passed", failed("TestB", "a") + whole, ""},
		{"skipped", pass + failed("TestB", "a") + whole + `{"Action":"skip","Package":"p","Test":"TestC"}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := lane{packages: map[string]bool{}, output: map[string][]string{}}
			if err := l.read(strings.NewReader(c.in)); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(l.again(), ""); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
