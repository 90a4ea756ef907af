package grade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay"
	"assay/questions"
	"assay/sandbox"
)

// fake is a Runner whose containers are Go functions: one for the judge, one for each of the candidate's.
type fake struct {
	judge     func(t *testing.T, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) sandbox.Outcome
	candidate func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error)
	t         *testing.T
	mu        sync.Mutex
	specs     []sandbox.Spec
}

func (f *fake) Run(ctx context.Context, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
	f.mu.Lock()
	f.specs = append(f.specs, spec)
	f.mu.Unlock()
	wire, _ := s.Wire.(net.Conn)
	if wire != nil {
		defer wire.Close()
		defer context.AfterFunc(ctx, func() { wire.SetDeadline(time.Unix(1, 0)) })()
	}
	var o sandbox.Outcome
	var err error
	if spec.Role == sandbox.RoleJudge {
		o = f.judge(f.t, wire, spec, s)
	} else {
		o, err = f.candidate(f.t, ctx, wire, spec, s)
	}
	if err == nil {
		err = ctx.Err()
	}
	o.Image = "image"
	return o, err
}

func (f *fake) spec(suffix string) sandbox.Spec {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.specs {
		if strings.HasSuffix(s.Name, suffix) {
			return s
		}
	}
	f.t.Fatalf("no container …%s was started", suffix)
	return sandbox.Spec{}
}

func (f *fake) started(suffix string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.specs, func(s sandbox.Spec) bool { return strings.HasSuffix(s.Name, suffix) })
}

func send(wire net.Conn, v sandbox.Value) { sandbox.WriteMessage(wire, v, sandbox.WireLimits{}) }

func recv(wire net.Conn) (sandbox.Dict, error) {
	v, err := sandbox.ReadMessage(wire, sandbox.WireLimits{})
	d, _ := v.(sandbox.Dict)
	return d, err
}

func dict(pairs ...any) sandbox.Dict {
	var d sandbox.Dict
	for i := 0; i < len(pairs); i += 2 {
		d = append(d, sandbox.Pair{Key: pairs[i], Value: pairs[i+1]})
	}
	return d
}

func question(fn string, timeout float64) sandbox.Dict {
	return dict("op", "call", "id", int64(1), "fn", fn, "args", sandbox.Tuple{int64(21)}, "kwargs", sandbox.Dict{}, "timeout", timeout)
}

func check(id string, status assay.CheckStatus, more ...any) sandbox.Dict {
	return append(dict("id", id, "status", string(status)), dict(more...)...)
}

func report(checks ...sandbox.Value) sandbox.Dict {
	return dict("report", dict("format", int64(1), "checks", sandbox.List(checks), "series", sandbox.List{}, "notes", ""))
}

// askOnce is a judge that asks for double(21) and reports.
func askOnce(timeout float64) func(*testing.T, net.Conn, sandbox.Spec, sandbox.Streams) sandbox.Outcome {
	return func(t *testing.T, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) sandbox.Outcome {
		fmt.Fprintln(s.Stderr, "judge speaking")
		send(wire, question("double", timeout))
		answer, err := recv(wire)
		switch e, failed := answer.Get("error").(sandbox.Dict); {
		case err != nil:
			return sandbox.Outcome{Exit: 1}
		case failed:
			send(wire, report(check("double", assay.CheckError, "error", e.Get("kind"), "message", e.Get("message"))))
		case answer.Get("ok") == int64(42):
			send(wire, report(check("double", assay.CheckPass)))
		default:
			send(wire, report(check("double", assay.CheckFail, "message", "double(21) is not 42")))
		}
		return sandbox.Outcome{}
	}
}

// worker greets, and answers each question with what do makes of it, until the wire closes.
func worker(do func(q sandbox.Dict) sandbox.Dict, end sandbox.Outcome) func(*testing.T, context.Context, net.Conn, sandbox.Spec, sandbox.Streams) (sandbox.Outcome, error) {
	return func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
		fmt.Fprintln(s.Stdout, "imported")
		send(wire, dict("id", "hello", "ok", nil))
		for {
			q, err := recv(wire)
			if err != nil {
				return end, nil
			}
			fmt.Fprintln(s.Stdout, "asked about", q.Get("args"))
			reply := do(q)
			if reply == nil {
				return end, nil
			}
			send(wire, reply)
		}
	}
}

