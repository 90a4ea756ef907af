package view

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"assay"

	"github.com/a-h/templ"
	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func rowsOf(in Input) int {
	if in.Rows > 0 {
		return in.Rows
	}
	return 4
}

func typeOf(in Input) string {
	if in.Type != "" {
		return in.Type
	}
	return "text"
}

// describedBy ties a control to its hint and its complaint for people who hear the page.
func describedBy(name, hint, problem string) templ.Attributes {
	var ids []string
	a := templ.Attributes{}
	if hint != "" {
		ids = append(ids, name+"-hint")
	}
	if problem != "" {
		ids = append(ids, name+"-error")
		a["aria-invalid"] = "true"
	}
	if len(ids) > 0 {
		a["aria-describedby"] = strings.Join(ids, " ")
	}
	return a
}

func initials(name string) string {
	out := ""
	for _, w := range strings.Fields(name) {
		r, _ := utf8.DecodeRuneInString(w)
		if out += strings.ToUpper(string(r)); utf8.RuneCountInString(out) == 2 {
			break
		}
	}
	return out
}

func bannerIcon(kind string) string {
	switch kind {
	case "success":
		return "check"
	case "warning":
		return "warn"
	case "danger":
		return "cross"
	}
	return "info"
}

func statusTone(s assay.Status) string {
	switch s {
	case assay.StatusRunning:
		return "info"
	case assay.StatusDone:
		return "success"
	}
	return "neutral"
}

func statusIcon(s assay.Status) string {
	switch s {
	case assay.StatusQueued:
		return "clock"
	case assay.StatusRunning:
		return "run"
	case assay.StatusDone:
		return "check"
	}
	return "dash"
}

func interviewTone(s assay.InterviewStatus) string {
	if s == assay.InterviewOpen {
		return "info"
	}
	return "neutral"
}

func interviewIcon(s assay.InterviewStatus) string {
	switch s {
	case assay.InterviewOpen:
		return "run"
	case assay.InterviewClosed:
		return "check"
	case assay.InterviewCancelled:
		return "cross"
	}
	return "clock"
}

func verdictTone(v assay.Verdict) string {
	switch v {
	case assay.Accepted:
		return "success"
	case assay.PartiallyAccepted:
		return "warning"
	case assay.JudgeError:
		return "info"
	}
	return "danger"
}

func verdictIcon(v assay.Verdict) string {
	switch v {
	case assay.Accepted:
		return "check"
	case assay.PartiallyAccepted:
		return "half"
	case assay.JudgeError:
		return "ours"
	case assay.TimeLimit:
		return "clock"
	}
	return "cross"
}

func checkTone(s assay.CheckStatus) string {
	switch s {
	case assay.CheckPass:
		return "success"
	case assay.CheckPartial:
		return "warning"
	case assay.CheckFail, assay.CheckError:
		return "danger"
	}
	return "neutral"
}

func checkIcon(s assay.CheckStatus) string {
	switch s {
	case assay.CheckPass:
		return "check"
	case assay.CheckPartial:
		return "half"
	case assay.CheckFail:
		return "cross"
	case assay.CheckError:
		return "warn"
	}
	return "dash"
}

func checkWord(s assay.CheckStatus) string {
	switch s {
	case assay.CheckPass:
		return "Passed"
	case assay.CheckPartial:
		return "Partly"
	case assay.CheckFail:
		return "Failed"
	case assay.CheckError:
		return "Broke"
	}
	return "Skipped"
}

func scoreGlyph(n int) string { return [...]string{"–", "◔", "◑", "◕", "●"}[n] }

func ago(t, now time.Time) string {
	d := now.Sub(t)
	future := d < 0
	if future {
		d = -d
	}
	var s string
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		s = Plural(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		s = Plural(int(d.Hours()), "hour", "hours")
	default:
		s = Plural(int(d.Hours()/24), "day", "days")
	}
	if future {
		return "in " + s
	}
	return s + " ago"
}

func lineCount(s string) int {
	if s == "" {
		return 0
	}
	n := strings.Count(s, "\n")
	if !strings.HasSuffix(s, "\n") {
		n++
	}
	return n
}

func betweenSpan(action func(int) Component) string {
	if action == nil {
		return "1"
	}
	return "2"
}

// Highlight turns a file into lines of safe HTML, with classes for the parts of the language that the name implies.
func Highlight(path, content string) []string {
	content = strings.TrimSuffix(content, "\n")
	if content == "" {
		return []string{""}
	}
	lexer := lexers.Match(path)
	if lexer == nil || len(content) > 512<<10 {
		return plainLines(content)
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, content)
	if err != nil {
		return plainLines(content)
	}
	var out []string
	for _, line := range chroma.SplitTokensIntoLines(tokens.Tokens()) {
		var b strings.Builder
		for _, t := range line {
			text := html.EscapeString(strings.TrimSuffix(t.Value, "\n"))
			if text == "" {
				continue
			}
			if class := tokenClass(t.Type); class != "" {
				fmt.Fprintf(&b, `<span class="%s">%s</span>`, class, text)
			} else {
				b.WriteString(text)
			}
		}
		out = append(out, b.String())
	}
	return out
}

func plainLines(content string) []string {
	lines := strings.Split(content, "\n")
	for i, l := range lines {
		lines[i] = html.EscapeString(l)
	}
	return lines
}

// tokenClass is the class chroma's own formatter would use.
func tokenClass(t chroma.TokenType) string {
	for t != 0 {
		if class, ok := chroma.StandardTypes[t]; ok {
			return class
		}
		t = t.Parent()
	}
	return ""
}
