package storage

import (
	"context"
	"fmt"
	"math"
	"time"

	"assay"
)

// An attempt belongs to whoever holds its epoch. StartAttempt takes it with a lease that heartbeats extend; an attempt whose lease
// has run out is queued again under the next epoch, and so is one that failed by our fault. Everything a worker writes is a
// compare-and-set on the epoch, so a worker that was thought dead and comes back writes nothing.

const (
	// maxFailures is how often we may fail at an attempt before it ends as a judge error.
	maxFailures = 5
	// parked is how long a job waits that this worker could not do: longer each time, up to maxParked.
	parked, maxParked = 5 * time.Second, 30 * time.Second
)

var errGhost = assay.Errorf(assay.Conflict, "This attempt is not this worker's any more.")

func (db *DB) Attempt(ctx context.Context, id assay.AttemptID) (assay.Attempt, error) {
	return one[assay.Attempt](db.read(ctx), "attempt", "id = ?", id)
}

// Attempts returns the attempts at a submission, the newest first.
func (db *DB) Attempts(ctx context.Context, id assay.SubmissionID) ([]assay.Attempt, error) {
	return many[assay.Attempt](db.read(ctx), "created_at DESC, id DESC", "submission_id = ?", id)
}

// StartAttempt takes an attempt for a worker, until the lease runs out. Conflict when it is taken, finished, cancelled or queued
// under another epoch by now: the job is a ghost, to be dropped.
func (db *DB) StartAttempt(ctx context.Context, job assay.GradeJob, worker string, lease time.Duration) (a assay.Attempt, s assay.Submission, err error) {
	err = db.write(ctx, assay.Actor{System: true}, func(t *tx) error {
		n, err := t.set(&assay.Attempt{}, map[string]any{"status": assay.StatusRunning, "worker": worker, "lease_until": t.now.Add(lease), "started_at": t.now},
			"id = ? AND epoch = ? AND status = ?", job.Attempt, job.Epoch, assay.StatusQueued)
		if err != nil {
			return fmt.Errorf("start attempt %s: %w", job.Attempt, err)
		}
		if n == 0 {
			return errGhost
		}
		if a, err = one[assay.Attempt](t.DB, "attempt", "id = ?", job.Attempt); err != nil {
			return err
		}
		var i assay.Interview
		if s, i, err = t.submissionOf(a.SubmissionID); err != nil {
			return err
		}
		wasParked := s.Waiting != ""
		s.Status, s.Waiting = assay.StatusRunning, ""
		if _, err := t.set(&assay.Submission{}, map[string]any{"status": s.Status, "waiting": s.Waiting}, "id = ?", s.ID); err != nil {
			return fmt.Errorf("start attempt %s: %w", job.Attempt, err)
		}
		t.changed(s.ID)
		if wasParked {
			return nil // workers may try for hours; that somebody tried is no news to the log
		}
		return t.note("attempt.started", string(a.ID), i.LoopID, details{"submission": string(s.ID), "worker": worker, "epoch": fmt.Sprint(a.Epoch)})
	})
	return a, s, err
}

// ExtendLease is a worker's heartbeat. Conflict means that the attempt was taken over or cancelled: stop, and write nothing.
func (db *DB) ExtendLease(ctx context.Context, job assay.GradeJob, lease time.Duration) error {
	return db.jot(ctx, assay.Actor{System: true}, func(t *tx) error {
		n, err := t.set(&assay.Attempt{}, map[string]any{"lease_until": t.now.Add(lease)}, "id = ? AND epoch = ? AND status = ?",
			job.Attempt, job.Epoch, assay.StatusRunning)
		if err != nil {
			return fmt.Errorf("extend lease on %s: %w", job.Attempt, err)
		}
		if n == 0 {
			return errGhost
		}
		return nil
	})
}

// Finished is what grading an attempt came to.
type Finished struct {
	Verdict   assay.Verdict // may be empty for a run, and for kinds that get no verdict
	Score     float64       // 0 to 1
	Report    *assay.Report
	PublicLog string // what the candidate's own code printed, capped
	StaffLog  string
}

// FinishAttempt records the outcome, once and for all, with the submission's verdict. Conflict when the attempt is not this
// worker's any more.
func (db *DB) FinishAttempt(ctx context.Context, job assay.GradeJob, f Finished) error {
	if math.IsNaN(f.Score) || f.Score < 0 || f.Score > 1 {
		return assay.Errorf(assay.Invalid, "A score is between 0 and 1, not %v.", f.Score)
	}
	if f.Verdict != "" && f.Verdict.Words() == "" {
		return assay.Errorf(assay.Invalid, "There is no verdict %.10q.", f.Verdict)
	}
	report, err := asJSON(f.Report)
	if err != nil {
		return fmt.Errorf("finish attempt %s: %w", job.Attempt, err)
	}
	return db.write(ctx, assay.Actor{System: true}, func(t *tx) error {
		columns := map[string]any{"status": assay.StatusDone, "verdict": f.Verdict, "report": report, "public_log": f.PublicLog, "staff_log": f.StaffLog,
			"finished_at": t.now, "lease_until": nil}
		if f.Report == nil {
			columns["report"] = nil
		}
		n, err := t.set(&assay.Attempt{}, columns, "id = ? AND epoch = ? AND status = ?", job.Attempt, job.Epoch, assay.StatusRunning)
		if err != nil {
			return fmt.Errorf("finish attempt %s: %w", job.Attempt, err)
		}
		if n == 0 {
			return errGhost
		}
		return t.finish(job.Attempt, f.Verdict, f.Score, details{"report": digest(f.Report)})
	})
}

