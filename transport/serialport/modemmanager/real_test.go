package modemmanager_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/modemmanager"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

// module plays one module: it answers identification, and notes on which line it heard what.
type module struct {
	mu    sync.Mutex
	heard map[string][]string
}

// ourQuery is a command that ModemManager does not send.
const ourQuery = "AT+QGMR"

var answers = map[string]string{
	"AT+CGMI": "Quectel", "AT+GMI": "Quectel", "AT+CGMM": "EC25", "AT+GMM": "EC25",
	"AT+CGMR": "EC25EFAR06A08M4G", "AT+GMR": "EC25EFAR06A08M4G", "AT+CGSN": "867012040000009", "AT+GSN": "867012040000009",
	"ATI": "Quectel\r\nEC25\r\nRevision: EC25EFAR06A08M4G", "AT+GCAP": "+GCAP: +CGSM", "AT+CPIN?": "+CPIN: READY", "AT+CFUN?": "+CFUN: 1",
	ourQuery: "EC25EFAR06A08M4G_01.001", "AT": "", "ATE0": "", "ATV1": "", "ATX4": "", "AT&C1": "", "AT+CMEE=1": "", "AT+CFUN=1": "", "ATZ": "",
}

// serve answers on one line until it ends.
func (m *module) serve(line string, rw interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
}) {
	r := bufio.NewReader(rw)
	for {
		cmd, err := r.ReadString('\r')
		if err != nil {
			return
		}
		cmd = strings.TrimSpace(cmd)
		m.mu.Lock()
		m.heard[line] = append(m.heard[line], cmd)
		m.mu.Unlock()
		text, ok := answers[strings.ToUpper(cmd)]
		switch {
		case !ok:
			fmt.Fprint(rw, "\r\nERROR\r\n")
		case text == "":
			fmt.Fprint(rw, "\r\nOK\r\n")
		default:
			fmt.Fprintf(rw, "\r\n%s\r\n\r\nOK\r\n", text)
		}
	}
}

func (m *module) on(line string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.heard[line])
}

// TestBesideARealModemManager runs the daemon on a bus of its own. A module has two lines: one that
// ModemManager holds, and one that is asked here meanwhile. Neither hears what is for the other.
func TestBesideARealModemManager(t *testing.T) {
	address, m := bus(t), &module{heard: map[string][]string{}}
	name := fmt.Sprintf("rollcall-%d", os.Getpid())
	m.listen(t, name)
	startManager(t, address, "abstract:"+name)

	pair := serialporttest.Pty(t)
	go m.serve("ours", pair.Master)
	conn := connect(t, address)
	var found []modemmanager.Modem
	var err error
	deadline := time.Now().Add(90 * time.Second)
	for len(found) == 0 || found[0].Model == "" {
		if found, err = modemmanager.Modems(soon(t), conn); err != nil || time.Now().After(deadline) {
			t.Fatalf("ModemManager shows %+v (%v); it said %q", found, err, m.on("theirs"))
		}
		ask(t, pair.Slave, ourQuery, "EC25")
		time.Sleep(200 * time.Millisecond)
	}
	got := found[0]
	if got.Manufacturer != "Quectel" || got.Model != "EC25" || got.EquipmentIdentifier != "867012040000009" ||
		!strings.Contains(got.Revision, "EC25EFAR06A08M4G") || len(got.Ports) != 1 || got.Ports[0].Type != "at" {
		t.Errorf("ModemManager shows %+v", got)
	}
	if ours := slices.Compact(m.on("ours")); !slices.Equal(ours, []string{ourQuery}) {
		t.Errorf("our line heard %q", ours)
	}
	if theirs := m.on("theirs"); slices.Contains(theirs, ourQuery) || len(theirs) == 0 {
		t.Errorf("their line heard %q", theirs)
	}
}

// startManager starts ModemManager on a bus and tells it of one port.
func startManager(t *testing.T, address, port string) {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.Command("ModemManager", "--test-session", "--test-enable", "--test-no-udev", "--test-no-suspend-resume",
		"--test-no-qrtr", "--no-auto-scan", "--debug")
	cmd.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS="+address)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatalf("cannot start ModemManager (Debian package modemmanager): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("ModemManager said:\n%s", log.Bytes())
		}
	})
	conn := connect(t, address)
	object := conn.Object("org.freedesktop.ModemManager1", "/org/freedesktop/ModemManager1")
	deadline := time.Now().Add(time.Minute)
	for {
		err := object.Call("org.freedesktop.ModemManager1.Test.SetProfile", 0, "rollcall", "generic", []string{port}).Err
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// ask sends one command to a named port and wants an answer.
func ask(t *testing.T, path, command, want string) {
	t.Helper()
	d, err := new(serialport.Finder).Named(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := serialport.Open(soon(t), d.Candidates()[0], serialport.Settings{LockDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(command + "\r")); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	var got string
	for buf := make([]byte, 64); !strings.Contains(got, "OK"); {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got += string(buf[:n])
	}
	if !strings.Contains(got, want) {
		t.Errorf("%s gave %q", command, got)
	}
}

// listen serves ModemManager's own line, on an abstract socket: it takes "abstract:" as a part of the name.
func (m *module) listen(t *testing.T, name string) {
	t.Helper()
	l, err := net.Listen("unix", "@abstract:"+name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go m.serve("theirs", c)
		}
	}()
}
