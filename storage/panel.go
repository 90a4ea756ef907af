package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"assay"
)

// scorecardDue is how long after the window's end a scorecard is due, unless the seat says otherwise.
const scorecardDue = 24 * time.Hour

// SetPanelist seats an interviewer, or changes their seat. A waiver given before stays.
func (db *DB) SetPanelist(ctx context.Context, actor assay.Actor, p assay.Panelist) error {
	if err := allow(actor, assay.ActManageLoop, assay.Facts{}); err != nil {
		return err
	}
	if p.Participation == "" {
		p.Participation = "interviewer"
	}
	if !slices.Contains([]string{"interviewer", "shadow", "reverse_shadow"}, p.Participation) {
		return assay.FieldErrors(map[string]string{"participation": "Interviewer, shadow or reverse shadow."})
	}
	return db.write(ctx, actor, func(t *tx) error {
		i, err := one[assay.Interview](t.DB, "interview", "id = ?", p.InterviewID)
		if err != nil {
			return err
		}
		if i.Status == assay.InterviewCancelled {
			return overError(i)
		}
		user, err := one[assay.User](t.DB, "user", "id = ? AND disabled_at IS NULL", p.UserID)
		if err != nil {
			return err
		}
		if !user.Has(assay.RoleInterviewer) {
			return assay.FieldErrors(map[string]string{"user": user.Name + " is not an interviewer here; an admin can make them one."})
		}
		if p.DueAt.IsZero() {
			p.DueAt = i.WindowEnd.Add(scorecardDue)
		}
		p.WaivedReason, p.CreatedAt = "", t.now
		err = t.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "interview_id"}, {Name: "user_id"}},
			DoUpdates: clause.AssignmentColumns([]string{"participation", "due_at"})}).Create(&p).Error
		if err != nil {
			return fmt.Errorf("seat %s: %w", p.UserID, err)
		}
		return t.note("panel.seated", string(p.InterviewID), i.LoopID, details{"user": string(p.UserID), "participation": p.Participation})
	})
}

// RemovePanelist frees a seat. Conflict when its scorecard has been submitted: that is part of the record.
func (db *DB) RemovePanelist(ctx context.Context, actor assay.Actor, id assay.InterviewID, user assay.UserID) error {
	if err := allow(actor, assay.ActManageLoop, assay.Facts{}); err != nil {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		i, err := t.seat(actor, id, user)
		if err != nil {
			return err
		}
		if err := t.Where("interview_id = ? AND author_id = ?", id, user).Delete(&assay.Scorecard{}).Error; err != nil {
			return fmt.Errorf("remove draft of %s: %w", user, err)
		}
		if err := t.Where("interview_id = ? AND user_id = ?", id, user).Delete(&assay.Panelist{}).Error; err != nil {
			return fmt.Errorf("unseat %s: %w", user, err)
		}
		return t.note("panel.unseated", string(id), i.LoopID, details{"user": string(user)})
	})
}

// WaiveScorecard says that a seat's scorecard is not expected any more, and why. Nobody waives their own: it would open others'
// judgements to someone who has not written theirs.
func (db *DB) WaiveScorecard(ctx context.Context, actor assay.Actor, id assay.InterviewID, user assay.UserID, reason string) error {
	if err := allow(actor, assay.ActManageLoop, assay.Facts{}); err != nil {
		return err
	}
	if strings.TrimSpace(reason) == "" {
		return assay.FieldErrors(map[string]string{"reason": "Say why, for the record."})
	}
	return db.write(ctx, actor, func(t *tx) error {
		i, err := t.seat(actor, id, user)
		if err != nil {
			return err
		}
		if _, err := t.set(&assay.Panelist{}, map[string]any{"waived_reason": reason}, "interview_id = ? AND user_id = ?", id, user); err != nil {
			return fmt.Errorf("waive scorecard of %s: %w", user, err)
		}
		return t.note("scorecard.waived", string(id), i.LoopID, details{"user": string(user), "reason": reason})
	})
}

// seat reads the interview of a seat that still owes a scorecard and is not the actor's own.
func (t *tx) seat(actor assay.Actor, id assay.InterviewID, user assay.UserID) (assay.Interview, error) {
	i, err := one[assay.Interview](t.DB, "interview", "id = ?", id)
	if err != nil {
		return i, err
	}
	if _, err := one[assay.Panelist](t.DB, "seat on this panel", "interview_id = ? AND user_id = ?", id, user); err != nil {
		return i, err
	}
	if submitted, err := exists(t.DB, &assay.Scorecard{}, "interview_id = ? AND author_id = ? AND status = ?", id, user, assay.ScorecardSubmitted); err != nil {
		return i, err
	} else if submitted {
		return i, assay.Errorf(assay.Conflict, "Their scorecard has been submitted and is part of the record.")
	}
	if actor.User == user {
		return i, assay.Errorf(assay.Forbidden, "This is your own scorecard; ask a colleague to do it.")
	}
	return i, nil
}

// Panel returns who sits in an interview.
func (db *DB) Panel(ctx context.Context, id assay.InterviewID) ([]assay.Panelist, error) {
	return many[assay.Panelist](db.read(ctx), "created_at, user_id", "interview_id = ?", id)
}
