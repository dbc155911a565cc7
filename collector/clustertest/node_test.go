package clustertest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// nodeEnv tells the test binary to be a server instead: the node as JSON.
const nodeEnv = "ROLLCALL_TEST_CLUSTER_NODE"

func TestMain(m *testing.M) {
	if text := os.Getenv(nodeEnv); text != "" {
		if err := serve(text); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// node is one server of the cluster.
type node struct {
	Name, Dir     string
	Port, Cluster int
	Routes        []string

	t   *testing.T
	cmd *exec.Cmd
}

// serve runs the server until the parent is gone.
func serve(text string) error {
	var n node
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return err
	}
	o := &server.Options{ServerName: n.Name, Host: "127.0.0.1", Port: n.Port, NoLog: true, NoSigs: true, JetStream: true, StoreDir: n.Dir,
		Cluster: server.ClusterOpts{Name: "rollcall", Host: "127.0.0.1", Port: n.Cluster}}
	for _, r := range n.Routes {
		u, err := url.Parse(r)
		if err != nil {
			return err
		}
		o.Routes = append(o.Routes, u)
	}
	srv, err := server.NewServer(o)
	if err != nil {
		return err
	}
	go srv.Start()
	if !srv.ReadyForConnections(natslinktest.Patience) {
		return fmt.Errorf("server %s does not start", n.Name)
	}
	fmt.Println("ready")
	_, _ = os.Stdin.Read(make([]byte, 1)) // the parent's end closes it
	return nil
}

// startCluster runs three servers until the test ends.
func startCluster(t *testing.T) []*node {
	t.Helper()
	ports := freePorts(t, 6)
	nodes := make([]*node, 3)
	var routes []string
	for i := range nodes {
		nodes[i] = &node{Name: fmt.Sprintf("n%d", i+1), Dir: t.TempDir(), Port: ports[2*i], Cluster: ports[2*i+1], t: t}
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[2*i+1]))
	}
	for _, n := range nodes {
		n.Routes = routes
		n.start()
		t.Cleanup(n.kill)
	}
	return nodes
}

// freePorts gives ports that nobody listens on now.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // only now, so that no port comes twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// start runs the server, again where it was killed.
func (n *node) start() {
	n.t.Helper()
	text, err := json.Marshal(n)
	if err != nil {
		n.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), nodeEnv+"="+string(text))
	if _, err := cmd.StdinPipe(); err != nil { // held open until one of the two ends
		n.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.cmd = cmd
	if line, err := bufio.NewReader(out).ReadString('\n'); strings.TrimSpace(line) != "ready" {
		n.t.Fatalf("server %s says %q: %v", n.Name, line, err)
	}
}

// kill ends the server with SIGKILL.
func (n *node) kill() {
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
	n.cmd = nil
}

func (n *node) url() string { return fmt.Sprintf("nats://127.0.0.1:%d", n.Port) }
