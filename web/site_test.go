package web

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"assay"
	"assay/storage"
	"assay/storage/blob"
	"assay/storage/storagetest"
	"assay/web/auth"

	"github.com/PuerkitoBio/goquery"
)

// site is a server on a fresh database, with a clock that tests move.
type site struct {
	*Server
	t     *testing.T
	http  *httptest.Server
	clock *testClock
	log   *testLog
}

type testClock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset).UTC()
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

func newSite(t *testing.T) *site {
	t.Helper()
	clock := &testClock{}
	db := openDB(t, clock.Now)
	blobs, err := blob.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, clock: clock, log: &testLog{}}
	s.Server = &Server{DB: db, Blobs: blobs, Now: clock.Now, Log: slog.New(slog.NewTextHandler(s.log, nil)), Contact: "people@example.org"}
	s.http = httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		s.Stop()
		s.http.Close()
	})
	return s
}

// openDB is a fresh database that lives by the given clock.
func openDB(t *testing.T, now func() time.Time) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), storage.Config{URL: "sqlite:" + t.TempDir() + "/app.db", Log: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// testLog is what the server logged so far.
type testLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *testLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *testLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Words that no candidate may ever read.
const (
	secretCheck   = "zz-hidden-check"
	secretTitle   = "ZZ hidden title"
	secretAfter   = "zz-after-check"
	secretStaff   = "ZZ staff note"
	secretSeed    = "987654321987"
	secretPack    = "ZZ sealed pack"
	secretMessage = "ZZ message of a hidden check"
	secretError   = "ZZ text raised by the code while it held hidden inputs"
)

var secrets = []string{secretCheck, secretTitle, secretStaff, secretSeed, secretPack, secretMessage, secretError}

// sitting is an interview with one question that has hidden checks.
type sitting struct {
	*storagetest.Loop
	site      *site
	Interview assay.Interview
	Items     []assay.Item
	Token     string
	Actor     assay.Actor
}

func question(slug string, edit func(*assay.PublicQuestion)) assay.QuestionRevision {
	p := assay.PublicQuestion{
		Question: assay.Question{Slug: slug, Revision: strings.Repeat("a", 64), Title: "Attention that does not overflow", Kind: assay.KindImplement, MaxSize: 100_000, Entry: "solution.py",
			Editable: []string{"solution.py", "helpers.py"}, Run: []string{"python3", "check.py"}, Limits: assay.Limits{CPUs: 2, Memory: 1 << 30, Run: time.Minute, Grade: 3 * time.Minute, Output: 4 << 20},
			Checks: []assay.CheckSpec{{ID: "stable", Title: "Large logits stay finite", Points: 40, Show: assay.ShowPublic},
				{ID: secretCheck, Title: secretTitle, Points: 60, Show: assay.ShowHidden}, {ID: secretAfter, Title: "After the interview", Show: assay.ShowAfter}}},
		Statement: "Write a **stable** softmax: \\(p_i = e^{x_i} / \\sum_j e^{x_j}\\).\n\n```python\nimport numpy as np\n```\n",
		Starter: []assay.File{{Path: "solution.py", Content: "def softmax(x):\n    raise NotImplementedError\n"}, {Path: "helpers.py", Content: "LOG = 1\n"},
			{Path: "check.py", Content: "import solution\n", ReadOnly: true}},
		Data: []assay.File{{Path: "data/rows.csv", Content: "a,b\n1,2\n", ReadOnly: true}},
	}
	if edit != nil {
		edit(&p)
	}
	return assay.QuestionRevision{Slug: slug, Revision: p.Question.Revision, PackKey: strings.Repeat("b", 64), Public: p}
}

// newSitting schedules an interview that may be started now and invites its candidate.
func (s *site) newSitting(edit func(*assay.Interview), revisions ...assay.QuestionRevision) *sitting {
	s.t.Helper()
	loop := storagetest.NewLoop(s.t, s.DB)
	if len(revisions) == 0 {
		revisions = []assay.QuestionRevision{question("softmax", nil)}
	}
	now := s.Now()
	k := &sitting{Loop: loop, site: s, Interview: assay.Interview{LoopID: loop.Loop.ID, KitID: loop.Kit.ID, WindowStart: now.Add(-time.Hour), WindowEnd: now.Add(24 * time.Hour), Results: assay.ResultsPublic}}
	if edit != nil {
		edit(&k.Interview)
	}
	for _, r := range revisions {
		k.Items = append(k.Items, assay.Item{Slug: r.Slug, Revision: r.Revision, Seed: secretSeed, Minutes: 30, Title: r.Public.Question.Title})
	}
	if err := s.DB.CreateInterview(s.t.Context(), loop.Recruiter, &k.Interview, k.Items, revisions); err != nil {
		s.t.Fatal(err)
	}
	k.Actor = assay.Actor{Candidate: loop.Candidate.ID, Interview: k.Interview.ID}
	k.invite(now.Add(24 * time.Hour))
	return k
}

func (k *sitting) invite(until time.Time) {
	k.site.t.Helper()
	token, hash := auth.NewToken()
	if _, err := k.DB.Invite(k.site.t.Context(), k.Recruiter, k.Interview.ID, hash, until); err != nil {
		k.site.t.Fatal(err)
	}
	k.Token = token
}

func (k *sitting) path(rest string) string { return sitPath(k.Interview.ID, rest) }

// grade finishes a submission with a report that has one public check among hidden ones.
func (k *sitting) grade(sub assay.Submission, v assay.Verdict) {
	k.site.t.Helper()
	ctx, t := k.site.t.Context(), k.site.t
	if _, _, err := k.DB.StartAttempt(ctx, storagetest.Job(sub), "test", time.Minute); err != nil {
		t.Fatal(err)
	}
	report := &assay.Report{Format: 1, Question: "softmax", Revision: strings.Repeat("a", 64), Seed: secretSeed, Notes: secretStaff, Checks: []assay.Check{
		{ID: "stable", Title: "Large logits stay finite", Show: assay.ShowPublic, Status: assay.CheckFail, Of: 40, Message: "softmax([1000, 0]) gave nan", StaffNote: secretStaff},
		{ID: "broke", Title: "Batches", Show: assay.ShowPublic, Status: assay.CheckError, Of: 10, Message: secretError},
		{ID: secretAfter, Title: "After the interview", Show: assay.ShowAfter, Status: assay.CheckPass, Of: 10},
		{ID: secretCheck, Title: secretTitle, Show: assay.ShowHidden, Status: assay.CheckFail, Of: 60, Message: secretMessage, StaffNote: secretStaff},
	}, Series: []assay.Series{{Name: "loss", X: []float64{0, 1}, Y: []assay.Float{2, 1}}}, Usage: assay.Usage{Wall: time.Second}}
	f := storage.Finished{Verdict: v, Score: 0.4, Report: report, PublicLog: "hello from my code\n", StaffLog: secretStaff}
	if err := k.DB.FinishAttempt(ctx, storagetest.Job(sub), f); err != nil {
		t.Fatal(err)
	}
}

func (k *sitting) submissions(mode assay.Mode) []assay.Submission {
	k.site.t.Helper()
	subs, err := k.DB.Submissions(k.site.t.Context(), storage.SubmissionFilter{Interview: k.Interview.ID, Mode: mode})
	if err != nil {
		k.site.t.Fatal(err)
	}
	return subs
}

// browser has a cookie jar and follows redirects only when asked.
type browser struct {
	t    *testing.T
	site *site
	c    *http.Client
}

func (s *site) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{t: s.t, site: s, c: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as is a browser in which somebody with these roles is signed in.
func (s *site) as(roles ...assay.Role) *browser {
	s.t.Helper()
	b := s.browser()
	hash, err := auth.HashPassword("a fine long password")
	if err != nil {
		s.t.Fatal(err)
	}
	u := assay.User{ID: assay.NewUserID(), Name: "Sam Staff", Roles: roles, PasswordHash: hash}
	u.Email = strings.ReplaceAll(string(u.ID), "_", "") + "@example.org"
	if err := s.DB.CreateUser(s.t.Context(), storagetest.System, &u); err != nil {
		s.t.Fatal(err)
	}
	if r := b.post("/login", url.Values{"email": {u.Email}, "password": {"a fine long password"}}); r.status != http.StatusSeeOther {
		s.t.Fatalf("could not sign in: %d\n%s", r.status, r.body)
	}
	return b
}

// sit is a browser that came by the invitation; start also starts the clock.
func (k *sitting) sit(start bool) *browser {
	k.site.t.Helper()
	b := k.site.browser()
	if r := b.get("/i/" + k.Token); r.status != http.StatusSeeOther {
		k.site.t.Fatalf("the link did not let in: %d\n%s", r.status, r.body)
	}
	if start {
		if r := b.post(k.path("/start"), url.Values{"read": {"on"}}); r.status != http.StatusSeeOther {
			k.site.t.Fatalf("could not start: %d\n%s", r.status, r.body)
		}
	}
	return b
}

type selection = goquery.Selection

type answer struct {
	t        *testing.T
	status   int
	body     string
	header   http.Header
	location string
}

func (b *browser) do(method, path string, body io.Reader, header map[string]string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.site.http.URL+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := b.c.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{b.t, res.StatusCode, string(raw), res.Header, res.Header.Get("Location")}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.do("GET", path, nil, nil)
}

func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	return b.do("POST", path, strings.NewReader(form.Encode()), map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
}

// script is a request as our scripts send it.
func (b *browser) script(method, path, contentType, body string) answer {
	b.t.Helper()
	return b.do(method, path, strings.NewReader(body), map[string]string{"Content-Type": contentType, "Accept": "application/json"})
}

func (a answer) find(selector string) *goquery.Selection {
	a.t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		a.t.Fatal(err)
	}
	return doc.Find(selector)
}

func (a answer) want(status int, words ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d\n%s", a.status, status, a.body)
	}
	for _, w := range words {
		if !strings.Contains(a.body, w) {
			a.t.Errorf("%q is missing from\n%s", w, a.body)
		}
	}
	return a
}

func (a answer) wantTo(location string) answer {
	a.t.Helper()
	if a.status != http.StatusSeeOther || a.location != location {
		a.t.Fatalf("went to %d %q, want 303 %q\n%s", a.status, a.location, location, a.body)
	}
	return a
}

// noSecrets fails when a candidate was shown something hidden.
func (a answer) noSecrets(also ...string) answer {
	a.t.Helper()
	for _, w := range append(also, secrets...) {
		if strings.Contains(a.body, w) {
			a.t.Errorf("the answer holds %q:\n%s", w, a.body)
		}
	}
	return a
}
