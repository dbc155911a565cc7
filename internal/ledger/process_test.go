package ledger

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// programs builds the real ones, as they are shipped, and gives their directory.
func programs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", dir+string(filepath.Separator), "./cmd/rollcall", "./cmd/rollcall-agent")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// process is a program that is killed, stopped and started again.
type process struct {
	t    *testing.T
	args []string
	// said gets each line that it prints, one after the other.
	said func(line string)

	mu   sync.Mutex // held by whoever does something to it
	cmd  *exec.Cmd
	done chan struct{}
	last []string // what it said last, for people
}

// start runs it. The lock is held.
func (p *process) start() {
	p.t.Helper()
	cmd := exec.Command(p.args[0], p.args[1:]...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ROLLCALL_") })
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r, w, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	_ = w.Close()
	p.cmd, p.done, p.last = cmd, make(chan struct{}), nil
	go p.listen(r, p.done)
}

func (p *process) listen(r io.ReadCloser, done chan struct{}) {
	defer close(done)
	defer r.Close()
	for s := bufio.NewScanner(r); s.Scan(); {
		p.said(s.Text())
		if p.last = append(p.last, s.Text()); len(p.last) > 30 {
			p.last = p.last[1:]
		}
	}
}

// end sends a signal and waits for the end, and for its last line. The lock is held.
func (p *process) end(sig os.Signal) error {
	if p.cmd == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(sig)
	<-p.done
	err := p.cmd.Wait()
	p.cmd = nil
	return err
}

// restart kills it and starts it anew.
func (p *process) restart(pause func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.end(syscall.SIGKILL)
	pause()
	p.start()
}

// hold stops it for a while, as a machine does that is busy elsewhere.
func (p *process) hold(pause func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	pause()
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
}
