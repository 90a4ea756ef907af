package web

import (
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay"
	"assay/questions"
	"assay/storage/blob"
	"assay/storage/storagetest"
	"assay/web/auth"
)

// What colleagues judged, in words that occur nowhere else. Whoever owes a scorecard must meet none of them.
const (
	judgedFor      = "QQ judged in favour"
	judgedAgainst  = "QQ judged against"
	judgedComment  = "QQ comment on a rating"
	judgedChange   = "QQ would change my mind"
	judgedQuote    = "QQ quotation as evidence"
	judgedRemark   = "QQ remark in the margin"
	judgedAmend    = "QQ reason of an amendment"
	judgedVote     = "QQ sentence of a vote"
	judgedDecision = "QQ rationale of a decision"
	judgedPacket   = "QQ text of the packet"
	privateNote    = "QQ private note"
	noteToNext     = "QQ probe the backward pass"
)

var judged = []string{judgedFor, judgedAgainst, judgedComment, judgedChange, judgedQuote, judgedRemark, judgedAmend, judgedVote, judgedDecision, judgedPacket, privateNote}

// office is a site with a bank of one question and a candidate's loop in full swing: Ben has judged, somebody else has not.
type office struct {
	*site
	*storagetest.Loop
	first, second *storagetest.Interview // both closed
	sub           assay.Submission       // in first
	packet        assay.Packet
	ben, cora     assay.Actor // has submitted; decides
	bystander     assay.Actor // has nothing to do with it
}

const password = "a fine long password"

var passwordHash = sync.OnceValue(func() string {
	hash, err := auth.HashPassword(password)
	if err != nil {
		panic(err)
	}
	return hash
})

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newBank is a bank of one question, as the command for authors writes it.
func newBank(t *testing.T) *questions.Bank {
	t.Helper()
	dir := t.TempDir()
	ok(t, questions.New(assay.KindImplement, "softmax", dir))
	// A ready question has two solutions that differ.
	accepted := dir + "/softmax/solutions/accepted/"
	ok(t, os.CopyFS(accepted+"commented", os.DirFS(accepted+"shifted")))
	edit(t, accepted+"commented/solution.py", func(s string) string { return s + "\n# as in the lecture notes\n" })
	edit(t, dir+"/softmax/solutions/solutions.yaml", func(s string) string { return s + "accepted/commented:\n  note: The same with a remark.\n" })
	edit(t, dir+"/softmax/question.yaml", func(s string) string { return strings.Replace(s, "status: draft", "status: ready", 1) })
	bank, err := questions.Open(os.DirFS(dir))
	ok(t, err)
	return bank
}

func edit(t *testing.T, file string, change func(string) string) {
	t.Helper()
	b, err := os.ReadFile(file)
	ok(t, err)
	ok(t, os.WriteFile(file, []byte(change(string(b))), 0o600))
}

// newOffice prepares the loop; panel sits on the first interview beside Ben and owes its scorecards.
func newOffice(t *testing.T, panel ...func(*office) assay.Actor) *office {
	t.Helper()
	s := newSite(t)
	s.Bank = newBank(t)
	o := &office{site: s, Loop: storagetest.NewLoop(t, s.DB)}
	o.ben, o.cora = o.User("Ben", assay.RoleInterviewer), o.User("Cora", assay.RoleCommittee)
	o.bystander = o.User("Bo")
	o.first = o.Interview(o.ben).Opened()
	o.sub = o.handIn("def softmax(x):\n    return x\n")
	ok(t, s.DB.CloseInterview(t.Context(), o.first.Actor, o.first.Interview.ID, "finished"))
	o.second = o.Interview(o.ben)
	for _, p := range panel {
		o.first.Seat(p(o))
	}
	o.judge()
	return o
}

