package atcmd_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
)

// One visit to a module: wake it, ask it, keep the transcript.
func Example() {
	module := atcmdtest.Modem(atcmdtest.Answers(map[string]string{
		"AT+CGMM": "Model-7",
		"AT+CGMR": "MODEL7R01",
	}))
	defer module.Close()

	ctx := context.Background()
	s := atcmd.New(module.Port(), atcmd.Settings{Name: "/dev/ttyUSB2"})
	defer s.Close()
	if err := s.Wake(ctx); err != nil {
		fmt.Println(err)
		return
	}
	for _, text := range []string{"AT+CGMM", "AT+CGMR", "AT+GSV"} {
		query, err := atcmd.Parse(text)
		if err != nil {
			fmt.Println(err)
			return
		}
		answer, err := s.Ask(ctx, query)
		fmt.Println(answer.Cmd, answer.Lines, answer.Final, err)
	}
	// Output:
	// AT+CGMM [Model-7] OK <nil>
	// AT+CGMR [MODEL7R01] OK <nil>
	// AT+GSV [] ERROR <nil>
}

// Only what is catalogued can be asked.
func ExampleParse() {
	_, err := atcmd.Parse("AT+CFUN=1,1")
	fmt.Println(err)
	fmt.Println(errors.Is(err, atcmd.ErrNotCatalogued))
	// Output:
	// cannot ask "AT+CFUN=1,1": not in the catalogue of identification queries
	// true
}
