package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"assay"
	"assay/storage/blob"
	"assay/storage/storagetest"
	"assay/web/view"

	"github.com/google/go-cmp/cmp"
)

// newPanelist is an office with Pat on the first panel, owing a scorecard.
func newPanelist(t *testing.T) (*office, assay.Actor, *browser) {
	t.Helper()
	var pat assay.Actor
	o := newOffice(t, func(o *office) assay.Actor {
		pat = o.User("Pat", assay.RoleInterviewer)
		return pat
	})
	return o, pat, o.in(pat)
}

func (o *office) panel(rest string) string { return view.PanelPath(o.first.Interview.ID) + rest }

// filledCard is a scorecard that may be submitted, as its form sends it.
func filledCard(version string) url.Values {
	v := url.Values{"version": {version}, "overall": {"yes"}, "level_observed": {"senior"}, "reason_for": {"Wrote the test first."}, "reason_against": {"Needed one hint."}}
	for _, c := range []string{"C1", "C5"} {
		v.Set("rating."+c+".score", "3")
		v.Set("rating."+c+".confidence", "high")
		v.Set("rating."+c+".comment", "Asked what the metric is for, "+c+".")
	}
	return v
}

func with(v url.Values, pairs ...string) url.Values {
	for n := 0; n < len(pairs); n += 2 {
		v.Set(pairs[n], pairs[n+1])
	}
	return v
}

func TestHiddenResultsOpenOnceAndAreRecorded(t *testing.T) {
	t.Parallel()
	o, _, b := newPanelist(t)
	work := o.panel("/work?submission=" + string(o.sub.ID))
	r := b.get(work).want(http.StatusOK, "Hidden results are closed", "hello from my code", "solution.py")
	r.noSecrets(string(assay.PartiallyAccepted.Words()))
	b.get(o.panel("/scorecard")).want(http.StatusOK).noSecrets()

	b.post(o.panel("/results"), url.Values{"submission": {string(o.sub.ID)}}).wantTo(work)
	b.get(work).want(http.StatusOK, secretTitle, secretCheck, secretMessage, secretStaff, "Partially accepted", "loss")
	b.get(o.panel("/scorecard")).want(http.StatusOK, secretTitle)
	if acts := o.Acts(); !slices.Contains(acts, "scorecard.saw_autograde") {
		t.Errorf("the record lacks it: %v", acts)
	}
	// A colleague who did not open them still sees them closed, and who has submitted needs not ask.
	o.in(o.ben).get(work).want(http.StatusOK, secretTitle)
	b.get(o.panel("/work?submission=sub_none")).want(http.StatusNotFound)
}

func TestCommentOnALine(t *testing.T) {
	t.Parallel()
	o, _, b := newPanelist(t)
	form := url.Values{"submission": {string(o.sub.ID)}, "path": {"solution.py"}, "line": {"2"}, "body": {"Returns its input <b>unchanged</b>."}}
	b.post(o.panel("/comments"), form).wantTo(o.panel("/work?submission=" + string(o.sub.ID) + "#f0-L2"))
	b.get(o.panel("/work?submission="+string(o.sub.ID))).want(http.StatusOK, "Returns its input &lt;b&gt;unchanged").noSecrets(judgedRemark)

	r := b.get(o.panel("/work?submission=" + string(o.sub.ID) + "&path=solution.py&line=1"))
	if r.find(`form[action$="/comments"] textarea`).Length() != 1 {
		t.Error("a line has no form to comment on it without a script")
	}
	long := strings.Repeat("x", assay.MaxComment+1)
	b.post(o.panel("/comments"), with(form, "body", " ")).want(http.StatusUnprocessableEntity, "Please fill this in.")
	b.post(o.panel("/comments"), with(form, "body", long)).want(http.StatusUnprocessableEntity, "At most 4000", long)
	b.post(o.panel("/comments"), with(form, "body", "x", "line", "99")).want(http.StatusUnprocessableEntity, "there is no line 99")
	b.post(o.panel("/comments"), with(form, "line", "1", "path", "other.py")).want(http.StatusNotFound)
	b.post(o.panel("/comments"), with(form, "path", "solution.py", "submission", "sub_none")).want(http.StatusNotFound)
}

func TestWorkShowsTheDifferenceFromTheStarter(t *testing.T) {
	t.Parallel()
	o, _, b := newPanelist(t)
	r := b.get(o.panel("/work?submission=" + string(o.sub.ID) + "&changes=1")).want(http.StatusOK)
	if got := strings.TrimSpace(r.find("tr.removed .line").Text()); got != "..." {
		t.Errorf("removed: %q", got)
	}
	if got := strings.TrimSpace(r.find("tr.added .line").Text()); got != "return x" {
		t.Errorf("added: %q", got)
	}
}

