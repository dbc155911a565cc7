package main

import "testing"

func TestChanges(t *testing.T) {
	for cmd, want := range map[string]bool{
		"AT": false, "ATI": false, "at+cgmi": false, "AT+CREG?": false, "AT+CPMS=?": false, "AT+CGMI;+CGMM": false, "AT+CRSM=176,28589,0,0,4": false,
		"ATZ": true, "ATE0": true, "ATE0V1": true, "AT&F": true, "AT+CMEE=1": true, "AT+CFUN=1": true, "0x1b": true, "+++": true,
		"AT+CGMI;+CMEE=1": true, "ATX4": true, "AT&C1": true, "ATH": true,
	} {
		if got := changes(cmd); got != want {
			t.Errorf("changes(%q) = %v", cmd, got)
		}
	}
}
