package storage

import (
	"context"
	"fmt"
	"time"

	"assay"
)

// maxWaiting is how many submits of one item may wait or run at once.
const maxWaiting = 3

// CreateSubmission keeps what a candidate handed in and the job to grade it, or neither. sub needs ItemID, Mode, Nonce and Files
// whose blobs are stored; the rest is filled in. The same nonce again is the same submission: *sub becomes the one there is.
// Once it returns, the submission gets exactly one final verdict, whatever dies in between.
func (db *DB) CreateSubmission(ctx context.Context, actor assay.Actor, sub *assay.Submission) error {
	if sub.Mode != assay.ModeRun && sub.Mode != assay.ModeSubmit {
		return assay.Errorf(assay.Invalid, "Either run or submit.")
	}
	if sub.Nonce == "" || len(sub.Nonce) > 100 {
		return assay.Errorf(assay.Invalid, "The page that sent this is too old; load it again.")
	}
	return db.write(ctx, actor, func(t *tx) error {
		item, err := one[assay.Item](t.DB, "question in this interview", "id = ?", sub.ItemID)
		if err != nil {
			return err
		}
		i, err := one[assay.Interview](t.DB, "interview", "id = ?", item.InterviewID)
		if err != nil {
			return err
		}
		if err := sits(actor, i, false); err != nil {
			return err
		}
		// A replayed request gets its answer even when the time is up by now.
		if there, err := one[assay.Submission](t.DB, "submission", "item_id = ? AND nonce = ?", item.ID, sub.Nonce); err == nil {
			*sub = there
			return nil
		} else if assay.ErrorCode(err) != assay.NotFound {
			return err
		}
		// At the end of a sitting the house hands in what was typed, after the last moment that counts for the candidate.
		atTheEnd := actor.System && i.Status == assay.InterviewOpen
		if !i.Accepts(t.now) && !atTheEnd {
			return overError(i)
		}
		if err := t.mayWait(item.ID, sub.Mode); err != nil && !atTheEnd {
			return err
		}
		limit, err := maxSize(t.DB, item)
		if err != nil {
			return err
		}
		if err := validStored(sub.Files, limit); err != nil {
			return err
		}
		return t.submit(i, sub)
	})
}

func (t *tx) submit(i assay.Interview, sub *assay.Submission) error {
	if sub.ID == "" {
		sub.ID = assay.NewSubmissionID()
	}
	sub.InterviewID, sub.CandidateID = i.ID, i.CandidateID
	sub.Verdict, sub.Score, sub.Waiting, sub.FinishedAt = "", 0, "", nil
	sub.Status, sub.CreatedAt, sub.AttemptID = assay.StatusQueued, t.now, assay.NewAttemptID()
	if err := t.insert(sub); err != nil {
		return fmt.Errorf("create submission: %w", err)
	}
	if err := t.newAttempt(sub.AttemptID, sub.ID); err != nil {
		return err
	}
	return t.note("submission.created", string(sub.ID), i.LoopID, details{"item": string(sub.ItemID), "mode": string(sub.Mode), "files": digest(sub.Files)})
}

// newAttempt adds an attempt and the job that wakes a worker for it.
func (t *tx) newAttempt(id assay.AttemptID, sub assay.SubmissionID) error {
	a := assay.Attempt{ID: id, SubmissionID: sub, Status: assay.StatusQueued, Epoch: 1, CreatedAt: t.now}
	if err := t.insert(&a); err != nil {
		return fmt.Errorf("create attempt: %w", err)
	}
	t.changed(sub)
	return t.enqueue(assay.GradeJob{Attempt: id, Submission: sub, Epoch: a.Epoch}, time.Time{})
}

func (t *tx) mayWait(item assay.ItemID, mode assay.Mode) error {
	n, err := count(t.DB, &assay.Submission{}, "item_id = ? AND mode = ? AND status IN ?", item, mode, []assay.Status{assay.StatusQueued, assay.StatusRunning})
	switch {
	case err != nil:
		return err
	case mode == assay.ModeRun && n > 0:
		return assay.Errorf(assay.Conflict, "A run of this question is under way. Wait for it, or stop it first.")
	case n >= maxWaiting:
		return assay.Errorf(assay.Conflict, "%d submissions of this question are waiting for their verdicts. Wait for one of them first.", n)
	}
	return nil
}