// A file that the store lost is named, and the rest of the page stays.
func TestWorkWithoutAFile(t *testing.T) {
	t.Parallel()
	o, _, b := newPanelist(t)
	ok(t, o.Blobs.Delete(t.Context(), o.sub.Files[0].Key))
	b.get(o.panel("/work?submission="+string(o.sub.ID))).want(http.StatusOK, "solution.py could not be read", "hello from my code")
}

func TestScorecardSavesItself(t *testing.T) {
	t.Parallel()
	o, _, b := newPanelist(t)
	const form = "application/x-www-form-urlencoded"
	save := func(v url.Values) answer {
		return b.script("POST", o.panel("/scorecard"), form, with(v, "action", "save").Encode())
	}

	var got savedCard
	r := save(url.Values{"version": {"0"}, "reason_for": {"So smart."}, "note_to_next": {"A strong hire."}, "rating.C5.comment": {"Halved the input."}}).want(http.StatusOK)
	ok(t, json.Unmarshal([]byte(r.body), &got))
	if got.Version != 1 || got.SavedAt == "" || got.Warnings["reason_for"] == "" || got.Warnings["note_to_next"] == "" {
		t.Errorf("answer: %+v", got)
	}
	page := b.get(o.panel("/scorecard")).want(http.StatusOK, "Halved the input.", "So smart.", "is a trait", "Saved")
	if v, _ := page.find(`input[name="version"]`).Attr("value"); v != "1" {
		t.Errorf("the page is made from version %q", v)
	}

	// The other tab still has version 0: nothing is overwritten, and what it holds is not lost either.
	stale := url.Values{"version": {"0"}, "reason_for": {"From the other tab."}}
	save(stale).want(http.StatusConflict)
	conflict := b.post(o.panel("/scorecard"), with(stale, "action", "save")).want(http.StatusConflict, "From the other tab.", "saved from another window")
	if v, _ := conflict.find(`input[name="version"]`).Attr("value"); v != "1" {
		t.Errorf("sending again would conflict again: version %q", v)
	}
	b.get(o.panel("/scorecard")).want(http.StatusOK, "So smart.").noSecrets("From the other tab.")
	b.post(o.panel("/scorecard"), with(stale, "version", "1")).wantTo(o.panel("/scorecard"))
	b.get(o.panel("/scorecard")).want(http.StatusOK, "From the other tab.")

	save(url.Values{"version": {"2"}, "rating.C5.comment": {strings.Repeat("x", assay.MaxComment+1)}}).want(http.StatusUnprocessableEntity, "rating.C5.comment")
	save(url.Values{"version": {"2"}, "rating.C5.score": {"7"}}).want(http.StatusUnprocessableEntity)
	save(url.Values{"version": {"2"}, "overall": {"maybe"}}).want(http.StatusUnprocessableEntity)
}

func TestScorecardSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	o, pat, b := newPanelist(t)
	v := with(filledCard("0"), "action", "submit", "rating.C1.score", "4", "rating.C5.comment", "", "reason_against", "", "note_to_next", "weak on maths")
	v.Del("overall")
	r := b.post(o.panel("/scorecard"), v).want(http.StatusUnprocessableEntity, "Asked what the metric is for, C1.", "Wrote the test first.", "weak on maths")
	for _, field := range []string{"rating.C1", "rating.C5", "overall", "reason_against", "note_to_next"} {
		if r.find(`.banner a[href="#`+field+`"]`).Length() != 1 {
			t.Errorf("no complaint leads to %s", field)
		}
		if r.find(`[id="`+field+`"]`).Length() != 1 {
			t.Errorf("there is no one place for #%s", field)
		}
	}
	if r.find(`.banner[data-focus][role="alert"]`).Length() != 1 {
		t.Error("the complaints do not take the focus")
	}
	// What was entered is kept as a draft, though it was not complete.
	card, err := o.site.DB.DraftScorecard(t.Context(), pat, o.first.Interview.ID)
	ok(t, err)
	if card.Status != assay.ScorecardDraft || card.ReasonFor != "Wrote the test first." {
		t.Errorf("the draft is %+v", card)
	}
}

