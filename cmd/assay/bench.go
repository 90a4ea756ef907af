package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"assay"
	"assay/questions"
	"assay/sandbox"
	"assay/sandbox/grade"
	"assay/storage"
	"assay/storage/blob"
	"assay/storage/queue"
)

// benchCmd measures what a candidate waits for, beside what the same program costs without us. All of it happens in one run and
// in turn, so that a busy machine is busy for each of them alike.
type benchCmd struct {
	N        int    `default:"15" help:"Rounds." placeholder:"N"`
	Question string `help:"An implement question of the bank; the first one by default." placeholder:"QUESTION"`
	Out      string `default:"bench.json" help:"Where the figures go." placeholder:"FILE"`
}

// measure is one line of bench.json.
type measure struct {
	P50    float64 `json:"p50"`
	P90    float64 `json:"p90"`
	N      int     `json:"n"`
	Unit   string  `json:"unit"`
	Versus string  `json:"versus,omitempty"` // the measure that it is compared with
}

func (c benchCmd) Run(a *app) error {
	// The little question says what the platform costs, the bank's what a candidate waits for.
	little, err := os.MkdirTemp("", "assay-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(little)
	if err := questions.New(assay.KindImplement, "little", little); err != nil {
		return err
	}
	folder, _ := a.bankFolder()
	var lines []benchLine
	for _, from := range []struct {
		folder fs.FS
		slug   string
	}{{os.DirFS(little), "little"}, {folder, c.Question}} {
		b, err := newBench(a, from.folder, from.slug)
		if err != nil {
			return err
		}
		defer b.close()
		lines = append(lines, b.lines()...)
	}

	times := map[string][]float64{}
	for round := range c.N + 1 { // the first warms caches and does not count
		for _, l := range lines {
			began := time.Now()
			if err := l.do(a.ctx); err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			if round > 0 {
				times[l.name] = append(times[l.name], float64(time.Since(began).Microseconds())/1000)
			}
			time.Sleep(250 * time.Millisecond) // what this one left behind ends, so that the next does not pay for it
		}
		fmt.Fprintf(a.stderr, "\rround %d of %d", round, c.N)
	}
	fmt.Fprintln(a.stderr)
	return c.print(a, lines, times)
}

func (c benchCmd) print(a *app, lines []benchLine, times map[string][]float64) error {
	results := map[string]measure{}
	for _, l := range lines {
		t := times[l.name]
		results[l.name] = measure{P50: quantile(t, .5), P90: quantile(t, .9), N: len(t), Unit: "ms", Versus: l.versus}
	}
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "\tp50 ms\tp90 ms\tn\tratio\tto")
	for _, l := range lines {
		m := results[l.name]
		ratio := ""
		if m.Versus != "" {
			ratio = fmt.Sprintf("%.2f", m.P50/results[m.Versus].P50)
		}
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%d\t%s\t%s\n", l.name, m.P50, m.P90, m.N, ratio, m.Versus)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(c.Out, append(text, '\n'), 0o644)
}

// benchLine is one thing that is measured, beside another.
type benchLine struct {
	name, versus string
	do           func(context.Context) error
}

func (b *bench) lines() []benchLine {
	name := func(what string) string { return b.question.Slug + ": " + what }
	submit, checks, cli, boxed := name("submit, click to verdict"), name("run checks, click to result"), name("its checks by docker run"), name("its checks in our sandbox")
	lines := []benchLine{
		{submit, cli, func(ctx context.Context) error { return b.submission(ctx, assay.ModeSubmit) }},
		{cli, "", func(ctx context.Context) error { return b.dockerRun(ctx, b.question.Run...) }},
		{checks, cli, func(ctx context.Context) error { return b.submission(ctx, assay.ModeRun) }},
		{boxed, cli, func(ctx context.Context) error { return b.sandboxRun(ctx, b.question.Run...) }},
	}
	if b.question.Slug == "little" {
		bare := "python3 -c pass by docker run"
		lines = append(lines,
			benchLine{bare, "", func(ctx context.Context) error { return b.dockerRun(ctx, "python3", "-c", "pass") }},
			benchLine{"python3 -c pass in our sandbox", bare, func(ctx context.Context) error { return b.sandboxRun(ctx, "python3", "-c", "pass") }})
	}
	return lines
}

// bench is a whole installation in a temporary folder: database, blobs, queue, a worker, a sandbox, an open interview.
type bench struct {
	app       *app
	dir       string
	db        *storage.DB
	blobs     blob.Store
	box       *sandbox.Docker
	question  assay.Question
	solution  string
	files     []assay.File // of the solution, as handed in
	public    []assay.File // what lies in the candidate's container
	interview assay.Interview
	item      assay.Item
	stop      context.CancelFunc
	worked    chan error
	rounds    int
}

func newBench(a *app, folder fs.FS, slug string) (*bench, error) {
	dir, err := os.MkdirTemp("", "assay-bench")
	if err != nil {
		return nil, err
	}
	b := &bench{app: a, dir: dir, stop: func() {}}
	if err := b.setUp(folder, slug); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) setUp(folder fs.FS, slug string) (err error) {
	ctx := b.app.ctx
	quiet := b.app.cfg
	quiet.LogLevel = max(quiet.LogLevel, slog.LevelWarn) // a line for each grading would hide the figures
	log := newLogger(b.app.stderr, quiet)
	bank, err := oneQuestionBank(folder, slug)
	if err != nil {
		return err
	}
	b.question = bank.question
	b.solution, b.files, b.public = bank.solution.Name, bank.solution.Files, bank.workspace()
	if b.db, err = storage.Open(ctx, storage.Config{URL: "sqlite:" + filepath.Join(b.dir, "bench.db"), Log: log}); err != nil {
		return err
	}
	if err := b.db.Migrate(ctx); err != nil {
		return err
	}
	if b.blobs, err = blob.NewDisk(filepath.Join(b.dir, "blobs")); err != nil {
		return err
	}
	if b.box, err = b.app.openSandbox(ctx); err != nil {
		return err
	}
	if err := b.openInterview(ctx, bank); err != nil {
		return fmt.Errorf("set the stage: %w", err)
	}
	grader := &grade.Grader{DB: b.db, Blobs: b.blobs, Runner: b.box, Log: log, Worker: "bench", Build: build}
	work, stop := context.WithCancel(ctx)
	b.stop, b.worked = stop, make(chan error, 1)
	go func() { b.worked <- b.db.Work(work, queue.Handlers{Grade: grader.Handle}, 2) }()
	return nil
}

func (b *bench) openInterview(ctx context.Context, bank benchQuestion) error {
	system := assay.Actor{System: true}
	recruiter := assay.User{ID: assay.NewUserID(), Email: "bench@example.com", Name: "Bench", Roles: []assay.Role{assay.RoleRecruiter, assay.RoleHiringManager}}
	if err := b.db.CreateUser(ctx, system, &recruiter); err != nil {
		return err
	}
	actor := assay.Actor{User: recruiter.ID, Roles: recruiter.Roles}
	opening := assay.Opening{ID: assay.NewOpeningID(), Title: "Bench", Level: assay.LevelMid, HiringManager: recruiter.ID, CreatedBy: recruiter.ID}
	kit := assay.Kit{ID: assay.NewKitID(), Slug: "bench", Version: 1, Title: "Bench", Level: assay.LevelMid, Focus: []string{"C6"}, Minutes: 600,
		Questions: []assay.KitQuestion{{Slug: b.question.Slug, Minutes: 600}}, AIPolicy: assay.AINone, Results: assay.ResultsPublic, CreatedBy: recruiter.ID}
	candidate := assay.Candidate{ID: assay.NewCandidateID(), Name: "Bench", Email: "candidate@example.com"}
	loop := assay.Loop{ID: assay.NewLoopID(), OpeningID: opening.ID, CandidateID: candidate.ID, Status: assay.CaseGathering, CreatedBy: recruiter.ID}
	now := b.db.Now()
	b.interview = assay.Interview{ID: assay.NewInterviewID(), LoopID: loop.ID, CandidateID: candidate.ID, KitID: kit.ID, Title: "Bench",
		Status: assay.InterviewScheduled, Kind: "live", WindowStart: now.Add(-time.Hour), WindowEnd: now.Add(24 * time.Hour),
		Allotted: 10 * time.Hour, AIPolicy: assay.AINone, Results: assay.ResultsPublic, CreatedBy: recruiter.ID}
	key, err := blob.PutBytes(ctx, b.blobs, bank.sealed.Bytes)
	if err != nil {
		return err
	}
	b.item = assay.Item{ID: assay.NewItemID(), InterviewID: b.interview.ID, Position: 1, Slug: b.question.Slug, Revision: bank.sealed.Revision,
		Seed: "bench", Minutes: 600, Title: b.question.Title}
	revision := assay.QuestionRevision{Slug: b.question.Slug, Revision: bank.sealed.Revision, Public: bank.public, PackKey: key}
	for _, do := range []func() error{
		func() error { return b.db.CreateOpening(ctx, actor, &opening) },
		func() error { return b.db.CreateKit(ctx, actor, &kit) },
		func() error { return b.db.CreateLoop(ctx, actor, &loop, &candidate) },
		func() error {
			return b.db.CreateInterview(ctx, actor, &b.interview, []assay.Item{b.item}, []assay.QuestionRevision{revision})
		},
		func() error { _, err := b.db.OpenInterview(ctx, b.candidate(), b.interview.ID); return err },
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) candidate() assay.Actor {
	return assay.Actor{Candidate: b.interview.CandidateID, Interview: b.interview.ID}
}

// submission is what the page does on a click, and then the wait for the final row.
func (b *bench) submission(ctx context.Context, mode assay.Mode) error {
	b.rounds++
	sub := assay.Submission{ID: assay.NewSubmissionID(), InterviewID: b.interview.ID, ItemID: b.item.ID, CandidateID: b.interview.CandidateID,
		Mode: mode, Status: assay.StatusQueued, Nonce: "bench-" + strconv.Itoa(b.rounds)}
	for _, f := range b.files {
		key, err := blob.PutBytes(ctx, b.blobs, []byte(f.Content))
		if err != nil {
			return err
		}
		sub.Files = append(sub.Files, assay.StoredFile{Path: f.Path, Key: key, Size: int64(len(f.Content)), SHA256: key})
	}
	if err := b.db.CreateSubmission(ctx, b.candidate(), &sub); err != nil {
		return err
	}
	for row, err := range b.db.Watch(ctx, sub.ID) {
		if err != nil {
			return err
		}
		if !row.Status.Final() {
			continue
		}
		want := assay.Verdict("")
		if mode == assay.ModeSubmit {
			want = assay.Accepted
		}
		if row.Verdict != want {
			return fmt.Errorf("the accepted solution got %q: %s", row.Verdict, b.why(ctx, row))
		}
		return nil
	}
	return errors.New("the submission was never finished")
}

func (b *bench) why(ctx context.Context, s assay.Submission) string {
	a, err := b.db.Attempt(ctx, s.AttemptID)
	if err != nil {
		return err.Error()
	}
	return a.LastFailure + a.PublicLog + a.StaffLog
}

// dockerRun is the same program in the same image, by the docker command.
func (b *bench) dockerRun(ctx context.Context, argv ...string) error {
	folder := filepath.Join(b.dir, "workspace")
	for _, f := range b.public {
		path := filepath.Join(folder, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(f.Content), 0o644); err != nil {
			return err
		}
	}
	os.Chmod(b.dir, 0o755)
	args := append([]string{"run", "--rm", "--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only", "--tmpfs=/tmp",
		"--memory=" + strconv.FormatInt(b.question.Limits.Memory, 10), "--pids-limit=128", "--cpus=" + fmt.Sprint(b.question.Limits.CPUs),
		"--user=65534:65534", "--env=OMP_NUM_THREADS=1", "--env=OPENBLAS_NUM_THREADS=1", "--volume=" + folder + ":/workspace:ro", "--workdir=/workspace",
		b.app.cfg.Images[b.question.Environment.Image]}, argv...)
	out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// sandboxRun is the same program through our sandbox, without storage and queue.
func (b *bench) sandboxRun(ctx context.Context, argv ...string) error {
	b.rounds++
	var files []sandbox.File
	for _, f := range b.public {
		files = append(files, sandbox.File{Path: f.Path, Data: []byte(f.Content)})
	}
	o, err := b.box.Run(ctx, sandbox.Spec{
		Name: "bench-" + b.question.Slug + "-" + strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(b.rounds), Role: sandbox.RoleCandidate, Profile: b.question.Environment.Image,
		Files: files, Argv: argv, Limits: b.question.Limits, Wall: b.question.Limits.Run,
	}, sandbox.Streams{})
	if err == nil && !o.OK() {
		err = fmt.Errorf("the program ended with %d", o.Exit)
	}
	return err
}

func (b *bench) close() {
	b.stop()
	if b.worked != nil {
		<-b.worked
	}
	if b.box != nil {
		b.box.Close()
	}
	if b.db != nil {
		b.db.Close()
	}
	os.RemoveAll(b.dir)
}

// quantile by the nearest rank.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[min(len(sorted)-1, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// benchQuestion is the question that is submitted, with an accepted solution.
type benchQuestion struct {
	question assay.Question
	public   assay.PublicQuestion
	sealed   questions.Sealed
	solution questions.Solution
}

func oneQuestionBank(folder fs.FS, slug string) (q benchQuestion, err error) {
	bank, err := questions.Open(folder)
	if err != nil {
		return q, fmt.Errorf("read the question bank:\n%w", err)
	}
	for _, candidate := range bank.Questions() {
		if candidate.Kind == assay.KindImplement && slug == "" || candidate.Slug == slug {
			q.question = candidate
			break
		}
	}
	if q.question.Slug == "" {
		return q, fmt.Errorf("the bank has no such question to measure with: %s", cmp.Or(slug, "kind implement"))
	}
	if q.public, err = bank.Public(q.question.Slug); err != nil {
		return q, err
	}
	if q.sealed, err = bank.Sealed(q.question.Slug); err != nil {
		return q, err
	}
	staff, err := bank.Staff(q.question.Slug)
	if err != nil {
		return q, err
	}
	for _, s := range staff.Solutions {
		if strings.HasPrefix(s.Name, "accepted/") {
			q.solution = s
			return q, nil
		}
	}
	return q, fmt.Errorf("%s has no accepted solution", q.question.Slug)
}

// workspace is what lies in the candidate's container: their files, the read-only ones, the public data.
func (q benchQuestion) workspace() []assay.File {
	files := slices.Concat(q.solution.Files, q.public.Data)
	for _, f := range q.public.Starter {
		if f.ReadOnly {
			files = append(files, f)
		}
	}
	return files
}
