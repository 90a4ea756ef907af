package grade_test

import (
	"os"
	"strings"
	"testing"

	"assay"
	"assay/questions"
	"assay/sandbox/grade"
)

// example is the bank's own small question of a kind.
func example(t *testing.T, kind assay.Kind) questions.Sealed {
	t.Helper()
	dir := t.TempDir()
	if err := questions.New(kind, "example", dir); err != nil {
		t.Fatal(err)
	}
	sealed, findings, err := questions.Pack(os.DirFS(dir), "example")
	if err != nil || len(findings) > 0 {
		t.Fatal(err, findings)
	}
	return sealed
}

// Every way of reaching a candidate's code, in real containers: call, train, serve and files.
func TestEveryInterfaceForReal(t *testing.T) {
	t.Parallel()
	runner := docker(t)
	for _, kind := range questions.NewKinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			report, err := grade.Verify(t.Context(), grade.VerifyOptions{
				Sealed: example(t, kind), Runner: runner, Parallel: 1, Only: []string{"accepted", "wrong_answer", "runtime_error", "starter", "generator"},
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Rows) < 3 {
				t.Errorf("only %d rows", len(report.Rows))
			}
			for _, row := range report.Rows {
				if !row.OK() {
					t.Errorf("%s: %s", row.Name, strings.Join(row.Misses, "\n"))
				}
			}
		})
	}
}

func TestRunPublicForReal(t *testing.T) {
	t.Parallel()
	runner := docker(t)
	slots <- struct{}{}
	defer func() { <-slots }()
	p := target(t)
	p.Public.Question.Run = []string{"python3", "check.py"}
	p.Public.Starter = append(p.Public.Starter, assay.File{Path: "check.py", ReadOnly: true, Content: `
import os
import solution
print("hello", sorted(os.listdir(".")), open("data/bait.txt").read().strip())
print("metric loss 1 0.5")
print("metric loss 2 nan")
print("check values", "pass" if solution.answer == 42 else "fail", "the answer is", solution.answer)
`})
	files := []assay.File{
		{Path: "solution.py", Content: "answer = 42"},
		{Path: "check.py", Content: "print('check values pass my own checker says so')"}, // read-only: the question's own is run
	}
	var events []assay.Event
	r, err := grade.RunPublic(t.Context(), runner, grade.Job{
		Package: p, Files: files, Name: "test-public", Sink: func(batch []assay.Event) { events = append(events, batch...) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != "" || len(r.Report.Checks) != 1 || r.Report.Checks[0].Message != "the answer is 42" || len(r.Report.Series) != 1 ||
		!strings.Contains(r.PublicLog, "hello ['check.py', 'data', 'solution.py'] canary-here") || r.Report.Usage.Wall <= 0 {
		t.Errorf("%+v", r)
	}
	kinds := map[assay.EventKind]int{}
	for _, e := range events {
		kinds[e.Kind]++
	}
	if kinds[assay.EventLog] == 0 || kinds[assay.EventMetric] != 2 || kinds[assay.EventCheck] != 1 || kinds[assay.EventPhase] == 0 {
		t.Errorf("events %v", kinds)
	}
}
