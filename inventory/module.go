package inventory

// State says how far Rollcall came with one module.
type State string

// The states of a module or a port. A device that is cellular but could not be
// asked keeps what its descriptor tells, with the state that says why.
const (
	// StateIdentified: maker and model are proven by evidence.
	StateIdentified State = "identified"
	// StatePartial: cellular, but maker or model is open; Possible lists candidates.
	StatePartial State = "partial"
	// StateUnanswered: the port was asked and did not answer, or answered nothing usable.
	StateUnanswered State = "unanswered"
	// StateHeld: another program holds the port; it was left alone.
	StateHeld State = "held"
	// StateDenied: the operating system or a rule refused access to the port.
	StateDenied State = "denied"
	// StateNotCellular: something answered that is no cellular module; Seems says what.
	StateNotCellular State = "not-cellular"
	// StateUnknown: nothing known here fits; an answer of its own, never a guess.
	StateUnknown State = "unknown"
)

// Module is what is known about one physical cellular module.
type Module struct {
	// ID is stable for one place in one gateway: the bus path where there is one
	// ("usb:1-1.2", "pci:0000:01:00.0"), else the port ("tty:/dev/ttyS1").
	ID    string `json:"id"`
	State State  `json:"state"`
	// Identity is empty for StateNotCellular and StateUnknown.
	Identity Identity `json:"identity"`
	Origin   Origin   `json:"origin"`
	// Confidence in the maker and model, 0 to 1. 0 where neither is known.
	Confidence float64 `json:"confidence"`
	// Evidence lists which line or id supports which claim, strongest first.
	Evidence []Evidence `json:"evidence"`
	// Conflicts lists evidence that cannot all be true. It is never resolved in silence.
	Conflicts []Conflict `json:"conflicts"`
	// Possible lists the maker slugs that remain when the maker is open.
	Possible []string `json:"possible,omitempty"`
	// Parts lists further revisions and identifiers as named parts ("package", "bootloader", "imeisv").
	Parts []Part `json:"parts,omitempty"`
	// Seems says in a few words what a device that is not a cellular module seems to be.
	Seems      string     `json:"seems,omitempty"`
	Ports      []Port     `json:"ports"`
	Device     *Device    `json:"device,omitempty"`
	Transcript []Exchange `json:"transcript"`
	// Banner holds lines that came unasked, in order of arrival.
	Banner []string `json:"banner,omitempty"`
	// Managed is what a program that manages the module told of it, where there is one.
	Managed *Managed `json:"managed,omitempty"`
	// Reason says in one sentence why the module is in a state short of identified, and what to do.
	Reason string `json:"reason,omitempty"`
	// Data is the version of the knowledge that the verdict came from.
	Data string `json:"data,omitempty"`
}

// Identity says who made the module and which one it is. Empty means not known.
type Identity struct {
	// Maker is the slug of the company that built the module, whatever badge it wears.
	Maker     string `json:"maker"`
	MakerName string `json:"maker_name"`
	// Badge is the slug of the brand it reports, where that is not the maker.
	Badge string `json:"badge"`
	Model string `json:"model"`
	// Variant is the region or hardware suffix of the model ("E" of EC25-E).
	Variant string `json:"variant"`
	// Firmware is the complete revision, without labels.
	Firmware string `json:"firmware"`
	Hardware string `json:"hardware"`
	// IMEI holds 15 digits with a valid check digit, or nothing. What was seen and is
	// not valid stands in Parts and Conflicts.
	IMEI       string `json:"imei"`
	Chipset    string `json:"chipset"`
	Technology string `json:"technology"`
}

// Origin gives ISO 3166-1 alpha-2 codes: the seat of the maker and of its ultimate
// parent. Empty means not known. It says nothing about the place of production.
type Origin struct {
	Country       string `json:"country"`
	ParentCountry string `json:"parent_country"`
	// Unconfirmed says that the seats rest on no source that somebody read: they are what is
	// generally held, and raise no finding by themselves.
	Unconfirmed bool `json:"unconfirmed,omitempty"`
}