// handIn submits one file whose content can be read again, and grades it with something hidden in the report.
func (o *office) handIn(code string) assay.Submission {
	t := o.site.t
	t.Helper()
	key, err := blob.PutBytes(t.Context(), o.Blobs, []byte(code))
	ok(t, err)
	sub := o.first.New(assay.ModeSubmit)
	sub.Files = []assay.StoredFile{{Path: "solution.py", Key: key, Size: int64(len(code)), SHA256: key}}
	ok(t, o.site.DB.CreateSubmission(t.Context(), o.first.Actor, &sub))
	k := &sitting{Loop: o.Loop, site: o.site}
	k.grade(sub, assay.PartiallyAccepted)
	sub, err = o.site.DB.Submission(t.Context(), sub.ID)
	ok(t, err)
	return sub
}

// judge lets Ben judge in every way there is.
func (o *office) judge() {
	t, ctx, db := o.site.t, o.site.t.Context(), o.site.DB
	t.Helper()
	for _, i := range []*storagetest.Interview{o.first, o.second} {
		card, err := db.DraftScorecard(ctx, o.ben, i.Interview.ID)
		ok(t, err)
		card.Overall, card.LevelObserved = assay.StrongNo, assay.LevelPrincipal
		card.ReasonFor, card.ReasonAgainst, card.WouldChange, card.NoteToNext, card.PrivateNote = judgedFor, judgedAgainst, judgedChange, noteToNext, privateNote
		for _, c := range o.Kit.Focus {
			card.Ratings = append(card.Ratings, assay.Rating{Competency: c, Score: 4, Comment: judgedComment, Evidence: []assay.Evidence{{Kind: "quote", Quote: judgedQuote}}})
		}
		card, err = db.SaveScorecard(ctx, o.ben, card, card.Version)
		ok(t, err)
		ok(t, db.SubmitScorecard(ctx, o.ben, card.ID))
		ok(t, db.AmendScorecard(ctx, o.ben, card.ID, assay.Amendment{Reason: judgedAmend, Overall: assay.StrongYes, Ratings: card.Ratings}))
	}
	ok(t, db.AddComment(ctx, o.ben, &assay.Comment{SubmissionID: o.sub.ID, Path: "solution.py", Line: 2, Body: judgedRemark}))
}

// decide builds a packet and lets Cora vote and decide on it.
func (o *office) decide() {
	t, ctx, db := o.site.t, o.site.t.Context(), o.site.DB
	t.Helper()
	p, err := db.RequestPacket(ctx, o.Recruiter, o.Loop.Loop.ID, assay.BlindNothing)
	ok(t, err)
	key, err := blob.PutBytes(ctx, o.Blobs, []byte("<!doctype html><p>"+judgedPacket))
	ok(t, err)
	p.HTMLKey, p.ZipKey, p.JSONKey, p.Digest, p.ChainHead = key, key, key, strings.Repeat("4", 64), strings.Repeat("5", 64)
	ok(t, db.FinishPacket(ctx, p))
	o.packet = p
	ok(t, db.CastVote(ctx, o.cora, &assay.Vote{LoopID: p.LoopID, PacketID: p.ID, Outcome: assay.NoHire, Level: assay.LevelMid, Confidence: "high", Sentence: judgedVote}))
	ok(t, db.RecordDecision(ctx, o.cora, &assay.Decision{LoopID: p.LoopID, PacketID: p.ID, Outcome: assay.Hold, Level: assay.LevelMid, Rationale: judgedDecision, Missing: judgedDecision}))
}

// in is a browser in which the actor is signed in.
func (o *office) in(a assay.Actor) *browser { return o.site.in(a) }

func (s *site) in(a assay.Actor) *browser {
	s.t.Helper()
	u, err := s.DB.User(s.t.Context(), a.User)
	ok(s.t, err)
	ok(s.t, s.DB.SetPassword(s.t.Context(), storagetest.System, a.User, passwordHash(), false))
	b := s.browser()
	if r := b.post("/login", url.Values{"email": {u.Email}, "password": {password}}); r.status != http.StatusSeeOther {
		s.t.Fatalf("could not sign in: %d\n%s", r.status, r.body)
	}
	return b
}

// fill puts the office's ids into a route's path.
func (o *office) fill(path string) string {
	packet := string(o.packet.ID)
	if packet == "" {
		packet = "pkt_none"
	}
	return strings.NewReplacer(":interview", string(o.first.Interview.ID), ":loop", string(o.Loop.Loop.ID), ":packet", packet, ":kit", string(o.Kit.ID),
		":opening", string(o.Opening.ID), ":user", string(o.bystander.User), ":slug", "softmax").Replace(path)
}