// validStored applies the rules for files to files whose contents are blobs by now.
func validStored(files []assay.StoredFile, limit int64) error {
	if len(files) == 0 {
		return assay.Errorf(assay.Invalid, "There is nothing to hand in.")
	}
	names := make([]assay.File, len(files))
	var total int64
	for n, f := range files {
		names[n].Path = f.Path
		if f.Size > assay.MaxFileSize {
			return assay.Errorf(assay.TooLarge, "%s is %d bytes; a file may have at most %d.", f.Path, f.Size, assay.MaxFileSize)
		}
		total += f.Size
	}
	if limit > 0 && total > limit {
		return assay.Errorf(assay.TooLarge, "The files have %d bytes together; this question allows %d.", total, limit)
	}
	return assay.ValidateFiles(names, 0)
}

func (db *DB) Submission(ctx context.Context, id assay.SubmissionID) (assay.Submission, error) {
	return one[assay.Submission](db.read(ctx), "submission", "id = ?", id)
}

// SubmissionFilter narrows Submissions; what is set must all match.
type SubmissionFilter struct {
	Interview assay.InterviewID
	Item      assay.ItemID
	Mode      assay.Mode
}

// Submissions returns the submissions that match, the newest first.
func (db *DB) Submissions(ctx context.Context, f SubmissionFilter) ([]assay.Submission, error) {
	q := db.read(ctx)
	if f.Interview != "" {
		q = q.Where("interview_id = ?", f.Interview)
	}
	if f.Item != "" {
		q = q.Where("item_id = ?", f.Item)
	}
	if f.Mode != "" {
		q = q.Where("mode = ?", f.Mode)
	}
	return many[assay.Submission](q, "created_at DESC, id DESC", "1=1")
}

// CancelSubmission stops a submission that has no verdict yet; its worker notices at its next heartbeat. The candidate may, and
// who recruits or looks after the house.
func (db *DB) CancelSubmission(ctx context.Context, actor assay.Actor, id assay.SubmissionID) error {
	return db.write(ctx, actor, func(t *tx) error {
		sub, i, err := t.submissionOf(id)
		if err != nil {
			return err
		}
		if err := sits(actor, i, true); err != nil && !assay.May(actor, assay.ActSeeHealth, assay.Facts{}) {
			return err
		}
		if sub.Status.Final() {
			return assay.Errorf(assay.Conflict, "This is finished already.")
		}
		if _, err := t.set(&assay.Attempt{}, map[string]any{"status": assay.StatusCancelled, "lease_until": nil, "finished_at": t.now}, "id = ?", sub.AttemptID); err != nil {
			return fmt.Errorf("cancel attempt %s: %w", sub.AttemptID, err)
		}
		if _, err := t.set(&assay.Submission{}, map[string]any{"status": assay.StatusCancelled, "waiting": "", "finished_at": t.now}, "id = ?", id); err != nil {
			return fmt.Errorf("cancel submission %s: %w", id, err)
		}
		t.changed(id)
		return t.note("submission.cancelled", string(id), i.LoopID, nil)
	})
}

// Regrade grades a finished submission once more, in a new attempt whose verdict will be the submission's; the earlier attempts
// stay as they are.
func (db *DB) Regrade(ctx context.Context, actor assay.Actor, id assay.SubmissionID) error {
	if err := allow(actor, assay.ActManageLoop, assay.Facts{}); err != nil && !assay.May(actor, assay.ActSeeHealth, assay.Facts{}) {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		sub, i, err := t.submissionOf(id)
		if err != nil {
			return err
		}
		if sub.Status != assay.StatusDone {
			return assay.Errorf(assay.Conflict, "Only a submission that has been graded can be graded again.")
		}
		next := assay.NewAttemptID()
		_, err = t.set(&assay.Submission{}, map[string]any{"status": assay.StatusQueued, "verdict": "", "score": 0, "attempt_id": next, "finished_at": nil}, "id = ?", id)
		if err != nil {
			return fmt.Errorf("regrade %s: %w", id, err)
		}
		if err := t.newAttempt(next, id); err != nil {
			return err
		}
		return t.note("submission.regraded", string(id), i.LoopID, details{"earlier": string(sub.AttemptID), "attempt": string(next)})
	})
}

func (t *tx) submissionOf(id assay.SubmissionID) (assay.Submission, assay.Interview, error) {
	sub, err := one[assay.Submission](t.DB, "submission", "id = ?", id)
	if err != nil {
		return sub, assay.Interview{}, err
	}
	i, err := one[assay.Interview](t.DB, "interview", "id = ?", sub.InterviewID)
	return sub, i, err
}