func TestScorecardIsSubmittedOnceAndThenAmended(t *testing.T) {
	t.Parallel()
	o, pat, b := newPanelist(t)
	b.get(o.fill("/loops/:loop/scorecards")).want(http.StatusForbidden)
	b.post(o.panel("/scorecard"), with(filledCard("0"), "action", "submit")).wantTo(o.panel("/scorecard"))
	r := b.get(o.panel("/scorecard")).want(http.StatusOK, "The ratings of record", "Wrote the test first.", "Read your colleagues")
	if r.find("form[data-scorecard]").Length() != 0 {
		t.Error("a submitted scorecard can still be edited")
	}
	b.post(o.panel("/scorecard"), with(filledCard("1"), "reason_for", "Changed.")).want(http.StatusConflict)
	cards := b.get(o.fill("/loops/:loop/scorecards")).want(http.StatusOK, judgedFor, judgedAmend, "Ben", "Pat")
	if n := cards.find("table .score.s3").Length(); n == 0 {
		t.Error("the matrix shows no rating")
	}

	amend := url.Values{"overall": {"no"}, "rating.C1.score": {"2"}, "rating.C1.comment": {"Saw the second task."}, "rating.C5.score": {"3"}, "rating.C5.comment": {"As before."}}
	b.post(o.panel("/scorecard/amendments"), amend).want(http.StatusUnprocessableEntity, "Please fill this in.", "Saw the second task.")
	b.post(o.panel("/scorecard/amendments"), with(amend, "reason", "I misread the second task.", "rating.C1.score", "9")).want(http.StatusUnprocessableEntity, "I misread the second task.")
	b.post(o.panel("/scorecard/amendments"), with(amend, "rating.C1.score", "2")).wantTo(o.panel("/scorecard"))
	b.get(o.panel("/scorecard")).want(http.StatusOK, "I misread the second task.", "after reading colleagues", "Wrote the test first.")
	all, err := o.site.DB.Scorecards(t.Context(), pat, o.Loop.Loop.ID)
	ok(t, err)
	for _, c := range all {
		if c.AuthorID == pat.User && (c.Overall != assay.Yes || c.Ratings[0].Score != 3) {
			t.Errorf("the scores of record changed: %+v", c)
		}
	}
}

// Evidence can be added, kept and taken away with the plain form, and points only at what the interviewer has seen.
func TestEvidenceWithoutAScript(t *testing.T) {
	t.Parallel()
	o, pat, b := newPanelist(t)
	card := func() assay.Scorecard {
		c, err := o.site.DB.DraftScorecard(t.Context(), pat, o.first.Interview.ID)
		ok(t, err)
		return c
	}
	sub := string(o.sub.ID)
	code := assay.Evidence{Kind: "code", Submission: o.sub.ID, Path: "solution.py", From: 1, To: 2}
	quote := assay.Evidence{Kind: "quote", Quote: "I subtract the maximum."}

	b.post(o.panel("/scorecard"), url.Values{"version": {"0"}, "action": {"add:C5"}, "rating.C5.add_file": {sub + "|solution.py"}, "rating.C5.add_from": {"1"}, "rating.C5.add_to": {"2"},
		"rating.C5.add_quote": {quote.Quote}}).wantTo(o.panel("/scorecard#rating.C5"))
	if diff := cmp.Diff([]assay.Evidence{code, quote}, card().Ratings[0].Evidence); diff != "" {
		t.Fatal(diff)
	}
	page := b.get(o.panel("/scorecard")).want(http.StatusOK, "solution.py lines 1–2", quote.Quote)
	var kept []string
	page.find(`input[name="rating.C5.evidence"]`).Each(func(_ int, s *selection) {
		v, _ := s.Attr("value")
		kept = append(kept, v)
	})
	b.post(o.panel("/scorecard"), url.Values{"version": {"1"}, "rating.C5.evidence": kept[1:]}).wantTo(o.panel("/scorecard"))
	if diff := cmp.Diff([]assay.Evidence{quote}, card().Ratings[0].Evidence); diff != "" {
		t.Error("unticking the first: " + diff)
	}

	// A link from the work brings a line along; the button beside a competency attaches it.
	cite := b.get(view.CitePath(o.sub, code)).want(http.StatusOK, "In hand: solution.py lines 1–2")
	inHand, _ := cite.find(`input[name="in_hand"]`).Attr("value")
	b.post(o.panel("/scorecard"), url.Values{"version": {"2"}, "action": {"attach:C1"}, "in_hand": {inHand}}).wantTo(o.panel("/scorecard#rating.C1"))
	if diff := cmp.Diff([]assay.Evidence{code}, card().Ratings[0].Evidence); diff != "" {
		t.Error(diff)
	}

	other := storagetest.NewLoop(t, o.site.DB)
	stranger := other.Interview(other.User("Zoe", assay.RoleInterviewer)).Opened().Submit(assay.ModeSubmit)
	for name, v := range map[string]url.Values{
		"nothing chosen":           {"action": {"add:C5"}},
		"no line":                  {"action": {"add:C5"}, "rating.C5.add_file": {sub + "|solution.py"}},
		"upside down":              {"action": {"add:C5"}, "rating.C5.add_file": {sub + "|solution.py"}, "rating.C5.add_from": {"5"}, "rating.C5.add_to": {"2"}},
		"another candidate's work": {"action": {"add:C5"}, "rating.C5.add_file": {string(stranger.ID) + "|solution.py"}, "rating.C5.add_from": {"1"}},
		"a result not opened":      {"action": {"add:C5"}, "rating.C5.add_check": {sub + "|" + secretCheck}},
		"not JSON":                 {"action": {"attach:C5"}, "in_hand": {"{"}},
		"no such competency":       {"action": {"add:C77"}},
		"tampered with":            {"rating.C5.evidence": {`{"kind":"code","submission":"` + string(stranger.ID) + `","path":"solution.py","from":1,"to":1}`}},
	} {
		v.Set("version", "3")
		v.Set("reason_for", "Stays on the page.")
		r := b.post(o.panel("/scorecard"), v)
		if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "Stays on the page.") {
			t.Errorf("%s: %d, want 422 with what was entered", name, r.status)
		}
	}
	if v := card().Version; v != 3 {
		t.Errorf("something refused was saved: version %d", v)
	}
}

