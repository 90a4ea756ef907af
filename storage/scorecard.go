package storage

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"assay"
)

// maxScorecard bounds a draft, in bytes of its ratings' JSON.
const maxScorecard = 256 << 10

// DraftScorecard returns the actor's own scorecard of an interview, made when it is not there yet; after submitting, the one that
// was submitted.
func (db *DB) DraftScorecard(ctx context.Context, actor assay.Actor, id assay.InterviewID) (card assay.Scorecard, err error) {
	if err := byPerson(actor); err != nil {
		return card, err
	}
	err = db.write(ctx, actor, func(t *tx) error {
		card, err = t.ownScorecard(actor, id)
		return err
	})
	return card, err
}

func (t *tx) ownScorecard(actor assay.Actor, id assay.InterviewID) (card assay.Scorecard, err error) {
	i, err := one[assay.Interview](t.DB, "interview", "id = ?", id)
	if err != nil {
		return card, err
	}
	f, err := interviewFacts(t.DB, actor, i)
	if err != nil {
		return card, err
	}
	if err := allow(actor, assay.ActWriteScorecard, f); err != nil {
		return card, err
	}
	card, err = one[assay.Scorecard](t.DB, "scorecard", "interview_id = ? AND author_id = ?", id, actor.User)
	if assay.ErrorCode(err) != assay.NotFound {
		return card, err
	}
	if i.Status == assay.InterviewCancelled {
		return card, overError(i)
	}
	card = assay.Scorecard{ID: assay.NewScorecardID(), LoopID: i.LoopID, InterviewID: id, AuthorID: actor.User, Status: assay.ScorecardDraft,
		OpenedAt: t.now, UpdatedAt: t.now}
	if err := t.insert(&card); err != nil {
		return card, fmt.Errorf("open scorecard: %w", err)
	}
	return card, t.note("scorecard.opened", string(card.ID), i.LoopID, nil)
}

// SaveScorecard keeps a draft as it is being written. base is the version it was made from; when another tab saved in between, that
// is a Conflict, and the scorecard returned is the one that is kept. Saves are not in the audit log; submitting is.
func (db *DB) SaveScorecard(ctx context.Context, actor assay.Actor, s assay.Scorecard, base int) (card assay.Scorecard, err error) {
	ratings, err := asJSON(s.Ratings)
	if err != nil {
		return card, fmt.Errorf("save scorecard: %w", err)
	}
	for _, text := range []string{ratings, s.ReasonFor, s.ReasonAgainst, s.WouldChange, s.NoteToNext, s.PrivateNote} {
		if len(text) > maxScorecard {
			return card, assay.Errorf(assay.TooLarge, "That is more than a scorecard can hold.")
		}
	}
	err = db.jot(ctx, actor, func(t *tx) error {
		if card, err = t.authored(actor, s.ID); err != nil {
			return err
		}
		if card.Status != assay.ScorecardDraft {
			return errSubmitted
		}
		n, err := t.set(&assay.Scorecard{}, map[string]any{
			"overall": s.Overall, "level_observed": s.LevelObserved, "ratings": ratings, "reason_for": s.ReasonFor, "reason_against": s.ReasonAgainst,
			"would_change": s.WouldChange, "note_to_next": s.NoteToNext, "private_note": s.PrivateNote, "version": base + 1, "updated_at": t.now,
		}, "id = ? AND version = ? AND status = ?", s.ID, base, assay.ScorecardDraft)
		if err != nil {
			return fmt.Errorf("save scorecard %s: %w", s.ID, err)
		}
		if card, err = one[assay.Scorecard](t.DB, "scorecard", "id = ?", s.ID); err != nil {
			return err
		}
		if n == 0 {
			return assay.Errorf(assay.Conflict, "This scorecard was changed in another tab in the meantime. Nothing is lost: both versions are there to compare.")
		}
		return nil
	})
	return card, err
}

var errSubmitted = assay.Errorf(assay.Conflict, "This scorecard has been submitted and cannot be changed any more. You can add an amendment, with a reason.")

