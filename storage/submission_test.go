package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay"
	"assay/storage"
	"assay/storage/queue"
	"assay/storage/storagetest"
)

// refuse makes the database refuse the audit line, which is the last thing an act writes.
func refuse(t *testing.T, url string) (again func()) {
	t.Helper()
	db := raw(t, url)
	if onSQLite(url) {
		exec1(t, db, "CREATE TRIGGER t_refuse BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'refused'); END")
		return func() { exec1(t, db, "DROP TRIGGER t_refuse") }
	}
	exec1(t, db, "CREATE TRIGGER t_refuse BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION assay_refuse('refused')")
	return func() { exec1(t, db, "DROP TRIGGER t_refuse ON audit_events") }
}

func TestRowAndJobTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		db := storagetest.Connect(t, url, nil)
		i := storagetest.NewLoop(t, db).Interview().Opened()
		behind := raw(t, url)
		counts := func() string {
			return fmt.Sprint(scalar[int](t, behind, "SELECT COUNT(*) FROM submissions"), scalar[int](t, behind, "SELECT COUNT(*) FROM attempts"),
				scalar[int](t, behind, "SELECT COUNT(*) FROM river_job"))
		}
		again := refuse(t, url)
		sub := i.New(assay.ModeSubmit)
		if err := db.CreateSubmission(t.Context(), i.Actor, &sub); assay.ErrorCode(err) != assay.Internal {
			t.Errorf("a refused audit line gave %v", err)
		}
		if got := counts(); got != "0 0 0" {
			t.Errorf("submissions, attempts, jobs after a rollback: %s", got)
		}
		again()
		ok(t, db.CreateSubmission(t.Context(), i.Actor, &sub))
		if got := counts(); got != "1 1 1" {
			t.Errorf("submissions, attempts, jobs after a commit: %s", got)
		}
	})
}

func TestSubmitToVerdict(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		i := storagetest.NewLoop(t, db).Interview().Opened()
		work(t, db, accept(db), 2)
		var ids []assay.SubmissionID
		for range 3 {
			ids = append(ids, i.Submit(assay.ModeSubmit).ID)
		}
		for _, id := range ids {
			sub := final(t, db, id)
			if sub.Verdict != assay.Accepted || sub.Score != 1 || sub.FinishedAt == nil {
				t.Errorf("%+v", sub)
			}
		}
		h, err := db.Health(t.Context())
		ok(t, err)
		if diff := cmp.Diff(storage.Health{LastFailures: []assay.Attempt{}}, h); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNonceReplay(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		// Two processes, sixteen requests, one nonce.
		a, b := storagetest.Connect(t, url, nil), storagetest.Connect(t, url, nil)
		i := storagetest.NewLoop(t, a).Interview().Opened()
		first := i.New(assay.ModeSubmit)
		var wg sync.WaitGroup
		ids := make([]assay.SubmissionID, 16)
		for n := range ids {
			wg.Go(func() {
				sub := first
				if err := []*storage.DB{a, b}[n%2].CreateSubmission(t.Context(), i.Actor, &sub); err != nil {
					t.Error(err)
				}
				ids[n] = sub.ID
			})
		}
		wg.Wait()
		if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 1 {
			t.Errorf("ids %v", ids)
		}
		if n := scalar[int](t, raw(t, url), "SELECT COUNT(*) FROM river_job"); n != 1 {
			t.Errorf("%d jobs", n)
		}
		// Even after the interview is over the replay shows what there is; anything new is refused.
		ok(t, a.CloseInterview(t.Context(), i.Actor, i.Interview.ID, "finished"))
		sub := first
		ok(t, a.CreateSubmission(t.Context(), i.Actor, &sub))
		if sub.ID != ids[0] || sub.Status != assay.StatusQueued {
			t.Errorf("%+v", sub)
		}
		late := i.New(assay.ModeSubmit)
		wantCode(t, "submit after the end", a.CreateSubmission(t.Context(), i.Actor, &late), assay.Conflict)
	})
}

func TestHowManyMayWait(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		i := storagetest.NewLoop(t, db).Interview().Opened()
		run := i.Submit(assay.ModeRun)
		second := i.New(assay.ModeRun)
		wantCode(t, "second run", db.CreateSubmission(t.Context(), i.Actor, &second), assay.Conflict)
		for range 3 {
			i.Submit(assay.ModeSubmit)
		}
		fourth := i.New(assay.ModeSubmit)
		wantCode(t, "fourth submit", db.CreateSubmission(t.Context(), i.Actor, &fourth), assay.Conflict)
		ok(t, db.CancelSubmission(t.Context(), i.Actor, run.ID))
		ok(t, db.CreateSubmission(t.Context(), i.Actor, &second))
	})
}