func TestLiveStatus(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	i := o.Interview(o.ben).Opened()
	if _, err := o.site.DB.SaveDraft(t.Context(), i.Actor, i.Item.ID, 0, []assay.File{{Path: "solution.py", Content: "x"}}); err != nil {
		t.Fatal(err)
	}
	i.Submit(assay.ModeRun)
	b := o.in(o.ben)
	r := b.get(view.PanelPath(i.Interview.ID)).want(http.StatusOK, "left", "Softmax")
	if at, _ := r.find("[data-refresh]").Attr("data-refresh"); at != view.PanelPath(i.Interview.ID)+"/live" {
		t.Errorf("refreshes from %q", at)
	}
	part := b.get(view.PanelPath(i.Interview.ID)+"/live").want(http.StatusOK, "Queued")
	if strings.Contains(part.body, "<html") {
		t.Error("the fragment is a whole page")
	}
}

// Every form that people fill in says what is wrong by field, at once, and gives back what was entered.
func TestFormsKeepWhatWasEntered(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Committee(o.cora)
	o.decide()
	o.User("Ida", assay.RoleInterviewer)
	recruiter, member, admin := o.in(o.Recruiter), o.in(o.cora), o.as(assay.RoleAdmin)
	yesterday := view.WhenValue(o.site.Now().Add(-24 * time.Hour))
	long := strings.Repeat("y", 5000)
	schedule := view.SchedulePath(o.second.Interview.ID)
	for name, tc := range map[string]struct {
		b     *browser
		path  string
		form  url.Values
		words []string // complaints and what was entered
	}{
		"opening without a title":  {recruiter, "/openings", url.Values{"level": {"junior"}}, []string{"Please fill this in.", `value="junior" selected`}},
		"opening at no level":      {recruiter, "/openings", url.Values{"title": {"Kept title"}, "level": {"boss"}}, []string{"Choose one of the options.", "Kept title"}},
		"opening of a stranger":    {recruiter, "/openings", url.Values{"title": {"Kept title"}, "level": {"mid"}, "hiring_manager": {string(o.ben.User)}}, []string{"Choose one of the options.", "Kept title"}},
		"loop without a candidate": {recruiter, "/loops", url.Values{"opening": {string(o.Opening.ID)}, "email": {"not a mail"}}, []string{"does not look like a mail address", "not a mail"}},
		"loop for no opening":      {recruiter, "/loops", url.Values{"opening": {"opn_x"}, "name": {"Kept Name"}, "email": {"a@example.org"}}, []string{"Choose one of the options.", "Kept Name"}},
		"kit of nothing": {recruiter, "/kits", url.Values{"title": {"Kept kit"}, "level": {"mid"}, "ai_policy": {"docs"}, "results": {"none"}},
			[]string{"Choose at least one question.", "One to three competencies", "Kept kit"}},
		"kit with four in focus": {recruiter, "/kits", url.Values{"title": {"Kept kit"}, "level": {"mid"}, "ai_policy": {"docs"}, "results": {"none"}, "focus": {"C1", "C2", "C3", "C4"},
			"question": {"softmax"}, "minutes.softmax": {"30"}}, []string{"One to three competencies", "Kept kit"}},
		"kit too short for its questions": {recruiter, "/kits", url.Values{"title": {"Kept kit"}, "level": {"mid"}, "ai_policy": {"docs"}, "results": {"none"}, "focus": {"C1"},
			"question": {"softmax"}, "minutes.softmax": {"90"}, "minutes": {"30"}}, []string{"The questions alone take 90 minutes.", `value="90"`}},
		"kit with a wrong number": {recruiter, "/kits", url.Values{"title": {"Kept kit"}, "level": {"mid"}, "ai_policy": {"docs"}, "results": {"none"}, "focus": {"C1"},
			"question": {"softmax"}, "minutes.softmax": {"soon"}}, []string{"A whole number", `value="soon"`}},
		"kit of an unknown question": {recruiter, "/kits", url.Values{"title": {"Kept kit"}, "question": {"../etc"}}, []string{"The bank has no question", "Kept kit"}},
		"interview without a window": {recruiter, o.fill("/loops/:loop/interviews"), url.Values{"kit": {string(o.Kit.ID)}, "kind": {"live"}, "title": {"Kept title"}}, []string{"A date and a time", "Kept title"}},
		"interview in the past": {recruiter, o.fill("/loops/:loop/interviews"), url.Values{"kit": {string(o.Kit.ID)}, "kind": {"live"}, "start": {yesterday}, "end": {yesterday}},
			[]string{"The window must close after it opens.", yesterday}},
		"interview of endless length": {recruiter, o.fill("/loops/:loop/interviews"), url.Values{"kit": {string(o.Kit.ID)}, "kind": {"live"}, "minutes": {"9999"}, "adjustment": {"-5"}},
			[]string{"A whole number from 5 to 600.", "A whole number from 0 to 300.", `value="9999"`}},
		"panel of nobody":         {recruiter, schedule + "/panel", url.Values{"user": {string(o.cora.User)}, "participation": {"interviewer"}, "due": {yesterday}}, []string{"Choose one of the options.", yesterday}},
		"waiver without a reason": {recruiter, schedule + "/panel/" + string(o.bystander.User) + "/waive", url.Values{}, []string{"Please fill this in."}},
		"extension of nothing":    {recruiter, schedule + "/extend", url.Values{"minutes": {"0"}}, []string{"A whole number from 1 to 240.", `value="0"`}},
		"cancelling for nothing":  {recruiter, schedule + "/cancel", url.Values{"reason": {" "}}, []string{"Please fill this in."}},
		"committee of outsiders":  {recruiter, o.fill("/loops/:loop/committee"), url.Values{"committee": {string(o.ben.User)}}, []string{"Choose from the people with the committee role."}},
		"packet half blind":       {recruiter, o.fill("/loops/:loop/packets"), url.Values{"blind": {"B7"}}, []string{"Choose one of the options."}},
		"vote for nothing":        {member, o.fill("/loops/:loop/votes"), url.Values{"packet": {string(o.packet.ID)}, "sentence": {"Kept sentence."}}, []string{"Choose one of the options.", "Kept sentence."}},
		"vote on another packet":  {member, o.fill("/loops/:loop/votes"), url.Values{"packet": {"pkt_x"}, "outcome": {"hire"}, "level": {"mid"}, "confidence": {"low"}, "sentence": {"Kept sentence."}}, []string{"Choose one of the options.", "Kept sentence."}},
		"decision in a word": {member, o.fill("/loops/:loop/decisions"), url.Values{"decided_packet": {string(o.packet.ID)}, "decided_outcome": {"hire"}, "decided_level": {"mid"}, "rationale": {"Yes. Yes. Yes."}, "dissent": {"Kept dissent."}},
			[]string{"At least three sentences", "Yes. Yes. Yes.", "Kept dissent."}},
		"hold for nothing": {member, o.fill("/loops/:loop/decisions"), url.Values{"decided_packet": {string(o.packet.ID)}, "decided_outcome": {"hold"}, "decided_level": {"mid"},
			"rationale": {"The panel disagrees on scale. Two of three saw no large data. Another interview would tell."}}, []string{"A hold names the evidence", "Another interview would tell."}},
		"account without a role":    {admin, "/admin/people", url.Values{"name": {"Kept Name"}, "email": {"kept@example.org"}}, []string{"Choose at least one role", "Kept Name", "kept@example.org"}},
		"account with a long name":  {admin, "/admin/people", url.Values{"name": {long}, "email": {"kept@example.org"}, "roles": {"author"}}, []string{"At most 120 characters", "kept@example.org"}},
		"account with a false role": {admin, "/admin/people", url.Values{"name": {"Kept Name"}, "email": {"kept@example.org"}, "roles": {"king"}}, []string{"Choose from the options.", "Kept Name"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := tc.b.post(tc.path, tc.form)
			if r.status != http.StatusUnprocessableEntity {
				t.Fatalf("status %d, want 422 (to %q)\n%.2000s", r.status, r.location, r.body)
			}
			for _, w := range tc.words {
				if !strings.Contains(r.body, w) {
					t.Errorf("%q is missing", w)
				}
			}
			if r.find(`.banner.danger[role="alert"] a`).Length() == 0 {
				t.Error("no list of complaints stands above the form")
			}
		})
	}
}

