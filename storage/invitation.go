package storage

import (
	"context"
	"fmt"
	"time"

	"assay"
)

// Invite makes an invitation and revokes the interview's earlier ones: a link that went astray dies with the next.
func (db *DB) Invite(ctx context.Context, actor assay.Actor, id assay.InterviewID, tokenHash string, expiresAt time.Time) (inv assay.Invitation, err error) {
	if err := allow(actor, assay.ActManageLoop, assay.Facts{}); err != nil {
		return inv, err
	}
	err = db.write(ctx, actor, func(t *tx) error {
		i, err := one[assay.Interview](t.DB, "interview", "id = ?", id)
		if err != nil {
			return err
		}
		if i.Status != assay.InterviewScheduled && i.Status != assay.InterviewOpen {
			return overError(i)
		}
		if _, err := t.set(&assay.Invitation{}, map[string]any{"revoked_at": t.now}, "interview_id = ? AND revoked_at IS NULL", id); err != nil {
			return fmt.Errorf("revoke invitations to %s: %w", id, err)
		}
		inv = assay.Invitation{ID: assay.NewInvitationID(), InterviewID: id, TokenHash: tokenHash, ExpiresAt: expiresAt, CreatedBy: actor.User, CreatedAt: t.now}
		if err := t.insert(&inv); err != nil {
			return fmt.Errorf("invite to %s: %w", id, err)
		}
		return t.note("invitation.created", string(inv.ID), i.LoopID, details{"interview": string(id), "expires": inv.ExpiresAt.Format(time.RFC3339)})
	})
	return inv, err
}

// InvitationByToken finds an invitation, expired and revoked ones included: the page says which it is.
func (db *DB) InvitationByToken(ctx context.Context, tokenHash string) (assay.Invitation, error) {
	return one[assay.Invitation](db.read(ctx), "invitation", "token_hash = ?", tokenHash)
}

// Invitations returns an interview's invitations, the newest first.
func (db *DB) Invitations(ctx context.Context, id assay.InterviewID) ([]assay.Invitation, error) {
	return many[assay.Invitation](db.read(ctx), "created_at DESC, id DESC", "interview_id = ?", id)
}

// VisitInvitation remembers the first time that the link was opened.
func (db *DB) VisitInvitation(ctx context.Context, id assay.InvitationID) error {
	return db.stepInvitation(ctx, assay.Actor{}, id, "opened_at", "invitation.opened", nil)
}

// AcceptInvitation remembers that the candidate has read what is expected and recorded, and agreed.
func (db *DB) AcceptInvitation(ctx context.Context, actor assay.Actor, id assay.InvitationID) error {
	return db.stepInvitation(ctx, actor, id, "accepted_at", "invitation.accepted", func(i assay.Interview) error { return sits(actor, i, false) })
}

// stepInvitation sets a time once; a second time changes nothing and is no error.
func (db *DB) stepInvitation(ctx context.Context, actor assay.Actor, id assay.InvitationID, column, act string, may func(assay.Interview) error) error {
	return db.write(ctx, actor, func(t *tx) error {
		inv, i, err := t.invitation(id)
		if err != nil {
			return err
		}
		if may != nil {
			if err := may(i); err != nil {
				return err
			}
		}
		if actor.Anonymous() {
			t.actor = assay.Actor{Candidate: i.CandidateID, Interview: i.ID}
		}
		n, err := t.set(&assay.Invitation{}, map[string]any{column: t.now}, "id = ? AND "+column+" IS NULL", inv.ID)
		if err != nil || n == 0 {
			return err
		}
		return t.note(act, string(id), i.LoopID, nil)
	})
}

// RequestWindow remembers that the candidate asked for a new window, and why. Asking again replaces the note.
func (db *DB) RequestWindow(ctx context.Context, id assay.InvitationID, note string) error {
	const longest = 1000
	if len([]rune(note)) > longest {
		return assay.FieldErrors(map[string]string{"note": fmt.Sprintf("At most %d characters.", longest)})
	}
	return db.write(ctx, assay.Actor{}, func(t *tx) error {
		inv, i, err := t.invitation(id)
		if err != nil {
			return err
		}
		if inv.RevokedAt != nil {
			return assay.Errorf(assay.Conflict, "There is a newer link for this interview.")
		}
		t.actor = assay.Actor{Candidate: i.CandidateID, Interview: i.ID}
		if _, err := t.set(&assay.Invitation{}, map[string]any{"requested_at": t.now, "request_note": note}, "id = ?", id); err != nil {
			return fmt.Errorf("request window: %w", err)
		}
		return t.note("invitation.window_requested", string(id), i.LoopID, nil)
	})
}

func (t *tx) invitation(id assay.InvitationID) (assay.Invitation, assay.Interview, error) {
	inv, err := one[assay.Invitation](t.DB, "invitation", "id = ?", id)
	if err != nil {
		return inv, assay.Interview{}, err
	}
	i, err := one[assay.Interview](t.DB, "interview", "id = ?", inv.InterviewID)
	return inv, i, err
}
