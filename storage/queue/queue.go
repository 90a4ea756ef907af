// Package queue wakes workers. It is River behind a small door: jobs are rows in the application's own database, inserted in the
// same transaction as the thing they are about, and deleted some time after they have been worked.
//
// A job is only a wake-up. Who may work on an attempt, for how long, how often it is tried again and after what pause is decided
// by the lease, epoch and failure count on the attempt's row (package storage), never by River.
package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"assay"
)

// Job is what can be put into the queue. Its fields travel as JSON.
type Job interface{ Kind() string }

// Handlers does the work. An error means that the handler could not even begin or record its outcome: the job is delivered again
// soon. An assay.Conflict means that somebody else has taken the work over: the job is dropped.
type Handlers struct {
	Grade  func(ctx context.Context, job assay.GradeJob) error
	Packet func(ctx context.Context, job assay.PacketJob) error
}

// Each kind of job waits in a queue of its own, so that a packet is never stuck behind an hour of training.
const (
	gradeQueue  = "grade"
	packetQueue = "packet"
)

// Version is River's, which decides the queue's tables.
const Version = "0.49.0"

// DrainTimeout is how long Work lets running jobs finish after its context has ended, before it cancels theirs.
const DrainTimeout = 30 * time.Second

// heedTimeout is how long a job whose context was cancelled may take to return.
const heedTimeout = 20 * time.Second

// Queue inserts and works jobs on one database.
type Queue struct{ engine }

// engine is Queue for one kind of transaction.
type engine interface {
	Migrate(ctx context.Context) error
	// InsertTx adds a job that runs from at on (zero: at once). tx is the *sql.Tx (SQLite) or pgx.Tx (PostgreSQL) that also
	// writes what the job is about.
	InsertTx(ctx context.Context, tx any, job Job, at time.Time) error
	// Wake tells the workers of this process that jobs of this kind have been committed. Workers elsewhere learn of them by
	// themselves: at once on PostgreSQL, within 50 ms on SQLite.
	Wake(job Job)
	// Live returns the jobs of a kind that a worker will still come to: those waiting, and those that a worker took less than
	// dead ago. Jobs of killed workers look like running ones and are told apart by dead alone.
	Live(ctx context.Context, kind string, dead time.Duration) ([]json.RawMessage, error)
	// Work runs jobs, n gradings and one packet at a time, until ctx ends; then it takes no more and waits for those running.
	Work(ctx context.Context, h Handlers, n int) error
}

// SQLite makes a queue in the database behind db, which must be the connection pool that writes.
func SQLite(db *sql.DB, log *slog.Logger) (*Queue, error) {
	return open(riversqlite.New(db), log)
}

// Postgres makes a queue in the database behind pool.
func Postgres(pool *pgxpool.Pool, log *slog.Logger) (*Queue, error) {
	return open[pgx.Tx](riverpgxv5.New(pool), log)
}

func open[TTx any](driver riverdriver.Driver[TTx], log *slog.Logger) (*Queue, error) {
	d := &wakingDriver[TTx]{Driver: driver}
	inserter, err := river.NewClient(d, &river.Config{Logger: quiet(log)})
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	return &Queue{&client[TTx]{driver: d, inserter: inserter, log: log}}, nil
}

type client[TTx any] struct {
	driver   *wakingDriver[TTx]
	inserter *river.Client[TTx]
	log      *slog.Logger
}

