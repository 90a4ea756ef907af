package grade

import (
	"errors"
	"math"
	"strings"
	"testing"

	"assay"

	"github.com/google/go-cmp/cmp"
)

func f64(v float64) *float64 { return &v }

var specs = []assay.CheckSpec{
	{ID: "gate", Stage: 1, Points: 10, Gate: true, Show: assay.ShowPublic},
	{ID: "loss", Stage: 1, Points: 40, Unit: "nats", Better: "lower", Zero: f64(0.7), Full: f64(0.6), Show: assay.ShowAfter},
	{ID: "robust", Stage: 2, Points: 50, Show: assay.ShowHidden},
	{ID: "explain", Type: "rubric", Stage: 2, Competency: "C2"},
}

const good = `{"format":1,"checks":[
 {"id":"gate","status":"pass"},
 {"id":"loss","status":"pass","value":0.65,"samples":[0.64,0.66,"NaN"]},
 {"id":"robust","status":"partial","fraction":0.5,"message":"two of four","staff_message":"seed 7"}],
 "series":[{"name":"loss","x":[0,1],"y":[1,"NaN"]}],"notes":"n"}`

func TestPointsComeFromTheQuestion(t *testing.T) {
	t.Parallel()
	raw, err := readReport([]byte(good), specs)
	if err != nil {
		t.Fatal(err)
	}
	got := score(raw, specs)
	want := []assay.Check{
		{ID: "gate", Show: assay.ShowPublic, Status: assay.CheckPass, Points: 10, Of: 10},
		{ID: "loss", Show: assay.ShowAfter, Status: assay.CheckPartial, Points: 20, Of: 40, Value: f64(0.65), Unit: "nats", Samples: []float64{0.64, 0.66}},
		{ID: "robust", Show: assay.ShowHidden, Status: assay.CheckPartial, Points: 25, Of: 50, Message: "two of four", StaffNote: "seed 7"},
	}
	if diff := cmp.Diff(want, got, cmp.Transformer("round", func(v float64) float64 { return math.Round(v*1e9) / 1e9 })); diff != "" {
		t.Error(diff)
	}
}

func TestGateTakesItsStage(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"fail", "error", "skip"} {
		raw, err := readReport([]byte(strings.Replace(good, `"id":"gate","status":"pass"`, `"id":"gate","status":"`+status+`"`, 1)), specs)
		if err != nil {
			t.Fatal(err)
		}
		got := score(raw, specs)
		if got[0].Points != 0 || got[1].Points != 0 || got[2].Points != 25 {
			t.Errorf("gate %s: points %v %v %v", status, got[0].Points, got[1].Points, got[2].Points)
		}
		if !strings.Contains(got[1].StaffNote, "gate") {
			t.Errorf("nobody says why the points are gone: %q", got[1].StaffNote)
		}
	}
}

func TestValueMapsLinearly(t *testing.T) {
	t.Parallel()
	cases := []struct{ v, zero, full, want float64 }{
		{0.7, 0.7, 0.6, 0}, {0.6, 0.7, 0.6, 1}, {0.65, 0.7, 0.6, 0.5}, {0.1, 0.7, 0.6, 1}, {2, 0.7, 0.6, 0},
		{1.2, 1.4, 2, 0}, {1.7, 1.4, 2, 0.5}, {9, 1.4, 2, 1}, {5, 1, 1, 0},
		{math.NaN(), 0, 1, 0}, {math.Inf(1), 0, 1, 0}, {math.Inf(-1), 1, 0, 0},
	}
	for _, c := range cases {
		if got := between(c.v, c.zero, c.full); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v between %v and %v: %v, want %v", c.v, c.zero, c.full, got, c.want)
		}
	}
}

func TestDivergedMetricIsReportedAndEarnsNothing(t *testing.T) {
	t.Parallel()
	raw, err := readReport([]byte(strings.Replace(good, `0.65`, `"NaN"`, 1)), specs)
	if err != nil {
		t.Fatal(err)
	}
	loss := score(raw, specs)[1]
	if loss.Points != 0 || loss.Status != assay.CheckFail || loss.Value != nil || !strings.Contains(loss.StaffNote, "NaN") {
		t.Errorf("%+v", loss)
	}
}

func TestHarnessCannotAddPoints(t *testing.T) {
	t.Parallel()
	raw, err := readReport([]byte(strings.Replace(good, `"value":0.65`, `"value":0.69,"fraction":1`, 1)), specs)
	if err != nil {
		t.Fatal(err)
	}
	if got := score(raw, specs)[1].Points; math.Abs(got-4) > 1e-9 {
		t.Errorf("points = %v, want the mapped 4", got)
	}
}

// Each of these is our fault and never the candidate's.
func TestBrokenReports(t *testing.T) {
	t.Parallel()
	swap := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	cases := map[string]struct{ report, says string }{
		"empty":            {"", "cannot be read"},
		"not json":         {"nonsense", "cannot be read"},
		"not utf-8":        {swap("two of four", "\xff"), "UTF-8"},
		"two reports":      {good + good, "follows"},
		"other format":     {swap(`"format":1`, `"format":2`), "format 2"},
		"unknown key":      {swap(`"notes"`, `"score":100,"notes"`), "score"},
		"points":           {swap(`"id":"gate"`, `"points":10,"id":"gate"`), "points"},
		"unknown check":    {swap(`"id":"gate"`, `"id":"gaet"`), "gaet"},
		"missing check":    {swap(`{"id":"gate","status":"pass"},`, ``), "gate is missing"},
		"twice":            {swap(`{"id":"gate","status":"pass"}`, `{"id":"gate","status":"pass"},{"id":"gate","status":"fail"}`), "twice"},
		"human check":      {swap(`{"id":"gate","status":"pass"}`, `{"id":"gate","status":"pass"},{"id":"explain","status":"pass"}`), "people"},
		"unknown status":   {swap(`"status":"pass"`, `"status":"great"`), "great"},
		"NaN fraction":     {swap(`"fraction":0.5`, `"fraction":"NaN"`), "NaN"},
		"fraction above 1": {swap(`"fraction":0.5`, `"fraction":1.01`), "1.01"},
		"no fraction":      {swap(`"fraction":0.5,`, ``), "no fraction"},
		"no value":         {swap(`"value":0.65,`, ``), "no value"},
		"text as value":    {swap(`0.65`, `"high"`), "number"},
		"long message":     {swap("two of four", strings.Repeat("x", maxMessage+1)), "2048"},
		"long staff":       {swap("seed 7", strings.Repeat("x", maxMessage+1)), "2048"},
		"over 1 MiB":       {swap(`"notes":"n"`, `"notes":"`+strings.Repeat("x", maxReport)+`"`), "1048576"},
		"long notes":       {swap(`"notes":"n"`, `"notes":"`+strings.Repeat("x", maxNotes+1)+`"`), "notes"},
		"uneven series":    {swap(`"x":[0,1]`, `"x":[0]`), "series loss"},
		"odd error":        {swap(`"status":"pass"`, `"status":"error","error":"hm"`), "hm"},
	}
	for name, c := range cases {
		_, err := readReport([]byte(c.report), specs)
		h, ok := errors.AsType[*HarnessError](err)
		if !ok || !strings.Contains(h.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
