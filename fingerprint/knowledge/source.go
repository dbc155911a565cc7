package knowledge

// Source is the knowledge as people write it.
type Source struct {
	Makers     []MakerFile
	Others     []OtherFile
	USB        []USBRow
	PCI        []PCIRow
	TAC        []TACRow
	Replies    RepliesFile
	Plan       PlanFile
	Vocabulary VocabularyFile
}

// MakerFile is one makers/<slug>.yaml.
type MakerFile struct {
	Slug          string   `yaml:"slug"`
	Also          []string `yaml:"also"`
	Name          string   `yaml:"name"`
	Legal         string   `yaml:"legal"`
	Role          string   `yaml:"role"`
	Group         string   `yaml:"group"`
	Country       string   `yaml:"country"`
	Parent        string   `yaml:"parent"`
	ParentCountry string   `yaml:"parent_country"`
	AsOf          string   `yaml:"as_of"`
	Confirmed     bool     `yaml:"confirmed"`
	// Read says where the facts above were read; Confirmed rests on it.
	Read []Reading `yaml:"read"`
	// Wide: it builds many other things with a serial port.
	Wide      bool     `yaml:"wide"`
	Source    string   `yaml:"source"`
	Note      string   `yaml:"note"`
	History   []Event  `yaml:"history"`
	Names     []string `yaml:"names"`
	WeakNames []string `yaml:"weak_names"`
	// Aliases are its names in another script, which stand for the first of Names.
	Aliases []AliasRow `yaml:"aliases"`
	// Strength and Join are the defaults of its families.
	Strength string       `yaml:"strength"`
	Join     *string      `yaml:"join"`
	Families []FamilyRow  `yaml:"families"`
	Rules    []RuleRow    `yaml:"rules"`
	Ask      []AskRow     `yaml:"ask"`
	USB      []OverlayUSB `yaml:"usb"`
	PCI      []OverlayPCI `yaml:"pci"`
	TAC      []OverlayTAC `yaml:"tac"`

	Where Where `yaml:"-"`
}

// Where says in which file and line an entry stands.
type Where struct {
	File string
	Line int
	keys map[string]int // the lines of its keys
}

// At is the place of one of its keys, or that of the entry where it has none.
func (w Where) At(key string) Where {
	if line, ok := w.keys[key]; ok {
		w.Line = line
	}
	return w
}

// AliasRow is a word in another script: in UTF-8, and as the bytes of GBK in hexadecimal digits.
type AliasRow struct {
	Text   string `yaml:"text"`
	GBK    string `yaml:"gbk"`
	As     string `yaml:"as"`
	Source string `yaml:"source"`
	Where  Where  `yaml:"-"`
}

// Event is one change of a company.
type Event struct {
	Date   string `yaml:"date"`
	What   string `yaml:"what"`
	Source string `yaml:"source"`
}

// Reading is what one source says of a company, in our words. Date is that of the source,
// or where it has none, of reading.
type Reading struct {
	Date   string `yaml:"date"`
	Says   string `yaml:"says"`
	Source string `yaml:"source"`
}

// FamilyRow is one model, or several that share everything else.
type FamilyRow struct {
	Name             string     `yaml:"name"`
	Names            []string   `yaml:"names"`
	Technology       string     `yaml:"technology"`
	Chipset          string     `yaml:"chipset"`
	Form             string     `yaml:"form"`
	Strength         string     `yaml:"strength"`
	Source           string     `yaml:"source"`
	Maker            string     `yaml:"maker"`
	Is               string     `yaml:"is"`
	Join             *string    `yaml:"join"`
	Unconfirmed      bool       `yaml:"unconfirmed"`
	FirmwareVariants *bool      `yaml:"firmware_variants"`
	Note             string     `yaml:"note"`
	Examples         []string   `yaml:"examples"`
	Where            Where      `yaml:"-"`
	Variants         VariantSet `yaml:"variants"`
}

// VariantSet is a list of variant names, or a map of them to what differs.
type VariantSet []Variant

// Variant is one region or hardware suffix.
type Variant struct {
	Name       string
	Technology string
	Chipset    string
}

// RuleRow is one pattern.
type RuleRow struct {
	ID       string            `yaml:"id"`
	On       string            `yaml:"on"`
	Pattern  string            `yaml:"pattern"`
	Strength string            `yaml:"strength"`
	Needs    string            `yaml:"needs"`
	Set      map[string]string `yaml:"set"`
	// Before stands before what the group "code" catches.
	Before string `yaml:"before"`
	// Binds: a firmware of this name belongs to the model that its code names; another model
	// beside it is a contradiction.
	Binds    bool      `yaml:"binds"`
	Source   string    `yaml:"source"`
	Note     string    `yaml:"note"`
	Examples []Example `yaml:"examples"`
	Where    Where     `yaml:"-"`
}

// Example is one real text and the fields that must come out of it.
type Example struct {
	Text   string
	Fields map[string]string
	Where  Where
}

