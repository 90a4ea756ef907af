package grade

import (
	"context"
	"net"
	"strings"
	"testing"

	"assay"
	"assay/questions"
	"assay/sandbox"
)

// The scripted judge passes whoever hands in the word "right"; so a broken question can be put together at will.
func wordJudge(t *testing.T, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) sandbox.Outcome {
	status := assay.CheckFail
	for _, f := range spec.Files {
		if f.Path == "candidate/solution.py" && strings.Contains(string(f.Data), "right") {
			status = assay.CheckPass
		}
	}
	send(wire, report(check("double", status, "staff_message", "for the author")))
	return sandbox.Outcome{}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	files := func(text string) []assay.File { return []assay.File{{Path: "solution.py", Content: text}} }
	cases := map[string]struct {
		change func(*questions.Package)
		misses map[string]string // row → part of a miss
	}{
		"sound": {func(p *questions.Package) {}, nil},
		"accepted is wrong": {func(p *questions.Package) { p.Solutions[0].Files = files("bad") },
			map[string]string{"accepted/a": "gets WA and not AC"}},
		"wrong is accepted": {func(p *questions.Package) { p.Solutions[1].Files = files("right") },
			map[string]string{"wrong_answer/b": "check double must not pass"}},
		"score out of range": {func(p *questions.Package) { p.Solutions[0].Max = f64(0.5) },
			map[string]string{"accepted/a": "above 0.500"}},
		"baseline scores": {func(p *questions.Package) {
			p.Solutions = append(p.Solutions, questions.Solution{Name: "baseline/c", Files: files("right"), Baseline: true, Max: f64(0.1)})
		}, map[string]string{"baseline/c": "above 0.100"}},
		"starter is the solution": {func(p *questions.Package) { p.Public.Starter[1].Content = "right" },
			map[string]string{"starter": "at most 0.050"}},
		"names a check that is not there": {func(p *questions.Package) { p.Solutions[0].Pass = []string{"triple"} },
			map[string]string{"accepted/a": "triple must pass and is missing"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pack(assay.InterfaceCall)
			p.StarterMax = 0.05
			p.Solutions = []questions.Solution{
				{Name: "accepted/a", Verdict: assay.Accepted, Files: files("right"), Pass: []string{"double"}, Min: f64(1)},
				{Name: "wrong_answer/b", Verdict: assay.WrongAnswer, Files: files("wrong"), Fail: []string{"double"}, Max: f64(0.3)},
			}
			c.change(p)
			runner := &fake{t: t, judge: wordJudge, candidate: worker(doubles, sandbox.Outcome{})}
			seen := 0
			r, err := Verify(t.Context(), VerifyOptions{Package: p, Runner: runner, Parallel: 4, Progress: func(VerifyRow) { seen++ }})
			if err != nil {
				t.Fatal(err)
			}
			if seen != len(r.Rows) || r.OK() != (len(c.misses) == 0) {
				t.Errorf("%d of %d rows were told, ok %v", seen, len(r.Rows), r.OK())
			}
			attacks := 0
			for _, row := range r.Rows {
				if strings.HasPrefix(row.Name, "attack/") {
					attacks++
				}
				want := c.misses[row.Name]
				if row.OK() != (want == "") || !strings.Contains(strings.Join(row.Misses, "\n"), want) {
					t.Errorf("%s: %q, want %q", row.Name, row.Misses, want)
				}
			}
			if attacks < 8 {
				t.Errorf("only %d attacks were tried", attacks)
			}
		})
	}
}

func TestVerifySaysWhenTheHarnessBreaks(t *testing.T) {
	t.Parallel()
	p := pack(assay.InterfaceCall)
	runner := &fake{t: t, candidate: worker(doubles, sandbox.Outcome{}), judge: func(t *testing.T, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) sandbox.Outcome {
		send(wire, dict("fault", "IndexError: in grade.py"))
		return sandbox.Outcome{Exit: 1}
	}}
	r, err := Verify(t.Context(), VerifyOptions{Package: p, Runner: runner, Only: []string{"starter"}})
	if err != nil || len(r.Rows) != 1 || r.OK() || r.Rows[0].Got != "JE" || !strings.Contains(strings.Join(r.Rows[0].Misses, " "), "IndexError") {
		t.Errorf("%+v %v", r, err)
	}
}

