package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"assay"
	"assay/storage"
	"assay/web/auth"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// One stream feeds a whole page: browsers open few connections to a host. It carries states, not changes: each event is a card
// rendered anew by the component that the page itself is made of, or the clock. So a stream that broke off is resumed by sending
// whatever differs from what the browser has, which the id of the last event tells.

const (
	liveEvery     = 150 * time.Millisecond // the least time between two rounds of events
	lookEvery     = 2 * time.Second        // how soon a change made by another process is seen at the latest
	heartbeat     = 15 * time.Second
	writeDeadline = 10 * time.Second
	maxStreams    = 12 // of one interview in one process
)

// streamInterview is the candidate's stream: their clock, and the cards of one question (?question=2), of one submission
// (?submission=…), or none. It ends when nothing can change any more.
func (s *Server) streamInterview(c *gin.Context) error {
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	i := interviewOf(c)
	want := storage.SubmissionFilter{Interview: i.ID}
	none := false
	switch {
	case c.Query("submission") != "":
	case c.Query("question") != "":
		items, err := s.DB.Items(ctx, i.ID)
		if err != nil {
			return fmt.Errorf("load the questions: %w", err)
		}
		n, _ := strconv.Atoi(c.Query("question"))
		k := slices.IndexFunc(items, func(it assay.Item) bool { return it.Position == n })
		if k < 0 {
			return assay.Errorf(assay.NotFound, "This interview has no question %q.", c.Query("question"))
		}
		want.Item = items[k].ID
	default:
		none = true
	}
	st := &stream{s: s, c: c, interview: i, filter: want, only: assay.SubmissionID(c.Query("submission")), none: none, cards: map[assay.SubmissionID]*liveCard{},
		sent: parseSent(c.GetHeader("Last-Event-ID")), questions: map[assay.ItemID]assay.Question{}, changed: make(chan struct{}, 1)}
	return st.run(ctx)
}

// stream is one browser's stream.
type stream struct {
	s         *Server
	c         *gin.Context
	interview assay.Interview
	filter    storage.SubmissionFilter
	only      assay.SubmissionID
	none      bool
	questions map[assay.ItemID]assay.Question

	cards   map[assay.SubmissionID]*liveCard
	sent    map[string]string // event → fingerprint of what the browser has
	changed chan struct{}
	watches sync.WaitGroup
}

type liveCard struct {
	seen     progress
	final    bool
	watching bool
}

func (st *stream) run(ctx context.Context) error {
	woken, forget := st.s.listen(st.interview.ID)
	if forget == nil {
		return assay.Errorf(assay.RateLimited, "This interview is open in too many tabs. Close some of them.")
	}
	defer forget()
	w := st.c.Writer
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	st.c.Status(http.StatusOK)
	if err := st.write([]byte("retry: 2000\n\n")); err != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer st.watches.Wait()
	defer cancel()

	look, beat := time.NewTicker(lookEvery), time.NewTicker(heartbeat)
	defer look.Stop()
	defer beat.Stop()
	for {
		done, err := st.round(ctx)
		if err != nil {
			if ctx.Err() == nil {
				st.s.Log.Error("stream failed; the browser will reconnect", "interview", st.interview.ID, "error", err)
			}
			return nil
		}
		if done {
			_ = st.write([]byte("event: done\ndata: {}\n\n"))
			return nil
		}
		pause := time.NewTimer(liveEvery)
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-st.s.stop:
			pause.Stop()
			return nil
		case <-pause.C:
		}
	wait:
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-st.s.stop:
				return nil
			case <-beat.C:
				if st.write([]byte(": still here\n\n")) != nil {
					return nil
				}
			case <-st.changed:
				break wait
			case <-woken:
				break wait
			case <-look.C:
				break wait
			}
		}
	}
}

// round looks at everything once and sends what differs. Done: nothing will change any more.
func (st *stream) round(ctx context.Context) (done bool, err error) {
	i, err := st.s.DB.Interview(ctx, st.interview.ID)
	if err != nil {
		return false, err
	}
	if inv, err := st.s.seatHolds(ctx, i, auth.Seat{Invitation: invitationOf(st.c).ID}); err != nil || inv.ID == "" {
		return true, err // the link was replaced: nothing more comes this way
	}
	if i, err = st.s.creditWaiting(ctx, i); err != nil {
		return false, err
	}
	st.interview = i
	if err := st.send("clock", "", st.s.clock(i).Fingerprint(), func() ([]byte, error) { return json.Marshal(st.s.clock(i)) }); err != nil {
		return false, err
	}
	pending := false
	if !st.none {
		if pending, err = st.sendCards(ctx); err != nil {
			return false, err
		}
	}
	over := i.Status != assay.InterviewOpen
	return over && !pending, nil
}