// Who may call which route. "owner" roles with the facts on their side: a panelist sits on the interview and owes nothing, the
// manager's opening it is, the member is named. The others hold the role alone.
var whoMay = map[string]string{
	"GET /home":                                    "panelist interviewer recruiter manager othermanager member othermember author admin",
	"GET /panel/:interview":                        "panelist",
	"GET /panel/:interview/live":                   "panelist",
	"GET /panel/:interview/work":                   "panelist",
	"POST /panel/:interview/results":               "panelist",
	"POST /panel/:interview/comments":              "panelist",
	"GET /panel/:interview/scorecard":              "panelist",
	"POST /panel/:interview/scorecard":             "panelist",
	"POST /panel/:interview/scorecard/amendments":  "panelist",
	"GET /board":                                   "recruiter manager othermanager",
	"GET /openings":                                "recruiter",
	"POST /openings":                               "recruiter",
	"POST /openings/:opening/close":                "recruiter",
	"GET /kits":                                    "recruiter",
	"GET /kits/new":                                "recruiter",
	"POST /kits":                                   "recruiter",
	"GET /kits/:kit":                               "panelist interviewer recruiter author",
	"GET /loops/new":                               "recruiter",
	"POST /loops":                                  "recruiter",
	"GET /loops/:loop":                             "panelist recruiter manager member",
	"POST /loops/:loop/committee":                  "recruiter",
	"GET /loops/:loop/interviews/new":              "recruiter",
	"POST /loops/:loop/interviews":                 "recruiter",
	"GET /loops/:loop/scorecards":                  "panelist recruiter manager member",
	"GET /schedule/:interview":                     "recruiter",
	"POST /schedule/:interview/invitations":        "recruiter",
	"POST /schedule/:interview/panel":              "recruiter",
	"POST /schedule/:interview/panel/:user/remove": "recruiter",
	"POST /schedule/:interview/panel/:user/waive":  "recruiter",
	"POST /schedule/:interview/extend":             "recruiter",
	"POST /schedule/:interview/cancel":             "recruiter",
	"GET /committee":                               "member othermember",
	"GET /loops/:loop/case":                        "recruiter manager member",
	"POST /loops/:loop/packets":                    "recruiter manager",
	"GET /loops/:loop/packets/:packet":             "recruiter manager member",
	"GET /loops/:loop/packets/:packet/read":        "recruiter manager member",
	"GET /loops/:loop/packets/:packet/download":    "recruiter manager member",
	"POST /loops/:loop/votes":                      "member",
	"POST /loops/:loop/decisions":                  "member",
	"GET /bank":                                    "panelist interviewer recruiter author",
	"GET /bank/:slug":                              "panelist interviewer recruiter author",
	"GET /admin/people":                            "admin",
	"POST /admin/people":                           "admin",
	"POST /admin/people/:user/roles":               "admin",
	"POST /admin/people/:user/password":            "admin",
	"POST /admin/people/:user/disable":             "admin",
	"GET /admin/health":                            "admin",
	"POST /admin/health/audit":                     "admin",
	"POST /admin/health/regrade":                   "admin",
	"GET /admin/policy":                            "admin",
}

