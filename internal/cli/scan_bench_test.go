package cli_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate"
)

// BenchmarkScanProcess runs the program as a person does, on a simulated module that takes 15 ms
// for each answer, and compares all of it, from its start to its end, with the module's own time.
func BenchmarkScanProcess(b *testing.B) {
	program := filepath.Join(b.TempDir(), "rollcall")
	build := exec.Command("go", "build", "-o", program, "../../cmd/rollcall")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	cases, err := simulate.Many(1)
	if err != nil {
		b.Fatal(err)
	}
	modules, err := simulate.Start(b.Context(), cases, b.TempDir(), simulate.Settings{Delay: 15 * time.Millisecond})
	if err != nil {
		b.Fatal(err)
	}
	defer modules.Close()
	least, answers := time.Hour, 0
	for b.Loop() {
		begin := time.Now()
		out, err := exec.Command(program, "scan", "-o", "json", "--port", modules.Paths()[0]).Output()
		least = min(least, time.Since(begin))
		var r inventory.Report
		if err != nil || json.Unmarshal(out, &r) != nil || len(r.Modules) != 1 || r.Modules[0].State != inventory.StateIdentified {
			b.Fatalf("%v: %s", err, out)
		}
		answers = len(r.Modules[0].Transcript)
	}
	b.ReportMetric(float64(answers), "answers")
	b.ReportMetric(float64(least)/float64(time.Duration(answers)*15*time.Millisecond), "least-x-answers")
}
