package packet

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"assay/web/view"
)

// pythonWords are drawn a little stronger. The colouring is ours and small, so that it is linear in the text and the same on every
// machine: a packet's bytes must not hang on a time limit inside a regular expression.
var pythonWords = words(`False None True and as assert async await break case class continue def del elif else except finally for from global if
	import in is lambda match nonlocal not or pass raise return try while with yield`)

func words(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[w] = true
	}
	return out
}

// painter colours line after line of one file. It carries only whether a triple-quoted string is open.
type painter struct {
	python bool
	open   string // ''' or """ when a string began on an earlier line
}

func newPainter(path string) *painter { return &painter{python: strings.HasSuffix(path, ".py")} }

// line cuts a line into runs of one class each: "" plain, "k" word, "s" string, "c" comment, "b" a character made visible.
func (p *painter) line(s string) []view.PacketDocRun {
	var out []view.PacketDocRun
	emit := func(class, text string) {
		if text == "" {
			return
		}
		if n := len(out); n > 0 && out[n-1].Class == class {
			out[n-1].Text += text
			return
		}
		out = append(out, view.PacketDocRun{Class: class, Text: text})
	}
	visible := func(class, text string) {
		for text != "" {
			i := strings.IndexFunc(text, invisible)
			if i < 0 {
				emit(class, text)
				return
			}
			emit(class, text[:i])
			r, n := utf8.DecodeRuneInString(text[i:])
			out = append(out, view.PacketDocRun{Class: "b", Text: "U+" + strings.ToUpper(hex4(r))})
			text = text[i+n:]
		}
	}
	if !p.python {
		visible("", s)
		return out
	}
	for s != "" {
		if p.open != "" {
			end := strings.Index(s, p.open)
			if end < 0 {
				visible("s", s)
				return out
			}
			visible("s", s[:end+3])
			s, p.open = s[end+3:], ""
			continue
		}
		switch c := s[0]; {
		case c == '#':
			visible("c", s)
			return out
		case strings.HasPrefix(s, `"""`) || strings.HasPrefix(s, "'''"):
			p.open = s[:3]
			emit("s", s[:3])
			s = s[3:]
		case c == '"' || c == '\'':
			n := 1
			for n < len(s) && s[n] != c {
				if s[n] == '\\' {
					n++
				}
				n++
			}
			n = min(n+1, len(s))
			visible("s", s[:n])
			s = s[n:]
		default:
			n := 0
			for n < len(s) {
				r, size := utf8.DecodeRuneInString(s[n:])
				if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
					break
				}
				n += size
			}
			if n == 0 {
				_, n = utf8.DecodeRuneInString(s)
				visible("", s[:n])
			} else if pythonWords[s[:n]] {
				emit("k", s[:n])
			} else {
				emit("", s[:n])
			}
			s = s[n:]
		}
	}
	return out
}

// invisible characters can make code read otherwise than it runs, so they are drawn by their number.
func invisible(r rune) bool {
	return turnsDirection(r) || r >= 0x200B && r <= 0x200D || r == 0x2060 || r == 0xFEFF || unicode.IsControl(r) && r != '\t'
}

func hex4(r rune) string {
	const digits = "0123456789abcdef"
	out := []byte{}
	for shift := 20; shift >= 0; shift -= 4 {
		d := digits[r>>shift&15]
		if len(out) == 0 && d == '0' && shift >= 16 {
			continue
		}
		out = append(out, d)
	}
	return string(out)
}
