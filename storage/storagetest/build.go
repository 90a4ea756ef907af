package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assay"
	"assay/storage"
)

// System is the actor that may do everything but judge.
var System = assay.Actor{System: true}

// User adds a person and returns them as an actor. Names may repeat.
func User(t testing.TB, db *storage.DB, name string, roles ...assay.Role) assay.Actor {
	t.Helper()
	id := assay.NewUserID()
	u := assay.User{ID: id, Name: name, Email: strings.ToLower(name) + "." + string(id) + "@example.com", Roles: roles}
	must(t, db.CreateUser(t.Context(), System, &u))
	return assay.Actor{User: u.ID, Roles: roles}
}

// Loop is a candidate's loop for an opening, with the people who run it.
type Loop struct {
	t         testing.TB
	DB        *storage.DB
	Opening   assay.Opening
	Loop      assay.Loop
	Candidate assay.Candidate
	Kit       assay.Kit
	Recruiter assay.Actor
	Manager   assay.Actor // the opening's hiring manager
}

// NewLoop makes an opening for a senior, a kit with one question and focus on C1 and C5, and a loop.
func NewLoop(t testing.TB, db *storage.DB) *Loop {
	t.Helper()
	return NewLoopFor(t, db, User(t, db, "Hugo", assay.RoleHiringManager))
}

// NewLoopFor is NewLoop for an opening of this hiring manager's.
func NewLoopFor(t testing.TB, db *storage.DB, manager assay.Actor) *Loop {
	t.Helper()
	l := &Loop{t: t, DB: db, Manager: manager}
	l.Recruiter = User(t, db, "Rita", assay.RoleRecruiter)
	l.Opening = assay.Opening{Title: "ML Engineer", Level: assay.LevelSenior, HiringManager: l.Manager.User}
	must(t, db.CreateOpening(t.Context(), l.Recruiter, &l.Opening))
	l.Kit = assay.Kit{Slug: "coding", Title: "Coding", Level: assay.LevelSenior, Focus: []string{"C1", "C5"},
		Questions: []assay.KitQuestion{{Slug: "softmax", Minutes: 45}}, Guide: "Ask about overflow.", Minutes: 60, AIPolicy: assay.AIDocs, Results: assay.ResultsPublic}
	must(t, db.CreateKit(t.Context(), l.Recruiter, &l.Kit))
	l.Candidate = assay.Candidate{Name: "Casey Quill", Email: "casey@example.com"}
	l.Loop = assay.Loop{OpeningID: l.Opening.ID}
	must(t, db.CreateLoop(t.Context(), l.Recruiter, &l.Loop, &l.Candidate))
	return l
}

// User adds a person, on no panel and no committee yet.
func (l *Loop) User(name string, roles ...assay.Role) assay.Actor {
	l.t.Helper()
	return User(l.t, l.DB, name, roles...)
}

// Committee names who decides.
func (l *Loop) Committee(members ...assay.Actor) {
	l.t.Helper()
	ids := make([]assay.UserID, len(members))
	for i, m := range members {
		ids[i] = m.User
	}
	must(l.t, l.DB.SetCommittee(l.t.Context(), l.Recruiter, l.Loop.ID, ids))
	l.Loop.Committee = ids
}

// Revision is the question that interviews here pin.
func Revision() assay.QuestionRevision {
	return assay.QuestionRevision{Slug: "softmax", Revision: strings.Repeat("a", 64), PackKey: strings.Repeat("b", 64), Public: assay.PublicQuestion{
		Question:  assay.Question{Slug: "softmax", Revision: strings.Repeat("a", 64), Title: "Softmax", Kind: assay.KindImplement, MaxSize: 100_000, Entry: "solution.py"},
		Statement: "Write a stable softmax.",
		Starter:   []assay.File{{Path: "solution.py", Content: "def softmax(x):\n    ...\n"}},
	}}
}

// Interview is one sitting of a loop.
type Interview struct {
	*Loop
	Interview assay.Interview
	Item      assay.Item
	Actor     assay.Actor // the candidate
	submitted int
}

// Interview schedules a sitting that may be started now, with this panel.
func (l *Loop) Interview(panel ...assay.Actor) *Interview {
	l.t.Helper()
	now := l.DB.Now()
	i := &Interview{Loop: l}
	i.Interview = assay.Interview{LoopID: l.Loop.ID, KitID: l.Kit.ID, WindowStart: now.Add(-time.Hour), WindowEnd: now.Add(24 * time.Hour)}
	items := []assay.Item{{Slug: "softmax", Revision: Revision().Revision, Seed: "20261122", Minutes: 45, Title: "Softmax"}}
	must(l.t, l.DB.CreateInterview(l.t.Context(), l.Recruiter, &i.Interview, items, []assay.QuestionRevision{Revision()}))
	i.Item = items[0]
	i.Actor = assay.Actor{Candidate: l.Candidate.ID, Interview: i.Interview.ID, Roles: []assay.Role{assay.RoleCandidate}}
	for _, p := range panel {
		i.Seat(p)
	}
	return i
}

// Seat puts somebody on the panel.
func (i *Interview) Seat(p assay.Actor) {
	i.t.Helper()
	must(i.t, i.DB.SetPanelist(i.t.Context(), i.Recruiter, assay.Panelist{InterviewID: i.Interview.ID, UserID: p.User}))
}

// Opened starts the clock.
func (i *Interview) Opened() *Interview {
	i.t.Helper()
	opened, err := i.DB.OpenInterview(i.t.Context(), i.Actor, i.Interview.ID)
	must(i.t, err)
	i.Interview = opened
	return i
}

