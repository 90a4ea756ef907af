package assay_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"assay"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestIDsSortByTimeAndNameTheirKind(t *testing.T) {
	t.Parallel()
	var ids []string
	for range 5000 {
		ids = append(ids, string(assay.NewSubmissionID()))
	}
	if !slices.IsSorted(ids) {
		t.Error("ids made one after the other do not sort in that order")
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			t.Fatalf("%s twice", id)
		}
		seen[id] = true
		if assay.IDPrefix(id) != "sub" || len(id) != len("sub_")+26 {
			t.Fatalf("odd id %q", id)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	inner := assay.Errorf(assay.NotFound, "No such interview.")
	err := fmt.Errorf("open interview: %w", inner)
	if got := assay.ErrorCode(err); got != assay.NotFound {
		t.Errorf("code = %q", got)
	}
	if got := assay.ErrorMessage(err); got != "No such interview." {
		t.Errorf("message = %q", got)
	}
	if got := assay.ErrorMessage(errors.New("dial tcp 10.0.0.1: secret")); strings.Contains(got, "secret") {
		t.Errorf("an internal error reached the screen: %q", got)
	}
	if assay.ErrorCode(nil) != "" || assay.FieldErrors(nil) != nil {
		t.Error("nil is not an error")
	}
}

func TestWorstVerdictWins(t *testing.T) {
	t.Parallel()
	order := []assay.Verdict{"JE", "SV", "CE", "MLE", "TLE", "OLE", "RTE", "WA", "PAC", "AC"}
	if diff := cmp.Diff(order, assay.Verdicts); diff != "" {
		t.Fatal(diff)
	}
	for i, worse := range order {
		if worse.Words() == "" {
			t.Errorf("%s has no words", worse)
		}
		for _, better := range order[i:] {
			if got := assay.Worst(better, worse); got != worse {
				t.Errorf("Worst(%s, %s) = %s", better, worse, got)
			}
		}
	}
	if assay.Worst("", assay.Accepted) != assay.Accepted || assay.Worst("", "") != "" {
		t.Error("no verdict yet loses to any")
	}
}

func TestFloatsSurviveJSON(t *testing.T) {
	t.Parallel()
	for _, v := range []float64{0, -1.5, 1e-300, 0.1, math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN()} {
		b, err := json.Marshal(assay.Float(v))
		if err != nil {
			t.Fatal(err)
		}
		var back assay.Float
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if got := float64(back); got != v && !(math.IsNaN(got) && math.IsNaN(v)) {
			t.Errorf("%v came back as %v", v, got)
		}
	}
	var f assay.Float
	if json.Unmarshal([]byte(`"1; drop"`), &f) == nil {
		t.Error("nonsense was read as a number")
	}
}

func TestReportScoresAndHides(t *testing.T) {
	t.Parallel()
	r := assay.Report{
		Seed: "s3cret", Notes: "staff",
		Checks: []assay.Check{
			{ID: "a", Show: assay.ShowPublic, Points: 10, Of: 10, StaffNote: "staff"},
			{ID: "b", Show: assay.ShowAfter, Points: 0, Of: 10},
			{ID: "c", Show: assay.ShowHidden, Points: 15, Of: 20},
		},
	}
	if got := r.Score(); got != 25.0/40 {
		t.Errorf("score = %v", got)
	}
	if (assay.Report{}).Score() != 0 {
		t.Error("a report without points scores nothing")
	}
	during, after := r.VisibleTo(false), r.VisibleTo(true)
	if len(during.Checks) != 1 || len(after.Checks) != 2 {
		t.Errorf("visible: %d during, %d after", len(during.Checks), len(after.Checks))
	}
	b, _ := json.Marshal(after)
	if strings.Contains(string(b), "staff\"") || strings.Contains(string(b), "s3cret") || strings.Contains(string(b), `"c"`) {
		t.Errorf("something hidden is visible: %s", b)
	}
	if r.Checks[0].StaffNote == "" {
		t.Error("VisibleTo changed the original")
	}
}

func TestInterviewStates(t *testing.T) {
	t.Parallel()
	all := []assay.InterviewStatus{assay.InterviewScheduled, assay.InterviewOpen, assay.InterviewClosed, assay.InterviewCancelled}
	allowed := map[string]bool{"scheduled>open": true, "scheduled>cancelled": true, "open>closed": true, "open>cancelled": true}
	for _, from := range all {
		for _, to := range all {
			if got, want := from.CanBecome(to), allowed[string(from)+">"+string(to)]; got != want {
				t.Errorf("%s → %s: %v", from, to, got)
			}
		}
	}
}

func TestTheClockIsTheServers(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	i := assay.Interview{Status: assay.InterviewOpen, Allotted: time.Hour, Credited: time.Minute}
	if i.Left(start) != 61*time.Minute || !i.Deadline().IsZero() {
		t.Error("before the start the whole time is left")
	}
	i.OpenedAt = &start
	if got := i.Left(start.Add(30 * time.Minute)); got != 31*time.Minute {
		t.Errorf("left = %v", got)
	}
	end := start.Add(61 * time.Minute)
	if i.Left(end.Add(time.Hour)) != 0 {
		t.Error("time left is never negative")
	}
	if !i.Accepts(end.Add(assay.Grace-time.Second)) || i.Accepts(end.Add(assay.Grace)) {
		t.Error("the grace after the deadline is wrong")
	}
	i.Status = assay.InterviewClosed
	if i.Accepts(start) {
		t.Error("a closed interview accepts nothing")
	}
}

func TestHandedInFiles(t *testing.T) {
	t.Parallel()
	file := func(path, content string) []assay.File { return []assay.File{{Path: path, Content: content}} }
	many := make([]assay.File, assay.MaxFiles+1)
	for i := range many {
		many[i] = assay.File{Path: fmt.Sprintf("f%d.py", i)}
	}
	cases := map[string]struct {
		files []assay.File
		total int64
		want  assay.Code
		says  string
	}{
		"ok":            {file("src/model.py", "x = 1"), 100, "", ""},
		"no name":       {file("", ""), 0, assay.Invalid, "no name"},
		"absolute":      {file("/etc/passwd", ""), 0, assay.Invalid, "/etc/passwd"},
		"dotdot":        {file("../x.py", ""), 0, assay.Invalid, "../x.py"},
		"inner dotdot":  {file("a/../../x.py", ""), 0, assay.Invalid, "a/../../x.py"},
		"backslash":     {file(`a\b.py`, ""), 0, assay.Invalid, "relative"},
		"hidden":        {file(".git/config", ""), 0, assay.Invalid, "dot"},
		"control":       {file("a\nb.py", ""), 0, assay.Invalid, "character"},
		"long":          {file(strings.Repeat("a/", 120)+"x", ""), 0, assay.Invalid, "longer"},
		"not utf-8":     {file("a.py", "\xff\xfe"), 0, assay.Invalid, "a.py is not UTF-8"},
		"nul":           {file("a.py", "a\x00b"), 0, assay.Invalid, "a.py"},
		"large file":    {file("a.py", strings.Repeat("x", assay.MaxFileSize+1)), 0, assay.TooLarge, "a.py"},
		"large in all":  {file("a.py", strings.Repeat("x", 101)), 100, assay.TooLarge, "100"},
		"too many":      {many, 0, assay.TooLarge, "64"},
		"twice":         {append(file("a.py", ""), file("A.py", "")...), 0, assay.Invalid, "twice"},
		"unicode names": {file("données/模型.py", ""), 0, "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := assay.ValidateFiles(c.files, c.total)
			if assay.ErrorCode(err) != c.want || !strings.Contains(assay.ErrorMessage(err), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestScorecardNeedsEvidenceAndBothSides(t *testing.T) {
	t.Parallel()
	good := assay.Scorecard{
		Overall: assay.Yes, ReasonFor: "Found the leak.", ReasonAgainst: "Slow to test.",
		Ratings: []assay.Rating{
			{Competency: "C2", Score: 4, Comment: "Found it unaided.", Evidence: []assay.Evidence{{Kind: "quote", Quote: "…"}}},
			{Competency: "C5", NotAssessed: true},
		},
	}
	if faults := good.Validate([]string{"C2", "C5"}); len(faults) != 0 {
		t.Fatalf("a complete scorecard has faults: %v", faults)
	}
	cases := map[string]func(*assay.Scorecard){
		"overall":        func(s *assay.Scorecard) { s.Overall = "" },
		"reason_for":     func(s *assay.Scorecard) { s.ReasonFor = " " },
		"reason_against": func(s *assay.Scorecard) { s.ReasonAgainst = strings.Repeat("x", assay.MaxReason+1) },
		"rating.C2":      func(s *assay.Scorecard) { s.Ratings[0].Evidence = nil },
		"rating.C5":      func(s *assay.Scorecard) { s.Ratings = s.Ratings[:1] },
	}
	for field, breakIt := range cases {
		bad := good
		bad.Ratings = slices.Clone(good.Ratings)
		breakIt(&bad)
		if faults := bad.Validate([]string{"C2", "C5"}); len(faults) != 1 || faults[field] == "" {
			t.Errorf("%s: faults = %v", field, faults)
		}
	}
	for name, r := range map[string]assay.Rating{
		"no comment": {Competency: "C2", Score: 3},
		"both":       {Competency: "C2", Score: 3, NotAssessed: true, Comment: "x"},
		"five":       {Competency: "C2", Score: 5, Comment: "x"},
		"unset":      {Competency: "C2", Comment: "x"},
	} {
		bad := good
		bad.Ratings = []assay.Rating{r, good.Ratings[1]}
		if bad.Validate([]string{"C2"})["rating.C2"] == "" {
			t.Errorf("%s was accepted", name)
		}
	}
}
