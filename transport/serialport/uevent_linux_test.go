package serialport

import "testing"

func TestConcernsPorts(t *testing.T) {
	tests := map[string]bool{
		"add@/devices/pci0000:00/usb1/1-1/1-1:1.2/ttyUSB2/tty/ttyUSB2\x00ACTION=add\x00SUBSYSTEM=tty\x00MAJOR=188\x00": true,
		"add@/devices/x/wwan/wwan0\x00ACTION=add\x00SUBSYSTEM=wwan\x00DEVTYPE=wwan_port":                               true,
		"remove@/devices/x\x00SUBSYSTEM=usb":                                          true,
		"change@/devices/virtual/block/loop0\x00ACTION=change\x00SUBSYSTEM=block\x00": false,
		"add@/devices/SUBSYSTEM=tty\x00SUBSYSTEM=input":                               false,
		"":                            false,
		"\x00\x00SUBSYSTEM":           false,
		"libudev\x00\xfe\xed\xca\xfe": false,
	}
	for event, want := range tests {
		if got := concernsPorts([]byte(event)); got != want {
			t.Errorf("%q: %v", event, got)
		}
	}
}
