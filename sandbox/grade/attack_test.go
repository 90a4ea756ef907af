package grade_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"assay"
	"assay/questions"
	"assay/sandbox"
	"assay/sandbox/grade"
)

// box is one real sandbox for all tests of this package that need Docker.
var box = sync.OnceValues(func() (*sandbox.Docker, error) {
	return sandbox.Open(context.Background(), sandbox.Config{})
})

// slots bounds the gradings that run at once: each is two containers.
var slots = make(chan struct{}, max(2, runtime.NumCPU()))

func docker(t *testing.T) grade.Runner {
	t.Helper()
	if os.Getenv("ASSAY_TEST_DOCKER") != "1" {
		t.Skip("needs a Docker engine with the sandbox images: set ASSAY_TEST_DOCKER=1")
	}
	b, err := box()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMain(m *testing.M) {
	code := m.Run()
	if os.Getenv("ASSAY_TEST_DOCKER") == "1" {
		if b, err := box(); err == nil {
			b.Close()
		}
	}
	os.Exit(code)
}

func source(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{"testdata", "attacks"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// target is a small question with secrets to steal.
func target(t *testing.T) *questions.Package {
	p := &questions.Package{
		Checks: []assay.CheckSpec{
			{ID: "values", Title: "Values", Points: 60, Stage: 1, Show: assay.ShowPublic},
			{ID: "stable", Title: "Large inputs", Points: 20, Stage: 1, Show: assay.ShowAfter},
			{ID: "mean", Title: "Running mean", Points: 20, Stage: 1, Show: assay.ShowPublic},
		},
		Harness:    []questions.BinFile{{Path: "harness/grade.py", Data: []byte(source(t, "harness", "grade.py"))}},
		Generator:  source(t, "generate.py"),
		Seeds:      1,
		StarterMax: 0.05,
		Args:       map[string]any{},
	}
	p.Public.Question = assay.Question{
		Slug: "softmax", Revision: strings.Repeat("0", 64), Kind: assay.KindImplement, Interface: assay.InterfaceCall, Entry: "solution.py",
		Editable: []string{"solution.py"}, Pass: 0.6, Environment: assay.Environment{Image: "numpy", Threads: 1},
		Limits: assay.Limits{CPUs: 1, Memory: 192 << 20, Disk: 16 << 20, Pids: 32, Output: 256 << 10,
			Run: 10 * time.Second, Grade: 15 * time.Second, GradeCPU: 5 * time.Second},
	}
	p.Public.Data = []assay.File{{Path: "data/bait.txt", Content: "canary-here\n", ReadOnly: true}} // proves that a search would find something
	p.Public.Starter = []assay.File{{Path: "solution.py", Content: source(t, "starter", "solution.py")}}
	return p
}

// attempt grades one source with live events, and returns all that its candidate could ever read beside the result.
func attempt(t *testing.T, runner grade.Runner, source string) (grade.Result, string) {
	t.Helper()
	slots <- struct{}{}
	defer func() { <-slots }()
	var mu sync.Mutex
	var seen strings.Builder
	name := "test-" + strings.ToLower(strings.NewReplacer("/", "-").Replace(t.Name()))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	r, err := grade.Grade(ctx, runner, grade.Job{
		Package: target(t), Files: []assay.File{{Path: "solution.py", Content: source}}, Seed: "attack", Name: name,
		Sink: func(batch []assay.Event) {
			mu.Lock()
			defer mu.Unlock()
			for _, e := range batch {
				seen.WriteString(e.Text + " " + e.Name + "\n")
				if e.Check != nil {
					seen.WriteString(e.Check.ID + " " + e.Check.Message + "\n")
				}
			}
		},
	})
	if err != nil {
		trace := ""
		if h, ok := errors.AsType[*grade.HarnessError](err); ok {
			trace = h.Trace
		}
		t.Fatalf("our fault: %v\n%s", err, trace)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, c := range r.Report.VisibleTo(true).Checks {
		seen.WriteString(c.ID + " " + c.Message + c.StaffNote + "\n")
	}
	return r, seen.String() + r.PublicLog
}

// Nothing that a submission prints, writes, patches, forges or withholds earns more than the unchanged starter, and none of it is
// our fault. Expected verdicts are named where only one is right.
func TestAttacksEarnNothing(t *testing.T) {
	t.Parallel()
	runner := docker(t)
	verdicts := map[string][]assay.Verdict{
		"exit_at_import":       {assay.CompileError},
		"sys_exit_at_import":   {assay.CompileError},
		"exit_in_call":         {assay.RuntimeError},
		"busy_at_import":       {assay.TimeLimit},
		"sleeper":              {assay.TimeLimit},
		"flood_output":         {assay.OutputLimit},
		"memory_bomb":          {assay.MemoryLimit},
		"memory_bomb_in_child": {assay.MemoryLimit},
		"fork_bomb":            {assay.TimeLimit},
		"fake_report":          {assay.WrongAnswer},
		"result_files":         {assay.WrongAnswer},
		"patched":              {assay.WrongAnswer, assay.RuntimeError, assay.CompileError},
		"read_secrets":         {assay.WrongAnswer, assay.RuntimeError, assay.TimeLimit, assay.OutputLimit},
		"frames_and_gc":        {assay.WrongAnswer},
		"linger":               {assay.WrongAnswer},
		"last_words":           {assay.WrongAnswer},
		"lying_objects":        {assay.RuntimeError, assay.WrongAnswer},
		"pickled":              {assay.RuntimeError},
		"nothing_useful":       {assay.WrongAnswer, assay.RuntimeError},
		"huge_reply":           {assay.RuntimeError, assay.MemoryLimit},
		"half_a_frame":         {assay.TimeLimit},
		"flood_the_wire":       {assay.RuntimeError},
		"frames_on_every_fd":   {assay.RuntimeError, assay.CompileError},
		"ansi_and_nul":         {assay.RuntimeError},
		"raises_base":          {assay.RuntimeError},
	}
	files, err := filepath.Glob("testdata/attacks/forged/*.py")
	if err != nil || len(files) != len(verdicts) {
		t.Fatalf("%d attacks, %d expected verdicts: %v", len(files), len(verdicts), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".py")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, seen := attempt(t, runner, source(t, "forged", name+".py"))
			t.Logf("%s %.3f cpu %v wall %v peak %d MiB", r.Verdict, r.Score, r.Report.Usage.CPU, r.Report.Usage.Wall, r.Report.Usage.PeakMemory>>20)
			if r.Score > 0.05 || r.Verdict == assay.Accepted || r.Verdict == assay.PartiallyAccepted {
				t.Errorf("earns %.3f with %s", r.Score, r.Verdict)
			}
			right := false
			for _, v := range verdicts[name] {
				right = right || v == r.Verdict
			}
			if !right {
				t.Errorf("%s, want one of %v; staff log:\n%s", r.Verdict, verdicts[name], r.StaffLog)
			}
			for _, secret := range []string{"canary-harness", "canary-hidden"} {
				if strings.Contains(seen, secret) || strings.Contains(r.StaffLog, secret) {
					t.Errorf("%s got out", secret)
				}
			}
			// Output that reaches us after the first hidden input is for staff alone, so the proof that the search works may be there.
			if name == "read_secrets" && !strings.Contains(seen+r.StaffLog, "FOUND /workspace/data/bait.txt") {
				t.Errorf("the search found not even what lies open: %s\n%s", seen, r.StaffLog)
			}
			if strings.ContainsAny(seen, "\x1b\x00") {
				t.Error("raw control characters reach a page")
			}
		})
	}
}

// Each attack's honest twin does something similar for a good reason, and keeps full marks.
func TestHonestTwinsKeepFullMarks(t *testing.T) {
	t.Parallel()
	runner := docker(t)
	files, err := filepath.Glob("testdata/attacks/honest/*.py")
	if err != nil || len(files) == 0 {
		t.Fatal("no honest twins", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".py")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := attempt(t, runner, source(t, "honest", name+".py"))
			if r.Verdict != assay.Accepted || r.Score != 1 {
				t.Errorf("%s %.3f: %+v\n%s\n%s", r.Verdict, r.Score, r.Report.Checks, r.PublicLog, r.StaffLog)
			}
		})
	}
}

func TestStarterEarnsNothing(t *testing.T) {
	t.Parallel()
	runner := docker(t)
	r, _ := attempt(t, runner, source(t, "starter", "solution.py"))
	if r.Score > 0.05 || r.Verdict != assay.WrongAnswer {
		t.Errorf("%s %.3f", r.Verdict, r.Score)
	}
}
