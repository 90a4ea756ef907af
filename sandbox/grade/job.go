package grade

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"assay"
	"assay/questions"
	"assay/sandbox"
	"assay/storage"
	"assay/storage/blob"
)

// Grader takes grading jobs from the queue and sees each to its end: graded, given back, or failed by us and said so.
// Its fields are set once, before the first Handle; Handle may run any number of times at once.
type Grader struct {
	DB     *storage.DB
	Blobs  blob.Store
	Runner Runner
	Log    *slog.Logger
	Worker string        // names this process in the attempts that it holds
	Build  string        // of this program, for reports
	GPU    bool          // whether this worker takes questions that need a GPU
	Lease  time.Duration // how long an attempt stays ours without a sign of life; one minute when zero

	packs packs
}

var (
	errTaken = errors.New("the attempt was taken over or cancelled")
	errLapse = errors.New("the lease could not be extended in time")
)

// Handle grades one attempt. A failed submission is a handled job: an error means that we could not even write down what
// happened, and the queue or the reaper tries again. A job that was delivered twice, or came too late, is dropped in silence.
func (g *Grader) Handle(ctx context.Context, job assay.GradeJob) error {
	log := g.Log.With("attempt", job.Attempt, "submission", job.Submission, "epoch", job.Epoch)
	attempt, sub, err := g.DB.StartAttempt(ctx, job, g.Worker, g.lease())
	switch assay.ErrorCode(err) {
	case "":
	case assay.Conflict, assay.NotFound:
		log.Debug("job dropped", "cause", err)
		return nil
	default:
		return fmt.Errorf("start attempt %s: %w", job.Attempt, err)
	}

	started := time.Now()
	held, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var beat sync.WaitGroup
	beat.Go(func() { g.keepLease(held, cancel, job, log) })
	result, err := g.grade(held, job, sub)
	lost := context.Cause(held)
	cancel(nil)
	beat.Wait()

	// What follows must be written even when the worker is being stopped.
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer done()
	switch {
	case errors.Is(lost, errTaken):
		log.Info("attempt lost while grading; nothing is written")
		return nil
	case err == nil:
		return g.finish(ctx, job, result, log.With("verdict", result.Verdict, "took", time.Since(started)))
	case lost != nil && !errors.Is(lost, errLapse):
		return g.giveBack(ctx, job, log)
	case errors.Is(err, errNeedsGPU):
		log.Info("attempt parked", "cause", err)
		return ghost(g.DB.ParkAttempt(ctx, job, "needs a GPU worker"))
	}
	log.Error("grading failed on our side", "cause", err, "failures", attempt.Failures+1)
	return ghost(g.DB.FailAttempt(ctx, job, cause(err), retryAfter(attempt.Failures)))
}

func (g *Grader) finish(ctx context.Context, job assay.GradeJob, r Result, log *slog.Logger) error {
	err := g.DB.FinishAttempt(ctx, job, storage.Finished{
		Verdict: r.Verdict, Score: r.Score, Report: &r.Report, PublicLog: r.PublicLog, StaffLog: r.StaffLog,
	})
	if err := ghost(err); err != nil {
		return fmt.Errorf("finish attempt %s: %w", job.Attempt, err)
	}
	log.Info("graded")
	return nil
}

// giveBack returns the attempt at once when the worker is stopped, so that another need not wait for the lease to end. It does
// not count as a failure of the attempt.
func (g *Grader) giveBack(ctx context.Context, job assay.GradeJob, log *slog.Logger) error {
	log.Info("attempt given back: the worker is stopping")
	return ghost(g.DB.ParkAttempt(ctx, job, "the worker is restarting"))
}

// keepLease extends the lease until ctx ends, and cancels the work when the attempt is not ours any more.
func (g *Grader) keepLease(ctx context.Context, cancel context.CancelCauseFunc, job assay.GradeJob, log *slog.Logger) {
	tick := time.NewTicker(g.lease() / 4)
	defer tick.Stop()
	until := time.Now().Add(g.lease())
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := g.DB.ExtendLease(ctx, job, g.lease())
		switch code := assay.ErrorCode(err); {
		case err == nil:
			until = time.Now().Add(g.lease())
		case ctx.Err() != nil:
			return
		case code == assay.Conflict, code == assay.NotFound:
			cancel(errTaken)
			return
		case time.Now().After(until):
			cancel(errLapse)
			return
		default:
			log.Warn("lease not extended", "cause", err)
		}
	}
}

