package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"assay"
)

// CastVote records a committee member's judgement, made from a packet. A later vote of theirs is added beside it, never in its
// place; sending the same one twice adds nothing.
func (db *DB) CastVote(ctx context.Context, actor assay.Actor, v *assay.Vote) error {
	if err := byPerson(actor); err != nil {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		loop, err := t.deciding(actor, assay.ActVote, v.LoopID, v.PacketID)
		if err != nil {
			return err
		}
		if loop.Status == assay.CaseDecided {
			return assay.Errorf(assay.Conflict, "This has been decided already.")
		}
		faults := map[string]string{}
		checkOutcome(faults, v.Outcome, v.Level)
		if !slices.Contains(confidences, v.Confidence) {
			faults["confidence"] = "How sure are you?"
		}
		checkSentence(faults, "sentence", v.Sentence, "One sentence: what decides it for you?")
		if err := assay.FieldErrors(faults); err != nil {
			return err
		}
		v.UserID = actor.User
		if again, err := t.sameVote(v); err != nil || again {
			return err
		}
		if v.ID == "" {
			v.ID = assay.NewVoteID()
		}
		v.CreatedAt = t.now
		if err := t.insert(v); err != nil {
			return fmt.Errorf("cast vote: %w", err)
		}
		return t.note("vote.cast", string(v.ID), v.LoopID, details{"packet": string(v.PacketID), "digest": digest(v)})
	})
}

// sameVote says whether the voter's last vote says just this; *v becomes it.
func (t *tx) sameVote(v *assay.Vote) (bool, error) {
	last, err := many[assay.Vote](t.Limit(1), "created_at DESC, id DESC", "loop_id = ? AND user_id = ?", v.LoopID, v.UserID)
	if err != nil || len(last) == 0 {
		return false, err
	}
	want := *v
	want.ID, want.CreatedAt = last[0].ID, last[0].CreatedAt
	if want != last[0] {
		return false, nil
	}
	*v = last[0]
	return true, nil
}

// deciding checks that the actor may do this to the loop, from a packet of it that is ready.
func (t *tx) deciding(actor assay.Actor, act assay.Act, id assay.LoopID, packet assay.PacketID) (assay.Loop, error) {
	loop, err := one[assay.Loop](t.DB, "loop", "id = ?", id)
	if err != nil {
		return loop, err
	}
	f, err := loopFacts(t.DB, actor, id)
	if err != nil {
		return loop, err
	}
	if err := allow(actor, act, f); err != nil {
		return loop, err
	}
	_, err = one[assay.Packet](t.DB, "finished packet of this loop", "id = ? AND loop_id = ? AND status = ?", packet, id, assay.PacketReady)
	return loop, err
}

func checkOutcome(faults map[string]string, o assay.Outcome, l assay.Level) {
	if !slices.Contains(assay.Outcomes, o) {
		faults["outcome"] = "Hire, no hire, or hold."
	}
	if l == "" && o == assay.Hire || l != "" && !slices.Contains(assay.Levels, l) {
		faults["level"] = "At which level?"
	}
}

func checkSentence(faults map[string]string, name, text, question string) {
	if strings.TrimSpace(text) == "" {
		faults[name] = question
	} else if utf8.RuneCountInString(text) > assay.MaxComment {
		faults[name] = fmt.Sprintf("At most %d characters.", assay.MaxComment)
	}
}

// Votes returns the votes on a loop that the actor may see, the oldest first: their own; others' once they have cast theirs, or, for
// those who do not vote, once the case is decided.
func (db *DB) Votes(ctx context.Context, actor assay.Actor, id assay.LoopID) ([]assay.Vote, error) {
	visible := []assay.Vote{}
	err := db.snapshot(ctx, func(g *gorm.DB) error {
		loop, err := one[assay.Loop](g, "loop", "id = ?", id)
		if err != nil {
			return err
		}
		f, err := loopFacts(g, actor, id)
		if err != nil {
			return err
		}
		if err := allow(actor, assay.ActSeeLoop, f); err != nil {
			return err
		}
		votes, err := many[assay.Vote](g, "created_at, id", "loop_id = ?", id)
		if err != nil {
			return err
		}
		own := slices.ContainsFunc(votes, func(v assay.Vote) bool { return v.UserID == actor.User })
		others := assay.May(actor, assay.ActSeeScores, f) && (own || loop.Status == assay.CaseDecided || actor.System)
		for _, v := range votes {
			if others || v.UserID == actor.User {
				visible = append(visible, v)
			}
		}
		return nil
	})
	return visible, coded(err)
}

// RecordDecision closes a case, or holds it for a named missing piece of evidence. Only a person can, with a rationale.
func (db *DB) RecordDecision(ctx context.Context, actor assay.Actor, d *assay.Decision) error {
	if err := byPerson(actor); err != nil {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		loop, err := t.deciding(actor, assay.ActDecide, d.LoopID, d.PacketID)
		if err != nil {
			return err
		}
		if loop.Status == assay.CaseDecided {
			return assay.Errorf(assay.Conflict, "This has been decided already.")
		}
		faults := map[string]string{}
		checkOutcome(faults, d.Outcome, d.Level)
		checkSentence(faults, "rationale", d.Rationale, "Why? The rationale is the record.")
		if d.Outcome == assay.Hold {
			checkSentence(faults, "missing", d.Missing, "Which piece of evidence does the hold wait for?")
		}
		if err := assay.FieldErrors(faults); err != nil {
			return err
		}
		if d.ID == "" {
			d.ID = assay.NewDecisionID()
		}
		d.DecidedBy, d.CreatedAt = actor.User, t.now
		if err := t.insert(d); err != nil {
			return fmt.Errorf("record decision: %w", err)
		}
		status := assay.CaseDecided
		if d.Outcome == assay.Hold {
			status = assay.CaseHold
		}
		if _, err := t.set(&assay.Loop{}, map[string]any{"status": status}, "id = ?", loop.ID); err != nil {
			return fmt.Errorf("record decision: %w", err)
		}
		return t.note("decision.recorded", string(d.ID), d.LoopID, details{"packet": string(d.PacketID), "digest": digest(d)})
	})
}

// Decisions returns what was decided about a loop, the oldest first, to those who may see scores.
func (db *DB) Decisions(ctx context.Context, actor assay.Actor, id assay.LoopID) ([]assay.Decision, error) {
	f, err := db.LoopFacts(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	if err := allow(actor, assay.ActSeeScores, f); err != nil {
		return nil, err
	}
	return many[assay.Decision](db.read(ctx), "created_at, id", "loop_id = ?", id)
}
