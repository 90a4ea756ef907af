package storage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"assay"
)

// CreateInterview adds an interview with its questions, pinned to revisions. i and items get their ids; what i leaves open
// (minutes, AI policy, results, title) comes from its kit.
func (db *DB) CreateInterview(ctx context.Context, actor assay.Actor, i *assay.Interview, items []assay.Item, revisions []assay.QuestionRevision) error {
	if err := allow(actor, assay.ActManageLoop, assay.Facts{}); err != nil {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		loop, err := one[assay.Loop](t.DB, "loop", "id = ?", i.LoopID)
		if err != nil {
			return err
		}
		kit, err := one[assay.Kit](t.DB, "kit", "id = ?", i.KitID)
		if err != nil {
			return err
		}
		complete(i, loop, kit)
		if err := assay.FieldErrors(faultsOf(*i, items, t.now)); err != nil {
			return err
		}
		i.CreatedBy, i.CreatedAt = actor.User, t.now
		if err := t.insert(i); err != nil {
			return fmt.Errorf("create interview: %w", err)
		}
		if err := t.pin(i.ID, items, revisions); err != nil {
			return err
		}
		return t.note("interview.created", string(i.ID), i.LoopID, details{"kit": string(i.KitID), "questions": pinned(items)})
	})
}

func complete(i *assay.Interview, loop assay.Loop, kit assay.Kit) {
	if i.ID == "" {
		i.ID = assay.NewInterviewID()
	}
	i.CandidateID, i.Status = loop.CandidateID, assay.InterviewScheduled
	i.OpenedAt, i.ClosedAt, i.CloseCause, i.Credited = nil, nil, "", 0
	if i.Allotted == 0 {
		i.Allotted = time.Duration(kit.Minutes) * time.Minute
	}
	if i.Kind == "" {
		i.Kind = "live"
	}
	if i.Title == "" {
		i.Title = kit.Title
	}
	if i.AIPolicy == "" {
		i.AIPolicy = kit.AIPolicy
	}
	if i.Results == "" {
		i.Results = kit.Results
	}
}

func faultsOf(i assay.Interview, items []assay.Item, now time.Time) map[string]string {
	faults := map[string]string{}
	switch {
	case i.WindowStart.IsZero() || i.WindowEnd.IsZero():
		faults["window"] = "From when until when may the candidate start?"
	case !i.WindowStart.Before(i.WindowEnd):
		faults["window"] = "The window ends before it begins."
	case !i.WindowEnd.After(now):
		faults["window"] = "The window is over already."
	}
	if i.Allotted <= 0 || i.Allotted > 14*24*time.Hour {
		faults["minutes"] = "Between one minute and fourteen days."
	}
	if i.Kind != "live" && i.Kind != "take_home" {
		faults["kind"] = "Live or take-home."
	}
	if len(items) == 0 {
		faults["questions"] = "An interview needs at least one question."
	}
	seen := map[int]bool{}
	for n, item := range items {
		p := item.Position
		if p == 0 {
			p = n + 1
		}
		if p < 1 || p > len(items) || seen[p] {
			faults["questions"] = fmt.Sprintf("The positions must be 1 to %d, each once.", len(items))
		}
		seen[p] = true
		if item.Slug == "" || item.Revision == "" || item.Seed == "" {
			faults["questions"] = "A question is not pinned to a revision and a seed."
		}
		if item.Minutes < 0 {
			faults["questions"] = "A question's minutes cannot be negative."
		}
	}
	return faults
}

// pin stores the items and, where they are not there yet, the revisions that they point at.
func (t *tx) pin(id assay.InterviewID, items []assay.Item, revisions []assay.QuestionRevision) error {
	for n := range revisions {
		if revisions[n].CreatedAt.IsZero() {
			revisions[n].CreatedAt = t.now
		}
		if err := t.Clauses(clause.OnConflict{DoNothing: true}).Create(&revisions[n]).Error; err != nil {
			return fmt.Errorf("keep revision of %s: %w", revisions[n].Slug, err)
		}
	}
	for n := range items {
		item := &items[n]
		if _, err := one[assay.QuestionRevision](t.DB, "revision of "+item.Slug, "slug = ? AND revision = ?", item.Slug, item.Revision); err != nil {
			return err
		}
		if item.ID == "" {
			item.ID = assay.NewItemID()
		}
		if item.Position == 0 {
			item.Position = n + 1
		}
		item.InterviewID = id
		if err := t.insert(item); err != nil {
			return fmt.Errorf("pin %s: %w", item.Slug, err)
		}
	}
	return nil
}