func TestVerifyStopsWhenTheEngineFails(t *testing.T) {
	t.Parallel()
	runner := &fake{t: t, judge: passAll, candidate: func(*testing.T, context.Context, net.Conn, sandbox.Spec, sandbox.Streams) (sandbox.Outcome, error) {
		return sandbox.Outcome{}, &sandbox.EngineError{Kind: sandbox.EngineUnavailable, Message: "no engine"}
	}}
	_, err := Verify(t.Context(), VerifyOptions{Package: pack(assay.InterfaceCall), Runner: runner})
	if err == nil || !strings.Contains(err.Error(), "no engine") {
		t.Errorf("%v", err)
	}
}

func TestVerifyTheGenerator(t *testing.T) {
	t.Parallel()
	file := func(path, data string) sandbox.File { return sandbox.File{Path: "out/" + path, Data: []byte(data)} }
	cases := map[string]struct {
		files []sandbox.File
		says  string
	}{
		"sound":          {[]sandbox.File{file("first/hidden/y", "1"), file("again/hidden/y", "1"), file("other/hidden/y", "2"), file("public/public/rows.csv", "1")}, ""},
		"not repeatable": {[]sandbox.File{file("first/hidden/y", "1"), file("again/hidden/y", "3"), file("other/hidden/y", "2"), file("public/public/rows.csv", "1")}, "hidden/y differs"},
		"deaf to seeds":  {[]sandbox.File{file("first/hidden/y", "1"), file("again/hidden/y", "1"), file("other/hidden/y", "1"), file("public/public/rows.csv", "1")}, "two seeds"},
		"stale data":     {[]sandbox.File{file("first/hidden/y", "1"), file("again/hidden/y", "1"), file("other/hidden/y", "2"), file("public/public/rows.csv", "0")}, "data/rows.csv is not"},
		"missing data":   {[]sandbox.File{file("first/hidden/y", "1"), file("again/hidden/y", "1"), file("other/hidden/y", "2")}, "data/rows.csv is not"},
		"writes nothing": {nil, "no file"},
	}
	for name, c := range cases {
		p := pack(assay.InterfaceCall)
		p.Generator = "def generate(seed, out): ..."
		runner := &fake{t: t, judge: func(t *testing.T, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) sandbox.Outcome {
			if spec.Role != sandbox.RoleJudge {
				t.Error("the generator runs beside candidates")
			}
			return sandbox.Outcome{Files: c.files}
		}}
		r, err := Verify(t.Context(), VerifyOptions{Package: p, Runner: runner, Only: []string{"generator"}})
		if err != nil || len(r.Rows) != 1 {
			t.Fatal(name, err)
		}
		if r.OK() != (c.says == "") || !strings.Contains(strings.Join(r.Rows[0].Misses, "\n"), c.says) {
			t.Errorf("%s: %q", name, r.Rows[0].Misses)
		}
	}
}

// An attack that replaces a file which the candidate may not change would be undone before grading, and prove nothing.
func TestAttacksReachWhatTheCandidateMayChange(t *testing.T) {
	t.Parallel()
	p := &questions.Package{}
	p.Public.Question = assay.Question{Entry: "service.py", Editable: []string{"NOTES.md", "model.py", "loader.py"}}
	p.Public.Starter = []assay.File{{Path: "NOTES.md"}, {Path: "loader.py"}, {Path: "model.py", Content: "x"}, {Path: "service.py", ReadOnly: true}}
	got := attacked(p, "attack")
	if len(got) != 3 || got[0] != (assay.File{Path: "loader.py", Content: "attack"}) {
		t.Errorf("got %v", got)
	}
	p.Public.Question.Editable = append(p.Public.Question.Editable, "service.py")
	if got := attacked(p, "attack"); got[0].Path != "service.py" {
		t.Errorf("got %v", got)
	}
}