// authored reads a scorecard that only its author may touch.
func (t *tx) authored(actor assay.Actor, id assay.ScorecardID) (assay.Scorecard, error) {
	card, err := one[assay.Scorecard](t.DB, "scorecard", "id = ?", id)
	if err != nil {
		return card, err
	}
	if actor.User == "" || card.AuthorID != actor.User {
		return assay.Scorecard{}, assay.Errorf(assay.Forbidden, "Only its author can write a scorecard.")
	}
	return card, nil
}

// SubmitScorecard makes the draft the scorecard of record, never to be changed again. Invalid, by field, when something is missing
// that the kit asks for.
func (db *DB) SubmitScorecard(ctx context.Context, actor assay.Actor, id assay.ScorecardID) error {
	return db.write(ctx, actor, func(t *tx) error {
		card, err := t.authored(actor, id)
		if err != nil {
			return err
		}
		if card.Status != assay.ScorecardDraft {
			return errSubmitted
		}
		i, err := one[assay.Interview](t.DB, "interview", "id = ?", card.InterviewID)
		if err != nil {
			return err
		}
		f, err := interviewFacts(t.DB, actor, i)
		if err != nil {
			return err
		}
		if err := allow(actor, assay.ActWriteScorecard, f); err != nil {
			return err
		}
		if err := t.complete(card, i); err != nil {
			return err
		}
		// The row that others will read is the row that is digested.
		card.Status, card.SubmittedAt, card.UpdatedAt = assay.ScorecardSubmitted, &t.now, t.now
		n, err := t.set(&assay.Scorecard{}, map[string]any{"status": card.Status, "submitted_at": t.now, "updated_at": t.now}, "id = ? AND status = ?", id, assay.ScorecardDraft)
		if err != nil {
			return fmt.Errorf("submit scorecard %s: %w", id, err)
		}
		if n == 0 {
			return errSubmitted
		}
		return t.note("scorecard.submitted", string(id), card.LoopID, details{"interview": string(i.ID), "digest": digest(card)})
	})
}

// complete checks a scorecard against its kit, and that its evidence can be opened.
func (t *tx) complete(card assay.Scorecard, i assay.Interview) error {
	kit, err := one[assay.Kit](t.DB, "kit", "id = ?", i.KitID)
	if err != nil {
		return err
	}
	faults := card.Validate(kit.Focus)
	checkRatings(faults, card.Overall, card.LevelObserved, card.Ratings)
	if word := judgement.FindString(card.NoteToNext); word != "" {
		faults["note_to_next"] = fmt.Sprintf("Say what to probe next, without judging: colleagues read this before they write theirs (“%s”).", word)
	}
	if err := t.checkEvidence(card.Ratings, i, faults); err != nil {
		return err
	}
	return assay.FieldErrors(faults)
}

// checkRatings refuses words that no page offers.
func checkRatings(faults map[string]string, overall assay.Recommendation, level assay.Level, ratings []assay.Rating) {
	if overall != "" && !slices.Contains(assay.Recommendations, overall) {
		faults["overall"] = "There is no such recommendation."
	}
	if level != "" && !slices.Contains(assay.Levels, level) {
		faults["level_observed"] = "There is no such level."
	}
	for _, r := range ratings {
		if r.Score < 0 || r.Score > 4 || r.Confidence != "" && !slices.Contains(confidences, r.Confidence) {
			faults["rating."+r.Competency] = "Choose 1 to 4, and low, medium or high."
		}
	}
}

var confidences = []string{"low", "medium", "high"}

func (t *tx) checkEvidence(ratings []assay.Rating, i assay.Interview, faults map[string]string) error {
	for _, r := range ratings {
		for _, e := range r.Evidence {
			if e.Submission == "" {
				continue
			}
			there, err := exists(t.DB, &assay.Submission{}, "id = ? AND interview_id IN (SELECT id FROM interviews WHERE loop_id = ?)", e.Submission, i.LoopID)
			if err != nil {
				return err
			}
			if !there {
				faults["rating."+r.Competency] = "Its evidence points at a submission that is not this candidate's."
			}
		}
	}
	return nil
}

// judgement finds words that give a judgement away.
var judgement = regexp.MustCompile(`(?i)\b(no[- ]?hire|hire|reject|weak|strong|[1-4]\s*/\s*4)\b`)

