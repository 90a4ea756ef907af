package grade

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"assay"
)

type recorder struct {
	mu  sync.Mutex
	all []assay.Event
}

func (r *recorder) take(batch []assay.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, batch...)
}

func (r *recorder) log() string {
	var b strings.Builder
	for _, e := range r.all {
		b.WriteString(e.Text)
	}
	return b.String()
}

func feedOf(t *testing.T, pieces ...string) (*feed, *recorder) {
	t.Helper()
	rec := &recorder{}
	f := newFeed(rec.take)
	for _, p := range pieces {
		fmt.Fprint(f, p)
	}
	f.close()
	return f, rec
}

func TestFeedReadsMetricsAndChecks(t *testing.T) {
	t.Parallel()
	f, rec := feedOf(t, "hello\nmetric lo", "ss 1 0.5\nmetric loss 2 nan\r\nmetric loss 3 1e999\nmetric loss x 1\ncheck a pass\ncheck b fail off by one\ncheck c maybe\n", "the end")
	if got := f.series(); len(got) != 1 || len(got[0].X) != 3 || !math.IsNaN(float64(got[0].Y[1])) || !math.IsInf(float64(got[0].Y[2]), 1) {
		t.Errorf("curves: %+v", got)
	}
	if c := f.printed(); len(c) != 2 || c[0].ID != "a" || c[0].Status != assay.CheckPass || c[1].Message != "off by one" {
		t.Errorf("checks: %+v", c)
	}
	if want := "hello\nmetric loss x 1\ncheck c maybe\nthe end\n"; rec.log() != want {
		t.Errorf("log: %q", rec.log())
	}
	var kinds []string
	for _, e := range rec.all {
		kinds = append(kinds, string(e.Kind))
	}
	if got := strings.Join(kinds, " "); got != "log metric metric metric log check check log" {
		t.Errorf("order: %s", got)
	}
}

func TestFeedIsBounded(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	f := newFeed(rec.take)
	fmt.Fprint(f, "first words\n")
	long := strings.Repeat("x", 1<<16)
	for range 64 { // one line of 4 MB
		fmt.Fprint(f, long)
	}
	fmt.Fprint(f, "\nmetric late 1 1\nlast words\n")
	for i := range 30_000 {
		fmt.Fprintf(f, "metric loss %d %g\n", i, 1/float64(i+1))
	}
	for i := range 100 {
		fmt.Fprintf(f, "metric m%d 1 1\n", i)
	}
	f.close()
	if n := len(rec.log()); n > maxLiveLog+1<<17 {
		t.Errorf("%d bytes of log were sent", n)
	}
	public, _ := f.logs()
	if len(public) > keepHead+keepTail+100 || !strings.HasPrefix(public, "first words") || !strings.Contains(public, "left out") {
		t.Errorf("kept %d bytes: %.60q", len(public), public)
	}
	curves := f.series()
	if len(curves) != maxCurves {
		t.Errorf("%d curves", len(curves))
	}
	for _, c := range curves {
		if c.Name == "loss" && (len(c.X) > maxCurve || c.X[0] != 0 || c.X[len(c.X)-1] < 29_000) {
			t.Errorf("loss has %d points from %v to %v", len(c.X), c.X[0], c.X[len(c.X)-1])
		}
	}
}

func TestFeedKeepsDivergence(t *testing.T) {
	t.Parallel()
	f := newFeed(nil)
	for i := range 5000 {
		v := "1"
		if i == 4321 {
			v = "nan"
		}
		fmt.Fprintf(f, "metric loss %d %s\n", i, v)
	}
	f.close()
	s := f.series()[0]
	for i := range s.Y {
		if math.IsNaN(float64(s.Y[i])) && s.X[i] == 4321 {
			return
		}
	}
	t.Error("the point at which the run diverged is gone")
}

// From the moment that hidden inputs are inside, what the candidate's code prints is for staff.
func TestFeedHushes(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	f := newFeed(rec.take)
	fmt.Fprint(f, "before\nhalf")
	f.hush()
	fmt.Fprint(f, "SECRET INPUT\nmetric x 1 2\ncheck a pass\n")
	f.close()
	public, staff := f.logs()
	for _, text := range []string{public, rec.log(), fmt.Sprint(f.series()), fmt.Sprint(f.checks)} {
		if strings.Contains(text, "SECRET") || strings.Contains(text, "check a") {
			t.Errorf("leaked: %q", text)
		}
	}
	if public != "before\nhalf" || !strings.Contains(staff, "SECRET INPUT") || len(f.series()) != 0 {
		t.Errorf("public %q, staff %q", public, staff)
	}
}

func TestSafeText(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"plain\ttext\n":                      "plain\ttext\n",
		"\x1b[31mred\x1b[0m":                 "red",
		"\x1b]0;title\x07x":                  "x",
		"\x1b]8;;http://e\x1b\\link":         "link",
		"\x1b":                               "",
		"\x1b[":                              "",
		"a\x00b\x08c\x7f":                    "abc",
		"50%\r100%\r\n":                      "50%\n100%\n",
		"bad \xff\xfe utf":                   "bad \ufffd\ufffd utf",
		"c1 \u009b31m":                       "c1 31m",
		"right\u202eleft":                    "rightleft",
		"模型 ok ✓":                            "模型 ok ✓",
		"\x1b]unterminated\nnext line":       "\nnext line",
		"\x1b[999999999999999999999999999mx": "x",
	}
	for in, want := range cases {
		if got := safeText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzSafeText(f *testing.F) {
	f.Add("\x1b[31mred\x1b]0;x\x07\r\n\xff")
	f.Fuzz(func(t *testing.T, s string) {
		out := safeText(s)
		if !utf8.ValidString(out) || strings.ContainsAny(out, "\x00\x1b\x07\x9b\r") && !strings.ContainsRune(out, '\ufffd') {
			t.Errorf("%q → %q", s, out)
		}
		for _, r := range out {
			if r < 0x20 && r != '\n' && r != '\t' {
				t.Errorf("%q keeps %q", s, r)
			}
		}
	})
}

func TestClip(t *testing.T) {
	t.Parallel()
	if clip("abc", 3) != "abc" || clip("abcdef", 5) != "ab…" {
		t.Errorf("%q %q", clip("abc", 3), clip("abcdef", 5))
	}
	for n := 3; n < 20; n++ {
		if got := clip("ééééééééééé", n); len(got) > n || !utf8.ValidString(got) {
			t.Errorf("%d: %q", n, got)
		}
	}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	a, b := Seeds("k3x9", 3), Seeds("k3x9", 3)
	if len(a) != 3 || a[0] == a[1] || a[1] == a[2] {
		t.Errorf("%v", a)
	}
	for i := range a {
		if a[i] != b[i] || a[i] < 0 || a[i] >= 1<<31 {
			t.Errorf("%v, then %v", a, b)
		}
	}
	if Seeds("7", 2)[0] != 7 || Seeds("other", 1)[0] == a[0] || len(Seeds("x", 0)) != 1 {
		t.Error("numbers stand for themselves, texts differ, and there is always one")
	}
}