// finish gives the attempt's submission its verdict.
func (t *tx) finish(id assay.AttemptID, v assay.Verdict, score float64, d details) error {
	a, err := one[assay.Attempt](t.DB, "attempt", "id = ?", id)
	if err != nil {
		return err
	}
	sub, i, err := t.submissionOf(a.SubmissionID)
	if err != nil {
		return err
	}
	if v == "" && sub.Mode == assay.ModeSubmit {
		item, err := one[assay.Item](t.DB, "question in this interview", "id = ?", sub.ItemID)
		if err != nil {
			return err
		}
		rev, err := revisionOf(t.DB, item)
		if err != nil {
			return err
		}
		if rev.Public.Question.Kind.Graded() {
			return assay.Errorf(assay.Invalid, "A graded submission needs a verdict.")
		}
	}
	n, err := t.set(&assay.Submission{}, map[string]any{"status": assay.StatusDone, "verdict": v, "score": score, "waiting": "", "finished_at": t.now},
		"id = ? AND attempt_id = ? AND status = ?", sub.ID, a.ID, assay.StatusRunning)
	if err != nil {
		return fmt.Errorf("finish submission %s: %w", sub.ID, err)
	}
	if n == 0 {
		return errGhost
	}
	t.changed(sub.ID)
	d["submission"] = string(sub.ID)
	return t.note("attempt.finished", string(a.ID), i.LoopID, d)
}

// FailAttempt records that we, not the candidate, failed. The attempt is queued again after retry; after the fifth failure it is
// done, as a judge error, which operators see and nobody is blamed for.
func (db *DB) FailAttempt(ctx context.Context, job assay.GradeJob, cause string, retry time.Duration) error {
	return db.write(ctx, assay.Actor{System: true}, func(t *tx) error {
		a, err := one[assay.Attempt](t.DB, "attempt", "id = ? AND epoch = ? AND status = ?", job.Attempt, job.Epoch, assay.StatusRunning)
		if assay.ErrorCode(err) == assay.NotFound {
			return errGhost
		}
		if err != nil {
			return err
		}
		return t.fail(a, cause, retry)
	})
}

// fail is safe against a second one: audited transactions run one at a time, and this one has just read the row.
func (t *tx) fail(a assay.Attempt, cause string, retry time.Duration) error {
	a.Failures++
	columns := map[string]any{"failures": a.Failures, "last_failure": cause, "lease_until": nil}
	if a.Failures >= maxFailures {
		columns["status"], columns["verdict"], columns["finished_at"] = assay.StatusDone, assay.JudgeError, t.now
		if _, err := t.set(&assay.Attempt{}, columns, "id = ?", a.ID); err != nil {
			return fmt.Errorf("fail attempt %s: %w", a.ID, err)
		}
		t.db.log.ErrorContext(t.ctx, "attempt given up: judge error", "attempt", a.ID, "submission", a.SubmissionID, "err", cause)
		return t.finish(a.ID, assay.JudgeError, 0, details{"failures": fmt.Sprint(a.Failures)})
	}
	t.db.log.WarnContext(t.ctx, "attempt failed, will be tried again", "attempt", a.ID, "submission", a.SubmissionID, "failures", a.Failures, "err", cause)
	if err := t.requeue(a, columns, "", retry); err != nil {
		return err
	}
	_, i, err := t.submissionOf(a.SubmissionID)
	if err != nil {
		return err
	}
	return t.note("attempt.failed", string(a.ID), i.LoopID, details{"submission": string(a.SubmissionID), "failures": fmt.Sprint(a.Failures)})
}

// requeue puts an attempt back into the queue under the next epoch, with a new job.
func (t *tx) requeue(a assay.Attempt, columns map[string]any, waiting string, after time.Duration) error {
	columns["status"], columns["epoch"], columns["lease_until"] = assay.StatusQueued, a.Epoch+1, nil
	if _, err := t.set(&assay.Attempt{}, columns, "id = ? AND epoch = ?", a.ID, a.Epoch); err != nil {
		return fmt.Errorf("queue attempt %s again: %w", a.ID, err)
	}
	if _, err := t.set(&assay.Submission{}, map[string]any{"status": assay.StatusQueued, "waiting": waiting}, "id = ?", a.SubmissionID); err != nil {
		return fmt.Errorf("queue attempt %s again: %w", a.ID, err)
	}
	t.changed(a.SubmissionID)
	var at time.Time
	if after > 0 {
		at = time.Now().Add(after) // by River's clock, not ours
	}
	return t.enqueue(assay.GradeJob{Attempt: a.ID, Submission: a.SubmissionID, Epoch: a.Epoch + 1}, at)
}

// ParkAttempt gives an attempt back that this worker cannot do, or not now: it waits a little in the queue, the page says why, and
// nothing counts as a failure.
func (db *DB) ParkAttempt(ctx context.Context, job assay.GradeJob, why string) error {
	return db.write(ctx, assay.Actor{System: true}, func(t *tx) error {
		a, err := one[assay.Attempt](t.DB, "attempt", "id = ? AND epoch = ? AND status IN ?", job.Attempt, job.Epoch,
			[]assay.Status{assay.StatusQueued, assay.StatusRunning})
		if assay.ErrorCode(err) == assay.NotFound {
			return errGhost
		}
		if err != nil {
			return err
		}
		return t.requeue(a, map[string]any{}, why, min(maxParked, time.Duration(a.Epoch)*parked))
	})
}