func TestEveryStaffRouteByRole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Committee(o.cora)
	o.decide()
	people := map[string]*browser{
		"stranger":     o.browser(),
		"panelist":     o.in(o.ben),
		"interviewer":  o.as(assay.RoleInterviewer),
		"recruiter":    o.in(o.Recruiter),
		"manager":      o.in(o.Manager),
		"othermanager": o.as(assay.RoleHiringManager),
		"member":       o.in(o.cora),
		"othermember":  o.as(assay.RoleCommittee),
		"author":       o.as(assay.RoleAuthor),
		"admin":        o.as(assay.RoleAdmin),
		"nobody":       o.as(),
	}
	listed := map[string]bool{}
	// Reads first, and last the form that empties the committee: what is changed must not decide what is let in.
	routes := o.staffRoutes()
	slices.SortStableFunc(routes, func(a, b route) int {
		order := func(r route) string {
			return r.method + map[bool]string{true: "~"}[strings.HasSuffix(r.path, "/committee")]
		}
		return compareText(order(a), order(b))
	})
	for _, rt := range routes {
		name := rt.method + " " + rt.path
		listed[name] = true
		allowed, known := whoMay[name]
		if !known {
			t.Errorf("%s is missing from the table", name)
			continue
		}
		for who, b := range people {
			r := b.do(rt.method, o.fill(rt.path), nil, map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
			may := slices.Contains(strings.Fields(allowed), who) || who == "nobody" && name == "GET /home"
			switch {
			case who == "stranger" && rt.method == "GET":
				if r.status != http.StatusSeeOther || !strings.HasPrefix(r.location, "/login") {
					t.Errorf("%s as a stranger: %d %s", name, r.status, r.location)
				}
			case who == "stranger":
				if r.status != http.StatusUnauthorized {
					t.Errorf("%s as a stranger: %d", name, r.status)
				}
			case !may && r.status != http.StatusForbidden:
				t.Errorf("%s as %s: %d, want 403", name, who, r.status)
			case may && (r.status == http.StatusForbidden || r.status >= 500 || rt.method == "GET" && r.status != http.StatusOK):
				t.Errorf("%s as %s: %d, want it let in\n%s", name, who, r.status, r.body)
			}
		}
	}
	for name := range whoMay {
		if !listed[name] {
			t.Errorf("the table lists %s, which is no route", name)
		}
	}
}

