package grade

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"assay"
	"assay/questions"
)

// VerifyOptions say what of a question is to be proved.
type VerifyOptions struct {
	Sealed   questions.Sealed   // the question, as a bank packs it
	Package  *questions.Package // the same, opened; taken from Sealed when nil
	Runner   Runner
	Only     []string // names of rows, or folders such as "accepted"; empty means all
	Seeds    []string // item seeds that each solution is graded with; empty means one
	Parallel int      // gradings at once; the number of cores when zero, and always one where a check measures time
	Progress func(VerifyRow)
}

// VerifyReport is what Verify found; a question may be published when OK.
type VerifyReport struct {
	Slug     string      `json:"slug"`
	Revision string      `json:"revision"`
	Rows     []VerifyRow `json:"rows"`
}

// VerifyRow is one thing that was tried: a solution, the starter, an attack, a property of the generator.
type VerifyRow struct {
	Slug     string        `json:"slug"`
	Name     string        `json:"name"`
	Seed     string        `json:"seed,omitempty"`
	Expected string        `json:"expected"`
	Got      string        `json:"got"`
	Passed   int           `json:"passed"` // checks
	Checks   int           `json:"checks"`
	Score    float64       `json:"score"`
	Took     time.Duration `json:"took_ns"`
	CPU      time.Duration `json:"cpu_ns"` // of the candidate's side
	Misses   []string      `json:"misses,omitempty"`
}

// OK says that the row came out as it must.
func (r VerifyRow) OK() bool { return len(r.Misses) == 0 }

// OK says that every row came out as it must.
func (r VerifyReport) OK() bool {
	return !slices.ContainsFunc(r.Rows, func(row VerifyRow) bool { return !row.OK() })
}

// Verify runs everything that a question says about itself: every solution must get the verdict it is filed under, pass and fail
// the checks that solutions.yaml names, and score within its range; the unchanged starter and a list of attacks that fit any
// question must earn next to nothing; the generator must be deterministic, and its public part the data that candidates get.
//
// The error is nil unless Verify itself could not go on; what is wrong with the question is in the rows. A question without a
// harness has no rows: people judge it.
func Verify(ctx context.Context, o VerifyOptions) (VerifyReport, error) {
	if o.Package == nil {
		var err error
		if o.Package, err = questions.Unseal(o.Sealed.Bytes); err != nil {
			return VerifyReport{Slug: o.Sealed.Slug}, err
		}
	}
	q := o.Package.Public.Question
	report := VerifyReport{Slug: q.Slug, Revision: q.Revision}
	if len(o.Package.Harness) == 0 {
		return report, nil
	}
	trials := slices.DeleteFunc(trials(o), func(t trial) bool { return !selected(o.Only, t.name) })
	rows := make([]VerifyRow, len(trials))
	parallel := max(1, cmp.Or(o.Parallel, runtime.NumCPU()))
	if timed(o.Package.Checks) {
		parallel = 1 // neighbours would spoil what is measured
	}
	slots := make(chan struct{}, parallel)
	var all sync.WaitGroup
	var mu sync.Mutex
	var fatal error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i, t := range trials {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			began := time.Now()
			row, err := t.run(ctx)
			row.Slug, row.Name, row.Seed, row.Took = q.Slug, t.name, t.seed, time.Since(began)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				if fatal == nil {
					fatal = fmt.Errorf("%s: %w", t.name, err)
				}
				cancel()
				return
			}
			rows[i] = row
			if o.Progress != nil {
				o.Progress(row)
			}
		})
	}
	all.Wait()
	if fatal == nil {
		fatal = ctx.Err()
	}
	report.Rows = rows
	return report, fatal
}

// timed says that some check measures time.
func timed(checks []assay.CheckSpec) bool {
	return slices.ContainsFunc(checks, func(c assay.CheckSpec) bool { return c.Type == "latency" || c.Type == "throughput" })
}

// trial is one row to come. Its error means that the engine failed, and no row will do better.
type trial struct {
	name, seed string
	run        func(ctx context.Context) (VerifyRow, error)
}

func trials(o VerifyOptions) []trial {
	seeds := o.Seeds
	if len(seeds) == 0 {
		seeds = []string{"verify-1"}
	}
	var all []trial
	add := func(name, seed string, files []assay.File, judge func(Result) ([]string, string)) {
		all = append(all, trial{name, seed, func(ctx context.Context) (VerifyRow, error) { return o.try(ctx, seed, files, judge) }})
	}
	for _, s := range o.Package.Solutions {
		for _, seed := range seeds {
			add(s.Name, seed, s.Files, func(r Result) ([]string, string) { return judgeSolution(s, r), expected(s) })
		}
	}
	limit := o.Package.StarterMax
	nothing := func(r Result) ([]string, string) {
		expected := fmt.Sprintf("≤ %.2f", limit)
		if r.Score > limit+1e-9 {
			return []string{fmt.Sprintf("scores %.3f; at most %.3f is allowed", r.Score, limit)}, expected
		}
		if r.Verdict == assay.Accepted {
			return []string{"is accepted"}, expected
		}
		return nil, expected
	}
	add("starter", seeds[0], starterFiles(o.Package), nothing)
	for _, a := range genericAttacks(o.Package) {
		add("attack/"+a.name, seeds[0], attacked(o.Package, a.source), nothing)
	}
	if o.Package.Generator != "" {
		all = append(all, trial{"generator", "", o.generator})
	}
	return all
}

