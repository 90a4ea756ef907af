package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"assay"
	"assay/storage/storagetest"
)

// broken is a store whose disk is full.
type broken struct{}

func (broken) Put(context.Context, io.Reader) (string, int64, error) {
	return "", 0, errors.New("no space left on device")
}
func (broken) Open(context.Context, string) (io.ReadCloser, error) { return nil, errors.New("gone") }
func (broken) Delete(context.Context, string) error                { return nil }

// event is one server-sent event.
type event struct{ id, name, data string }

// events reads a stream until f says that it has seen enough.
func (b *browser) events(path, last string, f func(event) bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", b.site.http.URL+path, nil)
	req.Header.Set("Accept", "text/event-stream")
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := b.c.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		b.t.Fatalf("%s: %d %s", path, res.StatusCode, res.Header.Get("Content-Type"))
	}
	var e event
	sc := bufio.NewScanner(res.Body)
	sc.Buffer(nil, 4<<20)
	for sc.Scan() {
		k, v, _ := strings.Cut(sc.Text(), ": ")
		switch k {
		case "id":
			e.id = v
		case "event":
			e.name = v
		case "data":
			e.data += v + "\n"
		case "":
			if e.name != "" && f(e) {
				return
			}
			e = event{}
		}
	}
	if err := sc.Err(); err != nil && ctx.Err() == nil {
		b.t.Fatal(err)
	}
	if ctx.Err() != nil {
		b.t.Fatal("the stream did not bring what was waited for")
	}
}

// stream is what the first n events hold.
func (b *browser) stream(path string, n int) answer {
	b.t.Helper()
	var all strings.Builder
	b.events(path, "", func(e event) bool {
		all.WriteString(e.id + e.name + e.data)
		n--
		return n == 0
	})
	return answer{t: b.t, status: http.StatusOK, body: all.String()}
}

func TestAPageFollowsARunLive(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := s.newSitting(nil)
	b := k.sit(true)
	q := k.path("/questions/1")
	b.post(q, url.Values{"do": {"run"}, "nonce": {"n"}, "base": {"0"}, "file:solution.py": {"x = 1\n"}, "file:helpers.py": {"\n"}})
	sub := k.submissions(assay.ModeRun)[0]
	ctx := t.Context()

	step, last := 0, ""
	var clocks int
	b.events(k.path("/live?question=1"), "", func(e event) bool {
		last = e.id
		if e.name == "clock" {
			clocks++
			return false
		}
		if e.name != "card" || !strings.Contains(e.data, string(sub.ID)) {
			t.Errorf("unexpected event %+v", e)
		}
		switch step {
		case 0:
			if !strings.Contains(e.data, "Waiting") {
				t.Errorf("first: %s", e.data)
			}
			if _, _, err := s.DB.StartAttempt(ctx, storagetest.Job(sub), "test", time.Minute); err != nil {
				t.Fatal(err)
			}
			step++
		case 1:
			if !strings.Contains(e.data, "Running") {
				t.Errorf("second: %s", e.data)
			}
			var nan assay.Float
			_ = nan.UnmarshalJSON([]byte(`"NaN"`))
			if err := s.DB.AppendEvents(ctx, sub.AttemptID, []assay.Event{
				{Kind: assay.EventLog, Text: "epoch 1 \x1b[31m<b>loss</b>\x1b[0m 0.5\n"}, {Kind: assay.EventMetric, Name: "loss", Step: 0, Value: 2},
				{Kind: assay.EventMetric, Name: "loss", Step: 1, Value: nan}, {Kind: assay.EventMetric, Name: "loss", Step: 2, Value: 1},
				{Kind: assay.EventCheck, Check: &assay.Check{ID: "shape", Title: "Shapes agree", Show: assay.ShowPublic, Status: assay.CheckPass}},
				{Kind: assay.EventCheck, Check: &assay.Check{ID: secretCheck, Title: secretTitle, Show: assay.ShowHidden, Status: assay.CheckPass}},
			}); err != nil {
				t.Fatal(err)
			}
			step++
		case 2:
			answer{t: t, status: 200, body: e.data}.want(200, "epoch 1 &lt;b&gt;loss&lt;/b&gt; 0.5", "<svg", "loss is not a number at 1", "Shapes agree").noSecrets()
			k.finishRun(sub)
			step++
		case 3:
			if !strings.Contains(e.data, "Finished") {
				t.Errorf("last: %s", e.data)
			}
			return true
		}
		return false
	})
	if clocks != 1 {
		t.Errorf("%d clock events while the clock did not change, want 1", clocks)
	}
	// A browser that reconnects gets only what it does not have; the end of the interview ends the stream.
	b.post(k.path("/finish"), nil)
	k.grade(k.submissions(assay.ModeSubmit)[0], assay.Accepted)
	var names []string
	b.events(k.path("/live?question=1"), last, func(e event) bool {
		names = append(names, e.name)
		return false
	})
	if len(names) == 0 || names[len(names)-1] != "done" || names[0] != "clock" {
		t.Errorf("after reconnecting: %v", names)
	}
}

