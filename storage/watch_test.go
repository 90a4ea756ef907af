package storage_test

import (
	"context"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay"
	"assay/storage"
	"assay/storage/storagetest"
)

var nan = math.NaN()

func TestWatch(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		// The watcher sees what another process does, too: half of it is done through a second connection.
		here, there := storagetest.Connect(t, url, nil), storagetest.Connect(t, url, nil)
		i := storagetest.NewLoop(t, here).Interview().Opened()
		ctx := t.Context()
		sub := i.Submit(assay.ModeSubmit)
		job := storagetest.Job(sub)
		var seen []string
		for s, err := range here.Watch(ctx, sub.ID) {
			ok(t, err)
			seen = append(seen, string(s.Status)+string(s.Verdict))
			switch len(seen) {
			case 1:
				_, _, err = there.StartAttempt(ctx, job, "w", time.Minute)
			case 2:
				err = here.AppendEvents(ctx, sub.AttemptID, []assay.Event{{Kind: assay.EventPhase, Text: "running"}})
			case 3:
				err = there.AppendEvents(ctx, sub.AttemptID, []assay.Event{{Kind: assay.EventLog, Text: "epoch 1\n"}})
			case 4:
				err = here.FinishAttempt(ctx, job, storage.Finished{Verdict: assay.WrongAnswer})
			}
			ok(t, err)
		}
		if diff := cmp.Diff([]string{"queued", "running", "running", "running", "doneWA"}, seen); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t)
	for _, err := range db.Watch(t.Context(), "sub_nothing") {
		wantCode(t, "unknown submission", err, assay.NotFound)
	}
	i := storagetest.NewLoop(t, db).Interview().Opened()
	sub := i.Submit(assay.ModeSubmit)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, err := range db.Watch(ctx, sub.ID) {
		ok(t, err)
		cancel()
	}
	for range db.Watch(t.Context(), sub.ID) {
		break // a reader who leaves
	}
	buf := make([]byte, 1<<20)
	if stacks := string(buf[:runtime.Stack(buf, true)]); strings.Contains(stacks, "storage.(*hub)") {
		t.Error("a watcher is left")
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		i := storagetest.NewLoop(t, db).Interview().Opened()
		sub := i.Submit(assay.ModeRun)
		ctx := t.Context()
		events := []assay.Event{
			{Kind: assay.EventLog, Text: "zero \x00 and \xff\n"},
			{Kind: assay.EventMetric, Name: "loss", Step: 1, Value: 0.25},
			{Kind: assay.EventMetric, Name: "loss", Step: 2, Value: assay.Float(nan)},
			{Kind: assay.EventMetric, Name: "loss", Step: 3, Value: assay.Float(math.Inf(1))},
			{Kind: assay.EventCheck, Check: &assay.Check{ID: "shape", Status: assay.CheckPass}},
		}
		ok(t, db.AppendEvents(ctx, sub.AttemptID, events))
		got, err := db.Events(ctx, sub.AttemptID, 0, 0)
		ok(t, err)
		if len(got) != 5 || got[0].Text != "zero \uFFFD and \uFFFD\n" || got[1].Value != 0.25 || !math.IsNaN(float64(got[2].Value)) ||
			!math.IsInf(float64(got[3].Value), 1) || got[4].Check == nil || got[4].Check.ID != "shape" || got[0].At.Location() != time.UTC {
			t.Errorf("%+v", got)
		}
		rest, err := db.Events(ctx, sub.AttemptID, got[1].ID, 2)
		ok(t, err)
		if len(rest) != 2 || rest[0].ID != got[2].ID {
			t.Errorf("%+v", rest)
		}
		wantCode(t, "no attempt", db.AppendEvents(ctx, "att_nothing", events), assay.NotFound)
	})
}
