// Package prose turns what authors and interviewers write, Markdown with formulas and code, into HTML that is safe to show: raw
// HTML is off, the result is sanitised, formulas become MathML, code gets classes. Results are kept by content.
package prose

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"fmt"
	"html"
	"log/slog"
	"regexp"
	"strings"
	"sync"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/gohugoio/hugo-goldmark-extensions/passthrough"
	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// Renderer renders and remembers. It is safe for use by many at once.
type Renderer struct {
	log *slog.Logger
	tex *texPool

	mu    sync.Mutex
	kept  map[[32]byte]*list.Element
	order *list.List
}

type entry struct {
	key  [32]byte
	html string
}

const keep = 512

// New makes a Renderer. temml is the bundled formula renderer; without it formulas are shown as they were written.
func New(log *slog.Logger, temml []byte) *Renderer {
	r := &Renderer{log: log, kept: map[[32]byte]*list.Element{}, order: list.New()}
	if len(temml) > 0 {
		r.tex = newTexPool(string(temml), 2)
	}
	return r
}

// HTML is the safe HTML of a Markdown text. It never fails: a formula that cannot be set is shown as its source.
func (r *Renderer) HTML(markdown string) string {
	key := sha256.Sum256([]byte(markdown))
	r.mu.Lock()
	if e, ok := r.kept[key]; ok {
		r.order.MoveToFront(e)
		r.mu.Unlock()
		return e.Value.(*entry).html
	}
	r.mu.Unlock()

	out, err := r.render(markdown)
	if err != nil {
		r.log.Warn("markdown could not be rendered; shown as it is", "error", err)
		out = "<pre>" + html.EscapeString(markdown) + "</pre>"
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.kept[key]; !ok {
		r.kept[key] = r.order.PushFront(&entry{key, out})
		if r.order.Len() > keep {
			last := r.order.Back()
			r.order.Remove(last)
			delete(r.kept, last.Value.(*entry).key)
		}
	}
	return out
}

// A formula is an inert mark, two private-use characters around a number, until the text round it has been sanitised.
const (
	markOpen  = "\uE000"
	markClose = "\uE001"
)

var stripMarks = strings.NewReplacer(markOpen, "", markClose, "")

func (r *Renderer) render(src string) (string, error) {
	m := &formulas{r: r}
	md := goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.Footnote, passthrough.New(passthrough.Config{
			// A bare $ is money as often as mathematics, so it is not a delimiter.
			InlineDelimiters: []passthrough.Delimiters{{Open: "$$", Close: "$$"}, {Open: "$`", Close: "`$"}, {Open: `\(`, Close: `\)`}},
			BlockDelimiters:  []passthrough.Delimiters{{Open: "$$", Close: "$$"}, {Open: `\[`, Close: `\]`}},
		})),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(m, 1))),
	)
	var b bytes.Buffer
	if err := md.Convert([]byte(stripMarks.Replace(src)), &b); err != nil {
		return "", err
	}
	out := policy().Sanitize(b.String())
	for i, f := range m.done {
		out = strings.Replace(out, fmt.Sprintf("%s%d%s", markOpen, i, markClose), f, 1)
	}
	return stripMarks.Replace(out), nil
}

// formulas renders passthrough nodes to marks and code blocks to classes.
type formulas struct {
	r    *Renderer
	done []string
}

func (m *formulas) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(passthrough.KindPassthroughInline, m.formula)
	reg.Register(passthrough.KindPassthroughBlock, m.formula)
	reg.Register(ast.KindFencedCodeBlock, m.codeBlock)
}

func (m *formulas) formula(w util.BufWriter, src []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	var text string
	var d *passthrough.Delimiters
	display := false
	switch n := n.(type) {
	case *passthrough.PassthroughInline:
		text, d = string(n.Segment.Value(src)), n.Delimiters
		display = d.Open == "$$"
	case *passthrough.PassthroughBlock:
		for i := range n.Lines().Len() {
			line := n.Lines().At(i)
			text += string(line.Value(src))
		}
		d, display = n.Delimiters, true
	}
	text = strings.TrimSpace(text)
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(text, d.Open), d.Close))
	fmt.Fprintf(w, "%s%d%s", markOpen, len(m.done), markClose)
	m.done = append(m.done, m.r.formula(text, display))
	return ast.WalkSkipChildren, nil
}

func (r *Renderer) formula(tex string, display bool) string {
	source := `<code class="tex">` + html.EscapeString(tex) + `</code>`
	if r.tex == nil {
		return source
	}
	out, err := r.tex.render(tex, display)
	if err != nil {
		r.log.Warn("a formula could not be set; its source is shown", "error", err)
		return strings.Replace(source, `"tex"`, `"tex-error"`, 1)
	}
	out = styleAttribute.ReplaceAllString(out, "")
	if display {
		return `<span class="math-display" tabindex="0">` + out + `</span>`
	}
	return out
}

// Inline styles would be refused by the page's content policy; Temml writes them only for browsers of the past.
var styleAttribute = regexp.MustCompile(` style="[^"]*"`)

// codeBlock writes code with the classes that our style sheet knows. A block of "math" is a formula.
func (m *formulas) codeBlock(w util.BufWriter, src []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.FencedCodeBlock)
	var code strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		code.Write(line.Value(src))
	}
	if string(n.Language(src)) == "math" {
		fmt.Fprintf(w, "<p>%s%d%s</p>\n", markOpen, len(m.done), markClose)
		m.done = append(m.done, m.r.formula(strings.TrimSpace(code.String()), true))
		return ast.WalkSkipChildren, nil
	}
	_, _ = w.WriteString(`<pre class="chroma" tabindex="0"><code>`)
	_, _ = w.WriteString(highlight(string(n.Language(src)), code.String()))
	_, _ = w.WriteString("</code></pre>\n")
	return ast.WalkSkipChildren, nil
}

func highlight(language, code string) string {
	lexer := lexers.Get(language)
	if language == "" || lexer == nil {
		return html.EscapeString(code)
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, code)
	if err != nil {
		return html.EscapeString(code)
	}
	var b strings.Builder
	for _, t := range tokens.Tokens() {
		text := html.EscapeString(t.Value)
		if class := chroma.StandardTypes[t.Type]; class != "" {
			fmt.Fprintf(&b, `<span class="%s">%s</span>`, class, text)
		} else {
			b.WriteString(text)
		}
	}
	return b.String()
}

var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.AllowAttrs("class").Matching(bluemonday.SpaceSeparatedTokens).OnElements("span", "pre", "code", "div", "table", "td", "tr", "section", "sup", "a", "li")
	p.AllowAttrs("tabindex").Matching(regexp.MustCompile("^0$")).OnElements("pre")
	p.AllowAttrs("type").Matching(regexp.MustCompile("^checkbox$")).OnElements("input")
	p.AllowAttrs("checked", "disabled").OnElements("input")
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	return p
})