// finishRun ends a run of the public checks.
func (k *sitting) finishRun(sub assay.Submission) {
	k.site.t.Helper()
	err := k.DB.FinishAttempt(k.site.t.Context(), storagetest.Job(sub), finishedRun)
	if err != nil {
		k.site.t.Fatal(err)
	}
}

func TestAStreamSeesWhatOtherTabsDo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := s.newSitting(nil)
	b := k.sit(true)
	q := k.path("/questions/1")
	b.events(k.path("/live?question=1"), "", func(e event) bool {
		switch e.name {
		case "clock":
			b.post(q, url.Values{"do": {"submit"}, "nonce": {"n"}, "base": {"0"}, "file:solution.py": {"x = 1\n"}, "file:helpers.py": {"\n"}})
			return false
		case "card":
			return true
		}
		return false
	})
}

func TestStreamsOfOthersAreClosed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	mine, other := s.newSitting(nil), s.newSitting(nil)
	theirs := other.sit(true)
	theirs.post(other.path("/questions/1"), url.Values{"do": {"submit"}, "nonce": {"n"}, "base": {"0"}, "file:solution.py": {"x = 1\n"}, "file:helpers.py": {"\n"}})
	sub := other.submissions(assay.ModeSubmit)[0]
	b := mine.sit(true)
	b.events(mine.path("/live?submission="+string(sub.ID)), "", func(e event) bool {
		if e.name == "card" {
			t.Error("another candidate's submission was streamed")
		}
		return true
	})
	b.get(mine.path("/submissions/" + string(sub.ID))).want(http.StatusNotFound)
	b.post(mine.path("/submissions/"+string(sub.ID)+"/cancel"), nil).want(http.StatusNotFound)
}

func TestAReplacedLinkEndsTheStream(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := s.newSitting(nil)
	b := k.sit(true)
	var names []string
	b.events(k.path("/live"), "", func(e event) bool {
		names = append(names, e.name)
		if e.name == "clock" {
			k.invite(s.Now().Add(time.Hour))
			s.wake(k.Interview.ID)
		}
		return e.name == "done"
	})
	if len(names) != 2 {
		t.Errorf("events %v, want the clock and the end", names)
	}
}

func TestStreamsAreCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var forget []func()
	for range maxStreams {
		_, f := s.listen("int_1")
		forget = append(forget, f)
	}
	if _, f := s.listen("int_1"); f != nil {
		t.Error("one more stream was opened")
	}
	if _, f := s.listen("int_2"); f == nil {
		t.Error("another interview pays for it")
	}
	forget[0]()
	if _, f := s.listen("int_1"); f == nil {
		t.Error("a closed stream is still counted")
	}
}
