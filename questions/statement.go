package questions

import (
	"fmt"
	"regexp"
	"strings"
)

var constantUse = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_]*)\s*\}\}`)

// fillConstants puts the question's constants into its statement. Names that are not constants stay as they are; Lint has
// refused them.
func fillConstants(text string, constants map[string]string) string {
	return constantUse.ReplaceAllStringFunc(text, func(use string) string {
		if v, ok := constants[constantUse.FindStringSubmatch(use)[1]]; ok {
			return v
		}
		return use
	})
}

// markdownLine is one line with what it takes to check it.
type markdownLine struct {
	text    string // a heading's text is without its #
	heading int    // 1 to 6, 0 for no heading
	code    bool   // inside a fenced block, or the fence itself
	fence   string // the language, on the line that opens a fence
	opens   bool
}

// markdownLines splits Markdown into lines and tells code and headings from the rest.
func markdownLines(text string) []markdownLine {
	var out []markdownLine
	mark := "" // the fence that is open
	for _, raw := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(raw)
		line := markdownLine{text: raw}
		switch {
		case mark != "":
			line.code = true
			if strings.HasPrefix(trimmed, mark) && strings.Trim(trimmed, mark[:1]) == "" {
				mark = ""
			}
		case strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~"):
			mark = trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, trimmed[:1]))]
			line.code, line.opens, line.fence = true, true, strings.TrimSpace(strings.TrimLeft(trimmed, trimmed[:1]))
		case strings.HasPrefix(raw, "#"):
			hashes := len(raw) - len(strings.TrimLeft(raw, "#"))
			if hashes <= 6 && strings.HasPrefix(raw[hashes:], " ") {
				line.heading, line.text = hashes, strings.TrimSpace(raw[hashes:])
			}
		}
		out = append(out, line)
	}
	if mark != "" {
		out = append(out, markdownLine{code: true, opens: true, fence: "never closed"})
	}
	return out
}

var (
	inlineMath = regexp.MustCompile("\\$`[^`]*`\\$")
	inlineCode = regexp.MustCompile("`[^`]*`")
	rawHTML    = regexp.MustCompile(`<(/?[a-zA-Z][a-zA-Z0-9-]*)(\s[^>]*)?/?>|<!--`)
	anchorURL  = regexp.MustCompile(`<https?://[^>]*>`)
)

// statement checks what the candidate reads: that it renders as meant, and that the constants are the right ones.
func (l *linter) statement() {
	const file = "statement.md"
	text, ok := l.files[file]
	if !ok || len(strings.TrimSpace(string(text))) == 0 {
		l.add(file, 0, "the file is missing or empty", "write what the candidate reads")
		return
	}
	if len(text) > maxStatement {
		l.add(file, 0, fmt.Sprintf("has %d bytes", len(text)), fmt.Sprintf("at most %d", maxStatement))
	}
	lines := markdownLines(string(text))
	last, headings, display := 1, 0, false
	for i, line := range lines {
		switch {
		case line.opens && line.fence == "never closed":
			l.add(file, i, "a code block is never closed", "close it with the same marks")
		case line.opens && line.fence == "":
			l.add(file, i+1, "a code block names no language", "write ```python, ```text or ```math")
		case line.code:
		case line.heading > 0:
			headings++
			if line.heading == 1 {
				l.add(file, i+1, "a heading of the first level", "the page's heading is the title; start with ##")
			} else if line.heading > last+1 {
				l.add(file, i+1, fmt.Sprintf("the heading jumps from level %d to %d", last, line.heading), "go down one level at a time")
			}
			last = line.heading
		default:
			display = l.prose(file, i+1, line.text, display)
		}
	}
	if display {
		l.add(file, len(lines), "a formula opened by $$ is never closed", "close it with $$")
	}
	if headings == 0 {
		l.add(file, 1, "has no heading", "divide it: ## Task, ## Interface, ## What we test …")
	}
	l.constants(file, string(text))
}

// prose checks one line outside code; display says whether a $$ formula is open, before and after it.
func (l *linter) prose(file string, n int, text string, display bool) bool {
	text = inlineMath.ReplaceAllString(text, "")
	text = inlineCode.ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, `\$`, "")
	if c := strings.Count(text, "$$"); c%2 == 1 {
		display = !display
		text = strings.ReplaceAll(text, "$$", "")
	} else {
		text = strings.ReplaceAll(text, "$$", "")
	}
	if strings.Contains(text, "$") && !display {
		l.add(file, n, "a bare $", "write maths as $`x^2`$, display maths as $$ … $$, and the currency as \\$")
	}
	if m := rawHTML.FindString(anchorURL.ReplaceAllString(text, "")); m != "" && !display {
		l.add(file, n, fmt.Sprintf("the HTML tag %s", short(m)), "raw HTML is not rendered; use Markdown, or put code in backticks")
	}
	if strings.Contains(text, "![") {
		l.add(file, n, "an image", "statements are text; draw it as text or a formula")
	}
	return display
}

func (l *linter) constants(file, text string) {
	used := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		for _, m := range constantUse.FindAllStringSubmatch(line, -1) {
			used[m[1]] = true
			if _, ok := l.doc.Constants[m[1]]; !ok && !l.broken {
				mend := "define it below constants: in question.yaml"
				if near := nearest(m[1], sortedKeys(l.doc.Constants)); near != "" {
					mend = "did you mean " + near + "?"
				}
				l.add(file, i+1, fmt.Sprintf("{{%s}} is not a constant", m[1]), mend)
			}
		}
	}
	for _, name := range sortedKeys(l.doc.Constants) {
		if !used[name] {
			l.yaml("constants."+name, "is never used in the statement", "use it as {{"+name+"}}, or move the number into the harness")
		}
	}
}