// The recruiter's way from an opening to a candidate at the door.
func TestRecruiterArrangesALoop(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.Bank = newBank(t)
	rita := storagetest.User(t, s.DB, "Rita", assay.RoleRecruiter)
	hugo := storagetest.User(t, s.DB, "Hugo", assay.RoleHiringManager)
	ana := storagetest.User(t, s.DB, "Ana", assay.RoleInterviewer)
	cora := storagetest.User(t, s.DB, "Cora", assay.RoleCommittee)
	b := s.in(rita)
	b.get("/board").want(http.StatusOK, "No loops yet")

	b.post("/openings", url.Values{"title": {"Ranking engineer"}, "level": {"senior"}, "hiring_manager": {string(hugo.User)}}).wantTo("/openings")
	opening := option(t, b.get("/loops/new"), "opening", "Ranking engineer, senior")
	r := b.post("/loops", url.Values{"opening": {opening}, "name": {"Noor Haddad"}, "email": {"noor@example.com"}})
	loop := r.location
	b.get(loop).want(http.StatusOK, "Noor Haddad", "No interviews yet")

	kit := url.Values{"title": {"Implement!"}, "level": {"senior"}, "ai_policy": {"docs"}, "results": {"public"}, "focus": {"C5", "C6"}, "question": {"softmax"}, "minutes.softmax": {"40"}, "guide": {"**Watch** quietly."}}
	r = b.post("/kits", kit)
	b.get(r.location).want(http.StatusOK, "<strong>Watch</strong>", "40 minutes", "Debugging and numerics")
	first := strings.TrimPrefix(r.location, "/kits/")
	b.get("/kits/new?from="+first).want(http.StatusOK, "This makes version 2", "**Watch** quietly.")
	b.post("/kits", with(kit, "slug", "implement", "title", "Implement!", "minutes", "60"))
	// A new kit with the same title is another kit, not the next version.
	other := url.Values{}
	for k, v := range kit {
		other[k] = v
	}
	other.Del("slug")
	b.post("/kits", other)
	kits, err := s.DB.Kits(t.Context())
	ok(t, err)
	versions := map[string]int{}
	for _, k := range kits {
		versions[k.Slug] = k.Version
	}
	if diff := cmp.Diff(map[string]int{"implement": 2, "implement-2": 1}, versions); diff != "" {
		t.Error(diff)
	}
	// Filtering keeps what was entered so far.
	b.post("/kits", url.Values{"do": {"filter"}, "text": {"nothing like it"}, "title": {"Half a kit"}, "question": {"softmax"}}).want(http.StatusOK, "Half a kit", `value="softmax" checked`)

	chosen := option(t, b.get(loop+"/interviews/new"), "kit", "Implement!, senior, 60 min (v2)")
	start := s.Now().Add(time.Hour)
	r = b.post(loop+"/interviews", url.Values{"kit": {chosen}, "kind": {"live"}, "start": {view.WhenValue(start)}, "end": {view.WhenValue(start.Add(48 * time.Hour))}, "adjustment": {"25"}})
	schedule := r.location
	id := assay.InterviewID(strings.TrimPrefix(schedule, "/schedule/"))
	i, err := s.DB.Interview(t.Context(), id)
	ok(t, err)
	if i.Allotted != 75*time.Minute {
		t.Errorf("60 minutes and a quarter more are %v", i.Allotted)
	}
	items, err := s.DB.Items(t.Context(), id)
	ok(t, err)
	pinned, err := s.DB.QuestionRevision(t.Context(), "softmax", items[0].Revision)
	ok(t, err)
	sealed, err := s.Bank.Sealed("softmax")
	ok(t, err)
	pack, err := blob.ReadAll(t.Context(), s.Blobs, pinned.PackKey, 1<<30)
	ok(t, err)
	if string(pack) != string(sealed.Bytes) || items[0].Seed == "" {
		t.Error("the interview is not pinned to the sealed pack and a seed")
	}
	b.get(schedule).want(http.StatusOK, "1 h 15 min", "Nobody sits on this panel").noSecrets(items[0].Seed)

	// The link is shown once, works, and dies with the next.
	link := func() string {
		page := b.post(schedule+"/invitations", nil).want(http.StatusOK, "shown this once")
		v, _ := page.find("#link").Attr("value")
		return v[strings.Index(v, "/i/"):]
	}
	one := link()
	if b.get(schedule).find("#link").Length() != 0 {
		t.Error("the link is shown again")
	}
	if got := s.browser().get(one); got.status != http.StatusSeeOther {
		t.Errorf("the link leads to %d", got.status)
	}
	two := link()
	s.browser().get(one).want(http.StatusGone)
	if got := s.browser().get(two); got.status != http.StatusSeeOther {
		t.Errorf("the new link leads to %d", got.status)
	}

	due := view.WhenValue(start.Add(72 * time.Hour))
	b.post(schedule+"/panel", url.Values{"user": {string(ana.User)}, "participation": {"interviewer"}, "due": {due}}).wantTo(schedule + "#panel")
	b.get(loop).want(http.StatusOK, "Ana", "Not started", "Fewer than two")
	b.post(schedule+"/extend", url.Values{"minutes": {"15"}}).wantTo(schedule + "#time")
	b.get(schedule).want(http.StatusOK, "15 min given back or added")
	b.post(schedule+"/panel/"+string(ana.User)+"/waive", url.Values{"reason": {"Ill for two weeks."}}).wantTo(schedule + "#panel")
	b.get(schedule).want(http.StatusOK, "Ill for two weeks.", "Waived")
	b.post(loop+"/committee", url.Values{"committee": {string(cora.User)}}).wantTo(loop)
	b.get(loop).want(http.StatusOK, "Cora")
	b.post(loop+"/packets", url.Values{"blind": {"B1"}}).wantTo(loop + "#packets")
	b.get(loop).want(http.StatusOK, "Being built", "B1")

	s.in(hugo).get("/board").want(http.StatusOK, "Noor Haddad").noSecrets("Late scorecards</h2>", "New loop")
	s.as(assay.RoleHiringManager).get("/board").want(http.StatusOK, "No loops yet").noSecrets("Noor Haddad")
	b.post(schedule+"/cancel", url.Values{"reason": {"The role was filled."}}).wantTo(schedule)
	b.get(schedule).want(http.StatusOK, "Cancelled")
	b.post(schedule+"/extend", url.Values{"minutes": {"15"}}).want(http.StatusConflict)
}

