package web

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"assay"
	"assay/storage"
	"assay/web/view"
)

// clock is what a page shows of the time: the server's, since only the server's counts.
func (s *Server) clock(i assay.Interview) view.Clock {
	now := s.Now()
	c := view.Clock{Interview: string(i.ID), Left: i.Left(now), Allotted: i.Allotted, Credited: i.Credited, Running: i.Status == assay.InterviewOpen, Deadline: i.Deadline(), Now: now}
	c.Accepts = i.Accepts(now)
	return c
}

// CloseExpired hands in what was not handed in of every interview whose time, grace included, is up, and closes it. It may be called
// at any time, by several processes at once, and again after a crash: the same draft is handed in once. One interview that cannot
// be closed does not keep the others from it.
func (s *Server) CloseExpired(ctx context.Context) error {
	s.setup()
	expired, err := s.DB.ExpiredInterviews(ctx)
	if err != nil {
		return fmt.Errorf("find the interviews whose time is up: %w", err)
	}
	var faults []error
	for _, i := range expired {
		// Waiting that was ours may still have to be given back, and then time is not up yet.
		if i, err = s.creditWaiting(ctx, i); err == nil && !i.Accepts(s.Now()) {
			err = s.closeInterview(ctx, assay.Actor{System: true}, i, "time")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("close %s: %w", i.ID, err))
		}
	}
	return errors.Join(faults...)
}

// closeInterview hands in drafts that differ from what was handed in last, then closes.
func (s *Server) closeInterview(ctx context.Context, actor assay.Actor, i assay.Interview, cause string) error {
	all, err := s.work(ctx, i)
	if err != nil {
		return err
	}
	for _, w := range all {
		if !w.unsent() {
			continue
		}
		if _, err := s.createSubmission(ctx, assay.Actor{System: true}, i, w, assay.ModeSubmit, fmt.Sprintf("close-%s-%d", w.item.ID, w.draft.Version)); err != nil {
			if code := assay.ErrorCode(err); code != assay.Invalid && code != assay.TooLarge {
				return fmt.Errorf("hand in question %d: %w", w.item.Position, err)
			}
			// A draft that may not be handed in must not keep the interview open for ever.
			s.Log.Warn("a draft could not be handed in at the end", "interview", i.ID, "question", w.item.Slug, "error", err)
		}
	}
	for _, w := range all { // the interview is over: what was remembered of it can go
		for _, sub := range w.submissions {
			s.starts.Delete(sub.AttemptID)
		}
	}
	if err := s.DB.CloseInterview(ctx, actor, i.ID, cause); err != nil && assay.ErrorCode(err) != assay.Conflict {
		return fmt.Errorf("close the interview: %w", err)
	}
	s.wake(i.ID)
	return nil
}

// freeWait is how long a candidate may be kept waiting by us before the clock is turned back.
const freeWait = 5 * time.Second

// creditWaiting gives back the time that the candidate has waited for our machines, and returns the interview as it then is. What
// was given back already is read from the log, so that no process gives it twice.
func (s *Server) creditWaiting(ctx context.Context, i assay.Interview) (assay.Interview, error) {
	if i.Status != assay.InterviewOpen {
		return i, nil
	}
	subs, err := s.DB.Submissions(ctx, storage.SubmissionFilter{Interview: i.ID})
	if err != nil {
		return i, fmt.Errorf("look for waiting: %w", err)
	}
	now := s.Now()
	var waits []interval
	waiting := false
	for _, sub := range subs {
		end := now
		if sub.Status != assay.StatusQueued {
			end = sub.CreatedAt
			if sub.AttemptID != "" && now.Sub(sub.CreatedAt) > freeWait {
				began, err := s.began(ctx, sub)
				if err != nil {
					return i, fmt.Errorf("look for waiting: %w", err)
				}
				if !began.IsZero() {
					end = began
				}
			}
		}
		if from := sub.CreatedAt.Add(freeWait); end.After(from) {
			waits = append(waits, interval{from, end})
			waiting = waiting || sub.Status == assay.StatusQueued
		}
	}
	due := covered(waits)
	if due < time.Second {
		return i, nil
	}
	s.credits.Lock()
	defer s.credits.Unlock()
	given, err := s.givenBack(ctx, i)
	if err != nil {
		return i, err
	}
	owed := (due - given).Truncate(time.Second)
	if owed < time.Second || waiting && owed < 10*time.Second && i.Left(now) > time.Minute {
		return i, nil // while it lasts, in steps that a person can follow
	}
	if err := s.DB.CreditTime(ctx, assay.Actor{System: true}, i.ID, owed, creditCause); err != nil {
		return i, fmt.Errorf("give back waiting: %w", err)
	}
	return s.DB.Interview(ctx, i.ID)
}

// began is when work on a submission began, zero while it has not. What is final is remembered: it does not change any more.
func (s *Server) began(ctx context.Context, sub assay.Submission) (time.Time, error) {
	if t, ok := s.starts.Load(sub.AttemptID); ok {
		return t.(time.Time), nil
	}
	a, err := s.DB.Attempt(ctx, sub.AttemptID)
	if err != nil || a.StartedAt == nil {
		return time.Time{}, err
	}
	if sub.Status.Final() {
		s.starts.Store(sub.AttemptID, *a.StartedAt)
	}
	return *a.StartedAt, nil
}

const creditCause = "queue"

// givenBack sums what the log says was credited for waiting.
func (s *Server) givenBack(ctx context.Context, i assay.Interview) (time.Duration, error) {
	if i.Credited == 0 {
		return 0, nil
	}
	lines, err := s.DB.Audit(ctx, i.LoopID)
	if err != nil {
		return 0, fmt.Errorf("read what was given back: %w", err)
	}
	var sum time.Duration
	for _, l := range lines {
		if l.Act == "interview.time_credited" && l.Object == string(i.ID) && l.Details["cause"] == creditCause {
			if d, err := time.ParseDuration(l.Details["amount"]); err == nil {
				sum += d
			}
		}
	}
	return sum, nil
}

type interval struct{ from, to time.Time }

// covered is how long at least one of the spans lasted: two waits at the same time are one.
func covered(spans []interval) time.Duration {
	slices.SortFunc(spans, func(a, b interval) int { return a.from.Compare(b.from) })
	var sum time.Duration
	var end time.Time
	for _, s := range spans {
		if s.from.After(end) {
			end = s.from
		}
		if s.to.After(end) {
			sum += s.to.Sub(end)
			end = s.to
		}
	}
	return sum
}
