package grade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"assay"
	"assay/questions"
	"assay/sandbox"
)

// Runner runs one program in one container. It may be called any number of times at once. The error is nil unless we failed; what
// the program did is in the Outcome. When ctx ends, the program is killed and Run returns soon.
type Runner interface {
	Run(ctx context.Context, spec sandbox.Spec, streams sandbox.Streams) (sandbox.Outcome, error)
}

// Job is one grading.
type Job struct {
	Package *questions.Package
	Files   []assay.File // as handed in
	Seed    string       // the item's; every hidden number follows from it
	Attempt assay.AttemptID
	Name    string            // unique to this attempt and epoch; the containers' names begin with it
	Labels  map[string]string // on the containers, for people and for sweeping
	Engine  string            // build of this program, for the report
	GPU     string            // device for a question that needs one, see sandbox.Spec
	Sink    Sink              // takes live events; may be nil
}

// Result is what grading found.
type Result struct {
	Verdict   assay.Verdict // "" for a public run that met no trouble, and for a question that people judge
	Score     float64
	Report    assay.Report
	PublicLog string // what the candidate's code printed before any hidden input reached it
	StaffLog  string // what it printed afterwards, and what the harness printed
}

const (
	maxCollected = 64 << 20
	settleTime   = 3 * time.Second // for a program that has nothing left to do
	maxJudgeLog  = 256 << 10
)

// Grade grades what was handed in with the hidden harness.
func Grade(ctx context.Context, runner Runner, job Job) (Result, error) {
	if len(job.Package.Harness) == 0 {
		return ungraded(job), nil
	}
	began := time.Now()
	result, starved, err := gradeOnce(ctx, runner, job)
	if err == nil && starved && time.Since(began) < time.Minute {
		// It ran out of time without using any: a sleeping program, or a host too busy to let it run. The second is ours, so the
		// candidate gets the benefit of the doubt, once.
		job.Name += "-again"
		result, _, err = gradeOnce(ctx, runner, job)
	}
	return result, err
}

// gradeOnce also says whether the verdict is a time limit that the CPU clock does not bear out.
func gradeOnce(ctx context.Context, runner Runner, job Job) (result Result, starved bool, err error) {
	g := newGrading(ctx, runner, job)
	defer g.close()
	switch iface := g.q.Interface; iface {
	case assay.InterfaceCall:
		result, err = g.call()
	case assay.InterfaceTrain:
		result, err = g.train()
	case assay.InterfaceServe:
		result, err = g.serve()
	case assay.InterfaceFiles:
		result, err = g.files()
	default:
		err = harnessFault("the question has the unknown interface %q", iface)
	}
	if ctx.Err() != nil {
		return Result{}, false, ctx.Err()
	}
	return result, result.Verdict == assay.TimeLimit && slices.ContainsFunc(g.sides, (*side).starved), err
}

// ungraded is the result of a question without a harness: it was received, and people judge it.
func ungraded(job Job) Result {
	q := job.Package.Public.Question
	return Result{Report: assay.Report{Format: 1, Question: q.Slug, Revision: q.Revision, Seed: job.Seed, Grader: assay.GraderRef{Engine: job.Engine}}}
}

// grading is one Grade on its way.
type grading struct {
	runner Runner
	job    Job
	pack   *questions.Package
	q      assay.Question
	feed   *feed
	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex
	judgeLog keeper
	sides    []*side
	image    string
}

func newGrading(ctx context.Context, runner Runner, job Job) *grading {
	g := &grading{runner: runner, job: job, pack: job.Package, q: job.Package.Public.Question, feed: newFeed(job.Sink)}
	g.ctx, g.cancel = context.WithCancel(ctx)
	return g
}

// close ends whatever still runs. A judge that has reported is not waited for: nothing it could still do matters.
func (g *grading) close() {
	g.cancel()
	for _, s := range g.sides {
		if s.candidate {
			<-s.done
		}
	}
	g.feed.close()
}

// call: the judge asks, the candidate's module answers. Both containers start at once.
func (g *grading) call() (Result, error) {
	g.feed.phase("starting")
	c, err := g.worker("candidate", nil, g.q.Limits.GradeCPU)
	if err != nil {
		return Result{}, err
	}
	return g.judged(c, questions.JudgeInput{})
}

