package storage_test

import (
	"strings"
	"testing"
	"time"

	"assay"
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
