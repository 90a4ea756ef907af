package storage_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay"
	"assay/storage"
	"assay/storage/storagetest"
)

// TestWhoeverOwesSeesNothing walks every surface that shows what others judged, for people who still owe a scorecard in the loop,
// whatever else they are; and again once they have handed theirs in.
func TestWhoeverOwesSeesNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		roles      []assay.Role
		committee  bool
		manager    bool
		seesPacket bool // once nothing is owed
	}{
		{"interviewer", []assay.Role{assay.RoleInterviewer}, false, false, false},
		{"recruiter", []assay.Role{assay.RoleInterviewer, assay.RoleRecruiter}, false, false, true},
		{"committee_member", []assay.Role{assay.RoleInterviewer, assay.RoleCommittee}, true, false, true},
		{"hiring_manager", []assay.Role{assay.RoleInterviewer, assay.RoleHiringManager}, false, true, true},
		{"everything", assay.Roles, true, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			storagetest.Each(t, func(t *testing.T, db *storage.DB) {
				ctx := t.Context()
				loop := storagetest.NewLoop(t, db)
				ada := loop.User("Ada", assay.RoleInterviewer)
				carla := loop.User("Carla", assay.RoleCommittee)
				who := loop.User("Wanda", tc.roles...)
				if tc.manager {
					loop = storagetest.NewLoopFor(t, db, who)
				}
				members := []assay.Actor{carla}
				if tc.committee {
					members = append(members, who)
				}
				loop.Committee(members...)
				first, second := loop.Interview(ada), loop.Interview(who)
				theirs := first.Scorecard(ada, assay.StrongNo, 1)
				ok(t, db.AmendScorecard(ctx, ada, theirs.ID, assay.Amendment{Reason: "Slept on it.", Overall: assay.No}))
				own := second.Written(who, assay.Yes, 3)
				packet := loop.Packet()
				loop.Vote(carla, packet, assay.NoHire)

				sees := func() []string {
					t.Helper()
					var out []string
					cards, err := db.Scorecards(ctx, who, loop.Loop.ID)
					ok(t, err)
					for _, c := range cards {
						if c.AuthorID != who.User {
							out = append(out, "scorecards")
							if c.PrivateNote != "" {
								t.Error("a colleague's private note")
							}
						}
					}
					card, err := db.Scorecard(ctx, who, theirs.ID)
					out = shown(t, out, "scorecard", err, card.ID != "")
					amendments, err := db.Amendments(ctx, who, theirs.ID)
					out = shown(t, out, "amendments", err, len(amendments) > 0)
					votes, err := db.Votes(ctx, who, loop.Loop.ID)
					out = shown(t, out, "votes", err, slices.ContainsFunc(votes, func(v assay.Vote) bool { return v.UserID != who.User }))
					decisions, err := db.Decisions(ctx, who, loop.Loop.ID)
					out = shown(t, out, "decisions", err, err == nil || len(decisions) > 0)
					packets, err := db.Packets(ctx, who, loop.Loop.ID)
					out = shown(t, out, "packets", err, len(packets) > 0)
					p, err := db.Packet(ctx, who, packet.ID)
					out = shown(t, out, "packet", err, p.ID != "")
					return out
				}
				if got := sees(); len(got) > 0 {
					t.Errorf("while a scorecard is owed: %v", got)
				}
				notes, err := db.NotesToNext(ctx, who, loop.Loop.ID)
				ok(t, err)
				if diff := cmp.Diff([]storage.NoteToNext{{Author: ada.User, Note: theirs.NoteToNext}}, notes); diff != "" {
					t.Error(diff)
				}
				// Neither can they vote, decide, or excuse themselves.
				vote := assay.Vote{LoopID: loop.Loop.ID, PacketID: packet.ID, Outcome: assay.Hire, Level: assay.LevelSenior, Confidence: "low", Sentence: "x"}
				wantCode(t, "vote while owing", db.CastVote(ctx, who, &vote), assay.Forbidden)
				wantCode(t, "waive one's own", db.WaiveScorecard(ctx, who, second.Interview.ID, who.User, "busy"), assay.Forbidden)
				wantCode(t, "leave the panel", db.RemovePanelist(ctx, who, second.Interview.ID, who.User), assay.Forbidden)

				ok(t, db.SubmitScorecard(ctx, who, own.ID))
				want := []string{"scorecards", "scorecard", "amendments", "decisions"}
				if tc.seesPacket {
					want = append(want, "packets", "packet")
				}
				if diff := cmp.Diff(want, sees()); diff != "" {
					t.Errorf("once nothing is owed: %s", diff)
				}
				if tc.committee {
					loop.Vote(who, packet, assay.Hire)
					if !slices.Contains(sees(), "votes") {
						t.Error("others' votes stay hidden after one's own")
					}
				}
				// A new seat hides everything again.
				loop.Interview(who)
				if got := sees(); len(got) > 0 {
					t.Errorf("with a new seat: %v", got)
				}
			})
		})
	}
}