// train: a training run under its budget, and then a fresh container that holds the candidate's files and what the run left in
// artifact/, and that the judge asks for predictions.
func (g *grading) train() (Result, error) {
	g.feed.phase("starting")
	c, err := g.worker("train", nil, g.q.Limits.GradeCPU)
	if err != nil {
		return Result{}, err
	}
	if fault, err := g.hello(c); fault != nil || err != nil {
		return g.notLoaded(c, fault, err)
	}
	g.feed.phase("running")
	if fault := g.ask(c, "train", "data", "artifact"); fault != nil {
		return g.stepFailed(c, fault, "training")
	}
	c.settle()
	if err := c.failure(); err != nil {
		return Result{}, err
	}
	if limitVerdict(c.outcome) != "" {
		return g.stepFailed(c, nil, "training")
	}
	fresh, err := g.worker("predict", c.outcome.Files, max(time.Second, g.q.Limits.GradeCPU-c.outcome.CPU))
	if err != nil {
		return Result{}, err
	}
	return g.judged(fresh, questions.JudgeInput{Collected: binFiles(c.outcome.Files), Run: g.runResult(c.outcome)})
}

// files: a command writes files, and the judge reads copies.
func (g *grading) files() (Result, error) {
	g.feed.phase("starting")
	spec := g.candidateSpec("command", g.pack.Start, nil, g.q.Limits.GradeCPU)
	spec.Wall, spec.Collect, spec.CollectMax = g.q.Limits.Grade, g.pack.Collect, maxCollected
	c := g.launch(spec, sandbox.Streams{Stdout: g.feed, Stderr: g.feed})
	c.loaded, c.step = true, true
	g.feed.phase("running")
	<-c.done
	if err := c.failure(); err != nil {
		return Result{}, err
	}
	if !c.outcome.OK() {
		return g.stepFailed(c, nil, "the command")
	}
	return g.judged(nil, questions.JudgeInput{Collected: binFiles(c.outcome.Files), Run: g.runResult(c.outcome)})
}

// serve: the candidate's server runs in its container, and the judge reaches it through us.
func (g *grading) serve() (Result, error) {
	g.feed.phase("starting")
	spec := g.candidateSpec("server", g.pack.Start, []string{"PORT=" + strconv.Itoa(questions.ServePort)}, g.q.Limits.GradeCPU)
	spec.Wall, spec.Port = g.q.Limits.Grade+startSlack, questions.ServePort
	ready := make(chan sandbox.Dial, 1)
	c := g.launch(spec, sandbox.Streams{Stdout: g.feed, Stderr: g.feed, Ready: func(dial sandbox.Dial) { ready <- dial }})
	c.server = true
	slow := time.NewTimer(g.q.Limits.Grade + startSlack)
	defer slow.Stop()
	var dial sandbox.Dial
	select {
	case dial = <-ready:
		c.loaded = true
	case <-c.done:
		if err := c.failure(); err != nil {
			return Result{}, err
		}
		return g.notLoaded(c, &sandbox.Fault{Kind: sandbox.FaultDied, Message: "the server ended before it listened"}, nil)
	case <-slow.C:
		c.stop()
		return g.notLoaded(c, &sandbox.Fault{Kind: sandbox.FaultTimeout, Message: "the server did not listen in time"}, nil)
	}
	g.feed.hush() // from here on requests may carry hidden inputs
	return g.judged(c, questions.JudgeInput{}, dial)
}

// startSlack is the time that a server may take to start, and a judge to import its libraries, on top of the question's limit.
const startSlack = 30 * time.Second

// judged starts the judge on one side, lets it ask the other, and reads its report. c is nil when nothing is left to be asked.
func (g *grading) judged(c *side, in questions.JudgeInput, upstream ...sandbox.Dial) (Result, error) {
	in.Attempt, in.Seed, in.Seeds, in.Candidate = string(g.job.Attempt), g.job.Seed, Seeds(g.job.Seed, g.pack.Seeds), g.job.Files
	list, err := g.pack.JudgeFiles(in)
	if err != nil {
		return Result{}, harnessFault("%v", err)
	}
	near, far, err := sandbox.Pipe()
	if err != nil {
		return Result{}, err
	}
	defer near.Close()
	streams := sandbox.Streams{Stdout: judgeWriter{g}, Stderr: judgeWriter{g}, Wire: far}
	if len(upstream) > 0 {
		streams.Upstream = upstream[0]
	}
	judge := g.launch(g.judgeSpec("judge", questions.JudgeArgv, list), streams)

	relay := &sandbox.Relay{Judge: near, Max: max(time.Second, g.q.Limits.Grade)}
	talk, hangUp := context.WithCancelCause(g.ctx)
	defer hangUp(nil)
	if c != nil && c.wire != nil {
		// The judge starts while the candidate's module is being imported; its first question waits for the greeting.
		fault, err := g.hello(c)
		if fault != nil || err != nil {
			judge.stop()
			return g.notLoaded(c, fault, err)
		}
		relay.Candidate = c.wire
		relay.End = func(f sandbox.Fault) {
			if f.Kind != sandbox.FaultDied { // one that died ends by itself, and tells more when it is let
				c.stop()
			}
		}
	}
	g.feed.phase("checking")
	go func() { // a judge that ended has closed its wire behind its report; should that not show, we do not wait for ever
		select {
		case <-judge.done:
		case <-talk.Done():
			return
		}
		select {
		case <-time.After(settleTime):
			hangUp(errJudgeEnded)
		case <-talk.Done():
		}
	}()
	message, err := relay.Serve(talk)
	if err != nil && context.Cause(talk) == errJudgeEnded {
		err = errJudgeEnded
	}
	if g.ctx.Err() != nil {
		return Result{}, g.ctx.Err()
	}
	if c != nil && c.timedOutIdle(g.q.Limits.Grade) {
		return Result{}, g.broken(judge, "the judge's side took longer than the whole grading may", nil)
	}
	if err != nil {
		return Result{}, g.broken(judge, "ended without a report", err)
	}
	judge.stop()
	if c != nil {
		c.settle()
		if err := c.failure(); err != nil {
			return Result{}, err
		}
	}
	raw, err := g.readMessage(message)
	if err != nil {
		return Result{}, err
	}
	return g.result(raw), nil
}

