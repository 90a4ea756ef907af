package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"assay"
)

// CreateLoop opens a loop for a candidate, who is added too unless c names one that is there. Both get their ids.
func (db *DB) CreateLoop(ctx context.Context, actor assay.Actor, l *assay.Loop, c *assay.Candidate) error {
	if err := allow(actor, assay.ActManageLoop, assay.Facts{}); err != nil {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		opening, err := one[assay.Opening](t.DB, "opening", "id = ?", l.OpeningID)
		if err != nil {
			return err
		}
		if opening.ClosedAt != nil {
			return assay.Errorf(assay.Conflict, "This opening is closed.")
		}
		if err := t.addCandidate(c); err != nil {
			return err
		}
		if err := t.knownUsers(l.Committee); err != nil {
			return err
		}
		if l.ID == "" {
			l.ID = assay.NewLoopID()
		}
		l.CandidateID, l.Status, l.CreatedBy, l.CreatedAt = c.ID, assay.CaseGathering, actor.User, t.now
		if err := t.insert(l); err != nil {
			return fmt.Errorf("create loop: %w", err)
		}
		return t.note("loop.created", string(l.ID), l.ID, details{"opening": string(l.OpeningID), "candidate": string(c.ID)})
	})
}

func (t *tx) addCandidate(c *assay.Candidate) error {
	if c.ID != "" {
		if there, err := exists(t.DB, &assay.Candidate{}, "id = ?", c.ID); there || err != nil {
			return err
		}
	}
	faults := map[string]string{}
	if strings.TrimSpace(c.Name) == "" {
		faults["name"] = "What is the candidate called?"
	}
	if !strings.Contains(c.Email, "@") {
		faults["email"] = "This is not a mail address."
	}
	if err := assay.FieldErrors(faults); err != nil {
		return err
	}
	if c.ID == "" {
		c.ID = assay.NewCandidateID()
	}
	c.CreatedAt = t.now
	if err := t.insert(c); err != nil {
		return fmt.Errorf("add candidate: %w", err)
	}
	return nil
}

