// Command pack compiles the folder of knowledge into pack.bin beside it. It is what
// "go generate ./fingerprint" runs; it never reads or writes anything else.
package main

import (
	"fmt"
	"os"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

func main() {
	if err := run("knowledge"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string) error {
	source, err := knowledge.Read(os.DirFS(folder))
	if err != nil {
		return err
	}
	pack, err := knowledge.Compile(nil, source)
	if err != nil {
		return err
	}
	data := pack.Encode()
	fmt.Printf("%d companies, %d names, %d families, %d rules, %d USB ids, %d PCI ids, %d TACs: %d bytes\n",
		len(pack.Makers), len(pack.Names), len(pack.Families), len(pack.Rules), len(pack.USB), len(pack.PCI), len(pack.TAC), len(data))
	return os.WriteFile(folder+"/pack.bin", data, 0o644)
}
