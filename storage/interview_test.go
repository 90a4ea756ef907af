package storage_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay"
	"assay/storage"
	"assay/storage/storagetest"
)

func TestCreateInterviewValidates(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t)
	loop := storagetest.NewLoop(t, db)
	now := db.Now()
	for _, tc := range []struct {
		field  string
		change func(i *assay.Interview, items *[]assay.Item)
	}{
		{"", func(*assay.Interview, *[]assay.Item) {}},
		{"window", func(i *assay.Interview, _ *[]assay.Item) { i.WindowEnd = i.WindowStart }},
		{"window", func(i *assay.Interview, _ *[]assay.Item) { i.WindowStart = time.Time{} }},
		{"window", func(i *assay.Interview, _ *[]assay.Item) {
			i.WindowStart, i.WindowEnd = now.Add(-2*time.Hour), now.Add(-time.Hour)
		}},
		{"minutes", func(i *assay.Interview, _ *[]assay.Item) { i.Allotted = -time.Minute }},
		{"minutes", func(i *assay.Interview, _ *[]assay.Item) { i.Allotted = 15 * 24 * time.Hour }},
		{"kind", func(i *assay.Interview, _ *[]assay.Item) { i.Kind = "exam" }},
		{"questions", func(_ *assay.Interview, items *[]assay.Item) { *items = nil }},
		{"questions", func(_ *assay.Interview, items *[]assay.Item) { (*items)[0].Position = 2 }},
		{"questions", func(_ *assay.Interview, items *[]assay.Item) {
			*items = append(*items, (*items)[0], (*items)[0])
			(*items)[1].Position = 1
		}},
		{"questions", func(_ *assay.Interview, items *[]assay.Item) { (*items)[0].Seed = "" }},
		{"questions", func(_ *assay.Interview, items *[]assay.Item) { (*items)[0].Minutes = -1 }},
	} {
		i := assay.Interview{LoopID: loop.Loop.ID, KitID: loop.Kit.ID, WindowStart: now, WindowEnd: now.Add(time.Hour)}
		items := []assay.Item{{Slug: "softmax", Revision: storagetest.Revision().Revision, Seed: "1", Minutes: 45, Title: "Softmax"}}
		tc.change(&i, &items)
		err := db.CreateInterview(t.Context(), loop.Recruiter, &i, items, []assay.QuestionRevision{storagetest.Revision()})
		if tc.field == "" {
			ok(t, err)
			if i.Allotted != time.Hour || i.Title != "Coding" || i.AIPolicy != assay.AIDocs || i.Status != assay.InterviewScheduled || items[0].Position != 1 {
				t.Errorf("%+v %+v", i, items)
			}
			continue
		}
		wantCode(t, tc.field, err, assay.Invalid)
		if assay.ErrorFields(err)[tc.field] == "" {
			t.Errorf("%s: complaints about %v", tc.field, assay.ErrorFields(err))
		}
	}
	if interviews, err := db.Interviews(t.Context(), loop.Loop.ID); err != nil || len(interviews) != 1 {
		t.Errorf("%d interviews (%v)", len(interviews), err)
	}
	i := assay.Interview{LoopID: loop.Loop.ID, KitID: loop.Kit.ID, WindowStart: now, WindowEnd: now.Add(time.Hour)}
	unpinned := []assay.Item{{Slug: "softmax", Revision: "f00", Seed: "1"}}
	wantCode(t, "a revision that is not kept", db.CreateInterview(t.Context(), loop.Recruiter, &i, unpinned, nil), assay.NotFound)
	if use, err := db.QuestionUse(t.Context()); err != nil || use["softmax"] != 1 {
		t.Errorf("%v %v", use, err)
	}
}

