package prose_test

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"assay/web/view/prose"
)

func plain() *prose.Renderer { return prose.New(slog.New(slog.DiscardHandler), nil) }

func TestMarkdown(t *testing.T) {
	t.Parallel()
	r := plain()
	for name, c := range map[string]struct {
		in        string
		want, not []string
	}{
		"text":      {"# One\n\nA **bold** word, `code` and a [link](https://example.org).", []string{"<h1", "<strong>bold</strong>", "<code>code</code>", `rel="nofollow`}, nil},
		"table":     {"|a|b|\n|-|-|\n|1|2|", []string{"<table>", "<td>1</td>"}, nil},
		"code":      {"```python\ndef f(x): return '<b>'\n```", []string{`<span class="k">def</span>`, "&lt;b&gt;", `tabindex="0"`}, []string{"<b>", "style="}},
		"plain":     {"```\na < b\n```", []string{"a &lt; b"}, nil},
		"raw html":  {`<script>alert(1)</script><img src=x onerror=alert(1)> <div style="x">y</div>`, nil, []string{"<script", "onerror", "style="}},
		"bad links": {"[x](javascript:alert(1)) ![y](data:text/html,z)", nil, []string{"javascript:", "data:text"}},
		"money":     {"It costs $5 or $6.", []string{"$5 or $6"}, []string{"tex"}},
		"formula":   {`Inline \(a < b\) and $$ x^2 $$ end.`, []string{`<code class="tex">a &lt; b</code>`, `<code class="tex">x^2</code>`}, nil},
		"marks":     {"\uE0000\uE001 \\(x\\)", []string{`<code class="tex">x</code>`}, []string{"\uE000"}},
		"hostile":   {`\(</code><script>alert(1)</script>\)`, nil, []string{"<script"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := r.HTML(c.in)
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is missing from %s", w, got)
				}
			}
			for _, w := range c.not {
				if strings.Contains(got, w) {
					t.Errorf("%q is in %s", w, got)
				}
			}
			if again := r.HTML(c.in); again != got {
				t.Error("what was kept differs")
			}
		})
	}
}

// TestFormulas needs the bundled renderer, which web/build.sh makes.
func TestFormulas(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../static/dist/server/math.js")
	if err != nil {
		t.Skip("the scripts are not built: run web/build.sh")
	}
	r := prose.New(slog.New(slog.DiscardHandler), source)
	for name, c := range map[string]struct {
		in        string
		want, not []string
	}{
		"inline":   {`\(p_i = e^{x_i}\)`, []string{"<math>", "<msub>"}, []string{"style=", "<code"}},
		"display":  {"$$\n\\mathcal{L} = -\\frac{1}{N}\\sum_i \\log p_i\n$$", []string{`display="block"`, "<mfrac>", "math-display"}, []string{"style="}},
		"fence":    {"```math\n\\frac{1}{2}\n```", []string{`display="block"`, "<mfrac>"}, []string{"<pre"}},
		"backtick": {"weights $`a_i`$ here", []string{"<msub>"}, []string{"$"}},
		"matrix":   {`\[ \begin{pmatrix} a & b \\ c & d \end{pmatrix} \]`, []string{"<mtable"}, []string{"style="}},
		"mistake":  {`\(\frac{1}{\)`, []string{"tex-error"}, []string{"<math"}},
		"runaway":  {`\(\def\a{\a\a}\a\)`, []string{"tex-error"}, nil},
		"link":     {`\(\href{javascript:alert(1)}{x}\)`, nil, []string{`href="javascript`}},
		"html":     {`\(\text{<img src=x onerror=alert(1)>}\)`, nil, []string{"<img"}},
		"pictures": {`\(\includegraphics{http://evil.example/x.png}\)`, nil, []string{"<img", `src="http`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := r.HTML(c.in)
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is missing from %s", w, got)
				}
			}
			for _, w := range c.not {
				if strings.Contains(got, w) {
					t.Errorf("%q is in %s", w, got)
				}
			}
		})
	}
}
