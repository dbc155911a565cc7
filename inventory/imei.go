package inventory

// ValidIMEI says whether s is an IMEI: 15 digits of which the last is the check digit (3GPP TS
// 23.003, annex B), and not all of them zeros.
func ValidIMEI(s string) bool {
	if len(s) != 15 {
		return false
	}
	sum, zeros := 0, true
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		d := int(s[i] - '0')
		zeros = zeros && d == 0
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0 && !zeros
}
