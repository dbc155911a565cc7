package cli

import (
	"bytes"
	"errors"
	"fmt"
)

// textual says of what begins so whether it can be a session at all, and else what to do.
func textual(begin []byte) error {
	for _, x := range []struct{ magic, tool string }{
		{"\x1f\x8b", "gunzip -c"}, {"\xfd7zXZ\x00", "xz -dc"}, {"\x28\xb5\x2f\xfd", "zstd -dc"}, {"BZh91AY&SY", "bzip2 -dc"}, {"PK\x03\x04", "unzip -p"},
	} {
		if bytes.HasPrefix(begin, []byte(x.magic)) {
			return fmt.Errorf("it is compressed: %s FILE | rollcall identify -", x.tool)
		}
	}
	if wide(begin) || len(begin) < 256 {
		return nil
	}
	controls := 0
	for _, c := range begin {
		if c < ' ' && bytes.IndexByte([]byte("\x00\a\b\t\n\v\f\r\x1b"), c) < 0 {
			controls++
		}
	}
	if controls > len(begin)/20 { // noise has twice as many; a log with some noise in it has fewer
		return errors.New("it is no text; paste commands such as ATI with what came back, or if a terminal logged this, set its speed to the module's")
	}
	return nil
}

// wide: UTF-16, the units of which hold bytes below a space.
func wide(begin []byte) bool {
	return bytes.HasPrefix(begin, []byte("\xff\xfe")) || bytes.HasPrefix(begin, []byte("\xfe\xff"))
}
