package atcmd

import (
	"fmt"
	"slices"
	"strings"
)

// assigning lists the only queries that may hold an equals sign. TS 27.007, 5.4 defines
// +CGSN as an action command whose one parameter chooses which serial number is
// returned; it has no read form because there is nothing to keep.
var assigning = []string{"AT+CGSN=1", "AT+CGSN=2", "AT+CGSN=3"}

// effects are names, or beginnings of names, of commands that act, set, or read what is
// not the module's own identity: state, SIM, messages, phone book, network, calls, files.
var effects = []string{
	"+CFUN", "+COPS", "+CMG", "+CMEE", "+CPIN", "+CPWD", "+CLCK", "+CRSM", "+CSIM", "+CGLA", "+CNM", "+CPMS", "+CSMP", "+CSCA",
	"+CPB", "+CIMI", "+CCID", "+ICCID", "+CNUM", "+CREG", "+CGREG", "+CEREG", "+CGATT", "+CGACT", "+CGDCONT", "+CGDATA", "+CGPADDR",
	"+CHUP", "+CUSD", "+CCFC", "+CPOF", "+CPWROFF", "+CRESET", "+CRST", "+IPR", "+ICF", "+IFC", "+CMUX", "+CSCS", "+CCLK", "+CTZ", "+WS46",
	"+QPOWD", "+QRST", "+QFOTA", "+QCFG", "+QFILE", "+QF", "^RESET", "^SETPORT", "^GETPORTMODE", "^SYSCFG", "^U2DIAG", "^CARDMODE",
	"!RESET", "!ENTERCND", "!BOOTHOLD", "!IMAGE", "!USBCOMP", "!IMPREF", "#REBOOT", "#SHDN", "#ENHRST", "#FWSWITCH", "#OTA", "%FOTA", "#XRESET", "#XSHUTDOWN",
	"_OSIMOP", "+SYSNV", "+GTUSBMODE", "+ZRST", "$QCPWRDN", "*REBOOT",
}

// harmless says why text could be more than a question, judged by its form alone. The
// catalogue holds only what passes.
func harmless(text string) error {
	body, ok := strings.CutPrefix(text, prefixAT)
	switch {
	case !ok:
		return fmt.Errorf("%q does not begin with AT", text)
	case len(text) > 32:
		return fmt.Errorf("%q is longer than any query", text)
	case body == "" || basicForm(body) || slices.Contains(assigning, text):
		return nil
	case !extendedForm(body):
		return fmt.Errorf("%q is neither ATI, ATI0 to ATI9 nor one extended name with at most a question mark", text)
	}
	for _, name := range effects {
		if strings.HasPrefix(body, name) {
			return fmt.Errorf("%q begins as %s, which asks for more than an identity or acts", text, name)
		}
	}
	return nil
}

// basicForm accepts I and I0 to I9: the one basic command that only returns text.
func basicForm(body string) bool {
	return body[0] == 'I' && (len(body) == 1 || len(body) == 2 && digit(body[1]))
}

// extendedForm accepts one name in capitals after its prefix character, and a question mark.
func extendedForm(body string) bool {
	name := strings.TrimSuffix(body, "?")
	if len(name) < 2 || !strings.Contains("+^#!%*_$", name[:1]) || !capital(name[1]) {
		return false
	}
	for i := 2; i < len(name); i++ {
		if !capital(name[i]) && !digit(name[i]) {
			return false
		}
	}
	return true
}

func capital(b byte) bool { return b >= 'A' && b <= 'Z' }
func digit(b byte) bool   { return b >= '0' && b <= '9' }
