package view_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay"
	"assay/web/view"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func render(t *testing.T, c view.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := view.Render(t.Context(), &b, "NONCE", c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// golden compares what is rendered with testdata/NAME.golden.html, one tag to a line.
func golden(t *testing.T, name, html string) {
	t.Helper()
	html = strings.ReplaceAll(html, "><", ">\n<") + "\n"
	file := filepath.Join("testdata", name+".golden.html")
	if *update {
		if err := os.WriteFile(file, []byte(html), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(html, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); rewrite it with -update if that is meant:\n%s", file, diff)
	}
}

var (
	start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	now   = start.Add(90 * time.Second)
)

func nan() assay.Float { return assay.Float(math.NaN()) }

func TestComponents(t *testing.T) {
	t.Parallel()
	value := 0.0321
	finished := start.Add(10 * time.Second)
	wrong := view.Form{Values: map[string][]string{"email": {"<b>"}, "roles": {"admin"}}, Errors: map[string]string{"email": "Not a mail address."}}
	card := view.SubmissionCard{ID: "sub_1", Mode: assay.ModeRun, Status: assay.StatusQueued, CreatedAt: start, Now: now, Href: "/sit/int_1/submissions/sub_1", Files: 2, CanCancel: true,
		Result: view.Result{Tone: "warning", Icon: "clock", Words: "needs a GPU worker"}, Waiting: "This needs a GPU worker."}
	running := card
	running.Status, running.Waiting, running.Phase, running.Log, running.Open = assay.StatusRunning, "", "running", "step 1 <loss> 0.5\n", true
	running.Result = view.Result{Tone: "info", Icon: "run", Words: "Running"}
	running.Plots = []view.Plot{{ID: "p", Title: "loss", XLabel: "step", Small: true, Series: []view.PlotSeries{{Name: "train", X: []float64{0, 1, 2, 3}, Y: []assay.Float{2, 1, nan(), 0.5}}}}}
	done := running
	done.Mode, done.Status, done.FinishedAt, done.Phase, done.CanCancel, done.Hidden = assay.ModeSubmit, assay.StatusDone, &finished, "", false, true
	done.Result = view.Result{Verdict: assay.PartiallyAccepted}
	done.Checks = []assay.Check{{ID: "a", Title: "Shapes", Status: assay.CheckPass}, {ID: "b", Status: assay.CheckFail, Message: "got <nan>", Value: &value, Unit: "nats"}}
	done.Usage = &assay.Usage{Wall: 2 * time.Second, PeakMemory: 183 << 20}

	for name, c := range map[string]view.Component{
		"button":       view.Button("Save & go", "primary", map[string]any{"name": "do", "value": "save"}),
		"field":        view.Field(view.Input{Name: "email", Label: "Mail address", Hint: "Where we write to.", Value: wrong.Get("email", ""), Error: wrong.Err("email"), Required: true}),
		"field-area":   view.Field(view.Input{Name: "note", Label: "Note", Type: "area", Value: "</textarea><script>"}),
		"select":       view.Select(view.Input{Name: "level", Label: "Level", Value: "senior", Required: true}, view.Options(assay.Levels)),
		"choices":      view.Choices(view.Input{Name: "roles", Label: "Roles"}, view.Options(assay.Roles), true, wrong),
		"form-errors":  view.FormErrors(wrong),
		"banner":       view.Banner("warning", "Watch out"),
		"empty":        view.EmptyState("Nothing here", "It will be."),
		"status":       view.StatusPill(assay.StatusRunning),
		"verdict":      view.VerdictBadge(assay.WrongAnswer),
		"score":        view.Score(3),
		"score-none":   view.Score(0),
		"scale":        view.ScoreScale("rating.C1", "Problem framing", 2, false, "A score needs a comment."),
		"stepper":      view.Stepper("Where it is", []view.Step{{Label: "Sent", State: "done"}, {Label: "Read", State: "now"}, {Label: "Decided"}}),
		"tabs":         view.Tabs("Parts", []view.NavItem{{Label: "Work", Href: "/a"}, {Label: "Card", Href: "/b", Count: 2}}, "/a"),
		"time":         view.Time(start),
		"time-ago":     view.TimeAgo(start, now),
		"file":         view.FileView(assay.File{Path: "a.py", Content: "def f():\n    return '<b>'\n", ReadOnly: true}, "f1", nil, nil),
		"clock":        view.ClockBar(view.Clock{Left: 42 * time.Minute, Credited: 30 * time.Second, Running: true}),
		"card-waiting": view.SubmissionCardView(card),
		"card-running": view.SubmissionCardView(running),
		"card-done":    view.SubmissionCardView(done),
		"failure":      view.FailurePage(view.Failure{Status: 413, Message: "data.csv is 2 MiB.", Kept: "The draft.", Do: "Make it smaller.", Reference: "ABC", Back: "/x"}),
		"link-expired": view.LinkTroublePage(view.LinkPage{Trouble: "expired", Token: "tok", Title: "Coding"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			html := render(t, c)
			if strings.Contains(html, "style=") || strings.Contains(html, "onclick") {
				t.Error("an inline style or handler, which the page's policy refuses")
			}
			golden(t, name, html)
		})
	}
}

func TestThePageAroundAPage(t *testing.T) {
	t.Parallel()
	html := render(t, view.Page(view.Frame{Head: view.Head{Title: "Loops", Lead: "All of them.", Crumbs: []view.Crumb{{Label: "Home", Href: "/"}}}, Nonce: "NONCE", Path: "/loops/1", Theme: "dark",
		Viewer: view.Viewer{Name: "Ada Moreau", SignedIn: true}, Flash: &view.Flash{Kind: "success", Text: "Saved."},
		Nav: []view.NavItem{{Label: "Home", Href: "/home"}, {Label: "Loops", Href: "/loops", Count: 3}, {Label: "People", Href: "/people", Group: "House"}}}, view.Raw("<p>body</p>")))
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(html))
	if err != nil {
		t.Fatal(err)
	}
	for selector, n := range map[string]int{"h1": 1, "a.skip[href='#main']": 1, "main#main": 1, "nav[aria-label='Main'] a": 3, "[aria-current='page']": 2, "#flash[aria-live] .toast": 1,
		"a.help": 1, "html[lang][data-theme='dark']": 1, "link[nonce='NONCE']": doc.Find("link[rel=stylesheet]").Length()} {
		if got := doc.Find(selector).Length(); got != n {
			t.Errorf("%d of %s, want %d", got, selector, n)
		}
	}
}

func TestPlotsKeepWhatMatters(t *testing.T) {
	t.Parallel()
	var s view.PlotSeries
	s.Name = "loss"
	for i := range 10_000 {
		y := assay.Float(2 * math.Exp(-float64(i)/2000))
		switch {
		case i == 4321:
			y = 9 // a spike of one step
		case i >= 9000:
			y = assay.Float(math.Inf(1))
		}
		s.X, s.Y = append(s.X, float64(i)), append(s.Y, y)
	}
	html := render(t, view.PlotFigure(view.Plot{ID: "p", Title: "Training loss", XLabel: "step", Series: []view.PlotSeries{s, {Name: "baseline", Kind: "baseline", X: []float64{0, 9999}, Y: []assay.Float{1, 1}}}}))
	doc, _ := goquery.NewDocumentFromReader(strings.NewReader(html))
	points, _ := doc.Find("g.c1 polyline").Attr("points")
	if n := len(strings.Fields(points)); n < 300 || n > 700 {
		t.Errorf("%d points were drawn", n)
	}
	least := math.Inf(1)
	for _, p := range strings.Fields(points) {
		_, y, _ := strings.Cut(p, ",")
		var v float64
		if _, err := fmt.Sscan(y, &v); err != nil {
			t.Fatal(err)
		}
		least = min(least, v)
	}
	if least > 40 {
		t.Errorf("the spike was thinned away: the highest point is at %g", least)
	}
	if doc.Find("g.c1 .gap").Length() == 0 || !strings.Contains(html, "1000 values are not finite") {
		t.Error("the divergence is not marked")
	}
	if doc.Find("g.baseline").Length() != 1 || doc.Find("text.label").Length() != 2 || doc.Find("details table tr").Length() < 50 {
		t.Error("labels, baseline or table are missing")
	}
	if n := len(html); n > 60_000 {
		t.Errorf("%d bytes", n)
	}
	for name, p := range map[string]view.Plot{"nothing": {}, "only gaps": {Series: []view.PlotSeries{{X: []float64{1}, Y: []assay.Float{nan()}}}}, "one point": {Series: []view.PlotSeries{{X: []float64{1}, Y: []assay.Float{1}}}},
		"constant": {Series: []view.PlotSeries{{X: []float64{1, 2}, Y: []assay.Float{0, 0}}}}, "uneven": {Series: []view.PlotSeries{{X: []float64{1, 2, 3}, Y: []assay.Float{1}}}},
		"odd x": {Series: []view.PlotSeries{{X: []float64{math.NaN(), math.Inf(1)}, Y: []assay.Float{1, 2}}}}, "huge": {Series: []view.PlotSeries{{X: []float64{0, 1}, Y: []assay.Float{-1e308, 1e308}}}}} {
		if html := render(t, view.PlotFigure(p)); strings.Contains(html, "NaN") || strings.Contains(html, "Inf,") {
			t.Errorf("%s: %s", name, html)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		view.Duration(90 * time.Minute): "1 h 30 min", view.Duration(45 * time.Minute): "45 min", view.Duration(340 * time.Millisecond): "340 ms", view.Duration(12 * time.Second): "12 s",
		view.Duration(72 * time.Hour): "3 days", view.Bytes(512): "512 bytes", view.Bytes(int64(3 << 19)): "1.5 MiB", view.Words("hiring_manager"): "Hiring manager",
		view.Plural(1, "file", "files"): "1 file", view.Plural(0, "file", "files"): "0 files", view.Number(0.00001234): "1.234e-5", view.Number(1234.5678): "1235",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
