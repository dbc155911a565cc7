package sqlstore

import "testing"

// However many numbers come by, few are remembered, and none stands for another's meaning.
func TestNumberedIsBounded(t *testing.T) {
	var n numbered[int64]
	for no := range int64(3*mostNumbered + 7) {
		n.put(no, -no)
		if len(n.by) > mostNumbered || n.by[no] != -no {
			t.Fatalf("after %d: %d are remembered, the newest as %d", no, len(n.by), n.by[no])
		}
	}
	out, err := n.of(nil, "", []int64{3*mostNumbered + 1, 3*mostNumbered + 1}, nil)
	if err != nil || len(out) != 1 || out[3*mostNumbered+1] != -3*mostNumbered-1 {
		t.Errorf("%v, %v", out, err)
	}
}