func TestOpenInterviewOnce(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		dbs := []*storage.DB{storagetest.Connect(t, url, nil), storagetest.Connect(t, url, nil)}
		i := storagetest.NewLoop(t, dbs[0]).Interview()
		var wins, conflicts atomic.Int64
		var wg sync.WaitGroup
		for n := range 8 {
			wg.Go(func() {
				got, err := dbs[n%2].OpenInterview(t.Context(), i.Actor, i.Interview.ID)
				switch assay.ErrorCode(err) {
				case "":
					wins.Add(1)
				case assay.Conflict:
					conflicts.Add(1)
				default:
					t.Error(err)
				}
				if got.OpenedAt == nil {
					t.Error("no time on the clock")
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 || conflicts.Load() != 7 {
			t.Errorf("%d wins, %d conflicts", wins.Load(), conflicts.Load())
		}
	})
}

func TestWindow(t *testing.T) {
	t.Parallel()
	var at atomic.Int64
	start := time.Date(2026, 3, 29, 0, 59, 0, 0, time.FixedZone("CET", 3600)) // a zone, and the night the clocks change
	db := storagetest.OpenAt(t, func() time.Time { return start.Add(time.Duration(at.Load())) })
	loop := storagetest.NewLoop(t, db)
	i := loop.Interview()
	_, err := db.OpenInterview(t.Context(), loop.Interview().Actor, i.Interview.ID)
	wantCode(t, "another's", err, assay.Forbidden)
	at.Store(int64(-2 * time.Hour))
	_, err = db.OpenInterview(t.Context(), i.Actor, i.Interview.ID)
	wantCode(t, "too early", err, assay.Conflict)
	at.Store(int64(25 * time.Hour))
	_, err = db.OpenInterview(t.Context(), i.Actor, i.Interview.ID)
	wantCode(t, "too late", err, assay.Conflict)
	at.Store(int64(time.Hour))
	opened, err := db.OpenInterview(t.Context(), i.Actor, i.Interview.ID)
	ok(t, err)
	kept, err := db.Interview(t.Context(), i.Interview.ID)
	ok(t, err)
	if diff := cmp.Diff(opened, kept); diff != "" {
		t.Errorf("returned and kept differ: %s", diff)
	}
	if kept.OpenedAt.Location() != time.UTC || !kept.OpenedAt.Equal(start.Add(time.Hour)) {
		t.Errorf("opened at %v", kept.OpenedAt)
	}
}

func TestCancelInterview(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		loop := storagetest.NewLoop(t, db)
		i := loop.Interview()
		inv, err := db.Invite(ctx, loop.Recruiter, i.Interview.ID, "hash-1", db.Now().Add(time.Hour))
		ok(t, err)
		wantCode(t, "without a reason", db.CancelInterview(ctx, loop.Recruiter, i.Interview.ID, " "), assay.Invalid)
		wantCode(t, "by the candidate", db.CancelInterview(ctx, i.Actor, i.Interview.ID, "x"), assay.Forbidden)
		ok(t, db.CancelInterview(ctx, loop.Recruiter, i.Interview.ID, "position filled"))
		wantCode(t, "twice", db.CancelInterview(ctx, loop.Recruiter, i.Interview.ID, "x"), assay.Conflict)
		_, err = db.OpenInterview(ctx, i.Actor, i.Interview.ID)
		wantCode(t, "open", err, assay.Conflict)
		if inv, err = db.InvitationByToken(ctx, inv.TokenHash); err != nil || inv.RevokedAt == nil {
			t.Errorf("%+v %v", inv, err)
		}
		_, err = db.Invite(ctx, loop.Recruiter, i.Interview.ID, "hash-2", db.Now().Add(time.Hour))
		wantCode(t, "invite", err, assay.Conflict)
		wantCode(t, "seat", db.SetPanelist(ctx, loop.Recruiter, assay.Panelist{InterviewID: i.Interview.ID, UserID: loop.User("Ada", assay.RoleInterviewer).User}), assay.Conflict)
	})
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		loop := storagetest.NewLoop(t, db)
		i := loop.Interview()
		first, err := db.Invite(ctx, loop.Recruiter, i.Interview.ID, "hash-1", db.Now().Add(time.Hour))
		ok(t, err)
		second, err := db.Invite(ctx, loop.Recruiter, i.Interview.ID, "hash-2", db.Now().Add(time.Hour))
		ok(t, err)
		if first, err = db.InvitationByToken(ctx, "hash-1"); err != nil || first.RevokedAt == nil {
			t.Errorf("the first link still works: %+v %v", first, err)
		}
		_, err = db.InvitationByToken(ctx, "hash-3")
		wantCode(t, "unknown", err, assay.NotFound)
		for range 2 {
			ok(t, db.VisitInvitation(ctx, second.ID))
			ok(t, db.AcceptInvitation(ctx, i.Actor, second.ID))
		}
		wantCode(t, "accepted by another", db.AcceptInvitation(ctx, loop.Interview().Actor, second.ID), assay.Forbidden)
		ok(t, db.RequestWindow(ctx, second.ID, "I was ill; next week?"))
		wantCode(t, "a novel", db.RequestWindow(ctx, second.ID, strings.Repeat("x", 1001)), assay.Invalid)
		wantCode(t, "through an old link", db.RequestWindow(ctx, first.ID, "x"), assay.Conflict)
		all, err := db.Invitations(ctx, i.Interview.ID)
		ok(t, err)
		if len(all) != 2 || all[0].ID != second.ID || all[0].OpenedAt == nil || all[0].AcceptedAt == nil || all[0].RequestNote != "I was ill; next week?" {
			t.Errorf("%+v", all)
		}
		var steps []string
		for _, act := range loop.Acts() {
			if strings.HasPrefix(act, "invitation.") {
				steps = append(steps, act)
			}
		}
		want := []string{"invitation.created", "invitation.created", "invitation.opened", "invitation.accepted", "invitation.window_requested"}
		if diff := cmp.Diff(want, steps); diff != "" {
			t.Error(diff)
		}
	})
}