func TestUnknownIDsAreNotFound(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	b := o.as(assay.Roles...)
	for _, rt := range o.staffRoutes() {
		if !strings.Contains(rt.path, ":") {
			continue
		}
		path := strings.NewReplacer(":interview", "int_none", ":loop", "loop_none", ":packet", "pkt_none", ":kit", "kit_none", ":opening", "opn_none", ":user", "usr_none", ":slug", "none").Replace(rt.path)
		form := url.Values{"reason": {"a reason"}, "roles": {"admin"}, "minutes": {"5"}}
		r := b.do(rt.method, path, strings.NewReader(form.Encode()), map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
		if r.status != http.StatusNotFound {
			t.Errorf("%s %s: %d, want 404\n%s", rt.method, path, r.status, r.body)
		}
	}
}

// The invariant of the product: whoever owes a scorecard learns nothing of what others judged, whatever other roles they hold.
func TestPendingInterviewerLearnsNothing(t *testing.T) {
	t.Parallel()
	var pat assay.Actor
	o := newOffice(t, func(o *office) assay.Actor {
		pat = o.User("Pat", assay.RoleInterviewer, assay.RoleRecruiter, assay.RoleHiringManager, assay.RoleCommittee, assay.RoleAuthor, assay.RoleAdmin)
		return pat
	})
	o.Committee(o.cora, pat)
	o.decide()
	b := o.in(pat)
	facts, err := o.site.DB.LoopFacts(t.Context(), pat, o.Loop.Loop.ID)
	ok(t, err)
	if !facts.OwesScorecard || !facts.OnCommittee || !facts.OnPanel {
		t.Fatalf("the set-up is not what the test is about: %+v", facts)
	}
	closed := []string{"GET /loops/:loop/scorecards", "GET /loops/:loop/case", "GET /loops/:loop/packets/:packet", "GET /loops/:loop/packets/:packet/read",
		"GET /loops/:loop/packets/:packet/download", "POST /loops/:loop/votes", "POST /loops/:loop/decisions"}
	var extra []string
	for _, q := range []string{"?submission=" + string(o.sub.ID), "?submission=" + string(o.sub.ID) + "&changes=1", "?submission=" + string(o.sub.ID) + "&path=solution.py&line=2"} {
		extra = append(extra, "/panel/"+string(o.first.Interview.ID)+"/work"+q)
	}
	look := func(b *browser) (pages map[string]answer) {
		pages = map[string]answer{}
		for _, rt := range o.staffRoutes() {
			if rt.method == "GET" {
				pages["GET "+rt.path] = b.get(o.fill(rt.path))
				pages["JSON "+rt.path] = b.do("GET", o.fill(rt.path), nil, map[string]string{"Accept": "application/json"})
			}
		}
		for _, path := range extra {
			pages["GET "+path] = b.get(path)
		}
		// Answers to what a pending person may send.
		panel := "/panel/" + string(o.first.Interview.ID)
		pages["save"] = b.script("POST", panel+"/scorecard", "application/x-www-form-urlencoded", "version=0&action=save")
		pages["results"] = b.post(panel+"/results", url.Values{"submission": {string(o.sub.ID)}})
		pages["after results"] = b.get(panel + "/work?submission=" + string(o.sub.ID))
		pages["comment"] = b.post(panel+"/comments", url.Values{"submission": {string(o.sub.ID)}, "path": {"solution.py"}, "line": {"1"}})
		for _, rt := range o.staffRoutes() {
			if rt.method == "POST" && slices.Contains(closed, "POST "+rt.path) {
				pages["POST "+rt.path] = b.post(o.fill(rt.path), url.Values{})
			}
		}
		return pages
	}

	for name, r := range look(b) {
		if slices.Contains(closed, name) && r.status != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, r.status)
		}
		if r.status >= 500 {
			t.Errorf("%s: %d", name, r.status)
		}
		for _, words := range append(judged, "Strong no", "On hold") {
			// The choice of one's own recommendation spells all of them out.
			if strings.Contains(r.body, words) && !(words == "Strong no" && strings.Contains(r.body, `name="overall"`)) {
				t.Errorf("%s shows %q to somebody who owes a scorecard", name, words)
			}
		}
	}
	if r := b.get("/panel/" + string(o.first.Interview.ID)); !strings.Contains(r.body, noteToNext) {
		t.Error("the note to the next interviewers, which is meant for them, is missing")
	}

	// The same person, once their own is in, meets all of it: the test above looked in the right places.
	o.first.Scorecard(pat, assay.Yes, 3)
	var all strings.Builder
	for name, r := range look(b) {
		if r.status == http.StatusForbidden {
			t.Errorf("%s is still closed after submitting", name)
		}
		if !strings.HasPrefix(name, "JSON") {
			all.WriteString(r.body)
		}
	}
	for _, words := range judged {
		if words == judgedVote { // others' votes open with one's own
			continue
		}
		if words == privateNote {
			if strings.Contains(all.String(), words) {
				t.Error("a colleague's private note is shown")
			}
		} else if !strings.Contains(all.String(), words) {
			t.Errorf("%q is nowhere to be read, so this test proves nothing about it", words)
		}
	}
}

// Each role beside the interviewer's, alone: none of them opens what the pending scorecard closes.
func TestPendingWithEachOtherRole(t *testing.T) {
	t.Parallel()
	for _, role := range []assay.Role{assay.RoleRecruiter, assay.RoleHiringManager, assay.RoleCommittee, assay.RoleAdmin, assay.RoleAuthor} {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			var pat assay.Actor
			o := newOffice(t, func(o *office) assay.Actor {
				pat = o.User("Pat", assay.RoleInterviewer, role)
				return pat
			})
			o.Committee(o.cora, pat)
			o.decide()
			b := o.in(pat)
			for _, path := range []string{"/loops/:loop/scorecards", "/loops/:loop/case", "/loops/:loop/packets/:packet", "/loops/:loop/packets/:packet/read", "/loops/:loop/packets/:packet/download"} {
				b.get(o.fill(path)).want(http.StatusForbidden).noSecrets(judged...)
			}
			b.get(o.fill("/loops/:loop")).want(http.StatusOK, "You owe a scorecard in this loop").noSecrets(append(judged, "On hold")...)
		})
	}
}