func shown(t *testing.T, out []string, what string, err error, any bool) []string {
	t.Helper()
	if err != nil {
		if any {
			t.Errorf("%s: an error with contents", what)
		}
		wantCode(t, what, err, assay.Forbidden)
		return out
	}
	if any {
		return append(out, what)
	}
	return out
}

func TestStrangersSeeNothing(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t)
	ctx := t.Context()
	loop := storagetest.NewLoop(t, db)
	ada := loop.User("Ada", assay.RoleInterviewer)
	i := loop.Interview(ada).Opened()
	sub := i.Graded(assay.Accepted, 1)
	card := i.Scorecard(ada, assay.Yes, 3)
	packet := loop.Packet()
	elsewhere := loop.User("Eve", assay.RoleInterviewer, assay.RoleCommittee, assay.RoleHiringManager, assay.RoleAuthor, assay.RoleAdmin)
	for name, who := range map[string]assay.Actor{"candidate": i.Actor, "elsewhere": elsewhere, "nobody": {}} {
		want := assay.Forbidden
		if name == "nobody" {
			want = assay.Unauthenticated
		}
		_, err := db.Scorecard(ctx, who, card.ID)
		wantCode(t, name+": scorecard", err, want)
		_, err = db.Scorecards(ctx, who, loop.Loop.ID)
		wantCode(t, name+": scorecards", err, want)
		_, err = db.Amendments(ctx, who, card.ID)
		wantCode(t, name+": amendments", err, want)
		_, err = db.Votes(ctx, who, loop.Loop.ID)
		wantCode(t, name+": votes", err, want)
		_, err = db.Decisions(ctx, who, loop.Loop.ID)
		wantCode(t, name+": decisions", err, want)
		_, err = db.Packets(ctx, who, loop.Loop.ID)
		wantCode(t, name+": packets", err, want)
		_, err = db.Packet(ctx, who, packet.ID)
		wantCode(t, name+": packet", err, want)
		_, err = db.NotesToNext(ctx, who, loop.Loop.ID)
		wantCode(t, name+": notes", err, want)
		_, err = db.RequestPacket(ctx, who, loop.Loop.ID, assay.BlindNothing)
		wantCode(t, name+": request packet", err, want)
		wantCode(t, name+": amend", db.AmendScorecard(ctx, who, card.ID, assay.Amendment{Reason: "x"}), assay.Forbidden)
		if name != "nobody" {
			wantCode(t, name+": comment", db.AddComment(ctx, who, &assay.Comment{SubmissionID: sub.ID, Path: "solution.py", Line: 1, Body: "x"}), assay.Forbidden)
		}
		if name != "elsewhere" {
			wantCode(t, name+": create user", db.CreateUser(ctx, who, &assay.User{}), want)
		}
		wantCode(t, name+": create loop", db.CreateLoop(ctx, who, &assay.Loop{}, &assay.Candidate{}), want)
		wantCode(t, name+": credit", db.CreditTime(ctx, who, i.Interview.ID, 1, "x"), want)
	}
}