// AmendScorecard adds to a submitted scorecard; the scores first submitted stay those of record. Storage itself notes whether the
// author could read colleagues' scorecards by then.
func (db *DB) AmendScorecard(ctx context.Context, actor assay.Actor, id assay.ScorecardID, a assay.Amendment) error {
	if strings.TrimSpace(a.Reason) == "" {
		return assay.FieldErrors(map[string]string{"reason": "Say why, for the record."})
	}
	if utf8.RuneCountInString(a.Reason) > assay.MaxComment {
		return assay.FieldErrors(map[string]string{"reason": fmt.Sprintf("At most %d characters.", assay.MaxComment)})
	}
	return db.write(ctx, actor, func(t *tx) error {
		card, err := t.authored(actor, id)
		if err != nil {
			return err
		}
		if card.Status != assay.ScorecardSubmitted {
			return assay.Errorf(assay.Conflict, "This scorecard is still a draft; change it as you like.")
		}
		i, err := one[assay.Interview](t.DB, "interview", "id = ?", card.InterviewID)
		if err != nil {
			return err
		}
		faults := map[string]string{}
		checkRatings(faults, a.Overall, "", a.Ratings)
		if err := t.checkEvidence(a.Ratings, i, faults); err != nil {
			return err
		}
		if err := assay.FieldErrors(faults); err != nil {
			return err
		}
		f, err := loopFacts(t.DB, actor, card.LoopID)
		if err != nil {
			return err
		}
		others, err := exists(t.DB, &assay.Scorecard{}, "loop_id = ? AND author_id <> ? AND status = ?", card.LoopID, actor.User, assay.ScorecardSubmitted)
		if err != nil {
			return err
		}
		n, err := count(t.DB, &assay.Amendment{}, "scorecard_id = ?", id)
		if err != nil {
			return err
		}
		a.ID, a.ScorecardID, a.Version, a.At = 0, id, n+2, t.now
		a.SawOthers = others && assay.May(actor, assay.ActSeeScores, f)
		if err := t.insert(&a); err != nil {
			return fmt.Errorf("amend scorecard %s: %w", id, err)
		}
		return t.note("scorecard.amended", string(id), card.LoopID, details{"version": fmt.Sprint(a.Version), "digest": digest(a)})
	})
}

// Amendments returns what was added to a scorecard that the actor may read.
func (db *DB) Amendments(ctx context.Context, actor assay.Actor, id assay.ScorecardID) ([]assay.Amendment, error) {
	if _, err := db.Scorecard(ctx, actor, id); err != nil {
		return nil, err
	}
	return many[assay.Amendment](db.read(ctx), "version", "scorecard_id = ?", id)
}

// MarkSawAutograde notes on the actor's own draft that they opened hidden results before submitting. After that it changes nothing.
func (db *DB) MarkSawAutograde(ctx context.Context, actor assay.Actor, id assay.InterviewID) error {
	if err := byPerson(actor); err != nil {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		card, err := t.ownScorecard(actor, id)
		if err != nil || card.SawAutograde || card.Status != assay.ScorecardDraft {
			return err
		}
		if _, err := t.set(&assay.Scorecard{}, map[string]any{"saw_autograde": true}, "id = ? AND status = ?", card.ID, assay.ScorecardDraft); err != nil {
			return fmt.Errorf("mark scorecard %s: %w", card.ID, err)
		}
		return t.note("scorecard.saw_autograde", string(card.ID), card.LoopID, nil)
	})
}

// Scorecard returns a scorecard that the actor may read; the author's private note only to the author.
func (db *DB) Scorecard(ctx context.Context, actor assay.Actor, id assay.ScorecardID) (card assay.Scorecard, err error) {
	err = db.snapshot(ctx, func(g *gorm.DB) error {
		if card, err = one[assay.Scorecard](g, "scorecard", "id = ?", id); err != nil {
			return err
		}
		f, err := loopFacts(g, actor, card.LoopID)
		if err != nil {
			return err
		}
		return allow(actor, assay.ActReadScorecard, factsOf(f, card))
	})
	if err != nil {
		return assay.Scorecard{}, coded(err)
	}
	return forReader(actor, card), nil
}

