package serialport_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// childEnv makes the test binary do the work of a child process in place of the tests.
const childEnv = "SERIALPORT_TEST_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		if err := childJobs[job](os.Args[1:]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var childJobs = map[string]func(args []string) error{
	"hold":     holdJob,
	"open":     openJob,
	"drop":     dropJob,
	"look":     lookJob,
	"simulate": simulateJob,
}

// child is a running child process: it says something on its output, and ends with its input.
type child struct {
	cmd *exec.Cmd
	in  io.Closer
	out *bufio.Reader
}

// startChild runs a job of the test binary, by way of a wrapper such as strace if one is given.
func startChild(t *testing.T, job string, args []string, wrapper ...string) *child {
	t.Helper()
	argv := append(append(wrapper, "/proc/self/exe"), args...)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv[len(wrapper)] = exe
	c := &child{cmd: exec.Command(argv[0], argv[1:]...)}
	c.cmd.Env = append(os.Environ(), childEnv+"="+job)
	c.cmd.Stderr = os.Stderr
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.in, c.out = in, bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = c.cmd.Wait()
	})
	return c
}

// line reads one line that the child says.
func (c *child) line(t *testing.T) string {
	t.Helper()
	var s string
	within(t, "waiting for a child", func() { s, _ = c.out.ReadString('\n') })
	return strings.TrimSuffix(s, "\n")
}

// end lets the child end and gives all that it still says.
func (c *child) end(t *testing.T) string {
	t.Helper()
	c.in.Close()
	var b []byte
	within(t, "the end of a child", func() { b, _ = io.ReadAll(c.out) })
	return string(b)
}

func waitForEnd() { _, _ = io.Copy(io.Discard, os.Stdin) }

// holdJob keeps a terminal open.
func holdJob(args []string) error {
	f, err := os.OpenFile(args[0], os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Println("holding")
	waitForEnd()
	return nil
}

// simulateJob is a program with both sides of a pseudo terminal open, as a simulator is.
func simulateJob([]string) error {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer master.Close()
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		return err
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return err
	}
	path := fmt.Sprintf("/dev/pts/%d", n)
	slave, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer slave.Close()
	fmt.Println(path)
	waitForEnd()
	return nil
}

// openJob opens a named port as an ordinary user, for whom exclusive access holds.
func openJob(args []string) error {
	if os.Geteuid() == 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(65534), syscall.Setuid(65534)); err != nil {
			return err
		}
	}
	return sayOpen(args[0])
}

// dropJob opens a named port after DropSysAdmin. The test binary is built with cgo.
func dropJob(args []string) error {
	if err := serialport.RestartWithoutSysAdmin(); err != nil {
		return err
	}
	had, err := serialport.DropSysAdmin()
	fmt.Println("had", had, "error", err)
	fd, err := unix.Open(args[0], unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	fmt.Println("open", fd >= 0, err == unix.EBUSY)
	return nil
}

func ctx() context.Context { return context.Background() }

func sayOpen(path string) error {
	d, err := new(serialport.Finder).Named(ctx(), path)
	if err != nil {
		return err
	}
	c, err := serialport.Open(ctx(), d.Ports[0], serialport.Settings{LockDir: "/nonexistent"})
	if err != nil {
		fmt.Printf("%T %v\n", err, err)
		return nil
	}
	fmt.Println("opened")
	return c.Close()
}

// lookJob finds all ports of trees and names some, and opens one if told to.
func lookJob(args []string) error {
	for _, root := range args[1:] {
		f := &serialport.Finder{Root: root}
		devices, err := f.Find(ctx())
		if err != nil {
			return err
		}
		nodes, _ := filepath.Glob(root + "/dev/tty*")
		for _, n := range nodes {
			_, _ = f.Named(ctx(), strings.TrimPrefix(n, root))
		}
		if args[0] == "list" {
			continue
		}
		for _, d := range devices {
			for _, p := range d.Ports {
				if _, err := serialport.Open(ctx(), p, serialport.Settings{}); args[0] == "open-skipped" && err == nil {
					return fmt.Errorf("opened %s", p.Path)
				}
			}
		}
	}
	return nil
}
