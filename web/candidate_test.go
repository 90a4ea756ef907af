package web

import (
	"archive/zip"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"assay"
	"assay/storage/storagetest"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	s := newSite(t)

	t.Run("lets in and leaves the address", func(t *testing.T) {
		k := s.newSitting(nil)
		b := s.browser()
		b.get("/i/" + k.Token).wantTo(k.path(""))
		b.get(k.path("")).want(http.StatusOK, "Your time does not run yet", "Docs, no AI", "1 hour"[:1])
		b.get("/i/" + k.Token).wantTo(k.path("")) // again: resumes
		if strings.Contains(s.log.String(), k.Token) {
			t.Error("the log holds the secret of a link")
		}
	})
	t.Run("unknown", func(t *testing.T) {
		s.browser().get("/i/"+strings.Repeat("A", 43)).want(http.StatusNotFound, "do not know this invitation link")
		s.browser().get("/i/short").want(http.StatusNotFound, "do not know this invitation link")
	})
	t.Run("revoked", func(t *testing.T) {
		k := s.newSitting(nil)
		old, seated := k.Token, k.sit(false)
		k.invite(s.Now().Add(time.Hour))
		s.browser().get("/i/"+old).want(http.StatusGone, "This link was replaced")
		seated.get(k.path("")).want(http.StatusUnauthorized, "This invitation was replaced")
		s.browser().get("/i/" + k.Token).wantTo(k.path(""))
	})
	t.Run("expired", func(t *testing.T) {
		k := s.newSitting(nil)
		k.invite(s.Now().Add(-time.Minute))
		b := s.browser()
		b.get("/i/"+k.Token).want(http.StatusGone, "This invitation has expired", "Ask for a new window")
		b.post("/i/"+k.Token+"/window", url.Values{"note": {"Any morning"}}).want(http.StatusOK, "has been told")
		b.get("/i/"+k.Token).want(http.StatusGone, "You have asked for a new window")
		invs, err := s.DB.Invitations(t.Context(), k.Interview.ID)
		if err != nil || !slices.ContainsFunc(invs, func(i assay.Invitation) bool { return i.RequestNote == "Any morning" }) {
			t.Errorf("the request did not arrive: %v", err)
		}
	})
	t.Run("expired after the start resumes", func(t *testing.T) {
		k := s.newSitting(nil)
		k.invite(s.Now().Add(time.Hour))
		k.sit(true)
		if linkTrouble(assay.Invitation{}, assay.Interview{Status: assay.InterviewOpen}, true, true) != "" {
			t.Error("a running interview cannot be resumed")
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		k := s.newSitting(nil)
		seated := k.sit(false)
		if err := s.DB.CancelInterview(t.Context(), k.Recruiter, k.Interview.ID, "position filled"); err != nil {
			t.Fatal(err)
		}
		s.browser().get("/i/"+k.Token).want(http.StatusGone, "This interview was cancelled")
		seated.get(k.path("")).want(http.StatusOK, "was cancelled", "does not count against you")
	})
	t.Run("not yet", func(t *testing.T) {
		k := s.newSitting(func(i *assay.Interview) { i.WindowStart = s.Now().Add(time.Hour) })
		b := k.sit(false)
		b.get(k.path("")).want(http.StatusOK, "The window has not opened yet")
		b.post(k.path("/start"), url.Values{"read": {"on"}}).want(http.StatusUnprocessableEntity, "not opened yet")
		b.post(k.path("/window"), url.Values{"note": {"breaks, please"}}).wantTo(k.path(""))
	})
}

// TestWithoutScripts is the whole way of a candidate with plain forms.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := s.newSitting(nil, question("softmax", nil), question("design", func(p *assay.PublicQuestion) {
		p.Question.Kind, p.Question.Run, p.Question.Title = assay.KindDesign, nil, "A feature store"
		p.Question.Editable = nil
		p.Starter = []assay.File{{Path: "answer.md", Content: "\n# Answer\n"}}
	}))
	b := k.sit(false)
	b.get(k.path("/questions/1")).wantTo(k.path("")) // nothing is shown before the start
	b.get(k.path("/notice")).want(http.StatusOK, "What is recorded", "no automatic rejection")
	b.post(k.path("/start"), nil).want(http.StatusUnprocessableEntity, "confirm that you have read")
	b.post(k.path("/start"), url.Values{"read": {"on"}}).wantTo(k.path(""))
	b.post(k.path("/start"), url.Values{"read": {"on"}}).wantTo(k.path("")) // pressed twice
	b.get(k.path("")).want(http.StatusOK, "Attention that does not overflow", "A feature store", "Not started").noSecrets(secretAfter)

	w := b.get(k.path("/questions/1")).want(http.StatusOK, "Write a <strong>stable</strong> softmax", "check.py", "rows.csv", "1 GiB").noSecrets(secretAfter)
	if n := w.find(`textarea[name^="file:"]`).Length(); n != 2 {
		t.Fatalf("%d fields for files, want 2", n)
	}
	if n := w.find("h1").Length(); n != 1 {
		t.Errorf("%d h1", n)
	}
	b.get(k.path("/questions/1/data/rows.csv")).want(http.StatusOK, "read-only")
	if a := b.get(k.path("/questions/1/data/rows.csv?download=1")); a.body != "a,b\n1,2\n" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("download %q", a.body)
	}
	b.get(k.path("/questions/9")).want(http.StatusNotFound)

	fill := func(do, nonce, base string) url.Values {
		return url.Values{"do": {do}, "nonce": {nonce}, "base": {base}, "file:solution.py": {"def softmax(x):\r\n    return x\r\n"}, "file:helpers.py": {"LOG = 2\n"}}
	}
	q1 := k.path("/questions/1")
	b.post(q1, fill("save", "n0", "0")).wantTo(q1 + "#results")
	d, err := s.DB.Draft(t.Context(), k.Items[0].ID)
	if err != nil || d.Version != 1 || d.Files[1].Content != "def softmax(x):\n    return x\n" {
		t.Fatalf("draft %+v, %v", d, err)
	}
	b.post(q1, fill("run", "n1", "1")).wantTo(q1 + "#results")
	b.get(q1).want(http.StatusOK, "Public checks", "Waiting")
	b.post(q1, fill("submit", "n2", "1")).wantTo(q1 + "#results")
	b.post(q1, fill("submit", "n2", "1")).wantTo(q1 + "#results") // the back button, pressed again
	if n := len(k.submissions(assay.ModeSubmit)); n != 1 {
		t.Fatalf("%d submissions, want 1", n)
	}

	// A second tab that had saved meanwhile: both versions are there, and sending again keeps what is in the fields.
	stale := fill("save", "n3", "0")
	stale.Set("file:helpers.py", "LOG = 'mine'\n")
	a := b.post(q1, stale).want(http.StatusConflict, "changed in another tab", "LOG = &#39;mine&#39;", "Stored: helpers.py")
	if v, _ := a.find(`input[name="base"]`).Attr("value"); v != "1" {
		t.Errorf("the form that came back starts from %q, want 1", v)
	}
	// Bad input names the file and the limit; the draft stays.
	big := fill("save", "n4", "1")
	big.Set("file:helpers.py", strings.Repeat("x", 200_000))
	b.post(q1, big).want(http.StatusRequestEntityTooLarge, "this question allows 100000", "draft that was saved before is unchanged")
	given := fill("save", "n5", "1")
	given.Set("file:check.py", "cheat")
	b.post(q1, given).want(http.StatusUnprocessableEntity, "check.py is given with the question")
	odd := fill("save", "n6", "1")
	odd.Set("file:../etc/passwd", "x")
	b.post(q1, odd).want(http.StatusUnprocessableEntity, "not a plain relative path")
	if again, _ := s.DB.Draft(t.Context(), k.Items[0].ID); again.Version != 1 {
		t.Errorf("a refused form changed the draft to version %d", again.Version)
	}

	// A question of prose: a file of one's own may be added.
	q2 := k.path("/questions/2")
	a = b.get(q2).want(http.StatusOK, "People read and judge this one")
	if v := a.find(`textarea[name="file:answer.md"]`).Text(); v != "\n# Answer\n" {
		t.Errorf("the field begins with %q", v)
	}
	b.post(q2, url.Values{"do": {"save"}, "base": {"0"}, "file:answer.md": {"Use a log.\n"}, "new_path": {"numbers.md"}, "new_content": {"42"}}).wantTo(q2 + "#results")
	b.post(q2, url.Values{"do": {"run"}, "nonce": {"r"}, "base": {"1"}, "file:answer.md": {"Use a log.\n"}, "file:numbers.md": {"42"}}).want(http.StatusUnprocessableEntity, "no public checks")

	// The end: what is unsent is named, then handed in.
	b.get(k.path("/finish")).want(http.StatusOK, "1 question has changes that you did not submit", "your latest text is submitted")
	b.post(k.path("/finish"), nil).wantTo(k.path(""))
	b.post(k.path("/finish"), nil).wantTo(k.path(""))
	if n := len(k.submissions(assay.ModeSubmit)); n != 2 {
		t.Errorf("%d submissions after the end, want 2", n)
	}
	b.get(k.path("")).want(http.StatusOK, "This interview is over", "What happens now").noSecrets()
	b.get(q1).wantTo(k.path(""))
	b.post(q1, fill("submit", "late", "1")).want(http.StatusConflict)

	z := b.get(k.path("/work.zip")).want(http.StatusOK).noSecrets()
	r, err := zip.NewReader(strings.NewReader(z.body), int64(len(z.body)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.File {
		names = append(names, f.Name)
	}
	for _, want := range []string{"1-softmax/draft/solution.py", "2-design/draft/numbers.md", "1-softmax/question.md"} {
		if !slices.Contains(names, want) {
			t.Errorf("the download has no %s: %v", want, names)
		}
	}
}

func TestDraftsAreNeverOverwrittenInSilence(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := s.newSitting(nil)
	b := k.sit(true)
	save := func(base int, content string) answer {
		body, _ := json.Marshal(map[string]any{"base": base, "files": []map[string]string{{"path": "solution.py", "content": content}}})
		return b.script("PUT", k.path("/questions/1/draft"), "application/json", string(body))
	}
	save(0, "one").want(http.StatusOK, `"version":1`, `"left_ms":`)
	save(0, "one").want(http.StatusOK, `"version":1`) // the answer was lost, the browser sends it again
	save(1, "two").want(http.StatusOK, `"version":2`)
	save(1, "three").want(http.StatusConflict, `"conflict":true`, `"version":2`, `"content":"two"`)
	save(2, strings.Repeat("x", 100_001)).want(http.StatusRequestEntityTooLarge, "problem"[:0], "100001 bytes")
	save(2, "nul \x00").want(http.StatusUnprocessableEntity, "solution.py is not UTF-8 text")
	b.script("PUT", k.path("/questions/1/draft"), "application/json", "{nonsense").want(http.StatusUnprocessableEntity)
	d, err := s.DB.Draft(t.Context(), k.Items[0].ID)
	if err != nil || d.Version != 2 || d.Files[0].Content != "two" {
		t.Errorf("draft %+v, %v", d, err)
	}
	s.clock.advance(2 * time.Hour)
	save(2, "too late").want(http.StatusConflict, "Time is up")
}

func TestAScriptHandsInAndGetsTheCard(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := s.newSitting(nil)
	b := k.sit(true)
	send := func(do, nonce string) answer {
		form := url.Values{"do": {do}, "nonce": {nonce}, "base": {"0"}, "file:solution.py": {"x = 1\n"}, "file:helpers.py": {"\n"}}
		if n, err := s.DB.Draft(t.Context(), k.Items[0].ID); err == nil {
			form.Set("base", "1")
			_ = n
		}
		return b.script("POST", k.path("/questions/1"), "application/x-www-form-urlencoded", form.Encode())
	}
	send("submit", "once").want(http.StatusOK, `"version":1`, "data-card")
	send("submit", "once").want(http.StatusOK)
	if n := len(k.submissions(assay.ModeSubmit)); n != 1 {
		t.Fatalf("%d submissions, want 1", n)
	}
	send("run", "r1").want(http.StatusOK, "Public checks")
	send("run", "r2").want(http.StatusConflict, "under way")
	sub := k.submissions(assay.ModeRun)[0]
	b.script("POST", k.path("/submissions/"+string(sub.ID)+"/cancel"), "", "").want(http.StatusOK, "Cancelled")
	send("run", "r3").want(http.StatusOK)
	send("submit", "").want(http.StatusUnprocessableEntity, "too old")
}

// TestNothingHiddenReachesACandidate reads every page of a graded interview, under every policy, for words that are hidden.
func TestNothingHiddenReachesACandidate(t *testing.T) {
	t.Parallel()
	for _, results := range []assay.Results{assay.ResultsNone, assay.ResultsVerdict, assay.ResultsPublic} {
		t.Run(string(results), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			k := s.newSitting(func(i *assay.Interview) { i.Results = results })
			b := k.sit(true)
			q := k.path("/questions/1")
			b.post(q, url.Values{"do": {"submit"}, "nonce": {"n"}, "base": {"0"}, "file:solution.py": {"x = 1\n"}, "file:helpers.py": {"\n"}}).wantTo(q + "#results")
			sub := k.submissions(assay.ModeSubmit)[0]
			k.grade(sub, assay.WrongAnswer)
			hidden := []string{secretAfter}
			switch results {
			case assay.ResultsNone:
				hidden = append(hidden, "Wrong answer", "Large logits", "hello from my code")
			case assay.ResultsVerdict:
				hidden = append(hidden, "Large logits", "hello from my code")
			}
			own := k.path("/submissions/" + string(sub.ID))
			for _, p := range []string{"", "/questions/1", "/finish", "/notice", "/work.zip"} {
				b.get(k.path(p)).want(http.StatusOK).noSecrets(hidden...)
			}
			page := b.get(own).want(http.StatusOK, "x = 1"[:1]).noSecrets(hidden...)
			if results == assay.ResultsPublic {
				page.want(http.StatusOK, "Wrong answer", "Large logits stay finite", "gave nan", "hello from my code", "Further checks count as well")
			}
			b.stream(k.path("/live?question=1"), 2).noSecrets(hidden...)
			b.post(k.path("/finish"), nil).wantTo(k.path(""))
			for _, p := range []string{"", "/work.zip"} {
				b.get(k.path(p)).want(http.StatusOK).noSecrets()
			}
			after := b.get(own).want(http.StatusOK).noSecrets()
			if shown := strings.Contains(after.body, "After the interview"); shown != (results == assay.ResultsPublic) {
				t.Errorf("a check that opens after the interview is shown: %t", shown)
			}
			for _, a := range []answer{b.get("/sit/nope"), b.get(k.path("/submissions/sub_nope")), b.script("GET", k.path("/submissions/sub_nope"), "", "")} {
				a.noSecrets()
			}
		})
	}
}