func TestSubmissionsAreRefused(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		loop := storagetest.NewLoop(t, db)
		i := loop.Interview()
		other := loop.Interview()
		sub := i.New(assay.ModeSubmit)
		wantCode(t, "before the start", db.CreateSubmission(t.Context(), i.Actor, &sub), assay.Conflict)
		_, err := db.SaveDraft(t.Context(), i.Actor, i.Item.ID, 0, nil)
		wantCode(t, "draft before the start", err, assay.Conflict)
		i.Opened()
		wantCode(t, "another's interview", db.CreateSubmission(t.Context(), other.Actor, &sub), assay.Forbidden)
		wantCode(t, "a recruiter", db.CreateSubmission(t.Context(), loop.Recruiter, &sub), assay.Forbidden)
		for name, change := range map[string]func(*assay.Submission){
			"no files":   func(s *assay.Submission) { s.Files = nil },
			"dots":       func(s *assay.Submission) { s.Files[0].Path = "../x" },
			"no nonce":   func(s *assay.Submission) { s.Nonce = "" },
			"other mode": func(s *assay.Submission) { s.Mode = "peek" },
		} {
			bad := i.New(assay.ModeSubmit)
			change(&bad)
			wantCode(t, name, db.CreateSubmission(t.Context(), i.Actor, &bad), assay.Invalid)
		}
		big := i.New(assay.ModeSubmit)
		big.Files[0].Size = 100_001
		wantCode(t, "too large", db.CreateSubmission(t.Context(), i.Actor, &big), assay.TooLarge)
		sub.ItemID = "itm_nothing"
		wantCode(t, "no item", db.CreateSubmission(t.Context(), i.Actor, &sub), assay.NotFound)
	})
}

func TestDeadlineAndGrace(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var at atomic.Int64
	now := func() time.Time { return start.Add(time.Duration(at.Load())) }
	db := storagetest.OpenAt(t, now)
	i := storagetest.NewLoop(t, db).Interview().Opened() // 60 minutes
	send := func() error {
		sub := i.New(assay.ModeSubmit)
		err := db.CreateSubmission(t.Context(), i.Actor, &sub)
		if err == nil {
			err = db.CancelSubmission(t.Context(), i.Actor, sub.ID)
		}
		return err
	}
	at.Store(int64(time.Hour + assay.Grace - time.Microsecond))
	ok(t, send())
	expired, err := db.ExpiredInterviews(t.Context())
	ok(t, err)
	if len(expired) != 0 {
		t.Errorf("expired within the grace: %+v", expired)
	}
	at.Store(int64(time.Hour + assay.Grace))
	wantCode(t, "after the grace", send(), assay.Conflict)
	if expired, err = db.ExpiredInterviews(t.Context()); err != nil || len(expired) != 1 {
		t.Errorf("expired: %+v %v", expired, err)
	}
	ok(t, db.CreditTime(t.Context(), system, i.Interview.ID, time.Minute, "our_error"))
	ok(t, send())
	ok(t, db.CloseInterview(t.Context(), system, i.Interview.ID, "time"))
	wantCode(t, "after the end", send(), assay.Conflict)
	wantCode(t, "closed twice", db.CloseInterview(t.Context(), i.Actor, i.Interview.ID, "finished"), assay.Conflict)
	wantCode(t, "credit after the end", db.CreditTime(t.Context(), system, i.Interview.ID, time.Minute, "queue"), assay.Conflict)
}

func TestDraftVersions(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		i := storagetest.NewLoop(t, db).Interview().Opened()
		ctx := t.Context()
		_, err := db.Draft(ctx, i.Item.ID)
		wantCode(t, "before the first save", err, assay.NotFound)
		one := []assay.File{{Path: "solution.py", Content: "x = 1\n"}}
		two := []assay.File{{Path: "solution.py", Content: "x = 2\n"}}
		d, err := db.SaveDraft(ctx, i.Actor, i.Item.ID, 0, one)
		ok(t, err)
		if d.Version != 1 {
			t.Errorf("version %d", d.Version)
		}
		kept, err := db.SaveDraft(ctx, i.Actor, i.Item.ID, 0, two)
		wantCode(t, "second tab", err, assay.Conflict)
		if diff := cmp.Diff(one, kept.Files); diff != "" {
			t.Error(diff)
		}
		_, err = db.SaveDraft(ctx, i.Actor, i.Item.ID, 1, two)
		ok(t, err)
		_, err = db.SaveDraft(ctx, i.Actor, i.Item.ID, 7, one)
		wantCode(t, "from nowhere", err, assay.Conflict)
		_, err = db.SaveDraft(ctx, i.Actor, i.Item.ID, 2, []assay.File{{Path: "a.py", Content: strings.Repeat("x", 100_001)}})
		wantCode(t, "too large", err, assay.TooLarge)
		_, err = db.SaveDraft(ctx, i.Actor, i.Item.ID, 2, []assay.File{{Path: "/etc/passwd"}})
		wantCode(t, "odd name", err, assay.Invalid)
		d, err = db.Draft(ctx, i.Item.ID)
		ok(t, err)
		if diff := cmp.Diff(assay.Draft{ItemID: i.Item.ID, Version: 2, Files: two, UpdatedAt: d.UpdatedAt}, d); diff != "" {
			t.Error(diff)
		}
		// Of many first saves at once, one wins.
		j := storagetest.NewLoop(t, db).Interview().Opened()
		var wins, conflicts atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch _, err := db.SaveDraft(ctx, j.Actor, j.Item.ID, 0, one); assay.ErrorCode(err) {
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
		if wins.Load() != 1 || conflicts.Load() != 7 {
			t.Errorf("%d wins, %d conflicts", wins.Load(), conflicts.Load())
		}
	})
}

