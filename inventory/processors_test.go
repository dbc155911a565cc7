package inventory_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestF11: on a processor of 32 bits, where a 64-bit counter that is not aligned faults, the tests of what is stored
// pass; where the machine runs no such program, one is only built. And nothing that runs on a gateway takes the bytes of
// its memory for those of a file or a wire, which is what a big-endian processor does not forgive.
func TestF11(t *testing.T) {
	run := func(arch string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: go %v: %v\n%s", arch, args, err, out)
		}
	}
	if narrow := map[string]string{"amd64": "386", "arm64": "arm"}[runtime.GOARCH]; narrow != "" {
		run(narrow, "test", "-vet=off", "-count=1", "-run", "^(TestC0[359]|TestC1[01])", "./transport/natslink/spool")
	} else {
		t.Log("this machine runs no program of 32 bits: one is only built")
		run("arm", "build", "./transport/natslink/spool")
	}
	files := 0
	for _, dir := range []string{"agent", "atcmd", "fingerprint", "inventory", "survey", "transport/natslink"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			b, err := os.ReadFile(path)
			files++
			for _, native := range []string{`"unsafe"`, "binary.NativeEndian"} {
				if strings.Contains(string(b), native) {
					t.Errorf("%s uses %s", path, native)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 50 {
		t.Errorf("looked at only %d files", files)
	}
}