func pinned(items []assay.Item) string {
	return strings.Join(field(items, func(i assay.Item) string { return i.Slug + "@" + i.Revision }), " ")
}

func (db *DB) Interview(ctx context.Context, id assay.InterviewID) (assay.Interview, error) {
	return one[assay.Interview](db.read(ctx), "interview", "id = ?", id)
}

// Interviews returns a loop's interviews by the start of their windows, cancelled ones included.
func (db *DB) Interviews(ctx context.Context, loop assay.LoopID) ([]assay.Interview, error) {
	return many[assay.Interview](db.read(ctx), "window_start, id", "loop_id = ?", loop)
}

// Items returns an interview's questions in order.
func (db *DB) Items(ctx context.Context, id assay.InterviewID) ([]assay.Item, error) {
	return many[assay.Item](db.read(ctx), "position", "interview_id = ?", id)
}

func (db *DB) Item(ctx context.Context, id assay.ItemID) (assay.Item, error) {
	return one[assay.Item](db.read(ctx), "question in this interview", "id = ?", id)
}

// QuestionRevision returns a question as it was when an interview pinned it.
func (db *DB) QuestionRevision(ctx context.Context, slug, revision string) (assay.QuestionRevision, error) {
	return one[assay.QuestionRevision](db.read(ctx), "revision of this question", "slug = ? AND revision = ?", slug, revision)
}

// QuestionUse says how often each question has been used in an interview.
func (db *DB) QuestionUse(ctx context.Context) (map[string]int, error) {
	var rows []struct {
		Slug string
		N    int
	}
	if err := db.read(ctx).Model(&assay.Item{}).Select("slug, COUNT(*) AS n").Group("slug").Scan(&rows).Error; err != nil {
		return nil, coded(err)
	}
	use := make(map[string]int, len(rows))
	for _, r := range rows {
		use[r.Slug] = r.N
	}
	return use, nil
}

// OpenInterview starts the candidate's clock. Conflict when it has been started before (the interview is returned all the same), or
// the window has not begun or is over.
func (db *DB) OpenInterview(ctx context.Context, actor assay.Actor, id assay.InterviewID) (i assay.Interview, err error) {
	err = db.write(ctx, actor, func(t *tx) error {
		if i, err = one[assay.Interview](t.DB, "interview", "id = ?", id); err != nil {
			return err
		}
		if err := sits(actor, i, true); err != nil {
			return err
		}
		switch {
		case i.Status == assay.InterviewOpen:
			return assay.Errorf(assay.Conflict, "This interview has been started already; its clock is running.")
		case i.Status != assay.InterviewScheduled:
			return overError(i)
		case t.now.Before(i.WindowStart):
			return assay.Errorf(assay.Conflict, "This interview cannot be started yet.")
		case t.now.After(i.WindowEnd):
			return assay.Errorf(assay.Conflict, "The time in which this interview could be started is over. You can ask for a new one.")
		}
		n, err := t.set(&assay.Interview{}, map[string]any{"status": assay.InterviewOpen, "opened_at": t.now}, "id = ? AND status = ?", id, assay.InterviewScheduled)
		if err != nil {
			return fmt.Errorf("open interview %s: %w", id, err)
		}
		if n == 0 {
			return assay.Errorf(assay.Conflict, "This interview has been started already; its clock is running.")
		}
		i.Status, i.OpenedAt = assay.InterviewOpen, &t.now
		return t.note("interview.opened", string(id), i.LoopID, nil)
	})
	return i, err
}