func TestOurFaultIsSaidToBeOurs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := s.newSitting(func(i *assay.Interview) { i.Results = assay.ResultsNone })
	b := k.sit(true)
	q := k.path("/questions/1")
	b.post(q, url.Values{"do": {"submit"}, "nonce": {"n"}, "base": {"0"}, "file:solution.py": {"x = 1\n"}, "file:helpers.py": {"\n"}})
	k.grade(k.submissions(assay.ModeSubmit)[0], assay.JudgeError)
	b.get(q).want(http.StatusOK, "We could not grade this", "our fault, not yours").noSecrets()

	b.post(q, url.Values{"do": {"submit"}, "nonce": {"gpu"}, "base": {"1"}, "file:solution.py": {"x = 1\n"}, "file:helpers.py": {"\n"}})
	sub := k.submissions(assay.ModeSubmit)[0]
	if _, _, err := s.DB.StartAttempt(t.Context(), storagetest.Job(sub), "cpu", time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := s.DB.ParkAttempt(t.Context(), storagetest.Job(sub), "needs a GPU worker"); err != nil {
		t.Fatal(err)
	}
	b.get(q).want(http.StatusOK, "needs a GPU worker", "nothing is lost")
}

func TestFilesMissingFromTheDiskAreOurFault(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := s.newSitting(nil)
	b := k.sit(true)
	s.Blobs = broken{}
	a := b.post(k.path("/questions/1"), url.Values{"do": {"submit"}, "nonce": {"n"}, "base": {"0"}, "file:solution.py": {"x = 1\n"}, "file:helpers.py": {"\n"}})
	a.want(http.StatusServiceUnavailable, "saved as a draft")
	if _, err := s.DB.Draft(t.Context(), k.Items[0].ID); err != nil {
		t.Errorf("the draft was lost: %v", err)
	}
}