func (c *client[TTx]) Migrate(ctx context.Context) error {
	m, err := rivermigrate.New(c.driver, &rivermigrate.Config{Logger: quiet(c.log)})
	if err != nil {
		return fmt.Errorf("migrate queue: %w", err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate queue: %w", err)
	}
	return nil
}

func (c *client[TTx]) InsertTx(ctx context.Context, tx any, job Job, at time.Time) error {
	t, ok := tx.(TTx)
	if !ok {
		return fmt.Errorf("insert %s job: %T is not a transaction of this database", job.Kind(), tx)
	}
	_, err := c.inserter.InsertTx(ctx, t, job, &river.InsertOpts{Queue: queueOf(job), ScheduledAt: at, MaxAttempts: deliveries})
	if err != nil {
		return fmt.Errorf("insert %s job: %w", job.Kind(), err)
	}
	return nil
}

func (c *client[TTx]) Wake(job Job) { c.driver.wake(queueOf(job)) }

func (c *client[TTx]) Work(ctx context.Context, h Handlers, n int) error {
	// Both kinds are always registered, since River discards jobs of unknown kinds wherever it tidies up; only those with a
	// handler are fetched.
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker[assay.GradeJob]{do: h.Grade, log: c.log})
	river.AddWorker(workers, &worker[assay.PacketJob]{do: h.Packet, log: c.log})
	queues := map[string]river.QueueConfig{}
	if h.Grade != nil {
		queues[gradeQueue] = river.QueueConfig{MaxWorkers: max(1, n)}
	}
	if h.Packet != nil {
		queues[packetQueue] = river.QueueConfig{MaxWorkers: 1}
	}
	if len(queues) == 0 {
		<-ctx.Done()
		return nil
	}
	r, err := river.NewClient(c.driver, &river.Config{
		Workers:           workers,
		Queues:            queues,
		Logger:            quiet(c.log),
		FetchCooldown:     10 * time.Millisecond,
		FetchPollInterval: 500 * time.Millisecond,
		JobTimeout:        -1, // the lease and the sandbox's limits bound the work
		RetryPolicy:       soon{},
		SoftStopTimeout:   DrainTimeout,
	})
	if err != nil {
		return fmt.Errorf("work: %w", err)
	}
	if err := r.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("work: %w", err)
	}
	select {
	case <-ctx.Done():
	case <-r.Stopped():
		return errors.New("work: the queue stopped by itself")
	}
	// A handler that does not heed the end of its context is left behind; its lease runs out.
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), DrainTimeout+heedTimeout)
	defer cancel()
	if err := r.Stop(stopping); err != nil {
		return fmt.Errorf("stop working: %w", err)
	}
	return nil
}

func (c *client[TTx]) Live(ctx context.Context, kind string, dead time.Duration) ([]json.RawMessage, error) {
	waiting := []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
		rivertype.JobStateRunning}
	list, err := c.inserter.JobList(ctx, river.NewJobListParams().Kinds(kind).States(waiting...).First(maxLive))
	if err != nil {
		return nil, fmt.Errorf("list %s jobs: %w", kind, err)
	}
	if len(list.Jobs) == maxLive {
		return nil, fmt.Errorf("list %s jobs: there are %d or more", kind, maxLive)
	}
	var live []json.RawMessage
	for _, j := range list.Jobs {
		if j.State != rivertype.JobStateRunning || j.AttemptedAt != nil && time.Since(*j.AttemptedAt) < dead {
			live = append(live, j.EncodedArgs)
		}
	}
	return live, nil
}

// maxLive is River's own bound on one list.
const maxLive = 10_000

func queueOf(job Job) string {
	if job.Kind() == (assay.PacketJob{}).Kind() {
		return packetQueue
	}
	return gradeQueue
}

// deliveries is how often River delivers a job whose handler could not even record a failure: with the pauses of soon, that
// spans eight hours of a database that cannot be written. (The column is a small integer.)
const deliveries = 1000

// soon is the pause before a job is delivered again: 1 s, 2 s, 4 s … 30 s.
type soon struct{}

func (soon) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(min(30*time.Second, time.Second<<min(len(job.Errors), 5)))
}

type worker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	do  func(context.Context, T) error
	log *slog.Logger
}

func (w *worker[T]) Timeout(*river.Job[T]) time.Duration { return -1 }

func (w *worker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	err := w.do(ctx, job.Args)
	switch {
	case err == nil:
		return nil
	case assay.ErrorCode(err) == assay.Conflict:
		w.log.InfoContext(ctx, "job dropped: it is somebody else's by now", "kind", job.Kind, "job", job.ID, "err", err)
		return river.JobCancel(err)
	}
	w.log.ErrorContext(ctx, "job will be delivered again", "kind", job.Kind, "job", job.ID, "delivery", job.Attempt, "err", err)
	return err
}

// quiet passes on River's warnings and errors only: its information is about its own housekeeping.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(warnings{log.Handler()}) }

type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}
func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }
func (w warnings) WithGroup(g string) slog.Handler      { return warnings{w.Handler.WithGroup(g)} }
