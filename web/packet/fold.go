package packet

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold makes spellings of one name equal: Łukasz, ŁUKASZ and lukasz; full-width and composed forms; invisible joiners gone.
func fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	var out strings.Builder
	for _, r := range norm.NFKD.String(s) {
		out.WriteString(foldRune(r))
	}
	return out.String()
}

func foldRune(r rune) string {
	switch {
	case r < 0x80:
		return string(unicode.ToLower(r))
	case unicode.Is(unicode.Mn, r), r >= 0x200B && r <= 0x200F, r == 0x2060, r == 0xFEFF, r == 0x00AD:
		return ""
	}
	r = unicode.ToLower(r)
	switch r {
	case 'ł':
		return "l"
	case 'ø':
		return "o"
	case 'đ', 'ð':
		return "d"
	case 'ı':
		return "i"
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'þ':
		return "th"
	case 'ħ':
		return "h"
	}
	return string(r)
}

// foldAt folds s and says, for each byte of the result and its end, where in s it came from.
func foldAt(s string) (string, func(int) int) {
	if isASCII(s) {
		return strings.ToLower(s), func(i int) int { return i }
	}
	var out strings.Builder
	where := make([]int32, 0, len(s)+1) // texts are far below 2 GiB
	for i, r := range s {
		n := out.Len()
		if r < 0x80 {
			out.WriteByte(byte(unicode.ToLower(r)))
		} else {
			for _, d := range norm.NFKD.String(string(r)) {
				out.WriteString(foldRune(d))
			}
		}
		for range out.Len() - n {
			where = append(where, int32(i))
		}
	}
	where = append(where, int32(len(s)))
	return out.String(), func(i int) int { return int(where[i]) }
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