var errJudgeEnded = errors.New("the judge's process ended")

// broken is the error for a judge that gave no report: the engine's own when it has one, else the harness's with its last words.
func (g *grading) broken(judge *side, what string, err error) error {
	select {
	case <-judge.done:
	case <-time.After(settleTime):
		judge.stop()
		<-judge.done
	}
	if err := judge.failure(); err != nil {
		return err
	}
	o := judge.outcome
	switch {
	case o.OOM:
		what += ": it was killed for memory"
	case o.TimedOut:
		what += ": it ran out of time"
	case o.OutputExceeded:
		what += ": it printed too much"
	case err != nil && !errors.Is(err, io.EOF):
		what += fmt.Sprintf(": %v", err)
	}
	return &HarnessError{What: fmt.Sprintf("%s (exit %d)", what, o.Exit), Trace: g.judgeText()}
}

// readMessage takes the judge's last frame apart.
func (g *grading) readMessage(v sandbox.Value) (rawReport, error) {
	d, _ := v.(sandbox.Dict)
	if d.Has("fault") {
		fault, _ := d.Get("fault").(string)
		fault = clip(strings.TrimSpace(fault), 32<<10)
		what, trace, _ := strings.Cut(fault, "\n\n")
		log := g.judgeText()
		if trace != "" {
			log = strings.ReplaceAll(log, trace, "") // the kit prints it as well
		}
		return rawReport{}, &HarnessError{What: "the harness failed: " + clip(safeText(what), 300), Trace: join(trace+"\n", log)}
	}
	if !d.Has("report") || len(d) != 1 {
		return rawReport{}, harnessFault("what the judge sent is no report")
	}
	b, err := reportJSON(d.Get("report"))
	if err != nil {
		return rawReport{}, err
	}
	raw, err := readReport(b, g.pack.Checks)
	if h, ok := errors.AsType[*HarnessError](err); ok {
		h.Trace = g.judgeText()
	}
	return raw, err
}

// result makes the report from what the judge found and what we measured.
func (g *grading) result(raw rawReport) Result {
	checks := score(raw, g.pack.Checks)
	e := g.evidence()
	for i, c := range checks {
		j := indexOf(raw.Checks, c.ID)
		if c.Status != assay.CheckError || j < 0 {
			continue
		}
		kind := raw.Checks[j].Error
		if kind == "" {
			kind = TroubleRaised
		}
		e.Errors = append(e.Errors, kind)
		// The text of a candidate's exception may hold hidden inputs: staff read it, the candidate reads where it happened.
		checks[i].StaffNote = clip(join(c.Message, c.StaffNote), maxMessage)
		checks[i].Message = blame(kind, c.Message, g.q, g.job.Files)
	}
	return g.finish(checks, e, raw)
}

func (g *grading) finish(checks []assay.Check, e evidence, raw rawReport) Result {
	r := assay.Report{
		Format: 1, Question: g.q.Slug, Revision: g.q.Revision, Seed: g.job.Seed, Checks: checks, Notes: safeText(raw.Notes),
		Usage: g.usage(), Grader: assay.GraderRef{Image: g.image, Engine: g.job.Engine},
	}
	for _, s := range raw.Series {
		series := assay.Series{Name: safeText(s.Name), Unit: safeText(s.Unit), Y: s.Y}
		for _, x := range s.X {
			series.X = append(series.X, float64(x))
		}
		r.Series = append(r.Series, series)
	}
	for _, c := range checks {
		e.Earned += c.Points
		e.Attainable += c.Of
	}
	e.Pass = g.q.Pass
	result := Result{Verdict: verdict(e), Score: r.Score(), Report: r}
	public, staff := g.feed.logs()
	result.PublicLog = public
	result.StaffLog = section("The candidate's code, once it had hidden inputs", staff) + section("The harness", g.judgeText())
	if !g.q.Kind.Graded() {
		result.Verdict = "" // people judge these; what the harness found is for them to read
	}
	return result
}