// option is the value of a select's option by what it reads.
func option(t *testing.T, r answer, field, label string) string {
	t.Helper()
	value := ""
	r.find(`select[name="` + field + `"] option`).Each(func(_ int, s *selection) {
		if strings.TrimSpace(s.Text()) == label {
			value, _ = s.Attr("value")
		}
	})
	if value == "" {
		t.Fatalf("%s has no option %q\n%s", field, label, r.body)
	}
	return value
}

func TestCommitteeVotesAloneThenDecides(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	dan := o.User("Dan", assay.RoleCommittee)
	o.Committee(o.cora, dan)
	o.packet = o.Packet()
	o.Vote(o.cora, o.packet, assay.NoHire)
	b, theirs := o.in(dan), "The evidence on stability decides it."
	casePath := o.fill("/loops/:loop/case")
	b.get("/committee").want(http.StatusOK, "Casey Quill", "Not yet")
	b.get(casePath).want(http.StatusOK, "Cast vote").noSecrets(theirs)
	decision := url.Values{"decided_packet": {string(o.packet.ID)}, "decided_outcome": {"hire"}, "decided_level": {"senior"},
		"rationale": {"All three saw the fault found by halving. The service met its budget at load. The open question of scale is one that the role can teach."}}
	b.post(o.fill("/loops/:loop/decisions"), decision).want(http.StatusConflict, "Cast your own vote first")
	b.post(o.fill("/loops/:loop/votes"), url.Values{"packet": {string(o.packet.ID)}, "outcome": {"hire"}, "level": {"senior"}, "confidence": {"high"}, "sentence": {"The overflow test."}}).wantTo(casePath + "#vote")
	b.get(casePath).want(http.StatusOK, theirs, "The overflow test.", "Vote again after the discussion")
	b.post(o.fill("/loops/:loop/decisions"), decision).wantTo(casePath + "#decision")
	b.get(casePath).want(http.StatusOK, "The open question of scale", "Decided", "Dan")
	b.post(o.fill("/loops/:loop/decisions"), decision).want(http.StatusConflict)
}

