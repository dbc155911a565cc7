package fingerprint

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

// with lays one file of a user over the base and tries the examples in it. The version then
// names the overlay too.
func (b *Base) with(o Overlay) (*Base, error) {
	source, err := knowledge.ReadOverlay(o.Name, o.Data)
	if err != nil {
		return nil, err
	}
	pack, err := knowledge.Compile(b.pack, source)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(o.Data)
	out := newBase(pack, b.version+"+"+hex.EncodeToString(sum[:])[:8])
	if err := out.checkExamples(source); err != nil {
		return nil, err
	}
	return out, nil
}