func doubles(q sandbox.Dict) sandbox.Dict { return dict("id", q.Get("id"), "ok", int64(42)) }

func pack(iface assay.Interface) *questions.Package {
	p := &questions.Package{
		Checks:  []assay.CheckSpec{{ID: "double", Title: "Doubles", Points: 10, Stage: 1, Show: assay.ShowPublic}},
		Harness: []questions.BinFile{{Path: "harness/grade.py", Data: []byte("SECRET = 'canary'")}},
		Static:  []questions.BinFile{{Path: "truth.bin", Data: []byte("canary")}},
		Start:   []string{"python3", "server.py"},
		Seeds:   1,
	}
	p.Public.Question = assay.Question{
		Slug: "double", Revision: "r1", Kind: assay.KindImplement, Interface: iface, Entry: "solution.py", Pass: 0.6,
		Run: []string{"python3", "check.py"}, Environment: assay.Environment{Image: "bare", Threads: 1},
		Limits: assay.Limits{CPUs: 1, Memory: 64 << 20, Grade: 5 * time.Second, GradeCPU: 5 * time.Second, Run: 5 * time.Second},
	}
	p.Public.Starter = []assay.File{{Path: "check.py", Content: "…", ReadOnly: true}, {Path: "solution.py", Content: "…"}}
	p.Public.Data = []assay.File{{Path: "data/rows.csv", Content: "1", ReadOnly: true}}
	return p
}

func grade(t *testing.T, f *fake, iface assay.Interface) (Result, error) {
	t.Helper()
	f.t = t
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return Grade(ctx, f, Job{
		Package: pack(iface), Files: []assay.File{{Path: "solution.py", Content: "def double(x): return 2 * x"}}, Seed: "s", Name: "att-1",
	})
}

func TestGradeCall(t *testing.T) {
	t.Parallel()
	ends := func(o sandbox.Outcome) func(*testing.T, context.Context, net.Conn, sandbox.Spec, sandbox.Streams) (sandbox.Outcome, error) {
		return func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
			return o, nil
		}
	}
	cases := map[string]struct {
		candidate func(*testing.T, context.Context, net.Conn, sandbox.Spec, sandbox.Streams) (sandbox.Outcome, error)
		want      assay.Verdict
		says      string // in the check's message
	}{
		"right": {worker(doubles, sandbox.Outcome{}), assay.Accepted, ""},
		"wrong": {worker(func(q sandbox.Dict) sandbox.Dict { return dict("id", q.Get("id"), "ok", int64(7)) }, sandbox.Outcome{}), assay.WrongAnswer, "not 42"},
		"raises": {worker(func(q sandbox.Dict) sandbox.Dict {
			return dict("id", q.Get("id"), "error", dict("kind", "raised", "message", "Traceback (most recent call last):\n  File \"/workspace/solution.py\", line 3, in double\nValueError: the input was 21"))
		}, sandbox.Outcome{}), assay.RuntimeError, "raised ValueError in solution.py, line 3."},
		"forges":            {worker(func(q sandbox.Dict) sandbox.Dict { return report(check("double", assay.CheckPass)) }, sandbox.Outcome{}), assay.RuntimeError, "cannot be sent"},
		"replays":           {worker(func(q sandbox.Dict) sandbox.Dict { return dict("id", int64(1), "ok", int64(42)) }, sandbox.Outcome{}), assay.RuntimeError, "cannot be sent"},
		"dies":              {worker(func(q sandbox.Dict) sandbox.Dict { return nil }, sandbox.Outcome{}), assay.RuntimeError, "ended before"},
		"killed for memory": {worker(func(q sandbox.Dict) sandbox.Dict { return nil }, sandbox.Outcome{OOM: true, Signal: 9, Exit: 137}), assay.MemoryLimit, "ended before"},
		"right, but a child was killed for memory": {worker(doubles, sandbox.Outcome{OOM: true}), assay.MemoryLimit, ""},
		"does not import": {func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
			send(wire, dict("id", "hello", "error", dict("kind", "raised", "message", "SyntaxError: invalid syntax")))
			return sandbox.Outcome{Exit: 1}, nil
		}, assay.CompileError, "could not be loaded"},
		"exits at import": {ends(sandbox.Outcome{}), assay.CompileError, "could not be loaded"},
		"loops at import": {ends(sandbox.Outcome{TimedOut: true, Signal: 9, Exit: 137}), assay.TimeLimit, "Time limit"},
		"floods":          {ends(sandbox.Outcome{OutputExceeded: true, Signal: 9, Exit: 137}), assay.OutputLimit, "Output limit"},
		"greets with a report": {func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
			send(wire, report(check("double", assay.CheckPass)))
			<-ctx.Done()
			return sandbox.Outcome{}, nil
		}, assay.CompileError, "could not be loaded"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := grade(t, &fake{judge: askOnce(2), candidate: c.candidate}, assay.InterfaceCall)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != c.want || len(r.Report.Checks) != 1 || !strings.Contains(r.Report.Checks[0].Message, c.says) {
				t.Errorf("%s (want %s): %+v", r.Verdict, c.want, r.Report.Checks)
			}
			if (c.says == "") != (r.Score == 1) {
				t.Errorf("score %v", r.Score)
			}
			if strings.Contains(r.PublicLog, "asked about") || strings.Contains(r.Report.Checks[0].Message, "the input was") {
				t.Errorf("hidden inputs reach the candidate: %q", r.PublicLog)
			}
		})
	}
}

