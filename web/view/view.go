// Package view is what people see: components written in templ, and the structs that pages hand to them. It decides nothing and
// reads no database. A live fragment and the page it belongs to are the same component.
package view

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"assay"

	"github.com/a-h/templ"
)

// Component is something that can be rendered.
type Component = templ.Component

// Render writes c. The nonce is the page's: style and script elements carry it.
func Render(ctx context.Context, w io.Writer, nonce string, c Component) error {
	return c.Render(templ.WithNonce(ctx, nonce), w)
}

// Raw is HTML that has already been made safe, such as a rendered statement.
func Raw(html string) Component { return templ.Raw(html) }

// Head is what a page says about itself.
type Head struct {
	Title  string // in the tab and, unless NoHeading, as the h1
	Lead   string // a sentence below the h1
	Crumbs []Crumb
	// Actions stand beside the h1: the page's main button.
	Actions Component
	// Wide pages use the whole window; the others keep to a readable width.
	Wide bool
	// Bare pages have no navigation and keep the one-time note for the next page.
	Bare bool
	// Workspace pages fill the window and have no footer.
	Workspace bool
	// NoHeading pages bring their own h1.
	NoHeading bool
	// Bar stands in the header of a candidate's page: the clock, the state of saving.
	Bar Component
	// Scripts are islands beyond the common one, by their names in web/src.
	Scripts []string
	// Home is where the product's name leads; "/" when empty.
	Home string
}

// Crumb is one step of the way to a page. The last, the page itself, is added by the shell.
type Crumb struct{ Label, Href string }

// NavItem is one entry of the navigation. Count, when above zero, says how much waits there.
type NavItem struct {
	Label, Href string
	Group       string // items of one group stand together under its name
	Count       int
}

// Viewer is who looks at the page.
type Viewer struct {
	Name     string
	SignedIn bool
}

// Flash is shown once, after something was done.
type Flash struct{ Kind, Text string }

// Frame is everything around a page.
type Frame struct {
	Head
	Nonce   string
	Build   string
	Path    string
	Back    string // where changing a preference leads back to
	Theme   string // "", light or dark
	Text    string // "", large, larger
	Contact string
	Viewer  Viewer
	Nav     []NavItem
	Flash   *Flash
}

// current says whether a navigation item leads to where we are.
func (f Frame) current(href string) bool {
	return f.Path == href || href != "/" && strings.HasPrefix(f.Path, href+"/")
}

func (f Frame) home() string {
	if f.Home != "" {
		return f.Home
	}
	return "/"
}

// groups are the navigation's items by group, in order.
func (f Frame) groups() [][]NavItem {
	var out [][]NavItem
	for _, it := range f.Nav {
		if n := len(out); n > 0 && out[n-1][0].Group == it.Group {
			out[n-1] = append(out[n-1], it)
		} else {
			out = append(out, []NavItem{it})
		}
	}
	return out
}

// Form is what a person entered and what is wrong with it. The zero value is an empty form.
type Form struct {
	Values url.Values
	Errors map[string]string
}

// Get is what was entered in a field, or the fallback when the form has not been sent yet.
func (f Form) Get(field, fallback string) string {
	if f.Values == nil {
		return fallback
	}
	return f.Values.Get(field)
}

// Has says whether a box with this value is ticked, or was to begin with.
func (f Form) Has(field, value string, fallback bool) bool {
	if f.Values == nil {
		return fallback
	}
	for _, v := range f.Values[field] {
		if v == value {
			return true
		}
	}
	return false
}

// Err is the complaint about a field, "" when there is none.
func (f Form) Err(field string) string { return f.Errors[field] }

// Option is one choice of a Select, radio group or list of boxes.
type Option struct{ Value, Label, Hint string }

// Options makes options whose label is the value with a capital and spaces.
func Options[T ~string](values []T) []Option {
	var out []Option
	for _, v := range values {
		out = append(out, Option{Value: string(v), Label: Words(string(v))})
	}
	return out
}

// Words spells an identifier out: "hiring_manager" is "Hiring manager".
func Words[T ~string](id T) string {
	s := strings.NewReplacer("_", " ", "-", " ").Replace(string(id))
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Plural is "1 file", "3 files".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Bytes writes a size the way people read it.
func Bytes[T ~int | ~int64](n T) string {
	switch v := float64(n); {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", int64(n))
	case n < 1<<20:
		return trimZero(fmt.Sprintf("%.1f", v/(1<<10))) + " KiB"
	case n < 1<<30:
		return trimZero(fmt.Sprintf("%.1f", v/(1<<20))) + " MiB"
	default:
		return trimZero(fmt.Sprintf("%.1f", v/(1<<30))) + " GiB"
	}
}

func trimZero(s string) string { return strings.TrimSuffix(s, ".0") }

// Duration writes a length of time in words: "1 h 30 min", "45 min", "12 s", "340 ms".
func Duration(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", max(1, d.Milliseconds()))
	case d < time.Minute:
		return trimZero(fmt.Sprintf("%.1f", d.Seconds())) + " s"
	case d < time.Hour:
		m, s := int(d.Minutes()), int(d.Seconds())%60
		if s == 0 {
			return fmt.Sprintf("%d min", m)
		}
		return fmt.Sprintf("%d min %d s", m, s)
	case d < 48*time.Hour:
		h, m := int(d.Hours()), int(d.Minutes())%60
		if m == 0 {
			return fmt.Sprintf("%d h", h)
		}
		return fmt.Sprintf("%d h %d min", h, m)
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// Number writes a measured value with as many digits as it deserves.
func Number(v float64) string {
	return strings.Replace(fmt.Sprintf("%.4g", v), "e-0", "e-", 1)
}

// AIWords says what an AI policy allows, in a sentence.
func AIWords(p assay.AIPolicy) string {
	switch p {
	case assay.AINone:
		return "Please work without AI assistants and without looking things up."
	case assay.AIDocs:
		return "Documentation and search are welcome; please do not use AI assistants."
	case assay.AIAssistant:
		return "An AI assistant is part of this interview; say where you used it."
	case assay.AIAny:
		return "Use any tool you like, AI assistants included, and tell us which."
	}
	return "Nothing was agreed on AI assistants; ask the person who invited you."
}

// AIShort is the policy in two or three words.
func AIShort(p assay.AIPolicy) string {
	switch p {
	case assay.AINone:
		return "No AI"
	case assay.AIDocs:
		return "Docs, no AI"
	case assay.AIAssistant:
		return "AI allowed"
	case assay.AIAny:
		return "Any tool"
	}
	return "AI policy not set"
}

// Failure is what an error page says.
type Failure struct {
	Status    int
	Message   string
	Fields    map[string]string
	Kept      string // what is not lost
	Do        string // what to do now
	Reference string
	Back      string
	Contact   string
}