// grade loads what the job names and grades it.
func (g *Grader) grade(ctx context.Context, job assay.GradeJob, sub assay.Submission) (Result, error) {
	item, err := g.DB.Item(ctx, sub.ItemID)
	if err != nil {
		return Result{}, fmt.Errorf("load item %s: %w", sub.ItemID, err)
	}
	pack, err := g.pack(ctx, item.Slug, item.Revision)
	if err != nil {
		return Result{}, err
	}
	if pack.Public.Question.Environment.GPU == "required" && !g.GPU {
		return Result{}, errNeedsGPU
	}
	files, err := g.files(ctx, sub.Files)
	if err != nil {
		return Result{}, err
	}
	gpu := ""
	if g.GPU {
		gpu = firstGPU
	}
	do := Grade
	if sub.Mode == assay.ModeRun {
		do = RunPublic
	}
	return do(ctx, g.Runner, Job{
		Package: pack, Files: files, Seed: item.Seed, Attempt: job.Attempt, Engine: g.Build, GPU: gpu,
		Name:   string(job.Attempt) + "-" + strconv.Itoa(job.Epoch),
		Labels: map[string]string{"attempt": string(job.Attempt), "epoch": strconv.Itoa(job.Epoch), "submission": string(job.Submission)},
		Sink: func(batch []assay.Event) {
			if err := g.DB.AppendEvents(ctx, job.Attempt, batch); err != nil && ctx.Err() == nil {
				g.Log.Debug("events dropped", "attempt", job.Attempt, "count", len(batch), "cause", err)
			}
		},
	})
}

// pack returns the question as it was when the interview pinned it, from the blobs and never from today's bank.
func (g *Grader) pack(ctx context.Context, slug, revision string) (*questions.Package, error) {
	if p := g.packs.get(revision); p != nil {
		return p, nil
	}
	q, err := g.DB.QuestionRevision(ctx, slug, revision)
	if err != nil {
		return nil, fmt.Errorf("load question %s at %.12s: %w", slug, revision, err)
	}
	b, err := blob.ReadAll(ctx, g.Blobs, q.PackKey, maxPack)
	if err != nil {
		return nil, fmt.Errorf("read the pack of %s at %.12s: %w", slug, revision, err)
	}
	p, err := questions.Unseal(b)
	if err != nil {
		return nil, fmt.Errorf("open the pack of %s at %.12s: %w", slug, revision, err)
	}
	if p.Public.Question.Revision != revision {
		return nil, fmt.Errorf("the pack of %s has revision %.12s and not the pinned %.12s", slug, p.Public.Question.Revision, revision)
	}
	g.packs.put(revision, p)
	return p, nil
}

func (g *Grader) files(ctx context.Context, stored []assay.StoredFile) ([]assay.File, error) {
	files := make([]assay.File, 0, len(stored))
	for _, s := range stored {
		b, err := blob.ReadAll(ctx, g.Blobs, s.Key, assay.MaxFileSize)
		if err != nil {
			return nil, fmt.Errorf("read the submitted %s: %w", s.Path, err)
		}
		files = append(files, assay.File{Path: s.Path, Content: string(b)})
	}
	return files, nil
}

func (g *Grader) lease() time.Duration {
	if g.Lease <= 0 {
		return time.Minute
	}
	return g.Lease
}

// ghost swallows the news that the attempt is not ours any more: whoever holds it now writes its end.
func ghost(err error) error {
	if assay.ErrorCode(err) == assay.Conflict {
		return nil
	}
	return err
}

// retryAfter waits longer after each failure, since a missing image or a full disk is rarely mended within a second.
func retryAfter(failures int) time.Duration {
	return min(2*time.Minute, 2*time.Second<<min(failures, 10))
}

// cause is what an operator reads about our failure; a harness's own traceback belongs to it.
func cause(err error) string {
	text := err.Error()
	if h, ok := errors.AsType[*HarnessError](err); ok && h.Trace != "" {
		text += "\n" + h.Trace
	}
	return clip(safeText(text), 16<<10)
}

// errNeedsGPU says that this worker cannot grade the attempt, and another one may.
var errNeedsGPU = errors.New("needs a GPU worker")

// ours turns an engine's complaint about a missing GPU into the one that parks the attempt.
func ours(err error) error {
	if e, ok := errors.AsType[*sandbox.EngineError](err); ok && e.Kind == sandbox.EngineGPU {
		return fmt.Errorf("%w: %w", errNeedsGPU, err)
	}
	return err
}

// firstGPU is the device that a GPU worker grades on: one worker, one device. More devices are more workers, each seeing its own.
const firstGPU = "0"

const maxPack = 256 << 20

// packs keeps the questions that were used last, since a worker grades the same few all day. The zero value is ready.
type packs struct {
	mu    sync.Mutex
	order list.List // of packed, the latest in front
}

type packed struct {
	revision string
	pack     *questions.Package
}

const keepPacks = 8

func (c *packs) get(revision string) *questions.Package {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.order.Front(); e != nil; e = e.Next() {
		if p := e.Value.(packed); p.revision == revision {
			c.order.MoveToFront(e)
			return p.pack
		}
	}
	return nil
}

func (c *packs) put(revision string, p *questions.Package) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.PushFront(packed{revision, p})
	for c.order.Len() > keepPacks {
		c.order.Remove(c.order.Back())
	}
}