func TestGradeTimesOutsideTheCandidate(t *testing.T) {
	t.Parallel()
	stuck := worker(func(q sandbox.Dict) sandbox.Dict { select {} }, sandbox.Outcome{})
	f := &fake{judge: askOnce(0.05), candidate: func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
		go stuck(t, ctx, wire, spec, s)
		<-ctx.Done() // the container is killed
		return sandbox.Outcome{Signal: 9, Exit: 137}, ctx.Err()
	}}
	r, err := grade(t, f, assay.InterfaceCall)
	if err != nil || r.Verdict != assay.TimeLimit {
		t.Errorf("%s %v", r.Verdict, err)
	}
}

// A program that was not given the CPU is graded once more; one that used its time up is not.
func TestTimeLimitOnABusyHostIsTriedAgain(t *testing.T) {
	t.Parallel()
	for cpu, want := range map[time.Duration]assay.Verdict{0: assay.Accepted, time.Second: assay.TimeLimit} {
		f := &fake{judge: askOnce(0.05)}
		f.candidate = func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
			if strings.HasSuffix(spec.Name, "-again-candidate") {
				return worker(doubles, sandbox.Outcome{})(t, ctx, wire, spec, s)
			}
			send(wire, dict("id", "hello", "ok", nil))
			<-ctx.Done()
			return sandbox.Outcome{Signal: 9, Exit: 137, CPU: cpu}, ctx.Err()
		}
		if r, err := grade(t, f, assay.InterfaceCall); err != nil || r.Verdict != want {
			t.Errorf("with %v of CPU time: %s %v", cpu, r.Verdict, err)
		}
	}
}