func TestAdminKeepsAccounts(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	me := o.User("Adam", assay.RoleAdmin)
	b := o.in(me)
	r := b.post("/admin/people", url.Values{"name": {"New Person"}, "email": {"New@example.org"}, "roles": {"author", "interviewer"}}).want(http.StatusOK, "shown this once")
	secret, _ := r.find("#password").Attr("value")
	b.get("/admin/people").want(http.StatusOK, "New Person", "One-time password").noSecrets(secret)
	b.post("/admin/people", url.Values{"name": {"New Person"}, "email": {"new@example.org"}, "roles": {"author"}}).want(http.StatusUnprocessableEntity, "There is an account with this mail address already.")

	person := o.browser()
	person.post("/login", url.Values{"email": {"new@example.org"}, "password": {secret}}).wantTo("/password")
	person.get("/bank").wantTo("/password")
	u, err := o.site.DB.UserByEmail(t.Context(), "new@example.org")
	ok(t, err)

	at := "/admin/people/" + string(u.ID)
	b.post(at+"/roles", url.Values{"roles": {"committee"}}).wantTo("/admin/people")
	b.post("/admin/people/"+string(me.User)+"/roles", url.Values{"roles": {"author"}}).want(http.StatusUnprocessableEntity, "You cannot take the admin role from yourself")
	b.post("/admin/people/"+string(me.User)+"/disable", nil).want(http.StatusConflict)
	again := b.post(at+"/password", nil).want(http.StatusOK, "shown this once")
	if fresh, _ := again.find("#password").Attr("value"); fresh == "" || fresh == secret {
		t.Errorf("the new one-time password is %q", fresh)
	}
	person.get("/home").want(http.StatusSeeOther)
	b.post(at+"/disable", nil).wantTo("/admin/people")
	b.get("/admin/people").want(http.StatusOK, "Disabled")
	if strings.Contains(o.log.String(), secret) {
		t.Error("a one-time password is in the log")
	}

	b.get("/admin/health").want(http.StatusOK, "Queued", "None on record")
	b.post("/admin/health/audit", nil).want(http.StatusOK, "The chain is whole.")
}

