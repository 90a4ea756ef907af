package web

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"assay"
	"assay/storage"
	"assay/storage/storagetest"
)

var finishedRun = storage.Finished{Report: &assay.Report{Format: 1}, PublicLog: "done\n"}

func TestAtZeroTheDraftIsHandedInOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := s.newSitting(nil, question("one", nil), question("two", nil))
	b := k.sit(true)
	b.post(k.path("/questions/1"), url.Values{"do": {"save"}, "base": {"0"}, "file:solution.py": {"typed = True\n"}, "file:helpers.py": {"\n"}})

	if err := s.CloseExpired(t.Context()); err != nil {
		t.Fatal(err)
	}
	if i, _ := s.DB.Interview(t.Context(), k.Interview.ID); i.Status != assay.InterviewOpen {
		t.Fatal("closed before its time")
	}
	i, _ := s.DB.Interview(t.Context(), k.Interview.ID)
	s.clock.advance(i.Left(s.Now()) + assay.Grace + time.Second)
	for range 2 {
		if err := s.CloseExpired(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	subs := k.submissions(assay.ModeSubmit)
	if len(subs) != 1 || subs[0].ItemID != k.Items[0].ID {
		t.Fatalf("%d submissions after the end, want the one that was typed", len(subs))
	}
	i, _ = s.DB.Interview(t.Context(), k.Interview.ID)
	if i.Status != assay.InterviewClosed || i.CloseCause != "time" {
		t.Errorf("interview %s, cause %q", i.Status, i.CloseCause)
	}
	b.get(k.path("")).want(http.StatusOK, "Time was up", "handed in for you")
}

func TestWaitingForUsIsGivenBackOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := s.newSitting(nil)
	b := k.sit(true)
	b.post(k.path("/questions/1"), url.Values{"do": {"run"}, "nonce": {"n"}, "base": {"0"}, "file:solution.py": {"x = 1\n"}, "file:helpers.py": {"\n"}})
	sub := k.submissions(assay.ModeRun)[0]
	s.clock.advance(45 * time.Second)
	if _, _, err := s.DB.StartAttempt(t.Context(), storagetest.Job(sub), "slow", time.Minute); err != nil {
		t.Fatal(err)
	}
	s.clock.advance(time.Minute) // working is not waiting
	for range 3 {
		i, err := s.DB.Interview(t.Context(), k.Interview.ID)
		if err != nil {
			t.Fatal(err)
		}
		if i, err = s.creditWaiting(t.Context(), i); err != nil {
			t.Fatal(err)
		}
		if i.Credited < 38*time.Second || i.Credited > 42*time.Second {
			t.Fatalf("%s were given back, want about 40 s", i.Credited)
		}
	}
	b.get(k.path("/questions/1")).want(http.StatusOK, "given back")
}

func TestTwoWaitsAtOnceAreOne(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	got := covered([]interval{{at(10), at(20)}, {at(0), at(5)}, {at(12), at(15)}, {at(18), at(25)}})
	if got != 20*time.Second {
		t.Errorf("covered %s, want 20s", got)
	}
}
