package storage

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"assay"
)

// LoopFacts gathers what assay.May needs to know about the actor and a loop.
func (db *DB) LoopFacts(ctx context.Context, actor assay.Actor, id assay.LoopID) (assay.Facts, error) {
	return loopFacts(db.read(ctx), actor, id)
}

// InterviewFacts gathers what assay.May needs to know about the actor and one interview.
func (db *DB) InterviewFacts(ctx context.Context, actor assay.Actor, id assay.InterviewID) (assay.Facts, error) {
	g := db.read(ctx)
	i, err := one[assay.Interview](g, "interview", "id = ?", id)
	if err != nil {
		return assay.Facts{}, err
	}
	return interviewFacts(g, actor, i)
}

func loopFacts(g *gorm.DB, actor assay.Actor, id assay.LoopID) (assay.Facts, error) {
	loop, err := one[assay.Loop](g, "loop", "id = ?", id)
	if err != nil || actor.User == "" {
		return assay.Facts{}, err
	}
	opening, err := one[assay.Opening](g, "opening", "id = ?", loop.OpeningID)
	if err != nil {
		return assay.Facts{}, err
	}
	f := assay.Facts{
		OnCommittee:   slices.Contains(loop.Committee, actor.User),
		HiringManager: opening.HiringManager == actor.User,
	}
	f.OnPanel, err = exists(g, &assay.Panelist{}, "user_id = ? AND interview_id IN (SELECT id FROM interviews WHERE loop_id = ?)", actor.User, id)
	if err != nil {
		return assay.Facts{}, err
	}
	f.OwesScorecard, err = owes(g, actor.User, "loop_id = ?", id)
	return f, err
}

func interviewFacts(g *gorm.DB, actor assay.Actor, i assay.Interview) (assay.Facts, error) {
	f, err := loopFacts(g, actor, i.LoopID)
	if err != nil {
		return assay.Facts{}, err
	}
	f.Interview = i.ID
	f.OnPanel = false
	if actor.User != "" {
		f.OnPanel, err = exists(g, &assay.Panelist{}, "user_id = ? AND interview_id = ?", actor.User, i.ID)
	}
	return f, err
}

// owedWhere matches panel seats whose scorecard is still expected: the interview was not cancelled, nobody waived the scorecard,
// and none was submitted. Shadows owe theirs too: whoever sits in writes before reading.
const owedWhere = `panelists.waived_reason = ''
	AND EXISTS (SELECT 1 FROM interviews i WHERE i.id = panelists.interview_id AND i.status <> 'cancelled')
	AND NOT EXISTS (SELECT 1 FROM scorecards s WHERE s.interview_id = panelists.interview_id AND s.author_id = panelists.user_id
		AND s.status = 'submitted')`

// owes says whether the user still owes a scorecard in one of the interviews that match.
func owes(g *gorm.DB, user assay.UserID, interviews string, args ...any) (bool, error) {
	return exists(g, &assay.Panelist{}, owedWhere+" AND panelists.user_id = ? AND panelists.interview_id IN (SELECT id FROM interviews WHERE "+interviews+")",
		append([]any{user}, args...)...)
}

// allow is assay.May with a sentence.
func allow(actor assay.Actor, act assay.Act, f assay.Facts) error {
	if assay.May(actor, act, f) {
		return nil
	}
	if actor.Anonymous() {
		return assay.Errorf(assay.Unauthenticated, "Sign in first.")
	}
	if f.OwesScorecard {
		f.OwesScorecard = false
		if assay.May(actor, act, f) {
			return assay.Errorf(assay.Forbidden, "You still owe a scorecard for this candidate. Hand yours in first; then you can read what others wrote.")
		}
	}
	return assay.Errorf(assay.Forbidden, "You may not do this.")
}

// byPerson refuses acts that only a signed-in person may do, whatever the policy grants the system.
func byPerson(actor assay.Actor) error {
	if actor.User == "" {
		return assay.Errorf(assay.Forbidden, "Only a person who has signed in can do this.")
	}
	return nil
}

// sits allows what the candidate of an interview does, or a recruiter in their stead where staff is true.
func sits(actor assay.Actor, i assay.Interview, staff bool) error {
	f := assay.Facts{Interview: i.ID}
	if staff && assay.May(actor, assay.ActManageLoop, f) {
		return nil
	}
	return allow(actor, assay.ActSitInterview, f)
}