// What goes into which container, and which of a package's bytes never meet the candidate's code.
func TestHiddenBytesStayOnTheJudgesSide(t *testing.T) {
	t.Parallel()
	f := &fake{judge: askOnce(2), candidate: worker(doubles, sandbox.Outcome{})}
	if _, err := grade(t, f, assay.InterfaceCall); err != nil {
		t.Fatal(err)
	}
	c, j := f.spec("candidate"), f.spec("judge")
	var names []string
	for _, file := range c.Files {
		names = append(names, file.Path)
		if strings.Contains(string(file.Data), "canary") {
			t.Errorf("%s holds a secret", file.Path)
		}
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "check.py data/rows.csv solution.py" {
		t.Errorf("the candidate's container holds %s", got)
	}
	if c.Role != sandbox.RoleCandidate || j.Role != sandbox.RoleJudge || j.Profile != sandbox.ProfileJudge || c.Name != "att-1-candidate" {
		t.Errorf("%+v / %+v", c, j)
	}
	for _, env := range c.Env {
		if strings.Contains(env, "seed") || strings.Contains(env, "r1") {
			t.Errorf("the candidate's environment tells %s", env)
		}
	}
	for _, file := range j.Files {
		if strings.HasPrefix(file.Path, "candidate/") && path.Ext(file.Path) == ".py" {
			return // as data, in a folder that is on no import path
		}
	}
	t.Error("the judge cannot read what was handed in")
}

func TestGradeOurFaults(t *testing.T) {
	t.Parallel()
	says := func(v sandbox.Value, o sandbox.Outcome) func(*testing.T, net.Conn, sandbox.Spec, sandbox.Streams) sandbox.Outcome {
		return func(t *testing.T, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) sandbox.Outcome {
			fmt.Fprintln(s.Stderr, "Traceback: last words of the harness")
			if v != nil {
				send(wire, v)
			}
			return o
		}
	}
	cases := map[string]struct {
		judge func(*testing.T, net.Conn, sandbox.Spec, sandbox.Streams) sandbox.Outcome
		says  string
	}{
		"crashes":         {says(nil, sandbox.Outcome{Exit: 1}), "without a report"},
		"killed":          {says(nil, sandbox.Outcome{OOM: true, Exit: 137, Signal: 9}), "memory"},
		"says fault":      {says(dict("fault", "ZeroDivisionError"), sandbox.Outcome{Exit: 1}), "failed"},
		"half a report":   {says(report(), sandbox.Outcome{}), "missing"},
		"unknown check":   {says(report(check("other", assay.CheckPass)), sandbox.Outcome{}), "other"},
		"array in report": {says(report(check("double", assay.CheckPass, "value", &sandbox.Array{DType: "<f8", Shape: []int64{0}})), sandbox.Outcome{}), "Array"},
		"no report":       {says(dict("hello", "x"), sandbox.Outcome{}), "no report"},
		"report and more": {says(append(report(check("double", assay.CheckPass)), dict("score", 1.0)...), sandbox.Outcome{}), "no report"},
		"plain text":      {says("done", sandbox.Outcome{}), "no report"},
		"NaN fraction":    {says(report(check("double", assay.CheckPartial, "fraction", nan())), sandbox.Outcome{}), "NaN"},
		"says points":     {says(report(check("double", assay.CheckPass, "points", 10.0)), sandbox.Outcome{}), "points"},
		"breaks the frame": {func(t *testing.T, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) sandbox.Outcome {
			io.WriteString(wire, strings.Repeat("nonsense", 10))
			return sandbox.Outcome{}
		}, "frame"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := grade(t, &fake{judge: c.judge, candidate: worker(doubles, sandbox.Outcome{})}, assay.InterfaceCall)
			h, ok := errors.AsType[*HarnessError](err)
			if !ok || !strings.Contains(h.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

func nan() float64 { return (sandbox.Value(float64(0))).(float64) / zero }

var zero float64

func TestEngineErrorsAreOurs(t *testing.T) {
	t.Parallel()
	gone := &sandbox.EngineError{Kind: sandbox.EngineUnavailable, Message: "no engine"}
	f := &fake{
		judge: askOnce(1),
		candidate: func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
			return sandbox.Outcome{}, gone
		},
	}
	if _, err := grade(t, f, assay.InterfaceCall); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
}

func TestCancelledGradingSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := &fake{t: t, judge: askOnce(1), candidate: func(t *testing.T, inner context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
		cancel()
		<-inner.Done()
		return sandbox.Outcome{}, inner.Err()
	}}
	_, err := Grade(ctx, f, Job{Package: pack(assay.InterfaceCall), Name: "x"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestGradeTrain(t *testing.T) {
	t.Parallel()
	trains := func(end sandbox.Outcome, reply func(q sandbox.Dict) sandbox.Dict) func(*testing.T, context.Context, net.Conn, sandbox.Spec, sandbox.Streams) (sandbox.Outcome, error) {
		return func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
			if strings.HasSuffix(spec.Name, "train") {
				fmt.Fprint(s.Stdout, "metric loss 1 0.5\n")
				return worker(reply, end)(t, ctx, wire, spec, s)
			}
			return worker(doubles, sandbox.Outcome{})(t, ctx, wire, spec, s)
		}
	}
	fine := func(q sandbox.Dict) sandbox.Dict { return dict("id", q.Get("id"), "ok", nil) }
	artifact := sandbox.Outcome{Files: []sandbox.File{{Path: "artifact/model.bin", Data: []byte("weights")}}, CPU: time.Second}

	t.Run("a fresh container predicts", func(t *testing.T) {
		t.Parallel()
		f := &fake{judge: askOnce(2), candidate: trains(artifact, fine)}
		r, err := grade(t, f, assay.InterfaceTrain)
		if err != nil || r.Verdict != assay.Accepted {
			t.Fatalf("%s %v", r.Verdict, err)
		}
		fresh := f.spec("predict")
		if !slices.ContainsFunc(fresh.Files, func(f sandbox.File) bool { return f.Path == "artifact/model.bin" }) {
			t.Error("the fresh container lacks the artifact")
		}
		if fresh.CPU != 4*time.Second {
			t.Errorf("CPU time left for predicting: %v", fresh.CPU)
		}
		var job string
		for _, file := range f.spec("judge").Files {
			if file.Path == "job.json" {
				job = string(file.Data)
			}
		}
		if !strings.Contains(job, `"loss"`) {
			t.Errorf("the judge does not learn how the run went: %s", job)
		}
	})
	for name, c := range map[string]struct {
		end   sandbox.Outcome
		reply func(q sandbox.Dict) sandbox.Dict
		want  assay.Verdict
	}{
		"raises": {sandbox.Outcome{}, func(q sandbox.Dict) sandbox.Dict {
			return dict("id", q.Get("id"), "error", dict("kind", "raised", "message", "ValueError: data"))
		}, assay.RuntimeError},
		"out of memory": {sandbox.Outcome{OOM: true, Signal: 9, Exit: 137}, func(q sandbox.Dict) sandbox.Dict { return nil }, assay.MemoryLimit},
		"out of CPU":    {sandbox.Outcome{CPUExceeded: true, Signal: 9, Exit: 137}, func(q sandbox.Dict) sandbox.Dict { return nil }, assay.TimeLimit},
		"exits 0":       {sandbox.Outcome{}, func(q sandbox.Dict) sandbox.Dict { return nil }, assay.RuntimeError},
		"answers twice": {sandbox.Outcome{}, func(q sandbox.Dict) sandbox.Dict { return dict("id", "other", "ok", nil) }, assay.RuntimeError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{judge: askOnce(2), candidate: trains(c.end, c.reply)}
			r, err := grade(t, f, assay.InterfaceTrain)
			if err != nil || r.Verdict != c.want || r.Score != 0 || len(r.Report.Checks) != 1 {
				t.Errorf("%s (want %s) %v", r.Verdict, c.want, err)
			}
			if f.started("judge") {
				t.Error("a run that failed was judged")
			}
		})
	}
}

func TestGradeFiles(t *testing.T) {
	t.Parallel()
	ends := func(o sandbox.Outcome) *fake {
		return &fake{
			judge: func(t *testing.T, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) sandbox.Outcome {
				ok := slices.ContainsFunc(spec.Files, func(f sandbox.File) bool { return f.Path == "collected/out/a.csv" })
				send(wire, report(check("double", map[bool]assay.CheckStatus{true: assay.CheckPass, false: assay.CheckFail}[ok])))
				return sandbox.Outcome{}
			},
			candidate: func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
				return o, nil
			},
		}
	}
	for name, c := range map[string]struct {
		o    sandbox.Outcome
		want assay.Verdict
	}{
		"writes":  {sandbox.Outcome{Files: []sandbox.File{{Path: "out/a.csv"}}}, assay.Accepted},
		"nothing": {sandbox.Outcome{}, assay.WrongAnswer},
		"exit 1":  {sandbox.Outcome{Exit: 1}, assay.RuntimeError},
		"flood":   {sandbox.Outcome{OutputExceeded: true, Signal: 9, Exit: 137}, assay.OutputLimit},
	} {
		r, err := grade(t, ends(c.o), assay.InterfaceFiles)
		if err != nil || r.Verdict != c.want {
			t.Errorf("%s: %s %v", name, r.Verdict, err)
		}
	}
}

func TestGradeServe(t *testing.T) {
	t.Parallel()
	judge := func(t *testing.T, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) sandbox.Outcome {
		conn, err := s.Upstream(t.Context())
		if err == nil {
			b, _ := io.ReadAll(conn)
			if string(b) == "pong" {
				send(wire, report(check("double", assay.CheckPass)))
				return sandbox.Outcome{}
			}
		}
		send(wire, report(check("double", assay.CheckFail)))
		return sandbox.Outcome{}
	}
	serves := func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
		if spec.Port != questions.ServePort || !slices.Contains(spec.Env, "PORT=8000") {
			t.Errorf("spec %+v", spec)
		}
		s.Ready(func(context.Context) (net.Conn, error) {
			a, b := net.Pipe()
			go func() {
				io.WriteString(b, "pong")
				b.Close()
			}()
			return a, nil
		})
		fmt.Fprintln(s.Stdout, "request for SECRET INPUT")
		<-ctx.Done()
		return sandbox.Outcome{Signal: 9, Exit: 137}, ctx.Err()
	}
	r, err := grade(t, &fake{judge: judge, candidate: serves}, assay.InterfaceServe)
	if err != nil || r.Verdict != assay.Accepted {
		t.Errorf("%s %v", r.Verdict, err)
	}
	dies := func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
		return sandbox.Outcome{Exit: 1}, nil
	}
	r, err = grade(t, &fake{judge: judge, candidate: dies}, assay.InterfaceServe)
	if err != nil || r.Verdict != assay.CompileError {
		t.Errorf("%s %v", r.Verdict, err)
	}
}

func TestRunPublic(t *testing.T) {
	t.Parallel()
	prints := func(text string, o sandbox.Outcome) *fake {
		return &fake{t: t, candidate: func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
			if strings.Join(spec.Argv, " ") != "python3 check.py" || wire != nil || len(spec.Collect) != 0 {
				t.Errorf("%+v", spec)
			}
			io.WriteString(s.Stdout, text)
			return o, nil
		}}
	}
	job := func() Job {
		p := pack(assay.InterfaceCall)
		p.Checks = append(p.Checks, assay.CheckSpec{ID: "secret", Show: assay.ShowHidden, Points: 90})
		return Job{Package: p, Seed: "s3cret", Name: "x"}
	}
	r, err := RunPublic(t.Context(), prints("check mine pass\ncheck secret pass\ncheck double fail no\nmetric loss 1 2\nbye", sandbox.Outcome{Exit: 1}), job())
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != "" || r.Score != 0 || len(r.Report.Checks) != 2 || r.Report.Checks[0].ID != "double" || r.Report.Checks[1].ID != "mine" ||
		len(r.Report.Series) != 1 || r.Report.Seed != "" || !strings.HasSuffix(r.PublicLog, "bye") {
		t.Errorf("%+v", r)
	}
	for _, c := range r.Report.Checks {
		if c.Points != 0 || c.Of != 0 || c.Show != assay.ShowPublic {
			t.Errorf("%+v", c)
		}
	}
	for want, o := range map[assay.Verdict]sandbox.Outcome{
		assay.RuntimeError: {Exit: 1}, assay.TimeLimit: {TimedOut: true}, assay.MemoryLimit: {OOM: true}, assay.OutputLimit: {OutputExceeded: true}, "": {},
	} {
		if r, err := RunPublic(t.Context(), prints("", o), job()); err != nil || r.Verdict != want {
			t.Errorf("%+v: %q %v", o, r.Verdict, err)
		}
	}
}