func TestWhatWeCouldNotGradeIsGradedAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	b := o.as(assay.RoleAdmin)
	sub := o.Interview(o.ben).Opened().Submit(assay.ModeSubmit)
	for sub.Status != assay.StatusDone {
		attempt, err := o.DB.Attempt(t.Context(), sub.AttemptID)
		ok(t, err)
		job := assay.GradeJob{Attempt: attempt.ID, Submission: sub.ID, Epoch: attempt.Epoch}
		_, _, err = o.DB.StartAttempt(t.Context(), job, "worker", time.Minute)
		ok(t, err)
		ok(t, o.DB.FailAttempt(t.Context(), job, "the engine is gone", 0))
		sub, err = o.DB.Submission(t.Context(), sub.ID)
		ok(t, err)
	}
	if sub.Verdict != assay.JudgeError {
		t.Fatalf("verdict %s", sub.Verdict)
	}
	b.get("/admin/health").want(http.StatusOK, "the engine is gone", "Grade again")
	form := url.Values{"submission": {string(sub.ID)}}
	b.post("/admin/health/regrade", form).wantTo("/admin/health")
	again, err := o.DB.Submission(t.Context(), sub.ID)
	ok(t, err)
	if again.Status != assay.StatusQueued || again.Verdict != "" || again.AttemptID == sub.AttemptID {
		t.Errorf("after grading again: %s %q", again.Status, again.Verdict)
	}
	b.post("/admin/health/regrade", form).want(http.StatusConflict)
	b.post("/admin/health/regrade", url.Values{"submission": {"sub_none"}}).want(http.StatusNotFound)
}

func TestBankIsFiltered(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	b := o.as(assay.RoleAuthor)
	rows := func(query string) int { return b.get("/bank?" + query).want(http.StatusOK).find("tbody tr").Length() }
	q, err := o.Bank.Question("softmax")
	ok(t, err)
	for query, want := range map[string]int{
		"": 1, "kind_is=implement": 1, "kind_is=serve": 0, "level_is=" + string(q.Levels[0]): 1, "status=ready": 1, "status=retired": 0, "text=softmax": 1, "text=softmax+nothinglikeit": 0, "kind_is=%22%3E": 0,
	} {
		if got := rows(query); got != want {
			t.Errorf("%q: %d rows, want %d", query, got, want)
		}
	}
	r := b.get("/bank/softmax").want(http.StatusOK, "accepted/shifted", "over-columns", "Subtracts the largest input", "Rubric", "Starter")
	if r.find("form[method=post]").Not(".preferences").Not(`[action="/logout"]`).Length() != 0 {
		t.Error("the bank can be changed from the page")
	}
	b.get("/bank/..%2f..%2fetc").want(http.StatusNotFound)
}

// The page of rules says of each role what the rule itself says.
func TestPolicyPageAgreesWithThePolicy(t *testing.T) {
	t.Parallel()
	rows := policyRows()
	if len(rows) != len(assay.Acts) {
		t.Fatalf("%d rows for %d acts", len(rows), len(assay.Acts))
	}
	cell := func(act assay.Act, role assay.Role) string {
		for _, r := range rows {
			if r.Act == act {
				return r.Cells[slices.Index(assay.Roles, role)]
			}
		}
		return "no row"
	}
	for _, tc := range []struct {
		act  assay.Act
		role assay.Role
		want string
	}{
		{assay.ActSeeWork, assay.RoleInterviewer, "on the panel"},
		{assay.ActSeeWork, assay.RoleAdmin, ""},
		{assay.ActManageLoop, assay.RoleRecruiter, "yes"},
		{assay.ActVote, assay.RoleCommittee, "named on the case, owing no scorecard there"},
		{assay.ActReadPacket, assay.RoleRecruiter, "owing no scorecard there"},
		{assay.ActReadScorecard, assay.RoleHiringManager, "for own openings, once submitted, owing no scorecard there"},
	} {
		if got := cell(tc.act, tc.role); got != tc.want {
			t.Errorf("%s, %s: %q, want %q", tc.act, tc.role, got, tc.want)
		}
	}
	for _, r := range rows {
		if r.Words == "" {
			t.Errorf("%s has no words", r.Act)
		}
	}
}

// Staff pages hold neither seeds nor the sealed pack, and nothing that a candidate could be sent by mistake.
func TestPrepareShowsTheKitAndNoSeed(t *testing.T) {
	t.Parallel()
	o, _, b := newPanelist(t)
	r := b.get(o.panel("")).want(http.StatusOK, "Ask about overflow.", "Framing and metrics", "Debugging and numerics", "Write a stable softmax.", "Rubric", "Ben", noteToNext)
	r.noSecrets(append(judged, o.first.Item.Seed)...)
	if r.find(".anchor-list").Length() < 2 {
		t.Error("the anchors are not there to read")
	}
	// The candidate of the interview, who has a seat but no account, gets none of it.
	k := &sitting{Loop: o.Loop, site: o.site, Interview: o.second.Interview, Actor: o.second.Actor}
	k.invite(o.site.Now().Add(time.Hour))
	seat := k.sit(false)
	for _, rt := range o.staffRoutes() {
		if got := seat.do(rt.method, o.fill(rt.path), nil, nil); got.status == http.StatusOK {
			t.Errorf("%s %s answers a candidate", rt.method, rt.path)
		}
	}
}