// Evidence is one fact for one claim.
type Evidence struct {
	// Claim is the field of the identity that it supports ("maker", "model", "firmware", "imei", …).
	Claim string `json:"claim"`
	Value string `json:"value"`
	// Source names where it was seen: "at:AT+CGMR", "usb:id", "usb:product", "pci:id", "mm:Model", "banner", "tac".
	Source string `json:"source"`
	// Quote is the exact text seen there.
	Quote string `json:"quote"`
	// Rule is the id of the piece of knowledge that was used ("quectel/ec25-firmware").
	Rule string `json:"rule"`
}

// Conflict names a claim for which evidence of different sources disagrees.
type Conflict struct {
	Claim  string   `json:"claim"`
	Values []string `json:"values"`
	// Why is one plain sentence.
	Why string `json:"why"`
}

// Part is a named revision or identifier beside those of the identity.
type Part struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Role says what a port is for, as far as its descriptor tells before it is opened.
type Role string

// The roles of ports.
const (
	RoleAT       Role = "at"
	RoleATSecond Role = "at-secondary"
	RolePPP      Role = "ppp"
	RoleGNSS     Role = "gnss"
	RoleDiag     Role = "diag"
	RoleQMI      Role = "qmi"
	RoleMBIM     Role = "mbim"
	RoleADB      Role = "adb"
	RoleFirmware Role = "firmware"
	RoleNet      Role = "net"
	RoleIgnore   Role = "ignore"
	RoleUnknown  Role = "unknown"
)

// Port is one node of the kernel that belongs to the module.
type Port struct {
	Path string `json:"path"`
	Role Role   `json:"role"`
	// State is empty for a port that was not to be asked.
	State State `json:"state"`
	// Holder names the program that holds the port ("ModemManager (pid 812)").
	Holder string `json:"holder"`
	// Baud is the speed at which it answered, where several were tried.
	Baud int `json:"baud,omitempty"`
	// Reason says why the port was asked or left alone.
	Reason string `json:"reason,omitempty"`
}

// Device is what the kernel says of the device, from sysfs, before anything is opened.
type Device struct {
	// Bus is "usb", "pci" or "platform".
	Bus string `json:"bus"`
	// VID and PID are four lower-case hex digits: USB ids, or PCI vendor and device.
	VID string `json:"vid"`
	PID string `json:"pid"`
	// SubVID and SubPID are the PCI subsystem ids.
	SubVID string `json:"subvid,omitempty"`
	SubPID string `json:"subpid,omitempty"`
	// Revision is bcdDevice of USB, or the PCI revision.
	Revision string `json:"revision,omitempty"`
	// Path is the place on the bus ("1-1.2", "0000:01:00.0"), stable across replug.
	Path         string `json:"path"`
	Driver       string `json:"driver"`
	Manufacturer string `json:"manufacturer"`
	Product      string `json:"product"`
}

// Exchange is one command and everything that came back for it.
type Exchange struct {
	Cmd string `json:"cmd"`
	// Lines are the information lines as sent, without echo and final result code.
	// Bytes that are not valid UTF-8 are replaced; Raw then holds what came.
	Lines []string `json:"lines"`
	// Final is the final result code as sent ("OK", "+CME ERROR: 10"), or "" where none came.
	Final string `json:"final"`
	// Millis is the time from the command to its final result code, in milliseconds.
	Millis int64 `json:"ms"`
	// Note says what was odd: "timeout", "too-long", "lost", "doubtful". Empty is well.
	Note string `json:"note,omitempty"`
	// Raw holds the exact bytes received, present only where Lines and Final cannot
	// carry them exactly.
	Raw []byte `json:"raw,omitempty"`
}

// Managed is what a program that manages a module, such as ModemManager, knows of it. The
// texts are the module's own, as that program got them over its own ports.
type Managed struct {
	// By names the program ("ModemManager").
	By           string `json:"by"`
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Revision     string `json:"revision"`
	Hardware     string `json:"hardware"`
	EquipmentID  string `json:"equipment_id"`
	// Plugin is the part of the program that serves this make of modules.
	Plugin string `json:"plugin"`
	// Ports are those that it uses, each with what for ("ttyUSB2 (at)").
	Ports []string `json:"ports"`
}
