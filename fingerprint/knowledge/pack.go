package knowledge

// Pack is compiled knowledge: what the engine needs, and nothing else.
type Pack struct {
	// AsOf is the newest day of any entry; Digest is of the whole contents.
	AsOf, Digest string

	Makers   []Maker
	Names    []Name   // by Key
	Families []Family // by Key, then Maker
	Rules    []Rule   // of makers and others, by ID
	Others   []Other
	USB      []USB // by VID, PID; a vendor's own row has AnyPID
	PCI      []PCI
	TAC      []TAC // by Prefix

	Commands     []Command
	Labels       []Label
	CompanyWords []string
	ModelTails   []string
	Placeholders []string // as family keys
	Noise        []string
	Refusals     []string
	Aliases      []Alias // longest first
	First        []Ask

	Technologies, Forms []string
	ChipsetMakers       []ChipsetMaker
}

// None stands for "no maker" where a [Maker] is referred to by its number.
const None = 0xffff

// Role says what a company's name in a reply proves.
type Role uint8

// The roles.
const (
	RoleMaker Role = iota
	RoleBadge
	RoleChipset
)

// Strength says how much one sign proves alone.
type Strength uint8

// The strengths, weakest first.
const (
	NoStrength Strength = iota
	Hint
	Fair
	Strong
	Proof
)

// Field is what a reading carries.
type Field uint8

// The fields. FieldInfo is free text whose lines have to be told apart; FieldText is
// looked at by rules only.
const (
	FieldNone Field = iota
	FieldMaker
	FieldModel
	FieldFirmware
	FieldHardware
	FieldIMEI
	FieldSVN
	FieldMEID
	FieldESN
	FieldSerial
	FieldCapability
	FieldPart
	FieldInfo
	FieldText
)

// Subject is what a rule looks at.
type Subject uint8

// The subjects.
const (
	OnMaker Subject = iota
	OnModel
	OnFirmware
	OnHardware
	OnLine
	OnBanner
	OnUSBManufacturer
	OnUSBProduct
	// OnIMEI: the digits of an IMEI, for devices that are not cellular; makers have the table of TACs.
	OnIMEI
	Subjects // how many there are
)

// Maker is one company.
type Maker struct {
	Slug, Name, Legal, Country, Parent, ParentCountry, AsOf, Source string
	// Group joins companies of one lineage (predecessors, successors): no conflict between them.
	Group     string
	Role      Role
	Confirmed bool
	// Wide: it builds many other things with a serial port; its name in a descriptor alone proves nothing.
	Wide bool
	Ask  []Ask
}

// Ask is one question. Families are keys of models to which it is limited.
type Ask struct {
	Cmd      string
	For      Field
	Fuller   bool
	Families []string
}

// Name is one spelling of a company: lower-case words joined by single blanks.
type Name struct {
	Key   string
	Maker uint16
	Weak  bool
}

// Alias is a word in another script, as the bytes in which it comes, and the text that stands for it.
type Alias struct {
	Text, As string
}

// Family is one model name. Key is upper-case letters and digits only.
type Family struct {
	// ID is how evidence names it ("quectel/EC25").
	ID, Key, Name string
	// Owner is the file's company, Builder who built it; Is the builder's name of it.
	Owner, Builder            uint16
	Is                        string
	Technology, Chipset, Form string
	Strength                  Strength
	Unconfirmed               bool
	// FirmwareVariants: letters behind the family in a firmware name are a variant.
	FirmwareVariants bool
	Variants         []FamilyVariant // longest key first
}

// FamilyVariant is one suffix; Full is the whole model name with it.
type FamilyVariant struct {
	Key, Name, Full, Technology, Chipset string
}

// Rule is one pattern.
type Rule struct {
	ID      string
	On      Subject
	Pattern string
	// Prefix is the literal text with which every match begins, Inside one that stands in every
	// match; First are the bytes with which a match may begin, "" any. They spare most
	// patterns from running.
	Prefix, Inside, First string
	Strength              Strength
	// Before stands before the model code that a match catches.
	Before string
	// Owner is the company of the file, Maker the one that a match proves (None: none).
	Owner, Maker uint16
	// Other is the number of the kind of device that is not cellular, plus one.
	Other        uint16
	Needs, Binds bool
	Set          []Constant
}

// Constant is a field that a rule sets.
type Constant struct {
	Field, Value string
}

// Other is one kind of device that is not a cellular module.
type Other struct {
	Kind, Seems string
}

// MakerRef is one company that an id may belong to.
type MakerRef struct {
	Maker       uint16
	Unconfirmed bool
}

// IDKind says what a USB id is.
type IDKind uint8

// The kinds of USB ids.
const (
	KindModem IDKind = iota
	KindComposite
	KindBootloader
	KindStorage
	KindChipset
	KindOther
)

// USB is one row of USB ids.
type USB struct {
	VID, PID uint16
	AnyPID   bool
	Kind     IDKind
	Badge    uint16
	Makers   []MakerRef
	Model    string
}

// PCI is one row of PCI ids; Any has a bit for each of the four that is not given.
type PCI struct {
	IDs    [4]uint16
	Any    uint8
	Badge  uint16
	Makers []MakerRef
	Model  string
}

// TAC is one type allocation code, or the first digits of several.
type TAC struct {
	Prefix string
	Makers []MakerRef
	Model  string
}

// Command says what an identification command answers.
type Command struct {
	// Key is the command without AT, "?" and blanks, in upper case ("+CGMM").
	Key string
	// Source is how evidence names it ("at:AT+CGMM").
	Source   string
	Field    Field
	Rank     uint8
	Fuller   bool
	Cellular bool
	Part     string
}

// Label says what a label carries. Key is in lower case with single blanks.
type Label struct {
	Key   string
	Field Field
	Rank  uint8
	Part  string
}