func TestOnlyPeopleJudge(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t)
	ctx := t.Context()
	loop := storagetest.NewLoop(t, db)
	carla := loop.User("Carla", assay.RoleCommittee)
	loop.Committee(carla)
	packet := loop.Packet()
	i := loop.Interview()
	d := assay.Decision{LoopID: loop.Loop.ID, PacketID: packet.ID, Outcome: assay.NoHire, Rationale: "No evidence for C1."}
	wantCode(t, "the system decides", db.RecordDecision(ctx, system, &d), assay.Forbidden)
	wantCode(t, "the system votes", db.CastVote(ctx, system, &assay.Vote{LoopID: loop.Loop.ID, PacketID: packet.ID}), assay.Forbidden)
	_, err := db.DraftScorecard(ctx, system, i.Interview.ID)
	wantCode(t, "the system rates", err, assay.Forbidden)

	for name, change := range map[string]func(*assay.Decision){
		"no outcome":        func(d *assay.Decision) { d.Outcome = "" },
		"no rationale":      func(d *assay.Decision) { d.Rationale = " " },
		"hire at no level":  func(d *assay.Decision) { d.Outcome = assay.Hire },
		"hold for nothing":  func(d *assay.Decision) { d.Outcome = assay.Hold },
		"level of nonsense": func(d *assay.Decision) { d.Level = "wizard" },
	} {
		bad := d
		change(&bad)
		wantCode(t, name, db.RecordDecision(ctx, carla, &bad), assay.Invalid)
	}
	bad := d
	bad.PacketID = "pkt_none"
	wantCode(t, "from no packet", db.RecordDecision(ctx, carla, &bad), assay.NotFound)

	hold := d
	hold.Outcome, hold.Missing = assay.Hold, "A second coding interview."
	ok(t, db.RecordDecision(ctx, carla, &hold))
	if l, err := db.Loop(ctx, loop.Loop.ID); err != nil || l.Status != assay.CaseHold {
		t.Errorf("%+v %v", l, err)
	}
	ok(t, db.RecordDecision(ctx, carla, &d))
	again := d
	again.ID = ""
	wantCode(t, "decided twice", db.RecordDecision(ctx, carla, &again), assay.Conflict)
	wantCode(t, "vote afterwards", db.CastVote(ctx, carla, &assay.Vote{LoopID: loop.Loop.ID, PacketID: packet.ID, Outcome: assay.Hire,
		Level: assay.LevelMid, Confidence: "low", Sentence: "x"}), assay.Conflict)
	// Those who do not vote see the votes now.
	if _, err := db.Votes(ctx, loop.Recruiter, loop.Loop.ID); err != nil {
		t.Error(err)
	}
}

func TestVotesAreAdded(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		loop := storagetest.NewLoop(t, db)
		carla, dan := loop.User("Carla", assay.RoleCommittee), loop.User("Dan", assay.RoleCommittee)
		loop.Committee(carla, dan)
		packet := loop.Packet()
		first := loop.Vote(carla, packet, assay.Hire)
		if again := loop.Vote(carla, packet, assay.Hire); again.ID != first.ID {
			t.Error("the same vote sent twice counts twice")
		}
		loop.Vote(carla, packet, assay.NoHire)
		votes, err := db.Votes(ctx, carla, loop.Loop.ID)
		ok(t, err)
		if len(votes) != 2 || votes[0].Outcome != assay.Hire || votes[1].Outcome != assay.NoHire {
			t.Errorf("%+v", votes)
		}
		for _, blind := range []assay.Actor{dan, loop.Recruiter, loop.Manager} {
			if votes, err := db.Votes(ctx, blind, loop.Loop.ID); err != nil || len(votes) != 0 {
				t.Errorf("before an own vote: %+v %v", votes, err)
			}
		}
		loop.Vote(dan, packet, assay.Hire)
		if votes, err := db.Votes(ctx, dan, loop.Loop.ID); err != nil || len(votes) != 3 {
			t.Errorf("%+v %v", votes, err)
		}
	})
}