func TestGhostsWriteNothing(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		i := storagetest.NewLoop(t, db).Interview().Opened()
		ctx := t.Context()
		sub := i.Submit(assay.ModeSubmit)
		job := storagetest.Job(sub)
		wantCode(t, "heartbeat before the start", db.ExtendLease(ctx, job, time.Minute), assay.Conflict)
		a, s, err := db.StartAttempt(ctx, job, "w1", time.Minute)
		ok(t, err)
		if a.Status != assay.StatusRunning || s.Status != assay.StatusRunning || a.Worker != "w1" || a.LeaseUntil == nil {
			t.Errorf("%+v %+v", a, s)
		}
		_, _, err = db.StartAttempt(ctx, job, "w2", time.Minute)
		wantCode(t, "second start", err, assay.Conflict)
		ok(t, db.ExtendLease(ctx, job, time.Minute))
		ok(t, db.FailAttempt(ctx, job, "the engine went away", 0))

		// The first worker comes back to an epoch that has moved on.
		done := storage.Finished{Verdict: assay.WrongAnswer}
		wantCode(t, "ghost finishes", db.FinishAttempt(ctx, job, done), assay.Conflict)
		wantCode(t, "ghost fails", db.FailAttempt(ctx, job, "x", 0), assay.Conflict)
		wantCode(t, "ghost parks", db.ParkAttempt(ctx, job, "x"), assay.Conflict)
		wantCode(t, "ghost's heartbeat", db.ExtendLease(ctx, job, time.Minute), assay.Conflict)

		job.Epoch = 2
		_, _, err = db.StartAttempt(ctx, job, "w2", time.Minute)
		ok(t, err)
		ok(t, db.FinishAttempt(ctx, job, storage.Finished{Verdict: assay.Accepted, Score: 1}))
		wantCode(t, "finished twice", db.FinishAttempt(ctx, job, done), assay.Conflict)
		sub, err = db.Submission(ctx, sub.ID)
		ok(t, err)
		if sub.Verdict != assay.Accepted || sub.Status != assay.StatusDone {
			t.Errorf("%+v", sub)
		}
		if n := strings.Count(fmt.Sprint(i.Acts()), "attempt.finished"); n != 1 {
			t.Errorf("%d verdicts in the log", n)
		}
	})
}

func TestFiveFailuresAreAJudgeError(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		i := storagetest.NewLoop(t, db).Interview().Opened()
		ctx := t.Context()
		sub := i.Submit(assay.ModeSubmit)
		job := storagetest.Job(sub)
		for n := 1; n <= 5; n++ {
			_, _, err := db.StartAttempt(ctx, job, "w", time.Minute)
			ok(t, err)
			ok(t, db.FailAttempt(ctx, job, "harness printed nonsense\x00\xff", time.Second))
			got, err := db.Submission(ctx, sub.ID)
			ok(t, err)
			if want := n == 5; got.Status.Final() != want {
				t.Fatalf("after %d failures: %+v", n, got)
			}
			job.Epoch++
		}
		got, err := db.Submission(ctx, sub.ID)
		ok(t, err)
		if got.Verdict != assay.JudgeError || got.Score != 0 {
			t.Errorf("%+v", got)
		}
		h, err := db.Health(ctx)
		ok(t, err)
		if len(h.LastFailures) != 1 || h.LastFailures[0].Failures != 5 || h.LastFailures[0].LastFailure != "harness printed nonsense\uFFFD\uFFFD" {
			t.Errorf("%+v", h)
		}

		// Once mended, an operator grades it again; the judge error stays in the earlier attempt.
		ok(t, db.Regrade(ctx, assay.Actor{User: "usr_admin", Roles: []assay.Role{assay.RoleAdmin}}, sub.ID))
		work(t, db, accept(db), 1)
		if got := final(t, db, sub.ID); got.Verdict != assay.Accepted || got.AttemptID == sub.AttemptID {
			t.Errorf("%+v", got)
		}
		attempts, err := db.Attempts(ctx, sub.ID)
		ok(t, err)
		if len(attempts) != 2 || attempts[0].Verdict != assay.Accepted || attempts[1].Verdict != assay.JudgeError {
			t.Errorf("%+v", attempts)
		}
	})
}

