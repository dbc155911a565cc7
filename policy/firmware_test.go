package policy_test

import (
	"testing"

	"github.com/rollcall-iot/rollcall/policy"
)

func TestCompareFirmware(t *testing.T) {
	const older, same, newer, none = -1, 0, 1, 9
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"EC25EFAR06A08M4G", "EC25EFAR06A10M4G", older},
		{"EC25EFAR06A10M4G", "EC25EFAR06A08M4G", newer},
		{"EC25EFAR02A09M4G", "EC25EFAR06A03M4G", older},
		{"EC25EFAR06A08M4G", "EC25EFAR06A08M4G", same},
		{"EC25EFAR06A08M4G", "EC25EFAR06A08M4G_01.002.01.002", older},
		{"EC25EFAR06A08M4G", "EC25EUGAR05A02M4G", none},
		{"SWI9X30C_02.24.05.06", "SWI9X30C_02.33.03.00", older},
		{"SWI9X30C_02.24.05.06", "SWI9X30A_02.33.03.00", none},
		{"17.00.503", "17.00.513", older},
		{"17.00.503", "17.01.000", older},
		{"1.9", "1.10", older},
		{"1.2", "1.2.0", older},
		{"1.2", "1.2-beta", none},
		{"1.02", "1.2", same}, // the same number, written differently
		{"L0.0.00.00.05.06", "L0.0.00.00.05.07", older},
		{"99999999999999999999999999", "100000000000000000000000000", older},
		{"", "1.0", none},
		{"", "", same},
		{"A", "B", none},
		// The limit that the documentation names: of other models, the model's own digits decide.
		{"EC21EFAR06A08M4G", "EC25EFAR02A01M4G", older},
	} {
		order, ok := policy.CompareFirmware(tt.a, tt.b)
		if !ok {
			order = none
		}
		if order != tt.want {
			t.Errorf("%q, %q: %d, want %d", tt.a, tt.b, order, tt.want)
		}
	}
}

// FuzzCompareFirmware: a revision equals itself, and the other way round gives the other answer.
func FuzzCompareFirmware(f *testing.F) {
	f.Add("EC25EFAR06A08M4G", "EC25EFAR06A10M4G")
	f.Add("1.2", "1.2.0")
	f.Add("\xff1", "\xff01")
	f.Fuzz(func(t *testing.T, a, b string) {
		if order, ok := policy.CompareFirmware(a, a); order != 0 || !ok {
			t.Errorf("%q is not itself", a)
		}
		x, okx := policy.CompareFirmware(a, b)
		y, oky := policy.CompareFirmware(b, a)
		if x != -y || okx != oky {
			t.Errorf("%q, %q: %d %t, back %d %t", a, b, x, okx, y, oky)
		}
	})
}