func TestScorecard(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		loop := storagetest.NewLoop(t, db)
		ada, ben := loop.User("Ada", assay.RoleInterviewer), loop.User("Ben", assay.RoleInterviewer)
		i := loop.Interview(ada, ben)
		_, err := db.DraftScorecard(ctx, loop.Recruiter, i.Interview.ID)
		wantCode(t, "not on the panel", err, assay.Forbidden)
		card, err := db.DraftScorecard(ctx, ada, i.Interview.ID)
		ok(t, err)
		if same, err := db.DraftScorecard(ctx, ada, i.Interview.ID); err != nil || same.ID != card.ID {
			t.Errorf("a second draft: %+v %v", same, err)
		}
		wantCode(t, "submit an empty one", db.SubmitScorecard(ctx, ada, card.ID), assay.Invalid)

		// Two tabs.
		card.ReasonFor = "first tab"
		saved, err := db.SaveScorecard(ctx, ada, card, 0)
		ok(t, err)
		if saved.Version != 1 {
			t.Errorf("version %d", saved.Version)
		}
		card.ReasonFor = "second tab"
		kept, err := db.SaveScorecard(ctx, ada, card, 0)
		wantCode(t, "second tab", err, assay.Conflict)
		if kept.ReasonFor != "first tab" {
			t.Errorf("kept %q", kept.ReasonFor)
		}
		_, err = db.SaveScorecard(ctx, ben, card, 1)
		wantCode(t, "a colleague saves", err, assay.Forbidden)
		wantCode(t, "a colleague submits", db.SubmitScorecard(ctx, ben, card.ID), assay.Forbidden)
		wantCode(t, "amend a draft", db.AmendScorecard(ctx, ada, card.ID, assay.Amendment{Reason: "x"}), assay.Conflict)

		card = i.Written(ada, assay.Yes, 3)
		judging := card
		judging.NoteToNext = "I would hire them, weak on C5 though."
		judging, err = db.SaveScorecard(ctx, ada, judging, judging.Version)
		ok(t, err)
		err = db.SubmitScorecard(ctx, ada, card.ID)
		wantCode(t, "a judging note", err, assay.Invalid)
		if assay.ErrorFields(err)["note_to_next"] == "" {
			t.Error(assay.ErrorFields(err))
		}
		odd := card
		odd.Overall, odd.LevelObserved = "perhaps", "wizard\x00"
		card, err = db.SaveScorecard(ctx, ada, odd, judging.Version)
		ok(t, err)
		if f := assay.ErrorFields(db.SubmitScorecard(ctx, ada, card.ID)); f["overall"] == "" || f["level_observed"] == "" {
			t.Errorf("odd words: %v", f)
		}
		card.Overall, card.LevelObserved, judging.Version = assay.Yes, assay.LevelSenior, card.Version
		card.NoteToNext = "Probe numerical stability."
		card.Ratings[0].Evidence = []assay.Evidence{{Kind: "code", Submission: "sub_nothing"}}
		card, err = db.SaveScorecard(ctx, ada, card, judging.Version)
		ok(t, err)
		wantCode(t, "evidence from nowhere", db.SubmitScorecard(ctx, ada, card.ID), assay.Invalid)
		card.Ratings[0].Evidence = nil
		card, err = db.SaveScorecard(ctx, ada, card, card.Version)
		ok(t, err)

		// Many clicks, one submission.
		var wins, conflicts atomic.Int64
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				switch err := db.SubmitScorecard(ctx, ada, card.ID); assay.ErrorCode(err) {
				case "":
					wins.Add(1)
				case assay.Conflict:
					conflicts.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 || conflicts.Load() != 5 {
			t.Errorf("%d wins, %d conflicts", wins.Load(), conflicts.Load())
		}
		_, err = db.SaveScorecard(ctx, ada, card, card.Version)
		wantCode(t, "save after submitting", err, assay.Conflict)
		wantCode(t, "waived after submitting", db.WaiveScorecard(ctx, loop.Recruiter, i.Interview.ID, ada.User, "x"), assay.Conflict)
		wantCode(t, "unseated after submitting", db.RemovePanelist(ctx, loop.Recruiter, i.Interview.ID, ada.User), assay.Conflict)

		wantCode(t, "amend without a reason", db.AmendScorecard(ctx, ada, card.ID, assay.Amendment{}), assay.Invalid)
		ok(t, db.AmendScorecard(ctx, ada, card.ID, assay.Amendment{Reason: "Read the code again.", Overall: assay.No, SawOthers: true}))
		i.Scorecard(ben, assay.No, 2)
		ok(t, db.AmendScorecard(ctx, ada, card.ID, assay.Amendment{Reason: "Ben saw more.", Overall: assay.StrongNo}))
		amendments, err := db.Amendments(ctx, ada, card.ID)
		ok(t, err)
		if len(amendments) != 2 || amendments[0].Version != 2 || amendments[0].SawOthers || amendments[1].Version != 3 || !amendments[1].SawOthers {
			t.Errorf("%+v", amendments)
		}
		record, err := db.Scorecard(ctx, ben, card.ID)
		ok(t, err)
		if record.Overall != assay.Yes || record.PrivateNote != "" {
			t.Errorf("%+v", record)
		}
	})
}