// Scorecards returns those scorecards of a loop that the actor may read: their own, and others' once they owe none.
func (db *DB) Scorecards(ctx context.Context, actor assay.Actor, id assay.LoopID) ([]assay.Scorecard, error) {
	readable := []assay.Scorecard{}
	err := db.snapshot(ctx, func(g *gorm.DB) error {
		f, err := loopFacts(g, actor, id)
		if err != nil {
			return err
		}
		if err := allow(actor, assay.ActSeeLoop, f); err != nil {
			return err
		}
		cards, err := many[assay.Scorecard](g, "opened_at, id", "loop_id = ?", id)
		for _, c := range cards {
			if assay.May(actor, assay.ActReadScorecard, factsOf(f, c)) {
				readable = append(readable, forReader(actor, c))
			}
		}
		return err
	})
	return readable, coded(err)
}

func factsOf(f assay.Facts, card assay.Scorecard) assay.Facts {
	f.Author, f.Submitted = card.AuthorID, card.Status == assay.ScorecardSubmitted
	return f
}

func forReader(actor assay.Actor, card assay.Scorecard) assay.Scorecard {
	if card.AuthorID != actor.User {
		card.PrivateNote = ""
	}
	return card
}

// NoteToNext is a colleague's hint at what to probe.
type NoteToNext struct {
	Author assay.UserID
	Note   string
}

// NotesToNext returns the hints that colleagues left when they submitted: the only thing of theirs that an interviewer may read who
// has not submitted yet.
func (db *DB) NotesToNext(ctx context.Context, actor assay.Actor, id assay.LoopID) ([]NoteToNext, error) {
	f, err := db.LoopFacts(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	if err := allow(actor, assay.ActSeeLoop, f); err != nil {
		return nil, err
	}
	cards, err := many[assay.Scorecard](db.read(ctx).Select("author_id", "note_to_next"), "submitted_at, id",
		"loop_id = ? AND status = ? AND note_to_next <> '' AND author_id <> ?", id, assay.ScorecardSubmitted, actor.User)
	return field(cards, func(c assay.Scorecard) NoteToNext { return NoteToNext{c.AuthorID, c.NoteToNext} }), err
}

// Owed is a scorecard that somebody is expected to write.
type Owed struct {
	Interview assay.Interview
	Candidate assay.Candidate
	Opening   assay.Opening
	Panelist  assay.Panelist
	Scorecard *assay.Scorecard // the draft, nil while it has not been opened
}

// Owed returns what a user owes, the next due first; interviews to come are among it.
func (db *DB) Owed(ctx context.Context, id assay.UserID) ([]Owed, error) {
	return db.owed(ctx, "panelists.user_id = ?", id)
}

// Late returns everything overdue, by when it was due. A draft's contents are not among it.
func (db *DB) Late(ctx context.Context) ([]Owed, error) {
	late, err := db.owed(ctx, "panelists.due_at < ?", db.Now())
	for i := range late {
		late[i].Scorecard = nil
	}
	return late, err
}

func (db *DB) owed(ctx context.Context, where string, args ...any) ([]Owed, error) {
	out := []Owed{}
	err := db.snapshot(ctx, func(g *gorm.DB) error {
		seats, err := many[assay.Panelist](g, "due_at, interview_id, user_id", owedWhere+" AND "+where, args...)
		if err != nil {
			return err
		}
		for _, p := range seats {
			o := Owed{Panelist: p}
			if o.Interview, err = one[assay.Interview](g, "interview", "id = ?", p.InterviewID); err != nil {
				return err
			}
			if o.Candidate, err = one[assay.Candidate](g, "candidate", "id = ?", o.Interview.CandidateID); err != nil {
				return err
			}
			if o.Opening, err = one[assay.Opening](g, "opening", "id = (SELECT opening_id FROM loops WHERE id = ?)", o.Interview.LoopID); err != nil {
				return err
			}
			cards, err := many[assay.Scorecard](g, "id", "interview_id = ? AND author_id = ?", p.InterviewID, p.UserID)
			if err != nil {
				return err
			}
			if len(cards) > 0 {
				o.Scorecard = &cards[0]
			}
			out = append(out, o)
		}
		return nil
	})
	return out, coded(err)
}
