package packet

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold makes spellings of one name equal: Łukasz, ŁUKASZ and lukasz; full-width and composed forms; invisible joiners gone.
func fold(s string) string {
	ascii := true
	for i := range len(s) {
		if s[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii {
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
func foldAt(s string) (string, []int) {
	var out strings.Builder
	where := make([]int, 0, len(s)+1)
	for i, r := range s {
		f := ""
		if r < 0x80 {
			f = string(unicode.ToLower(r))
		} else {
			for _, d := range norm.NFKD.String(string(r)) {
				f += foldRune(d)
			}
		}
		for range len(f) {
			where = append(where, i)
		}
		out.WriteString(f)
	}
	return out.String(), append(where, len(s))
}