func TestOwedAndLate(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		loop := storagetest.NewLoop(t, db)
		ada := loop.User("Ada", assay.RoleInterviewer)
		i := loop.Interview(ada)
		owed := func() int {
			t.Helper()
			o, err := db.Owed(ctx, ada.User)
			ok(t, err)
			return len(o)
		}
		if o, err := db.Owed(ctx, ada.User); err != nil || len(o) != 1 || o[0].Scorecard != nil || o[0].Candidate.Name != "Casey Quill" || o[0].Opening.ID != loop.Opening.ID {
			t.Errorf("%+v %v", o, err)
		}
		ok(t, db.SetPanelist(ctx, loop.Recruiter, assay.Panelist{InterviewID: i.Interview.ID, UserID: ada.User, DueAt: db.Now().Add(-1)}))
		late, err := db.Late(ctx)
		ok(t, err)
		if len(late) != 1 || late[0].Panelist.UserID != ada.User {
			t.Errorf("%+v", late)
		}
		loops, err := db.Loops(ctx, storage.LoopFilter{Panelist: ada.User, Opening: loop.Opening.ID, HiringManager: loop.Manager.User})
		ok(t, err)
		if len(loops) != 1 || loops[0].Late != 1 || loops[0].Interviews != 1 {
			t.Errorf("%+v", loops)
		}
		i.Written(ada, assay.Yes, 3)
		if owed() != 1 {
			t.Error("a draft is enough")
		}
		ok(t, db.WaiveScorecard(ctx, loop.Recruiter, i.Interview.ID, ada.User, "was ill"))
		if owed() != 0 {
			t.Error("owed though waived")
		}
		j := loop.Interview(ada)
		if owed() != 1 {
			t.Error("nothing owed for the second interview")
		}
		ok(t, db.CancelInterview(ctx, loop.Recruiter, j.Interview.ID, "candidate withdrew"))
		if owed() != 0 {
			t.Error("owed for a cancelled interview")
		}
		k := loop.Interview(ada)
		k.Written(ada, assay.Yes, 3)
		ok(t, db.RemovePanelist(ctx, loop.Recruiter, k.Interview.ID, ada.User))
		if owed() != 0 {
			t.Error("owed from a seat given up")
		}
	})
}

