package packet

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"assay"
)

// clean makes any text safe to put in a file that people read: valid UTF-8, no control characters but tab and newline.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unicode.IsControl(r) || r == 0xFEFF {
			return -1
		}
		return r
	}, s)
}

// text is what somebody wrote, without white space round it and without the characters that make letters read in another order
// than they were typed. The marks and isolates that right-to-left scripts need stay.
func text(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r >= 0x202A && r <= 0x202E {
			return -1
		}
		return r
	}, clean(s)))
}

// oneLine is for names and titles: one line, and no character that would turn the direction of what stands beside it.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if turnsDirection(r) {
			return -1
		}
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, clean(s))
	return limit(strings.Join(strings.Fields(s), " "), 300)
}

func turnsDirection(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x200E || r == 0x200F || r == 0x061C
}

func limit(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes]) + " […]"
}

func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[len(s)-n:]
	for len(s) > 0 && !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return "[…]\n" + s
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func names(in []DocAbsence) string {
	var out []string
	for _, a := range in {
		if !slices.Contains(out, a.Person) {
			out = append(out, a.Person)
		}
	}
	return strings.Join(out, ", ")
}

func initials(name string) string {
	var out []rune
	fields := strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == '-' })
	for i, f := range fields {
		if i != 0 && i != len(fields)-1 {
			continue
		}
		for _, r := range f {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				out = append(out, unicode.ToUpper(r))
				break
			}
		}
	}
	return cmp.Or(string(out), "?")
}

// competencyKey sorts C2 before C10 and leaves other ids where their letters put them.
func competencyKey(id string) string {
	letters := strings.TrimRightFunc(id, unicode.IsDigit)
	if n, err := strconv.Atoi(id[len(letters):]); err == nil {
		return fmt.Sprintf("%s%09d", letters, n)
	}
	return id
}

// sorted is a sorted copy; keys are unique by their last part, so the order never depends on where the list came from.
func sorted[T any](in []T, key func(T) string) []T {
	out := slices.Clone(in)
	slices.SortStableFunc(out, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return out
}

func notNil[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}

// unique keeps two names in a zip apart even where a file system sees no difference between capitals and small letters.
func unique(seen map[string]bool, name string) string {
	ext := path.Ext(name)
	for i, try := 2, name; ; i++ {
		if folded := strings.ToLower(try); !seen[folded] {
			seen[folded] = true
			return try
		}
		try = strings.TrimSuffix(name, ext) + "-" + strconv.Itoa(i) + ext
	}
}

func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

func finitePtr(v *float64) *float64 {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return nil
	}
	return v
}

func finiteAll(in []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(in), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}

// number is a measured value as JSON can say it.
func number(v *float64) any {
	if v == nil {
		return nil
	}
	return assay.Float(*v)
}

func round4(v float64) float64 { return math.Round(v*1e4) / 1e4 }

func hexSum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
