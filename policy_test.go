package assay_test

import (
	"slices"
	"testing"

	"assay"
)

// TestPolicyTable is the table of who may do what: for each kind of person, in the most favourable and in the plain situation,
// exactly the acts listed are allowed.
func TestPolicyTable(t *testing.T) {
	t.Parallel()
	const me = assay.UserID("usr_me")
	user := func(roles ...assay.Role) assay.Actor { return assay.Actor{User: me, Roles: roles} }
	const (
		sit, work, comment, write = assay.ActSitInterview, assay.ActSeeWork, assay.ActComment, assay.ActWriteScorecard
		card, scores              = assay.ActReadScorecard, assay.ActSeeScores
		loop, manage              = assay.ActSeeLoop, assay.ActManageLoop
		request, packet           = assay.ActRequestPacket, assay.ActReadPacket
		vote, decide              = assay.ActVote, assay.ActDecide
		bank, users, health       = assay.ActReadBank, assay.ActManageUsers, assay.ActSeeHealth
	)
	type acts = []assay.Act
	submitted := assay.Facts{Interview: "int_1", Author: "usr_other", Submitted: true}
	with := func(f assay.Facts, change func(*assay.Facts)) assay.Facts { change(&f); return f }
	onPanel := with(submitted, func(f *assay.Facts) { f.OnPanel = true })
	owing := with(onPanel, func(f *assay.Facts) { f.OwesScorecard = true })

	cases := []struct {
		name  string
		actor assay.Actor
		facts assay.Facts
		may   acts
	}{
		{"nobody", assay.Actor{}, onPanel, nil},
		{"candidate, own interview", assay.Actor{Candidate: "cand_1", Interview: "int_1"}, onPanel, acts{sit}},
		{"candidate, another's interview", assay.Actor{Candidate: "cand_1", Interview: "int_2"}, onPanel, nil},
		{"candidate, no interview named", assay.Actor{Candidate: "cand_1"}, assay.Facts{}, nil},
		{"user without roles", user(), onPanel, nil},
		{"interviewer off the panel", user(assay.RoleInterviewer), submitted, acts{bank}},
		{"interviewer who owes", user(assay.RoleInterviewer), owing, acts{work, comment, write, loop, bank}},
		{"interviewer who has submitted", user(assay.RoleInterviewer), onPanel, acts{work, comment, write, card, scores, loop, bank}},
		{"another's draft", user(assay.RoleInterviewer), with(onPanel, func(f *assay.Facts) { f.Submitted = false }),
			acts{work, comment, write, scores, loop, bank}},
		{"own draft while owing", user(assay.RoleInterviewer), with(owing, func(f *assay.Facts) { f.Author, f.Submitted = me, false }),
			acts{work, comment, write, card, loop, bank}},
		{"panel member without the role", user(), onPanel, nil},
		{"recruiter", user(assay.RoleRecruiter), submitted, acts{card, scores, loop, manage, request, packet, bank}},
		{"recruiter who owes a scorecard", user(assay.RoleRecruiter, assay.RoleInterviewer), owing,
			acts{work, comment, write, loop, manage, request, bank}},
		{"hiring manager of another opening", user(assay.RoleHiringManager), submitted, nil},
		{"hiring manager", user(assay.RoleHiringManager), with(submitted, func(f *assay.Facts) { f.HiringManager = true }),
			acts{card, scores, loop, request, packet}},
		{"hiring manager who owes", user(assay.RoleHiringManager), with(owing, func(f *assay.Facts) { f.HiringManager = true }),
			acts{loop, request}},
		{"committee member of another case", user(assay.RoleCommittee), submitted, nil},
		{"committee member", user(assay.RoleCommittee), with(submitted, func(f *assay.Facts) { f.OnCommittee = true }),
			acts{card, scores, loop, packet, vote, decide}},
		{"committee member who owes", user(assay.RoleCommittee), with(owing, func(f *assay.Facts) { f.OnCommittee = true }), acts{loop}},
		{"author", user(assay.RoleAuthor), submitted, acts{bank}},
		{"admin", user(assay.RoleAdmin), submitted, acts{users, health}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, act := range assay.Acts {
				if got, want := assay.May(c.actor, act, c.facts), slices.Contains(c.may, act); got != want {
					t.Errorf("%s: %v, want %v", act, got, want)
				}
			}
		})
	}
	for _, act := range assay.Acts {
		if !assay.May(assay.Actor{System: true}, act, assay.Facts{}) {
			t.Errorf("the system may not %s", act)
		}
	}
}