func TestKitsAndOpenings(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		loop := storagetest.NewLoop(t, db)
		kit := loop.Kit
		kit.ID, kit.Title = "", "Coding, reworked"
		ok(t, db.CreateKit(ctx, loop.Recruiter, &kit))
		kits, err := db.Kits(ctx)
		ok(t, err)
		if len(kits) != 1 || kits[0].Version != 2 || kits[0].ID != kit.ID {
			t.Errorf("%+v", kits)
		}
		if old, err := db.Kit(ctx, loop.Kit.ID); err != nil || old.Title != "Coding" {
			t.Errorf("%+v %v", old, err)
		}
		wantCode(t, "an empty kit", db.CreateKit(ctx, loop.Recruiter, &assay.Kit{}), assay.Invalid)

		ada, stranger := loop.User("Ada", assay.RoleInterviewer), loop.User("Eve", assay.RoleInterviewer)
		carla := loop.User("Carla", assay.RoleCommittee)
		loop.Interview(ada)
		loop.Committee(carla)
		for _, tc := range []struct {
			who  assay.Actor
			want int
		}{{loop.Recruiter, 1}, {loop.Manager, 1}, {ada, 1}, {carla, 1}, {stranger, 0}} {
			if got, err := db.Openings(ctx, tc.who); err != nil || len(got) != tc.want {
				t.Errorf("%s sees %d openings, want %d (%v)", tc.who.User, len(got), tc.want, err)
			}
		}
		if got, err := db.Loops(ctx, storage.LoopFilter{Committee: carla.User}); err != nil || len(got) != 1 || got[0].Opening.ID != loop.Opening.ID {
			t.Errorf("%+v %v", got, err)
		}
		if got, err := db.Loops(ctx, storage.LoopFilter{Committee: stranger.User}); err != nil || len(got) != 0 {
			t.Errorf("%+v %v", got, err)
		}
		ok(t, db.CloseOpening(ctx, loop.Recruiter, loop.Opening.ID))
		wantCode(t, "closed twice", db.CloseOpening(ctx, loop.Recruiter, loop.Opening.ID), assay.Conflict)
		wantCode(t, "a loop for a closed opening", db.CreateLoop(ctx, loop.Recruiter, &assay.Loop{OpeningID: loop.Opening.ID},
			&assay.Candidate{Name: "X", Email: "x@example.com"}), assay.Conflict)
	})
}