func (t *tx) knownUsers(ids []assay.UserID) error {
	for _, id := range ids {
		if _, err := one[assay.User](t.DB, "user", "id = ? AND disabled_at IS NULL", id); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) Loop(ctx context.Context, id assay.LoopID) (assay.Loop, error) {
	return one[assay.Loop](db.read(ctx), "loop", "id = ?", id)
}

func (db *DB) Candidate(ctx context.Context, id assay.CandidateID) (assay.Candidate, error) {
	return one[assay.Candidate](db.read(ctx), "candidate", "id = ?", id)
}

// LoopFilter narrows Loops; what is set must all match. The zero value is every loop.
type LoopFilter struct {
	Opening       assay.OpeningID
	Panelist      assay.UserID // sits on one of the loop's panels
	Committee     assay.UserID // is named on the committee
	HiringManager assay.UserID // of the opening
}

// LoopSummary is a loop as a list shows it.
type LoopSummary struct {
	Loop       assay.Loop
	Opening    assay.Opening
	Candidate  assay.Candidate
	Interviews int
	Late       int // scorecards overdue
}

// Loops returns the loops that match, the newest first.
func (db *DB) Loops(ctx context.Context, f LoopFilter) ([]LoopSummary, error) {
	g := db.read(ctx)
	q := g
	if f.Opening != "" {
		q = q.Where("opening_id = ?", f.Opening)
	}
	if f.Panelist != "" {
		q = q.Where("id IN (SELECT i.loop_id FROM interviews i JOIN panelists p ON p.interview_id = i.id WHERE p.user_id = ?)", f.Panelist)
	}
	if f.Committee != "" {
		q = q.Where("committee LIKE ?", committeeLike(f.Committee))
	}
	if f.HiringManager != "" {
		q = q.Where("opening_id IN (SELECT id FROM openings WHERE hiring_manager_id = ?)", f.HiringManager)
	}
	loops, err := many[assay.Loop](q, "created_at DESC, id DESC", "1=1")
	if err != nil {
		return nil, err
	}
	if f.Committee != "" { // LIKE reads _ as any character
		loops = slices.DeleteFunc(loops, func(l assay.Loop) bool { return !slices.Contains(l.Committee, f.Committee) })
	}
	return db.summaries(g, loops)
}

func (db *DB) summaries(g *gorm.DB, loops []assay.Loop) ([]LoopSummary, error) {
	openings, err := byID(g, field(loops, func(l assay.Loop) assay.OpeningID { return l.OpeningID }), func(o assay.Opening) assay.OpeningID { return o.ID })
	if err != nil {
		return nil, err
	}
	candidates, err := byID(g, field(loops, func(l assay.Loop) assay.CandidateID { return l.CandidateID }), func(c assay.Candidate) assay.CandidateID { return c.ID })
	if err != nil {
		return nil, err
	}
	ids := field(loops, func(l assay.Loop) assay.LoopID { return l.ID })
	interviews, err := countBy(g.Model(&assay.Interview{}).Where("status <> ?", assay.InterviewCancelled), "loop_id", ids)
	if err != nil {
		return nil, err
	}
	late, err := countBy(g.Model(&assay.Panelist{}).Joins("JOIN interviews ON interviews.id = panelists.interview_id").
		Where(owedWhere+" AND panelists.due_at < ?", db.Now()), "interviews.loop_id", ids)
	if err != nil {
		return nil, err
	}
	out := make([]LoopSummary, len(loops))
	for i, l := range loops {
		out[i] = LoopSummary{l, openings[l.OpeningID], candidates[l.CandidateID], interviews[l.ID], late[l.ID]}
	}
	return out, nil
}

// SetCommittee names who may read the loop's packets and vote.
func (db *DB) SetCommittee(ctx context.Context, actor assay.Actor, id assay.LoopID, users []assay.UserID) error {
	if err := allow(actor, assay.ActManageLoop, assay.Facts{}); err != nil {
		return err
	}
	return db.write(ctx, actor, func(t *tx) error {
		if err := t.knownUsers(users); err != nil {
			return err
		}
		j, err := asJSON(users)
		if err != nil {
			return err
		}
		n, err := t.set(&assay.Loop{}, map[string]any{"committee": j}, "id = ?", id)
		if err != nil {
			return fmt.Errorf("set committee of %s: %w", id, err)
		}
		if n == 0 {
			return assay.Errorf(assay.NotFound, "No such loop.")
		}
		return t.note("loop.committee_set", string(id), id, details{"members": strings.Join(field(users, func(u assay.UserID) string { return string(u) }), " ")})
	})
}

func committeeLike(id assay.UserID) string { return `%"` + string(id) + `"%` }

// field collects one field of each row.
func field[T, F any](rows []T, f func(T) F) []F {
	out := make([]F, len(rows))
	for i, r := range rows {
		out[i] = f(r)
	}
	return out
}

// byID reads the rows with these ids.
func byID[T any, ID comparable](g *gorm.DB, ids []ID, id func(T) ID) (map[ID]T, error) {
	out := map[ID]T{}
	for part := range slices.Chunk(ids, 500) {
		rows, err := many[T](g, "id", "id IN ?", part)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[id(r)] = r
		}
	}
	return out, nil
}

// countBy counts the rows of q for each of these values of a column.
func countBy[ID comparable](q *gorm.DB, column string, ids []ID) (map[ID]int, error) {
	out := map[ID]int{}
	for part := range slices.Chunk(ids, 500) {
		var rows []struct {
			ID ID
			N  int
		}
		if err := q.Session(&gorm.Session{}).Select(column+" AS id, COUNT(*) AS n").Where(column+" IN ?", part).Group(column).Scan(&rows).Error; err != nil {
			return nil, coded(err)
		}
		for _, r := range rows {
			out[r.ID] = r.N
		}
	}
	return out, nil
}
