package packaging_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// No container engine builds the image in these tests: what the Dockerfile says is held against
// the tree, step by step.

// step is one instruction of a Dockerfile.
type step struct {
	word  string
	flags map[string]string
	args  []string
}

func dockerfile(t *testing.T) (steps []step) {
	t.Helper()
	text := regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(read(t, "container/Dockerfile"), "")
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		s := step{word: words[0], flags: map[string]string{}}
		for _, w := range words[1:] {
			if name, value, ok := strings.Cut(w, "="); ok && strings.HasPrefix(w, "--") && len(s.args) == 0 {
				s.flags[name] = value
				continue
			}
			s.args = append(s.args, w)
		}
		steps = append(steps, s)
	}
	return steps
}

// What each instruction may say (Dockerfile reference).
var instructions = map[string][]string{
	"FROM": {"--platform"}, "WORKDIR": nil, "COPY": {"--from", "--chown", "--chmod"}, "RUN": {"--mount"}, "ARG": nil,
	"USER": nil, "VOLUME": nil, "LABEL": nil, "EXPOSE": nil, "ENTRYPOINT": nil, "CMD": nil,
}

// What the base image of the build has, beyond what the steps make.
var inBase = []string{"/etc/ssl/certs/ca-certificates.crt", "/usr/share/zoneinfo"}

func TestDockerfile(t *testing.T) {
	steps := dockerfile(t)
	var stage int
	var made []string // by RUN steps of the build
	last := map[string]step{}
	for _, s := range steps {
		flags, known := instructions[s.word]
		if !known {
			t.Errorf("%s is no instruction", s.word)
		}
		for f := range s.flags {
			if !slices.Contains(flags, f) {
				t.Errorf("%s has no flag %s", s.word, f)
			}
		}
		switch s.word {
		case "FROM":
			stage++
			clear(last)
			if s.args[0] != "scratch" {
				checkImage(t, s.args[0])
			}
		case "RUN":
			if stage > 1 {
				t.Error("the last stage has no shell to RUN anything")
			}
			for i, a := range s.args {
				if a == "-o" && strings.HasPrefix(s.args[i+1], "/") || strings.HasPrefix(a, "/out/") {
					made = append(made, strings.TrimPrefix(a, "-o"), s.args[min(i+1, len(s.args)-1)])
				}
			}
		case "COPY":
			checkCopy(t, s, made)
		}
		last[s.word] = s
	}
	if stage != 2 || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(strings.Join(last["USER"].args, " ")) {
		t.Errorf("%d stages, the last one runs as %v: want two, and a numeric user that is not root", stage, last["USER"].args)
	}
	for _, w := range []string{"ENTRYPOINT", "CMD"} {
		var argv []string
		if err := json.Unmarshal([]byte(strings.Join(last[w].args, " ")), &argv); err != nil || len(argv) == 0 {
			t.Errorf("%s %v is no list: there is no shell to read it: %v", w, last[w].args, err)
		}
	}
}

// checkCopy holds one COPY against the tree, or against the stage before.
func checkCopy(t *testing.T, s step, made []string) {
	t.Helper()
	for _, source := range s.args[:len(s.args)-1] {
		if s.flags["--from"] != "" {
			if !slices.Contains(made, source) && !slices.Contains(inBase, source) {
				t.Errorf("COPY --from=%s %s: no step makes it (made: %v)", s.flags["--from"], source, made)
			}
			continue
		}
		if _, err := os.Stat(filepath.Join("..", source)); err != nil {
			t.Errorf("COPY %s: %v", source, err)
		}
	}
}

// checkImage wants an image of the default registry with a version.
func checkImage(t *testing.T, image string) {
	t.Helper()
	if strings.Contains(image, "/") || !regexp.MustCompile(`^[a-z-]+:\d+\.\d+(\.\d+)?(-[a-z]+)?$`).MatchString(image) {
		t.Errorf("image %q: want name:version, without a registry and with a number", image)
	}
}

// The build step itself, on a copy of the tree without what the build's context leaves out:
// static, with the version, and complete.
func TestImageProgram(t *testing.T) {
	tree, out := t.TempDir(), filepath.Join(t.TempDir(), "rollcall")
	ignored := ignores(t)
	copied := 0
	listed, ok := tool(t, "git", "-C", "..", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if !ok {
		t.Fatal(listed)
	}
	for name := range strings.SplitSeq(strings.TrimRight(listed, "\x00"), "\x00") {
		if ignored(name) {
			continue
		}
		b, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			continue // deleted in the working tree
		}
		to := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, 0o644); err != nil {
			t.Fatal(err)
		}
		copied++
	}
	if copied < 100 {
		t.Fatalf("only %d files are in the build's context", copied)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w "+linked(t)+"=9.8.7", "-o", out, "./cmd/rollcall")
	cmd.Dir, cmd.Env = tree, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the build step fails without what .dockerignore leaves out: %v\n%s", err, b)
	}
	if b, ok := tool(t, out, "--version"); !ok || !strings.Contains(b, "9.8.7") {
		t.Errorf("the program's version is %q", b)
	}
	if b, err := os.ReadFile(out); err != nil || bytes.Contains(b, []byte("ld-linux")) {
		t.Errorf("the program is not static: %v", err)
	}
}

// linked is the -X option of the Dockerfile.
func linked(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile(`(-X \S+)=\$VERSION`).FindStringSubmatch(read(t, "container/Dockerfile"))
	if m == nil {
		t.Fatal("the Dockerfile sets no version")
	}
	return m[1]
}

// ignores reads .dockerignore.
func ignores(t *testing.T) func(name string) bool {
	t.Helper()
	var patterns []string
	for line := range strings.SplitSeq(read(t, "container/Dockerfile.dockerignore"), "\n") {
		if line != "" && !strings.HasPrefix(line, "#") {
			patterns = append(patterns, line)
		}
	}
	return func(name string) bool {
		for p := name; p != "."; p = path.Dir(p) {
			for _, pattern := range patterns {
				tail, deep := strings.CutPrefix(pattern, "**/")
				subject := p
				if deep {
					subject = path.Base(p)
				}
				if ok, err := path.Match(tail, subject); ok && err == nil {
					return true
				}
			}
		}
		return false
	}
}

// Nothing that is shipped for containers names a registry, a latest image, or holds a secret.
func TestContainerFilesHoldNoSecret(t *testing.T) {
	secret := regexp.MustCompile(`(?i)SU[A-Z2-7]{56}|BEGIN [A-Z ]*PRIVATE KEY|password:\s*[^\s{]`)
	n := 0
	for _, dir := range []string{"container", "compose", "kubernetes"} {
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			n++
			text := read(t, p)
			if m := secret.FindString(text); m != "" {
				t.Errorf("%s holds %q", p, m)
			}
			if strings.Contains(text, ":latest") {
				t.Errorf("%s takes whatever image is the latest", p)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 9 {
		t.Errorf("looked into %d files", n)
	}
}
