package natslinktest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// childEnv tells a test binary to be a NATS server instead: "<port> <store directory>".
const childEnv = "ROLLCALL_TEST_NATS_SERVER"

// ServeIfChild must be the first call of TestMain where [StartProcess] is used: in the
// child it runs the server and never returns.
func ServeIfChild() {
	port, dir, ok := strings.Cut(os.Getenv(childEnv), " ")
	if !ok {
		return
	}
	n, err := strconv.Atoi(port)
	if err == nil {
		_, _, err = run(Settings{StoreDir: dir}, n)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	_, _ = os.Stdin.Read(make([]byte, 1)) // the parent's end closes it
	os.Exit(0)
}

// Process is a NATS server in a child process.
type Process struct {
	t    testing.TB
	dir  string
	port int
	cmd  *exec.Cmd
}

// StartProcess runs a server as a child until the test ends.
func StartProcess(t testing.TB) *Process {
	t.Helper()
	free := Start(t, Settings{NoJetStream: true})
	p := &Process{t: t, dir: t.TempDir(), port: free.port}
	free.Stop()
	p.Start()
	t.Cleanup(p.Kill)
	return p
}

// URL is where anybody connects.
func (p *Process) URL() string { return fmt.Sprintf("nats://127.0.0.1:%d", p.port) }

// Addr is host and port.
func (p *Process) Addr() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }

// Dir is where its store is. It may be changed while the process is not there.
func (p *Process) Dir() string { return p.dir }

// Signal sends it a signal, such as SIGSTOP.
func (p *Process) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// Start runs it on the same port and store.
func (p *Process) Start() {
	p.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", childEnv, p.port, p.dir))
	in, err := cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	_ = in // held open until the process is killed, or this one ends
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.cmd = cmd
	line, err := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(line) != "ready" {
		p.Kill()
		p.t.Fatalf("the NATS server process said %q: %v", line, err)
	}
}

// Kill ends it with SIGKILL.
func (p *Process) Kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}
