package web

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiffLines(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ before, after, want string }{
		"equal":             {"a\nb\n", "a\nb\n", " a b"},
		"both empty":        {"", "", ""},
		"all new":           {"", "a\nb\n", "+a+b"},
		"all gone":          {"a\nb\n", "", "-a-b"},
		"one line changed":  {"a\nb\nc\n", "a\nx\nc\n", " a-b+x c"},
		"line added":        {"a\nc\n", "a\nb\nc\n", " a+b c"},
		"line removed":      {"a\nb\nc\n", "a\nc\n", " a-b c"},
		"the known example": {"a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", "-a-b c+b a b-b a+c"},
		"no final newline":  {"a\nb", "a\nb\n", " a b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			for _, l := range diffLines(tc.before, tc.after) {
				got.WriteString(string(l.Op) + l.Text)
			}
			if diff := cmp.Diff(tc.want, got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever the texts, the two sides of a comparison are the two texts, in order and numbered from 1.
func TestDiffLinesKeepsBothTexts(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	text := func(n, words int) string {
		var b strings.Builder
		for range n {
			b.WriteString(string(rune('a'+rng.IntN(words))) + "\n")
		}
		return b.String()
	}
	for i := range 400 {
		before, after := text(rng.IntN(30), 1+rng.IntN(6)), text(rng.IntN(30), 1+rng.IntN(6))
		if i == 0 { // more edits than are looked for
			before, after = strings.Repeat("x\n", 1500), strings.Repeat("y\n", 1500)
		}
		var a, b []string
		for _, l := range diffLines(before, after) {
			if l.Op != '+' {
				if a = append(a, l.Text); l.Old != len(a) {
					t.Fatalf("%q → %q: old line %d is numbered %d", before, after, len(a), l.Old)
				}
			}
			if l.Op != '-' {
				if b = append(b, l.Text); l.New != len(b) {
					t.Fatalf("%q → %q: new line %d is numbered %d", before, after, len(b), l.New)
				}
			}
		}
		if strings.Join(a, "\n") != strings.TrimSuffix(before, "\n") || strings.Join(b, "\n") != strings.TrimSuffix(after, "\n") {
			t.Fatalf("%q → %q: sides are %q and %q", before, after, a, b)
		}
	}
}
