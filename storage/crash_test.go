package storage_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"assay"
	"assay/storage"
	"assay/storage/storagetest"
)

// TestKilledWorker kills a worker process in the middle of a grading: another takes over, and there is exactly one verdict.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		db := storagetest.Connect(t, url, nil)
		i := storagetest.NewLoop(t, db).Interview().Opened()
		victim := startWorker(t, url, "hang")
		sub := i.Submit(assay.ModeSubmit)
		victim.until(t, "started")
		ok(t, victim.Process.Kill()) // SIGKILL
		_ = victim.Wait()
		killed := time.Now()

		work(t, db, accept(db), 1)
		got := final(t, db, sub.ID)
		t.Logf("taken over and graded %v after the kill, lease 1.5 s", time.Since(killed).Round(10*time.Millisecond))
		if got.Verdict != assay.Accepted {
			t.Errorf("%+v", got)
		}
		a, err := db.Attempt(t.Context(), sub.AttemptID)
		ok(t, err)
		if a.Epoch != 2 || a.Failures != 1 || !strings.Contains(a.LastFailure, "stopped answering") {
			t.Errorf("%+v", a)
		}
		var finished int
		for _, act := range i.Acts() {
			if act == "attempt.finished" {
				finished++
			}
		}
		if finished != 1 {
			t.Errorf("%d verdicts", finished)
		}
	})
}

// TestLostJob loses the job itself: a worker killed between taking the job and writing its first row.
func TestLostJob(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		for name, lose := range map[string]string{
			"gone":           "DELETE FROM river_job",
			"taken long ago": "UPDATE river_job SET state = 'running', attempt = 1, attempted_at = '2026-01-01 00:00:00' WHERE state = 'available'",
		} {
			t.Run(name, func(t *testing.T) {
				db := storagetest.Connect(t, url, nil)
				i := storagetest.NewLoop(t, db).Interview().Opened()
				sub := i.Submit(assay.ModeSubmit)
				exec1(t, raw(t, url), lose)
				stop := work(t, db, accept(db), 1)
				if got := final(t, db, sub.ID); got.Verdict != assay.Accepted {
					t.Errorf("%+v", got)
				}
				stop()
			})
		}
	})
}

// TestTwoProcesses lets two worker processes and this one share a database: everything is graded once, nobody meets a lock error.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		db := storagetest.Connect(t, url, nil)
		loop := storagetest.NewLoop(t, db)
		a, b := startWorker(t, url, "grade"), startWorker(t, url, "grade")
		var subs []assay.Submission
		for range 20 {
			i := loop.Interview().Opened()
			subs = append(subs, i.Submit(assay.ModeSubmit), i.Submit(assay.ModeRun))
		}
		for _, s := range subs {
			if got := final(t, db, s.ID); got.Verdict != assay.Accepted {
				t.Errorf("%+v", got)
			}
		}
		a.stop(t)
		b.stop(t)
		var finished int
		for _, act := range loop.Acts() {
			if act == "attempt.finished" {
				finished++
			}
		}
		if finished != len(subs) {
			t.Errorf("%d verdicts for %d submissions", finished, len(subs))
		}
		if seq, err := db.VerifyAudit(t.Context()); seq != 0 || err != nil {
			t.Errorf("chain written by three processes broken at %d: %v", seq, err)
		}
	})
}

// TestExpiredLease: several processes see the same dead worker, one of them queues its attempt again; an attempt that outlives
// every worker that touches it ends as a judge error.
func TestExpiredLease(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		dbs := []*storage.DB{storagetest.Connect(t, url, nil), storagetest.Connect(t, url, nil)}
		i := storagetest.NewLoop(t, dbs[0]).Interview().Opened()
		sub := i.Submit(assay.ModeSubmit)
		job := storagetest.Job(sub)
		for n := 1; n <= 5; n++ {
			_, _, err := dbs[0].StartAttempt(t.Context(), job, "doomed", -time.Second)
			ok(t, err)
			var wg sync.WaitGroup
			for m := range 6 {
				wg.Go(func() {
					if err := storage.Reap(t.Context(), dbs[m%2]); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			a, err := dbs[0].Attempt(t.Context(), sub.AttemptID)
			ok(t, err)
			if a.Failures != n || n < 5 && (a.Status != assay.StatusQueued || a.Epoch != n+1) {
				t.Fatalf("after %d dead workers: %+v", n, a)
			}
			job.Epoch++
		}
		got, err := dbs[0].Submission(t.Context(), sub.ID)
		ok(t, err)
		if got.Status != assay.StatusDone || got.Verdict != assay.JudgeError {
			t.Errorf("%+v", got)
		}
		if n := scalar[int](t, raw(t, url), "SELECT COUNT(*) FROM river_job"); n != 5 {
			t.Errorf("%d jobs, want the first and four more", n)
		}
		// A worker that lives keeps what it has.
		alive := i.Submit(assay.ModeSubmit)
		_, _, err = dbs[0].StartAttempt(t.Context(), storagetest.Job(alive), "well", time.Minute)
		ok(t, err)
		ok(t, storage.Reap(t.Context(), dbs[1]))
		ok(t, dbs[0].FinishAttempt(t.Context(), storagetest.Job(alive), storage.Finished{Verdict: assay.Accepted, Score: 1}))
	})
}
