package packet_test

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"assay"
	"assay/web/packet"

	"github.com/PuerkitoBio/goquery"
)

func page(t *testing.T, html []byte) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(html)))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestPageStandsAlone: one file that reaches for nothing, with a policy that would stop it if it tried.
func TestPageStandsAlone(t *testing.T) {
	t.Parallel()
	html := made(t, decided(assay.BlindNothing)).HTML
	doc := page(t, html)
	for _, sel := range []string{"script", "link", "img", "iframe", "object", "embed", "form", "base", "audio", "video", "source", "[src]", "[srcset]", "[style]", "image", "use", "foreignObject"} {
		if n := doc.Find(sel).Length(); n > 0 {
			t.Errorf("%d × %s", n, sel)
		}
	}
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		for _, a := range s.Nodes[0].Attr {
			if strings.HasPrefix(strings.ToLower(a.Key), "on") || strings.HasPrefix(strings.TrimSpace(strings.ToLower(a.Val)), "javascript:") {
				t.Errorf("<%s %s=%q>", s.Nodes[0].Data, a.Key, a.Val)
			}
		}
	})
	ids := map[string]int{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) { ids[s.AttrOr("id", "")]++ })
	for id, n := range ids {
		if n > 1 {
			t.Errorf("the id %q is there %d times", id, n)
		}
	}
	doc.Find("a").Each(func(_ int, s *goquery.Selection) {
		href := s.AttrOr("href", "")
		if !strings.HasPrefix(href, "#") || ids[strings.TrimPrefix(href, "#")] != 1 {
			t.Errorf("the link %q leads nowhere in the page", href)
		}
	})
	if doc.Find("style").Length() != 1 {
		t.Fatal("not one style")
	}
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindSubmatch(html)[1]
	if regexp.MustCompile(`url\(|@import`).Match(style) {
		t.Error("the style reaches out")
	}
	sum := sha256.Sum256(style)
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	if got := doc.Find(`meta[http-equiv="Content-Security-Policy"]`).AttrOr("content", ""); got != want {
		t.Errorf("policy\n%s\nwant\n%s", got, want)
	}
	if got := packet.PagePolicy(html); got != want {
		t.Errorf("PagePolicy = %s", got)
	}
	if doc.Find("html").AttrOr("lang", "") != "en" || doc.Find("h1").Length() != 1 || doc.Find("main").Length() != 1 {
		t.Error("no language, h1 or main")
	}
}

// TestSectionsInOrder: the headings are the table of contents of a printed packet.
func TestSectionsInOrder(t *testing.T) {
	t.Parallel()
	var got []string
	doc := page(t, made(t, decided(assay.BlindNothing)).HTML)
	doc.Find("h2").Each(func(_ int, s *goquery.Selection) { got = append(got, s.Text()) })
	want := "Decision brief|Disagreements and gaps|Evidence by competency|Question results|Code|Scorecards in full|Calibration and integrity|Process notes|Votes and decision|Audit trail|How to read and verify"
	if strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
	level := 0
	doc.Find("h1,h2,h3,h4,h5,h6").Each(func(_ int, s *goquery.Selection) {
		n := int(s.Nodes[0].Data[1] - '0')
		if n > level+1 && s.Closest(".prose").Length() == 0 {
			t.Errorf("%q is an h%d after an h%d", s.Text(), n, level)
		}
		level = n
	})
	comps := doc.Find(".competency h3")
	if !strings.HasPrefix(strings.TrimSpace(comps.First().Text()), "Maths in code") {
		t.Errorf("the widest disagreement does not come first: %q", comps.First().Text())
	}
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	doc := page(t, made(t, decided(assay.BlindNothing)).HTML)
	row := doc.Find(".matrix tbody tr").FilterFunction(func(_ int, s *goquery.Selection) bool { return strings.Contains(s.Find("th").Text(), "Maths in code") })
	if got := strings.Join(strings.Fields(row.Text()), " "); got != "Maths in code4▲▲2▼· not asked· not asked· not asked· not asked3.02.5–3.52D1" {
		t.Errorf("%q", got)
	}
	if got := strings.Join(strings.Fields(doc.Find(".matrix tfoot").Text()), " "); got != "Recommendation (first)▲▲ Strong yes▼ No▲ Yesmissingwaived▲ YesAfter amendmentsame▲ Yessamesamesamesame" {
		t.Errorf("%q", got)
	}
	if doc.Find(".matrix .low").Length() != 1 {
		t.Error("low confidence is not marked")
	}
}

// TestHostileTextIsText: whatever candidates and interviewers write stays words.
func TestHostileTextIsText(t *testing.T) {
	t.Parallel()
	s := decided(assay.BlindNothing)
	evil := `"><script>alert(1)</script><svg onload=alert(2)>{{.}}<!--` + "\u202e\x00\x1b[2J"
	s.Candidate.Name, s.Opening.Title = evil, evil
	for i := range s.Users {
		s.Users[i].Name += evil
	}
	for i := range s.Interviews {
		s.Interviews[i].Interview.Title, s.Interviews[i].Kit.Title = evil, evil
		for j := range s.Interviews[i].Asked {
			a := &s.Interviews[i].Asked[j]
			a.Item.Title, a.Question.Question.Title, a.Question.Statement = evil, evil, evil+"\n\n[x](javascript:alert(1)) <b onclick=x>b</b>"
			for k := range a.Handed {
				h := &a.Handed[k]
				if h.Attempt != nil && h.Attempt.Report != nil {
					h.Attempt.PublicLog = evil
					for n := range h.Attempt.Report.Checks {
						c := &h.Attempt.Report.Checks[n]
						c.ID, c.Title, c.Message, c.StaffNote, c.Unit = c.ID+` "x`, evil, evil, evil, evil
					}
					for n := range h.Attempt.Report.Series {
						h.Attempt.Report.Series[n].Name, h.Attempt.Report.Series[n].Unit = evil, evil
					}
				}
				for n := range h.Comments {
					h.Comments[n].Body = evil
				}
			}
		}
	}
	for i := range s.Scorecards {
		c := &s.Scorecards[i]
		c.ReasonFor, c.ReasonAgainst, c.WouldChange, c.NoteToNext = evil, evil, evil, evil
		for n := range c.Ratings {
			c.Ratings[n].Comment = evil
		}
	}
	html := made(t, s).HTML
	doc := page(t, html)
	if n := doc.Find("script, svg[onload], [onclick], [onload]").Length(); n > 0 {
		t.Errorf("%d elements came out of texts", n)
	}
	if strings.ContainsAny(string(html), "\u202e\x00\x1b") {
		t.Error("a character that hides or turns others is in the page")
	}
	if got := doc.Find("h1 bdi").Length(); got != 1 {
		t.Error("the name is not isolated")
	}
}
