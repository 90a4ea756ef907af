package storage_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"assay"
	"assay/storage"
	"assay/storage/queue"
	"assay/storage/storagetest"
)

// TestDrain stops a worker in the middle of a grading: it finishes that one, undisturbed, and takes no other.
func TestDrain(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		i := storagetest.NewLoop(t, db).Interview().Opened()
		started, release, begun := make(chan struct{}), make(chan struct{}), atomic.Int64{}
		h := accept(db)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() {
			done <- db.Work(ctx, queue.Handlers{Grade: func(ctx context.Context, job assay.GradeJob) error {
				begun.Add(1)
				close(started)
				<-release
				if err := ctx.Err(); err != nil {
					t.Errorf("cancelled while draining: %v", err)
				}
				return h.Grade(ctx, job)
			}}, 1)
		}()
		first := i.Submit(assay.ModeSubmit)
		<-started
		second := i.Submit(assay.ModeSubmit)
		cancel()
		close(release)
		ok(t, <-done)
		if sub, err := db.Submission(t.Context(), first.ID); err != nil || sub.Verdict != assay.Accepted {
			t.Errorf("%+v %v", sub, err)
		}
		if sub, err := db.Submission(t.Context(), second.ID); err != nil || sub.Status != assay.StatusQueued || begun.Load() != 1 {
			t.Errorf("%+v %v, %d begun", sub, err, begun.Load())
		}
		// The next worker finds it.
		work(t, db, h, 1)
		if sub := final(t, db, second.ID); sub.Verdict != assay.Accepted {
			t.Errorf("%+v", sub)
		}
	})
}

func TestPacketJob(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		db := storagetest.Connect(t, url, nil)
		loop := storagetest.NewLoop(t, db)
		built := make(chan error, 1)
		stop := work(t, db, queue.Handlers{Packet: func(ctx context.Context, job assay.PacketJob) error {
			data, err := db.PacketData(ctx, job.Packet)
			if err != nil {
				return err
			}
			p := data.Packet
			p.Digest, p.ChainHead = "d", data.ChainHead
			err = db.FinishPacket(ctx, p)
			built <- err
			return err
		}}, 1)
		p, err := db.RequestPacket(t.Context(), loop.Recruiter, loop.Loop.ID, assay.BlindNothing)
		ok(t, err)
		ok(t, <-built)
		if got, err := db.Packet(t.Context(), loop.Recruiter, p.ID); err != nil || got.Status != assay.PacketReady || got.ReadyAt == nil {
			t.Errorf("%+v %v", got, err)
		}
		stop()
	})
}

// BenchmarkSubmitToStart measures how long an idle single binary takes from the beginning of a submit to the beginning of its
// grading, and how long the submit itself takes.
func BenchmarkSubmitToStart(b *testing.B) {
	urls := map[string]func(testing.TB) string{"sqlite": storagetest.SQLite, "postgres": storagetest.Postgres}
	for _, name := range []string{"sqlite", "postgres"} {
		b.Run(name, func(b *testing.B) {
			db := storagetest.Connect(b, urls[name](b), nil)
			loop := storagetest.NewLoop(b, db)
			started := make(chan time.Time, 1)
			h := accept(db)
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			go func() {
				done <- db.Work(ctx, queue.Handlers{Grade: func(ctx context.Context, job assay.GradeJob) error {
					started <- time.Now()
					return h.Grade(ctx, job)
				}}, 2)
			}()
			i := loop.Interview().Opened()
			var submits, starts []time.Duration
			for b.Loop() {
				sub := i.New(assay.ModeSubmit)
				t0 := time.Now()
				if err := db.CreateSubmission(ctx, i.Actor, &sub); err != nil {
					b.Fatal(err)
				}
				submits = append(submits, time.Since(t0))
				starts = append(starts, (<-started).Sub(t0))
				for _, err := range db.Watch(ctx, sub.ID) {
					if err != nil {
						b.Fatal(err)
					}
				}
				time.Sleep(60 * time.Millisecond) // the idle case, not the busy one
			}
			cancel()
			if err := <-done; err != nil {
				b.Fatal(err)
			}
			for what, all := range map[string][]time.Duration{"submit": submits, "start": starts} {
				slices.Sort(all)
				b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, what+"-p50-ms")
				b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, what+"-p99-ms")
			}
		})
	}
}

// BenchmarkAuditedWrites measures audited transactions from eight callers at once: one line and its place in the chain each.
func BenchmarkAuditedWrites(b *testing.B) {
	urls := map[string]func(testing.TB) string{"sqlite": storagetest.SQLite, "postgres": storagetest.Postgres}
	for _, name := range []string{"sqlite", "postgres"} {
		b.Run(name, func(b *testing.B) {
			db := storagetest.Connect(b, urls[name](b), nil)
			b.SetParallelism(4)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := db.Note(b.Context(), system, "bench", "x", "", nil); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
		})
	}
}
