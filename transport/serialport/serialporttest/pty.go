package serialporttest

import (
	"os"
	"testing"

	"github.com/creack/pty"
)

// Pair is a pseudo terminal. Its slave side stands for a port, its master for the device behind it.
type Pair struct {
	Master *os.File
	// Slave is the path of the slave side.
	Slave string
	// Keep is the slave side, held open so that the master does not see the port as closed
	// between two visits. Close it to make a test of the last close.
	Keep *os.File
}

// Pty makes a pseudo terminal that goes away with the test.
func Pty(tb testing.TB) *Pair {
	tb.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		master.Close()
		slave.Close()
	})
	return &Pair{Master: master, Slave: slave.Name(), Keep: slave}
}