// overError says why an interview takes nothing more.
func overError(i assay.Interview) error {
	switch i.Status {
	case assay.InterviewScheduled:
		return assay.Errorf(assay.Conflict, "This interview has not been started yet.")
	case assay.InterviewCancelled:
		return assay.Errorf(assay.Conflict, "This interview has been cancelled.")
	case assay.InterviewClosed:
		return assay.Errorf(assay.Conflict, "This interview is over. Everything handed in until then is kept.")
	}
	return assay.Errorf(assay.Conflict, "The time for this interview is up. Everything handed in until then is kept.")
}

// CloseInterview ends a sitting: cause "finished" by the candidate, "time" by the clock.
func (db *DB) CloseInterview(ctx context.Context, actor assay.Actor, id assay.InterviewID, cause string) error {
	return db.endInterview(ctx, actor, id, assay.InterviewClosed, cause, func(i assay.Interview) error { return sits(actor, i, true) })
}

// CancelInterview calls an interview off, at any time before it is over. Nobody owes a scorecard for it any more, and its
// invitations open nothing.
func (db *DB) CancelInterview(ctx context.Context, actor assay.Actor, id assay.InterviewID, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return assay.FieldErrors(map[string]string{"reason": "Say why, for the record."})
	}
	return db.endInterview(ctx, actor, id, assay.InterviewCancelled, reason, func(assay.Interview) error {
		return allow(actor, assay.ActManageLoop, assay.Facts{})
	})
}

func (db *DB) endInterview(ctx context.Context, actor assay.Actor, id assay.InterviewID, next assay.InterviewStatus, why string, may func(assay.Interview) error) error {
	return db.write(ctx, actor, func(t *tx) error {
		i, err := one[assay.Interview](t.DB, "interview", "id = ?", id)
		if err != nil {
			return err
		}
		if err := may(i); err != nil {
			return err
		}
		if !i.Status.CanBecome(next) {
			return overError(i)
		}
		columns := map[string]any{"status": next, "closed_at": t.now, "close_cause": why}
		if next == assay.InterviewCancelled {
			columns["close_cause"] = "cancelled"
			if _, err := t.set(&assay.Invitation{}, map[string]any{"revoked_at": t.now}, "interview_id = ? AND revoked_at IS NULL", id); err != nil {
				return fmt.Errorf("revoke invitations to %s: %w", id, err)
			}
		}
		if _, err := t.set(&assay.Interview{}, columns, "id = ? AND status = ?", id, i.Status); err != nil {
			return fmt.Errorf("end interview %s: %w", id, err)
		}
		return t.note("interview."+string(next), string(id), i.LoopID, details{"cause": why})
	})
}

// CreditTime gives a candidate time back, or an extension. It has effect on a running clock at once.
func (db *DB) CreditTime(ctx context.Context, actor assay.Actor, id assay.InterviewID, d time.Duration, cause string) error {
	if err := allow(actor, assay.ActManageLoop, assay.Facts{}); err != nil {
		return err
	}
	if d <= 0 {
		return assay.FieldErrors(map[string]string{"minutes": "How much time is given back?"})
	}
	return db.write(ctx, actor, func(t *tx) error {
		i, err := one[assay.Interview](t.DB, "interview", "id = ?", id)
		if err != nil {
			return err
		}
		if i.Status != assay.InterviewScheduled && i.Status != assay.InterviewOpen {
			return overError(i)
		}
		if _, err := t.set(&assay.Interview{}, map[string]any{"credited_ns": i.Credited + d}, "id = ?", id); err != nil {
			return fmt.Errorf("credit %s: %w", id, err)
		}
		if err := t.insert(&assay.Credit{InterviewID: id, Amount: d, Cause: cause, At: t.now}); err != nil {
			return fmt.Errorf("credit %s: %w", id, err)
		}
		return t.note("interview.time_credited", string(id), i.LoopID, details{"amount": d.String(), "cause": cause})
	})
}

// ExpiredInterviews returns the open interviews whose time, grace included, is up.
func (db *DB) ExpiredInterviews(ctx context.Context) ([]assay.Interview, error) {
	open, err := many[assay.Interview](db.read(ctx), "opened_at", "status = ?", assay.InterviewOpen)
	if err != nil {
		return nil, err
	}
	expired := []assay.Interview{}
	for _, i := range open {
		if !i.Accepts(db.Now()) {
			expired = append(expired, i)
		}
	}
	return expired, nil
}