// try grades files and compares.
func (o VerifyOptions) try(ctx context.Context, seed string, files []assay.File, judge func(Result) ([]string, string)) (VerifyRow, error) {
	r, err := Grade(ctx, o.Runner, Job{Package: o.Package, Files: files, Seed: seed, Name: "verify-" + token(), Engine: "verify"})
	var row VerifyRow
	if h, ok := errors.AsType[*HarnessError](err); ok {
		_, row.Expected = judge(Result{})
		row.Got = string(assay.JudgeError)
		row.Misses = []string{h.Error()}
		if h.Trace != "" {
			row.Misses = append(row.Misses, h.Trace)
		}
		return row, nil
	}
	if err != nil {
		return row, err
	}
	row.Misses, row.Expected = judge(r)
	row.Got, row.Score, row.CPU = string(r.Verdict), r.Score, r.Report.Usage.CPU
	for _, c := range r.Report.Checks {
		row.Checks++
		if c.Status == assay.CheckPass {
			row.Passed++
		}
	}
	if len(row.Misses) > 0 {
		row.Misses = append(row.Misses, explain(r)...)
	}
	return row, nil
}

// judgeSolution says in which points a solution did not come out as its author filed it.
func judgeSolution(s questions.Solution, r Result) (misses []string) {
	miss := func(format string, args ...any) { misses = append(misses, fmt.Sprintf(format, args...)) }
	if s.Verdict != "" && r.Verdict != s.Verdict {
		miss("gets %s and not %s", r.Verdict, s.Verdict)
	}
	if s.Baseline && r.Verdict == assay.Accepted {
		miss("a baseline is accepted")
	}
	if s.Min != nil && r.Score < *s.Min-1e-9 {
		miss("scores %.3f, below %.3f", r.Score, *s.Min)
	}
	if s.Max != nil && r.Score > *s.Max+1e-9 {
		miss("scores %.3f, above %.3f", r.Score, *s.Max)
	}
	status := map[string]assay.CheckStatus{}
	for _, c := range r.Report.Checks {
		status[c.ID] = c.Status
	}
	for _, id := range s.Pass {
		if status[id] != assay.CheckPass {
			miss("check %s must pass and is %s", id, cmp.Or(string(status[id]), "missing"))
		}
	}
	for _, id := range s.Fail {
		if status[id] == assay.CheckPass || status[id] == "" {
			miss("check %s must not pass and is %s", id, cmp.Or(string(status[id]), "missing"))
		}
	}
	return misses
}

func expected(s questions.Solution) string {
	var parts []string
	if s.Verdict != "" {
		parts = append(parts, string(s.Verdict))
	}
	switch {
	case s.Min != nil && s.Max != nil:
		parts = append(parts, fmt.Sprintf("%.2f–%.2f", *s.Min, *s.Max))
	case s.Min != nil:
		parts = append(parts, fmt.Sprintf("≥ %.2f", *s.Min))
	case s.Max != nil:
		parts = append(parts, fmt.Sprintf("≤ %.2f", *s.Max))
	}
	return strings.Join(parts, " ")
}

// explain says what the checks said, for whoever has to mend the question.
func explain(r Result) []string {
	var lines []string
	for _, c := range r.Report.Checks {
		if c.Status == assay.CheckPass && c.StaffNote == "" {
			continue
		}
		line := fmt.Sprintf("%s: %s %.4g/%.4g %s", c.ID, c.Status, c.Points, c.Of, c.Message)
		if c.Value != nil {
			line += fmt.Sprintf(" value %.6g", *c.Value)
		}
		if c.StaffNote != "" {
			line += " [" + c.StaffNote + "]"
		}
		lines = append(lines, clip(line, 600))
	}
	if r.PublicLog != "" {
		lines = append(lines, "log: "+clip(r.PublicLog, 800))
	}
	return lines
}

func starterFiles(p *questions.Package) []assay.File {
	var files []assay.File
	for _, f := range p.Public.Starter {
		if !f.ReadOnly {
			files = append(files, f)
		}
	}
	return files
}

// attacked is the starter with source in the place of the entry, or, where the candidate may not change that, of the first module that
// they may.
func attacked(p *questions.Package, source string) []assay.File {
	q := p.Public.Question
	own := starterFiles(p)
	target := q.Entry
	if at := slices.IndexFunc(own, func(f assay.File) bool { return path.Ext(f.Path) == ".py" }); at >= 0 && !q.CanEdit(target) {
		target = own[at].Path
	}
	files := []assay.File{{Path: target, Content: source}}
	for _, f := range own {
		if f.Path != target {
			files = append(files, f)
		}
	}
	return files
}

func selected(only []string, name string) bool {
	if len(only) == 0 {
		return true
	}
	return slices.ContainsFunc(only, func(o string) bool { return name == o || strings.HasPrefix(name, o+"/") })
}

// token is in the names of containers, so that two runs of Verify do not end each other's.
func token() string {
	b := make([]byte, 6)
	rand.Read(b)
	return hex.EncodeToString(b)
}