func (st *stream) sendCards(ctx context.Context) (pending bool, err error) {
	var subs []assay.Submission
	if st.only != "" {
		sub, err := st.s.DB.Submission(ctx, st.only)
		if err != nil {
			return false, err
		}
		if sub.InterviewID != st.interview.ID {
			return false, assay.Errorf(assay.NotFound, "There is no such submission.")
		}
		subs = []assay.Submission{sub}
	} else if subs, err = st.s.DB.Submissions(ctx, st.filter); err != nil {
		return false, err
	}
	for n := min(len(subs), recentCards) - 1; n >= 0; n-- { // the oldest first, so that the newest ends on top
		sub := subs[n]
		card := st.cards[sub.ID]
		if card == nil {
			card = &liveCard{}
			st.cards[sub.ID] = card
		}
		if card.final {
			continue
		}
		q, err := st.question(ctx, sub.ItemID)
		if err != nil {
			return false, err
		}
		v, err := st.s.card(ctx, st.interview, q, sub, &card.seen)
		if err != nil {
			return false, err
		}
		v.Open = n == 0
		html, err := st.s.fragment(st.c, view.SubmissionCardView(v))
		if err != nil {
			return false, err
		}
		if err := st.send("card", string(sub.ID), fingerprint(html), func() ([]byte, error) { return html, nil }); err != nil {
			return false, err
		}
		if sub.Status.Final() {
			card.final = true
			continue
		}
		pending = true
		if !card.watching {
			card.watching = true
			st.watch(ctx, sub.ID)
		}
	}
	return pending, nil
}

func (st *stream) question(ctx context.Context, id assay.ItemID) (assay.Question, error) {
	if q, ok := st.questions[id]; ok {
		return q, nil
	}
	it, err := st.s.DB.Item(ctx, id)
	if err != nil {
		return assay.Question{}, err
	}
	rev, err := st.s.DB.QuestionRevision(ctx, it.Slug, it.Revision)
	if err != nil {
		return assay.Question{}, err
	}
	st.questions[id] = rev.Public.Question
	return rev.Public.Question, nil
}

// watch wakes the stream whenever a submission changes.
func (st *stream) watch(ctx context.Context, id assay.SubmissionID) {
	st.watches.Go(func() {
		for _, err := range st.s.DB.Watch(ctx, id) {
			if err != nil {
				return // the slow look goes on
			}
			select {
			case st.changed <- struct{}{}:
			default:
			}
		}
	})
}

// send writes one event unless the browser has it already. The event's id lists what the browser then has.
func (st *stream) send(event, name, print string, data func() ([]byte, error)) error {
	key := event + name
	if len(key) > 12 {
		key = key[len(key)-12:]
	}
	if st.sent[key] == print {
		return nil
	}
	body, err := data()
	if err != nil {
		return err
	}
	st.sent[key] = print
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %s\nevent: %s\n", formatSent(st.sent), event)
	for line := range bytes.SplitSeq(bytes.ReplaceAll(body, []byte("\r"), nil), []byte("\n")) {
		b.WriteString("data: ")
		b.Write(line)
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	return st.write(b.Bytes())
}

func (st *stream) write(b []byte) error {
	rc := http.NewResponseController(st.c.Writer)
	_ = rc.SetWriteDeadline(time.Now().Add(writeDeadline)) // a recorder in tests has none
	if _, err := st.c.Writer.Write(b); err != nil {
		return err
	}
	st.c.Writer.Flush()
	return nil
}

func fingerprint(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:4])
}

// formatSent and parseSent carry what a browser has through Last-Event-ID: "clock=1f…,abc…=9e…".
func formatSent(m map[string]string) string {
	var parts []string
	for k, v := range m {
		parts = append(parts, k+"="+v)
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

func parseSent(id string) map[string]string {
	m := map[string]string{}
	if len(id) > 2000 {
		return m
	}
	for part := range strings.SplitSeq(id, ",") {
		if k, v, ok := strings.Cut(part, "="); ok {
			m[k] = v
		}
	}
	return m
}

// listeners are the streams of this process, by interview, so that what a page does is seen by its stream at once.
type listeners struct {
	mu  sync.Mutex
	all map[assay.InterviewID]map[chan struct{}]bool
}

// listen returns nothing when the interview has as many streams as it may have.
func (s *Server) listen(id assay.InterviewID) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	l := &s.streams
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[assay.InterviewID]map[chan struct{}]bool{}
	}
	if len(l.all[id]) >= maxStreams {
		return nil, nil
	}
	if l.all[id] == nil {
		l.all[id] = map[chan struct{}]bool{}
	}
	l.all[id][ch] = true
	return ch, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.all[id], ch)
		if len(l.all[id]) == 0 {
			delete(l.all, id)
		}
	}
}

// wake tells the streams of an interview to look again.
func (s *Server) wake(id assay.InterviewID) {
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	for ch := range s.streams.all[id] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
