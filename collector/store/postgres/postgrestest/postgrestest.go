package postgrestest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of the health check
)

// Server is a running server.
type Server struct {
	dir string
	cmd *exec.Cmd
	out *bytes.Buffer
	n   int
}

// Start runs a server until the test ends. It does not wait for the disk.
func Start(t testing.TB) *Server {
	t.Helper()
	return run(t, "off")
}

// StartDurable runs one that has a transaction on disk before it says so, for benchmarks.
func StartDurable(t testing.TB) *Server {
	t.Helper()
	return run(t, "on")
}

func run(t testing.TB, fsync string) *Server {
	t.Helper()
	s, err := start(fsync)
	if err != nil {
		t.Fatalf("cannot start PostgreSQL (apt-get install postgresql): %v", err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func start(fsync string) (*Server, error) {
	dir, err := os.MkdirTemp("", "rollcall-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, out: &bytes.Buffer{}}
	owner, err := owner(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(program("initdb"), "-D", data, "-U", "rollcall", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = owner, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	s.cmd = exec.Command(program("postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=60", "-c", "fsync="+fsync, "-c", "shared_buffers=128MB")
	s.cmd.SysProcAttr, s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = owner, dir, s.out, s.out
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	return s, s.wait()
}

// owner gives the server a user that is not root.
func owner(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, os.Chown(dir, int(uid), int(gid))
}

// program finds a program of PostgreSQL, which Debian keeps out of the path.
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) > 0 {
		return found[len(found)-1]
	}
	return name
}

func (s *Server) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		db, err := sql.Open("pgx", s.url("postgres"))
		if err == nil {
			err = db.PingContext(ctx)
			_ = db.Close()
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			_ = s.stop()
			return fmt.Errorf("%w: %s", err, s.out)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGQUIT) // at once: nothing is to be kept
	_ = s.cmd.Wait()
	return os.RemoveAll(s.dir)
}

// CPU is what the server's processes have used of the processors, Linux says.
func (s *Server) CPU(t testing.TB) time.Duration {
	t.Helper()
	const tick = time.Second / 100 // USER_HZ, the same on all architectures that Go knows
	own := strconv.Itoa(s.cmd.Process.Pid)
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var ticks int
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile; its parent has counted it
		}
		// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; the second field may hold spaces
		f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		const ppid, utime, stime, cutime, cstime = 1, 11, 12, 13, 14
		sum := []int{utime, stime}
		switch {
		case path == "/proc/"+own+"/stat":
			sum = append(sum, cutime, cstime)
		case f[ppid] != own:
			continue
		}
		for _, i := range sum {
			n, _ := strconv.Atoi(f[i])
			ticks += n
		}
	}
	return time.Duration(ticks) * tick
}

func (s *Server) url(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("rollcall"), Path: "/" + database, RawQuery: url.Values{"host": {s.dir}}.Encode()}
	return u.String()
}

// Database makes an empty database and gives its address.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s.n++
	name := fmt.Sprintf("test%d", s.n)
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return s.url(name)
}