// AskRow is one question of the second round.
type AskRow struct {
	Cmd      string   `yaml:"cmd"`
	For      string   `yaml:"for"`
	Fuller   bool     `yaml:"fuller"`
	Families []string `yaml:"families"`
	Where    Where    `yaml:"-"`
}

// OtherFile is one others/<kind>.yaml: a device that is no cellular module.
type OtherFile struct {
	Kind   string    `yaml:"kind"`
	Seems  string    `yaml:"seems"`
	Source string    `yaml:"source"`
	Note   string    `yaml:"note"`
	Rules  []RuleRow `yaml:"rules"`
	Where  Where     `yaml:"-"`
}

// USBRow is one line of ids/usb.tsv.
type USBRow struct {
	VID, PID, Makers, Badge, Model, Kind, Source, AsOf, Note string
	Where                                                    Where
}

// PCIRow is one line of ids/pci.tsv.
type PCIRow struct {
	Vendor, Device, SubVendor, SubDevice, Makers, Badge, Model, Source, AsOf, Note string
	Where                                                                          Where
}

// TACRow is one line of ids/tac.tsv.
type TACRow struct {
	TAC, Makers, Model, Source, AsOf, Note string
	Where                                  Where
}

// OverlayUSB, OverlayPCI and OverlayTAC are ids inside a maker file: a user's overlay has
// no tables beside it. The maker is that of the file unless named.
type (
	OverlayUSB struct {
		VID    string `yaml:"vid"`
		PID    string `yaml:"pid"`
		Makers string `yaml:"makers"`
		Badge  string `yaml:"badge"`
		Model  string `yaml:"model"`
		Kind   string `yaml:"kind"`
		Source string `yaml:"source"`
		Note   string `yaml:"note"`
		Where  Where  `yaml:"-"`
	}
	OverlayPCI struct {
		Vendor    string `yaml:"vendor"`
		Device    string `yaml:"device"`
		SubVendor string `yaml:"subvendor"`
		SubDevice string `yaml:"subdevice"`
		Makers    string `yaml:"makers"`
		Badge     string `yaml:"badge"`
		Model     string `yaml:"model"`
		Source    string `yaml:"source"`
		Note      string `yaml:"note"`
		Where     Where  `yaml:"-"`
	}
	OverlayTAC struct {
		TAC    string `yaml:"tac"`
		Makers string `yaml:"makers"`
		Model  string `yaml:"model"`
		Source string `yaml:"source"`
		Note   string `yaml:"note"`
		Where  Where  `yaml:"-"`
	}
)

// RepliesFile is replies.yaml: how replies are read.
type RepliesFile struct {
	// Commands maps an identification command, without AT, to the field that it answers.
	Commands []CommandRow `yaml:"commands"`
	// Labels maps what stands before a colon to a field.
	Labels []LabelRow `yaml:"labels"`
	// CompanyWords are left out when names of companies are compared.
	CompanyWords []string `yaml:"company_words"`
	// ModelTails are words that may follow a model and are no part of it.
	ModelTails []string `yaml:"model_tails"`
	// Placeholders are models that reference firmware reports for anybody's module.
	Placeholders []string `yaml:"placeholders"`
	// Noise are whole lines that come unasked in the middle of answers.
	Noise []string `yaml:"noise"`
	// Refusals are words, in lower case, of lines that refuse a command.
	Refusals []string `yaml:"refusals"`
	// Translations are words of another script, and what stands for them.
	Translations []AliasRow `yaml:"translations"`
}

// CommandRow says what one command answers.
type CommandRow struct {
	Cmd   string `yaml:"cmd"`
	Field string `yaml:"field"`
	// Rank orders the sources of one field: the higher one is believed.
	Rank int `yaml:"rank"`
	// Fuller: its value replaces a lower one only where it begins with it.
	Fuller bool `yaml:"fuller"`
	// Cellular: only a cellular device knows this command.
	Cellular bool   `yaml:"cellular"`
	Part     string `yaml:"part"`
	Source   string `yaml:"source"`
	Where    Where  `yaml:"-"`
}

// LabelRow says what one label carries.
type LabelRow struct {
	Label string `yaml:"label"`
	Field string `yaml:"field"`
	Part  string `yaml:"part"`
	// Rank is added to that of the command.
	Rank  int   `yaml:"rank"`
	Where Where `yaml:"-"`
}

// PlanFile is plan.yaml: the first round.
type PlanFile struct {
	First []AskRow `yaml:"first"`
}

// VocabularyFile is vocabulary.yaml.
type VocabularyFile struct {
	Technologies  []string       `yaml:"technologies"`
	Forms         []string       `yaml:"forms"`
	ChipsetMakers []ChipsetMaker `yaml:"chipset_makers"`
}

// ChipsetMaker is a name with which chipsets begin.
type ChipsetMaker struct {
	Name    string `yaml:"name"`
	Slug    string `yaml:"slug"`
	Country string `yaml:"country"`
}