func TestMarkSawAutograde(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t)
	loop := storagetest.NewLoop(t, db)
	ada, ben := loop.User("Ada", assay.RoleInterviewer), loop.User("Ben", assay.RoleInterviewer)
	i := loop.Interview(ada, ben)
	for range 2 {
		ok(t, db.MarkSawAutograde(t.Context(), ada, i.Interview.ID))
	}
	if card := i.Scorecard(ada, assay.Yes, 3); !card.SawAutograde {
		t.Error("not marked")
	}
	unseen := i.Scorecard(ben, assay.Yes, 3)
	ok(t, db.MarkSawAutograde(t.Context(), ben, i.Interview.ID))
	if card, err := db.Scorecard(t.Context(), ben, unseen.ID); err != nil || card.SawAutograde {
		t.Errorf("marked after submitting: %+v %v", card, err)
	}
}

func TestPackets(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		loop := storagetest.NewLoop(t, db)
		ada, carla := loop.User("Ada", assay.RoleInterviewer), loop.User("Carla", assay.RoleCommittee)
		loop.Committee(carla)
		i := loop.Interview(ada).Opened()
		sub := i.Graded(assay.PartiallyAccepted, 0.5)
		ok(t, db.AddComment(ctx, ada, &assay.Comment{SubmissionID: sub.ID, Path: "solution.py", Line: 2, Body: "Overflows."}))
		card := i.Scorecard(ada, assay.Yes, 3)
		ok(t, db.AmendScorecard(ctx, ada, card.ID, assay.Amendment{Reason: "Slept on it."}))
		first := loop.Packet()
		loop.Vote(carla, first, assay.Hire)

		p, err := db.RequestPacket(ctx, loop.Recruiter, loop.Loop.ID, assay.BlindCandidate)
		ok(t, err)
		if again, err := db.RequestPacket(ctx, loop.Manager, loop.Loop.ID, assay.BlindCandidate); err != nil || again.ID != p.ID || p.Version != 2 {
			t.Errorf("%+v %v", again, err)
		}
		d, err := db.PacketData(ctx, p.ID)
		ok(t, err)
		if twice, err := db.PacketData(ctx, p.ID); err != nil || cmp.Diff(d, twice) != "" {
			t.Errorf("twice the same gives a difference: %v %s", err, cmp.Diff(d, twice))
		}
		if len(d.Interviews) != 1 || len(d.Interviews[0].Items) != 1 || d.Interviews[0].Items[0].Question.Public.Statement == "" || len(d.Interviews[0].Panel) != 1 ||
			len(d.Interviews[0].Submissions) != 1 || d.Interviews[0].Submissions[0].Attempt.Report == nil || len(d.Interviews[0].Submissions[0].Comments) != 1 {
			t.Errorf("%+v", d.Interviews)
		}
		if len(d.Scorecards) != 1 || d.Scorecards[0].PrivateNote != "" || len(d.Amendments) != 1 || len(d.Votes) != 1 || len(d.Users) != 4 || len(d.Audit) < 10 {
			t.Errorf("%d scorecards, %d amendments, %d votes, %d users, %d lines", len(d.Scorecards), len(d.Amendments), len(d.Votes), len(d.Users), len(d.Audit))
		}
		lines, err := db.Audit(ctx, "")
		ok(t, err)
		if d.ChainHead != lines[len(lines)-1].Hash {
			t.Error("the chain's head is not its last line")
		}

		ok(t, db.FailPacket(ctx, p.ID, "disk full"))
		wantCode(t, "finish what failed", db.FinishPacket(ctx, p), assay.Conflict)
		if got, err := db.Packet(ctx, carla, p.ID); err != nil || got.Status != assay.PacketFailed || got.Failure != "disk full" {
			t.Errorf("%+v %v", got, err)
		}
		packets, err := db.Packets(ctx, carla, loop.Loop.ID)
		ok(t, err)
		if len(packets) != 2 || packets[0].ID != p.ID || packets[1].ChainHead == "" {
			t.Errorf("%+v", packets)
		}
		_, err = db.RequestPacket(ctx, carla, loop.Loop.ID, assay.BlindNothing)
		wantCode(t, "a committee member requests", err, assay.Forbidden)
		_, err = db.RequestPacket(ctx, loop.Recruiter, loop.Loop.ID, "B9")
		wantCode(t, "an unknown blindness", err, assay.Invalid)
	})
}
