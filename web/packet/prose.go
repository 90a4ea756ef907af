package packet

import (
	"bytes"
	"html"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	gmtext "github.com/yuin/goldmark/text"
)

// statementHTML renders a question's Markdown for a page that must not reach out: no raw HTML, no link, no picture. Formulas stay
// as their authors wrote them, since setting them needs an interpreter with a time limit and a packet's bytes must not hang on one.
func statementHTML(markdown string) string {
	if markdown == "" {
		return ""
	}
	md := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough))
	src := []byte(limitBytes(markdown, 256<<10))
	doc := md.Parser().Parse(gmtext.NewReader(src))
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if h, ok := n.(*ast.Heading); ok && entering {
			h.Level = min(6, h.Level+4) // below the packet's own headings
		}
		return ast.WalkContinue, nil
	})
	var out bytes.Buffer
	if err := md.Renderer().Render(&out, src, doc); err != nil {
		return "<pre>" + html.EscapeString(markdown) + "</pre>"
	}
	policy := bluemonday.NewPolicy()
	policy.AllowElements("p", "br", "hr", "ul", "ol", "li", "h5", "h6", "em", "strong", "del", "code", "pre", "blockquote", "table", "thead", "tbody", "tr", "th", "td")
	return policy.SanitizeReader(&out).String()
}