// New is a submission that has not been sent yet.
func (i *Interview) New(mode assay.Mode) assay.Submission {
	i.submitted++
	return assay.Submission{ItemID: i.Item.ID, Mode: mode, Nonce: fmt.Sprintf("nonce-%d", i.submitted),
		Files: []assay.StoredFile{{Path: "solution.py", Key: strings.Repeat("c", 64), Size: 42, SHA256: strings.Repeat("c", 64)}}}
}

// Submit hands something in; it is queued.
func (i *Interview) Submit(mode assay.Mode) assay.Submission {
	i.t.Helper()
	sub := i.New(mode)
	must(i.t, i.DB.CreateSubmission(i.t.Context(), i.Actor, &sub))
	return sub
}

// Job is the job that grades the submission for the first time.
func Job(sub assay.Submission) assay.GradeJob {
	return assay.GradeJob{Attempt: sub.AttemptID, Submission: sub.ID, Epoch: 1}
}

// Graded hands something in and grades it.
func (i *Interview) Graded(v assay.Verdict, score float64) assay.Submission {
	i.t.Helper()
	sub := i.Submit(assay.ModeSubmit)
	_, _, err := i.DB.StartAttempt(i.t.Context(), Job(sub), "test", time.Minute)
	must(i.t, err)
	report := &assay.Report{Format: 1, Question: i.Item.Slug, Revision: i.Item.Revision, Seed: i.Item.Seed, Checks: []assay.Check{
		{ID: "stable", Title: "Large inputs do not overflow", Show: assay.ShowPublic, Status: assay.CheckPass, Points: score, Of: 1},
		{ID: "hidden-shapes", Title: "Odd shapes", Show: assay.ShowHidden, Status: assay.CheckPass, StaffNote: "for staff"},
	}}
	must(i.t, i.DB.FinishAttempt(i.t.Context(), Job(sub), storage.Finished{Verdict: v, Score: score, Report: report, PublicLog: "hello\n", StaffLog: "judge\n"}))
	sub, err = i.DB.Submission(i.t.Context(), sub.ID)
	must(i.t, err)
	return sub
}

// Written is what a panelist writes: each competency of the kit gets the same score, from 2 to 3 unless evidence is added.
func (i *Interview) Written(author assay.Actor, overall assay.Recommendation, score int) assay.Scorecard {
	i.t.Helper()
	card, err := i.DB.DraftScorecard(i.t.Context(), author, i.Interview.ID)
	must(i.t, err)
	card.Overall, card.LevelObserved = overall, assay.LevelSenior
	card.ReasonFor, card.ReasonAgainst = "Saw the overflow at once.", "Needed a hint for the backward pass."
	card.NoteToNext, card.PrivateNote = "Probe numerical stability in training loops.", "Reminds me of myself."
	card.Ratings = nil
	for _, c := range i.Kit.Focus {
		r := assay.Rating{Competency: c, Score: score, Confidence: "medium", Comment: "Explained it step by step."}
		if score == 1 || score == 4 {
			r.Evidence = []assay.Evidence{{Kind: "quote", Quote: "I would subtract the maximum first."}}
		}
		card.Ratings = append(card.Ratings, r)
	}
	card, err = i.DB.SaveScorecard(i.t.Context(), author, card, card.Version)
	must(i.t, err)
	return card
}

// Scorecard writes and submits a scorecard.
func (i *Interview) Scorecard(author assay.Actor, overall assay.Recommendation, score int) assay.Scorecard {
	i.t.Helper()
	card := i.Written(author, overall, score)
	must(i.t, i.DB.SubmitScorecard(i.t.Context(), author, card.ID))
	card, err := i.DB.Scorecard(i.t.Context(), author, card.ID)
	must(i.t, err)
	return card
}

// Packet requests a packet and finishes it without building one.
func (l *Loop) Packet() assay.Packet {
	l.t.Helper()
	p, err := l.DB.RequestPacket(l.t.Context(), l.Recruiter, l.Loop.ID, assay.BlindNothing)
	must(l.t, err)
	data, err := l.DB.PacketData(l.t.Context(), p.ID)
	must(l.t, err)
	p.ZipKey, p.HTMLKey, p.JSONKey, p.Digest, p.ChainHead = strings.Repeat("1", 64), strings.Repeat("2", 64), strings.Repeat("3", 64), strings.Repeat("4", 64), data.ChainHead
	must(l.t, l.DB.FinishPacket(l.t.Context(), p))
	ready, err := l.DB.Packet(l.t.Context(), System, p.ID)
	must(l.t, err)
	return ready
}

// Vote casts a vote for a committee member.
func (l *Loop) Vote(member assay.Actor, packet assay.Packet, o assay.Outcome) assay.Vote {
	l.t.Helper()
	v := assay.Vote{LoopID: l.Loop.ID, PacketID: packet.ID, Outcome: o, Level: assay.LevelSenior, Confidence: "medium", Sentence: "The evidence on stability decides it."}
	must(l.t, l.DB.CastVote(l.t.Context(), member, &v))
	return v
}

// Acts are the acts in a loop's audit log, in order.
func (l *Loop) Acts() []string {
	l.t.Helper()
	lines, err := l.DB.Audit(l.t.Context(), l.Loop.ID)
	must(l.t, err)
	return slices.Collect(func(yield func(string) bool) {
		for _, e := range lines {
			if !yield(e.Act) {
				return
			}
		}
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