func TestParkedAttemptSaysWhy(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		i := storagetest.NewLoop(t, db).Interview().Opened()
		sub := i.Submit(assay.ModeSubmit)
		ok(t, db.ParkAttempt(t.Context(), storagetest.Job(sub), "needs a GPU worker"))
		got, err := db.Submission(t.Context(), sub.ID)
		ok(t, err)
		if got.Waiting != "needs a GPU worker" || got.Status != assay.StatusQueued {
			t.Errorf("%+v", got)
		}
		a, err := db.Attempt(t.Context(), sub.AttemptID)
		ok(t, err)
		if a.Epoch != 2 || a.Failures != 0 {
			t.Errorf("%+v", a)
		}
		// Trying in vain for hours fills no log.
		before := len(i.Acts())
		for epoch := 2; epoch < 5; epoch++ {
			job := assay.GradeJob{Attempt: sub.AttemptID, Submission: sub.ID, Epoch: epoch}
			_, running, err := db.StartAttempt(t.Context(), job, "no GPU here", time.Minute)
			ok(t, err)
			if running.Waiting != "" || running.Status != assay.StatusRunning {
				t.Errorf("%+v", running)
			}
			ok(t, db.ParkAttempt(t.Context(), job, "needs a GPU worker"))
		}
		if after := len(i.Acts()); after != before {
			t.Errorf("%d lines more", after-before)
		}
	})
}

func TestCancelStopsTheWorker(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		loop := storagetest.NewLoop(t, db)
		i := loop.Interview().Opened()
		ctx := t.Context()
		sub := i.Submit(assay.ModeRun)
		job := storagetest.Job(sub)
		_, _, err := db.StartAttempt(ctx, job, "w", time.Minute)
		ok(t, err)
		wantCode(t, "a stranger", db.CancelSubmission(ctx, loop.Interview().Actor, sub.ID), assay.Forbidden)
		ok(t, db.CancelSubmission(ctx, i.Actor, sub.ID))
		wantCode(t, "heartbeat", db.ExtendLease(ctx, job, time.Minute), assay.Conflict)
		wantCode(t, "finish", db.FinishAttempt(ctx, job, storage.Finished{}), assay.Conflict)
		wantCode(t, "again", db.CancelSubmission(ctx, i.Actor, sub.ID), assay.Conflict)
		wantCode(t, "regrade", db.Regrade(ctx, system, sub.ID), assay.Conflict)
	})
}

func TestFinishRefusesNonsense(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t)
	i := storagetest.NewLoop(t, db).Interview().Opened()
	sub := i.Submit(assay.ModeSubmit)
	job := storagetest.Job(sub)
	_, _, err := db.StartAttempt(t.Context(), job, "w", time.Minute)
	ok(t, err)
	wantCode(t, "score", db.FinishAttempt(t.Context(), job, storage.Finished{Verdict: assay.Accepted, Score: 1.5}), assay.Invalid)
	wantCode(t, "no verdict", db.FinishAttempt(t.Context(), job, storage.Finished{}), assay.Invalid)
	wantCode(t, "odd verdict", db.FinishAttempt(t.Context(), job, storage.Finished{Verdict: "OK"}), assay.Invalid)
	report := &assay.Report{Format: 1, Series: []assay.Series{{Name: "loss", X: []float64{1, 2}, Y: []assay.Float{1, assay.Float(nan)}}}}
	ok(t, db.FinishAttempt(t.Context(), job, storage.Finished{Verdict: assay.WrongAnswer, Report: report, PublicLog: "a\x00b\xffc"}))
	a, err := db.Attempt(t.Context(), sub.AttemptID)
	ok(t, err)
	if a.PublicLog != "a\uFFFDb\uFFFDc" || a.Report == nil || a.Report.Series[0].Y[1] == a.Report.Series[0].Y[1] {
		t.Errorf("%+v", a)
	}
}

// A handler that cannot even record its failure is called again, and a Conflict drops the job.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		i := storagetest.NewLoop(t, db).Interview().Opened()
		var n atomic.Int64
		h := accept(db)
		work(t, db, queue.Handlers{Grade: func(ctx context.Context, job assay.GradeJob) error {
			if n.Add(1) == 1 {
				return errors.New("the database was away")
			}
			return h.Grade(ctx, job)
		}}, 1)
		if sub := final(t, db, i.Submit(assay.ModeSubmit).ID); sub.Verdict != assay.Accepted || n.Load() != 2 {
			t.Errorf("%+v after %d deliveries", sub, n.Load())
		}
	})
}
