package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"assay"
	"assay/storage/queue"
)

const (
	reapEvery   = time.Second
	missedEvery = 10 * time.Second
	// A job that a worker took this long ago, while its row still waits, died with its worker.
	deadGrade  = 30 * time.Second
	deadPacket = 5 * time.Minute
)

// Work runs jobs, n gradings at a time, and takes over what other workers left behind, until ctx ends. Then it takes no more, lets
// the running ones finish for up to queue.DrainTimeout, and cancels the context of those that have not.
func (db *DB) Work(ctx context.Context, h queue.Handlers, n int) error {
	// Leases are looked after until the last job has ended.
	reaping, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { db.every(reaping, reapEvery, "take over expired leases", db.reap) })
	wg.Go(func() { db.every(reaping, missedEvery, "look for lost jobs", db.findLost) })
	defer wg.Wait()
	defer stop()
	return coded(db.queue.Work(ctx, h, n))
}

func (db *DB) every(ctx context.Context, d time.Duration, what string, f func(context.Context) error) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			db.log.WarnContext(ctx, "could not "+what, "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// reap queues attempts again whose lease ran out, each in a transaction of its own. A worker that dies is our failure, so an
// attempt that kills every worker that touches it ends as a judge error.
func (db *DB) reap(ctx context.Context) error {
	const expired = "status = 'running' AND lease_until < ?"
	late, err := many[assay.Attempt](db.read(ctx).Select("id").Limit(100), "lease_until", expired, db.Now())
	if err != nil {
		return err
	}
	for _, a := range late {
		err := db.write(ctx, assay.Actor{System: true}, func(t *tx) error {
			a, err := one[assay.Attempt](t.DB, "attempt", "id = ? AND "+expired, a.ID, t.now)
			if assay.ErrorCode(err) == assay.NotFound {
				return nil // another process was first, or the worker lives
			}
			if err != nil {
				return err
			}
			return t.fail(a, fmt.Sprintf("worker %s stopped answering", a.Worker), 0)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// findLost queues again what waits without a job: a worker that dies between taking a job and writing its first row takes the
// job with it. A job too many does no harm, it finds its row taken.
func (db *DB) findLost(ctx context.Context) error {
	attempts, err := many[assay.Attempt](db.read(ctx).Select("id", "submission_id", "epoch"), "id", "status = ?", assay.StatusQueued)
	if err != nil {
		return err
	}
	grades := field(attempts, func(a assay.Attempt) assay.GradeJob {
		return assay.GradeJob{Attempt: a.ID, Submission: a.SubmissionID, Epoch: a.Epoch}
	})
	err = requeueLost(ctx, db, grades, deadGrade, func(t *tx, j assay.GradeJob) (bool, error) {
		return exists(t.DB, &assay.Attempt{}, "id = ? AND epoch = ? AND status = ?", j.Attempt, j.Epoch, assay.StatusQueued)
	})
	if err != nil {
		return err
	}
	packets, err := many[assay.Packet](db.read(ctx).Select("id"), "id", "status = ?", assay.PacketRequested)
	if err != nil {
		return err
	}
	jobs := field(packets, func(p assay.Packet) assay.PacketJob { return assay.PacketJob{Packet: p.ID} })
	return requeueLost(ctx, db, jobs, deadPacket, func(t *tx, j assay.PacketJob) (bool, error) {
		return exists(t.DB, &assay.Packet{}, "id = ? AND status = ?", j.Packet, assay.PacketRequested)
	})
}

func requeueLost[J interface {
	queue.Job
	comparable
}](ctx context.Context, db *DB, wanted []J, dead time.Duration, waits func(*tx, J) (bool, error)) error {
	if len(wanted) == 0 {
		return nil
	}
	encoded, err := db.queue.Live(ctx, wanted[0].Kind(), dead)
	if err != nil {
		return err
	}
	live := map[J]bool{}
	for _, raw := range encoded {
		var j J
		if err := json.Unmarshal(raw, &j); err != nil {
			return fmt.Errorf("read job: %w", err)
		}
		live[j] = true
	}
	for _, j := range wanted {
		if live[j] {
			continue
		}
		err := db.jot(ctx, assay.Actor{System: true}, func(t *tx) error {
			if still, err := waits(t, j); err != nil || !still {
				return err
			}
			db.log.WarnContext(ctx, "a job was lost with its worker; queued again", "kind", j.Kind(), "job", j)
			return t.enqueue(j, time.Time{})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Health is what an operator wants to know of the work.
type Health struct {
	Queued, Running int
	Stuck           int // running on a lease that ran out a minute ago, or queued for ten minutes without a known reason
	// LastFailures are the attempts that we failed at most recently, the newest first.
	LastFailures []assay.Attempt
}

func (db *DB) Health(ctx context.Context) (h Health, err error) {
	g, now := db.read(ctx), db.Now()
	if h.Queued, err = count(g, &assay.Attempt{}, "status = ?", assay.StatusQueued); err != nil {
		return h, err
	}
	if h.Running, err = count(g, &assay.Attempt{}, "status = ?", assay.StatusRunning); err != nil {
		return h, err
	}
	h.Stuck, err = count(g, &assay.Attempt{}, `status = 'running' AND lease_until < ?
		OR status = 'queued' AND created_at < ? AND submission_id IN (SELECT id FROM submissions WHERE waiting = '')`,
		now.Add(-time.Minute), now.Add(-10*time.Minute))
	if err != nil {
		return h, err
	}
	h.LastFailures, err = many[assay.Attempt](g.Limit(20), "created_at DESC, id DESC", "failures > 0")
	return h, err
}