// A waived scorecard opens nothing before somebody else waives it, and nobody waives their own.
func TestNobodyWaivesTheirOwnScorecard(t *testing.T) {
	t.Parallel()
	var pat assay.Actor
	o := newOffice(t, func(o *office) assay.Actor {
		pat = o.User("Pat", assay.RoleInterviewer, assay.RoleRecruiter)
		return pat
	})
	b := o.in(pat)
	own := "/schedule/" + string(o.first.Interview.ID) + "/panel/" + string(pat.User)
	b.post(own+"/waive", url.Values{"reason": {"I do not feel like it"}}).want(http.StatusForbidden)
	b.post(own+"/remove", nil).want(http.StatusForbidden)
	b.get(o.fill("/loops/:loop/scorecards")).want(http.StatusForbidden).noSecrets(judged...)
	o.in(o.Recruiter).post(own+"/waive", url.Values{"reason": {"Ill for two weeks"}}).wantTo(o.fill("/schedule/:interview#panel"))
	b.get(o.fill("/loops/:loop/scorecards")).want(http.StatusOK, judgedFor)
}

func TestHomeSaysWhatIsOwed(t *testing.T) {
	t.Parallel()
	var pat assay.Actor
	o := newOffice(t, func(o *office) assay.Actor {
		pat = o.User("Pat", assay.RoleInterviewer)
		return pat
	})
	b := o.in(pat)
	r := b.get("/home").want(http.StatusOK, "1 scorecard to write", "Casey Quill", "Not started")
	if n := r.find(`a[href="/panel/` + string(o.first.Interview.ID) + `/scorecard"]`).Length(); n != 1 {
		t.Errorf("%d ways to the scorecard", n)
	}
	o.site.clock.advance(5 * 24 * time.Hour)
	o.in(pat).get("/home").want(http.StatusOK, "Late by")
	o.as(assay.RoleInterviewer).get("/home").want(http.StatusOK, "Nothing due")
	o.in(o.Recruiter).get("/board").want(http.StatusOK, "Late scorecards", "Pat")
}

func TestPacketIsServedAlone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Committee(o.cora)
	o.decide()
	b := o.in(o.cora)
	r := b.get(o.fill("/loops/:loop/packets/:packet/read")).want(http.StatusOK, judgedPacket)
	csp := r.header.Get("Content-Security-Policy")
	for _, part := range []string{"sandbox", "default-src 'none'", "frame-ancestors 'self'"} {
		if !strings.Contains(csp, part) {
			t.Errorf("%q is missing from %q", part, csp)
		}
	}
	if strings.Contains(csp, "script-src") || strings.Contains(csp, "allow-scripts") {
		t.Errorf("a packet may run scripts: %q", csp)
	}
	page := b.get(o.fill("/loops/:loop/packets/:packet")).want(http.StatusOK, strings.Repeat("4", 64))
	if frame := page.find("iframe[sandbox]"); frame.Length() != 1 {
		t.Error("the packet is not in a sandboxed frame")
	}
	if got := b.get(o.fill("/loops/:loop/packets/:packet/download")).want(http.StatusOK).header.Get("Content-Disposition"); !strings.Contains(got, "attachment") {
		t.Errorf("download: %q", got)
	}
	// Another loop's id in the path does not open it, though that loop is open to the reader.
	other := storagetest.NewLoop(t, o.site.DB)
	ok(t, o.site.DB.SetCommittee(t.Context(), other.Recruiter, other.Loop.ID, []assay.UserID{o.cora.User}))
	b.get("/loops/" + string(other.Loop.ID) + "/packets/" + string(o.packet.ID) + "/read").want(http.StatusNotFound).noSecrets(judgedPacket)
	acts := o.Acts()
	for _, act := range []string{"packet.read", "packet.downloaded"} {
		if !slices.Contains(acts, act) {
			t.Errorf("the record lacks %s: %v", act, acts)
		}
	}
}

func TestMissingPacketBlobSaysSo(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Committee(o.cora)
	o.packet = o.Packet() // its keys point at nothing
	b := o.in(o.cora)
	b.get(o.fill("/loops/:loop/packets/:packet/read")).want(http.StatusNotFound, "Request it again")
	b.get(o.fill("/loops/:loop/packets/:packet/download")).want(http.StatusNotFound, "Request it again")
}
