package knowledge

// Model names are compared by their letters and digits alone, in upper case; names of
// companies by their words, in lower case. Both work in ASCII: bytes above are letters.

// AppendKey appends the letters and digits of s in upper case.
func AppendKey(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; Alnum(c) {
			dst = append(dst, upper(c))
		}
	}
	return dst
}

// Key is AppendKey as text.
func Key(s string) string { return string(AppendKey(nil, s)) }

// AppendWords appends the words of s, in lower case, joined by single blanks.
func AppendWords(dst []byte, s string) []byte {
	between := false
	for i := range len(s) {
		c := s[i]
		if !Alnum(c) {
			between = len(dst) > 0
			continue
		}
		if between {
			dst, between = append(dst, ' '), false
		}
		dst = append(dst, lower(c))
	}
	return dst
}

// Words is AppendWords as text.
func Words(s string) string { return string(AppendWords(nil, s)) }

// Alnum says whether c belongs to a word.
func Alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c - 'A' + 'a'
	}
	return c
}
