package serialport

import "github.com/rollcall-iot/rollcall/inventory"

// Rules widen or narrow what the embedded tables allow. The zero value changes nothing.
// Deny beats Allow, and both beat the tables. No rule opens a console or a device in
// firmware download mode.
type Rules struct {
	Allow []Match
	Deny  []Match
}

// Match selects ports. All fields that are set must fit; a Match with none fits nothing.
type Match struct {
	// Path is a node ("/dev/ttyS1", symlinks followed) or the id of a device ("usb:1-1.2").
	Path string
	// ID is "vid:pid" of USB or PCI, lower-case hex; "vid:*" fits every product.
	ID string
	// Driver is the name of a kernel driver ("cp210x").
	Driver string
	// Interface is a USB interface number, two hex digits.
	Interface string
	// Role is what an allowed port is taken for. "" means RoleAT.
	Role inventory.Role
	// Reason is shown with the verdict. "" names the rule.
	Reason string
}
