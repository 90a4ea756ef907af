package storage

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"gorm.io/gorm"

	"assay"
)

// watchPoll is how soon a watcher learns of what another process wrote.
const watchPoll = 500 * time.Millisecond

// Watch yields a submission's row: as it is, then each time that it or its attempt's events change, until it is final or ctx ends.
// What this process writes is seen at once, what others write within half a second. Changes that follow each other closely may
// arrive as one. An error is the last thing yielded; the end of ctx is none.
func (db *DB) Watch(ctx context.Context, id assay.SubmissionID) iter.Seq2[assay.Submission, error] {
	return func(yield func(assay.Submission, error) bool) {
		woken, stop := db.hub.watch(id)
		defer stop()
		poll := time.NewTicker(watchPoll)
		defer poll.Stop()
		var seen string
		for {
			sub, mark, err := db.look(ctx, id)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(assay.Submission{}, fmt.Errorf("watch: %w", err))
				return
			}
			if mark != seen {
				seen = mark
				if !yield(sub, nil) {
					return
				}
			}
			if sub.Status.Final() {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-woken:
			case <-poll.C:
			}
		}
	}
}

// look reads the row and a mark that differs whenever a watcher would want to know.
func (db *DB) look(ctx context.Context, id assay.SubmissionID) (sub assay.Submission, mark string, err error) {
	err = db.snapshot(ctx, func(g *gorm.DB) error {
		if sub, err = one[assay.Submission](g, "submission", "id = ?", id); err != nil {
			return err
		}
		var last int64
		if err := g.Model(&assay.Event{}).Where("attempt_id = ?", sub.AttemptID).Select("COALESCE(MAX(id), 0)").Scan(&last).Error; err != nil {
			return err
		}
		mark = fmt.Sprint(sub.Status, sub.Verdict, sub.Score, sub.AttemptID, sub.Waiting, last)
		return nil
	})
	return sub, mark, coded(err)
}

// AppendEvents adds what happened while an attempt is being worked on, in order, and wakes those who watch. Send them in batches,
// ten a second at most: each call is a transaction.
func (db *DB) AppendEvents(ctx context.Context, id assay.AttemptID, events []assay.Event) error {
	if len(events) == 0 {
		return nil
	}
	return db.jot(ctx, assay.Actor{System: true}, func(t *tx) error {
		a, err := one[assay.Attempt](t.DB.Select("id", "submission_id"), "attempt", "id = ?", id)
		if err != nil {
			return err
		}
		for i := range events {
			events[i].ID, events[i].AttemptID = 0, id
			if events[i].At.IsZero() {
				events[i].At = t.now
			}
		}
		if err := t.CreateInBatches(events, 100).Error; err != nil {
			return fmt.Errorf("append events: %w", err)
		}
		t.changed(a.SubmissionID)
		return nil
	})
}

// Events returns an attempt's events after the given id, the oldest first; limit 0 means all.
func (db *DB) Events(ctx context.Context, id assay.AttemptID, afterID int64, limit int) ([]assay.Event, error) {
	q := db.read(ctx)
	if limit > 0 {
		q = q.Limit(limit)
	}
	return many[assay.Event](q, "id", "attempt_id = ? AND id > ?", id, afterID)
}

// hub wakes the watchers of this process. A wake-up is only a hint to read the row again.
type hub struct {
	mu       sync.Mutex
	watchers map[assay.SubmissionID]map[chan struct{}]struct{}
}

func (h *hub) watch(id assay.SubmissionID) (woken <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = map[assay.SubmissionID]map[chan struct{}]struct{}{}
	}
	if h.watchers[id] == nil {
		h.watchers[id] = map[chan struct{}]struct{}{}
	}
	h.watchers[id][c] = struct{}{}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers[id], c)
		if len(h.watchers[id]) == 0 {
			delete(h.watchers, id)
		}
	}
}

func (h *hub) wake(id assay.SubmissionID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.watchers[id] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