// notLoaded is the result when the candidate's code could not be imported or did not come up.
func (g *grading) notLoaded(c *side, fault *sandbox.Fault, err error) (Result, error) {
	if err != nil {
		return Result{}, err
	}
	c.settle()
	if err := c.failure(); err != nil {
		return Result{}, err
	}
	if fault.Kind == sandbox.FaultRaised { // no hidden input was there yet, so the candidate may read all of it
		fmt.Fprintf(g.feed, "\n%s\n", fault.Message)
	}
	e := g.evidence()
	if fault.Kind == sandbox.FaultTimeout {
		e.Errors = append(e.Errors, TroubleTimeout)
	}
	what := "Your code could not be loaded; the output says why."
	if limit := verdict(e); limit != assay.CompileError && limit.Words() != "" {
		what = "While your code was being loaded: " + limit.Words() + "."
	}
	return g.finish(g.errorChecks(what), e, rawReport{}), nil
}

// stepFailed is the result when a training run or a command did not come to its end: there is nothing to be judged.
func (g *grading) stepFailed(c *side, fault *sandbox.Fault, step string) (Result, error) {
	if fault != nil && fault.Kind != sandbox.FaultDied {
		c.stop()
	}
	c.settle()
	if err := c.failure(); err != nil {
		return Result{}, err
	}
	e := g.evidence()
	if fault != nil {
		e.Errors = append(e.Errors, Trouble(fault.Kind))
		if fault.Kind != sandbox.FaultDied {
			fmt.Fprintf(g.feed, "\n%s\n", fault.Message)
		}
	}
	e.Earned, e.Attainable = 0, 1
	what := fmt.Sprintf("This could not be checked: %s ended with “%s”.", step, verdict(e).Words())
	return g.finish(g.errorChecks(what), e, rawReport{}), nil
}

// errorChecks is every check that a machine decides, in error and without points.
func (g *grading) errorChecks(message string) []assay.Check {
	var checks []assay.Check
	for _, s := range g.pack.Checks {
		if !human(s) {
			checks = append(checks, assay.Check{ID: s.ID, Title: s.Title, Type: s.Type, Show: s.Show, Status: assay.CheckError, Of: s.Points, Message: message})
		}
	}
	return checks
}

// evidence gathers what was measured of the candidate's containers.
func (g *grading) evidence() evidence {
	e := evidence{Loaded: true}
	for _, s := range g.sides {
		if !s.candidate {
			continue
		}
		e.Loaded = e.Loaded && s.loaded
		if s.step {
			e.Steps = append(e.Steps, s.outcome)
		} else {
			e.Sides = append(e.Sides, s.outcome)
		}
	}
	return e
}

func (g *grading) usage() assay.Usage {
	var u assay.Usage
	for _, s := range g.sides {
		if s.candidate {
			u.Wall += s.outcome.Wall
			u.CPU += s.outcome.CPU
			u.PeakMemory = max(u.PeakMemory, s.outcome.PeakMemory)
			g.image = s.outcome.Image
		}
	}
	return u
}

func (g *grading) runResult(o sandbox.Outcome) *questions.RunResult {
	public, _ := g.feed.logs()
	if len(public) > keepHead {
		public = "…" + public[len(public)-keepHead:]
	}
	return &questions.RunResult{
		Exit: o.Exit, Signal: o.Signal, TimedOut: o.TimedOut, OOM: o.OOM, Wall: o.Wall.Seconds(), CPU: o.CPU.Seconds(),
		Peak: o.PeakMemory, Series: g.feed.series(), Output: safeText(public),
	}
}

func (g *grading) judgeText() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.judgeLog.text()
}

// judgeWriter keeps what the harness prints.
type judgeWriter struct{ g *grading }

func (w judgeWriter) Write(p []byte) (int, error) {
	w.g.mu.Lock()
	defer w.g.mu.Unlock()
	w.g.judgeLog.write(p)
	return len(p), nil
}

func section(title, text string) string {
	if text == "" {
		return ""
	}
	return "── " + title + "\n" + text + "\n"
}

func binFiles(files []sandbox.File) []questions.BinFile {
	out := make([]questions.BinFile, len(files))
	for i, f := range files {
		out[i] = questions.BinFile{Path: f.Path, Data: f.Data}
	}
	return out
}

func indexOf(checks []rawCheck, id string) int {
	for i, c := range checks {
		if c.ID == id {
			return i
		}
	}
	return -1
}
