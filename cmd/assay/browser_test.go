package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay"
	"assay/questions"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestBrowserJourneys walks the three journeys in Chromium through the whole program, looks for console errors and runs axe on every
// page on the way. With ASSAY_TEST_SCREENSHOTS it keeps pictures of the main screens there.
func TestBrowserJourneys(t *testing.T) {
	t.Parallel()
	needDocker(t)
	b := needBrowser(t)
	journeys(t, b, start(t, t.TempDir()))
}

// journeys walks all three users through one loop: the candidate solves and hands in, the interviewers judge apart from each other,
// the recruiter asks for the packet, the committee reads, votes and decides, and the packet proves itself offline.
func journeys(t *testing.T, b *browser, p *program) {
	bank, err := questions.Open(questions.Shipped())
	if err != nil {
		t.Fatal(err)
	}
	sam := b.as("Sam, the candidate", p.base)
	sam.candidateSolves(p.demo.Candidate, acceptedFiles(t, bank, "fused-cross-entropy"))

	ana := b.as("Ana, an interviewer", p.base)
	ana.login(p.demo.person("ana@demo.example"))
	ben := b.as("Ben, an interviewer", p.base)
	ben.login(p.demo.person("ben@demo.example"))
	ana.interviewerJudges("yes", "Streams the vocabulary in tiles and says why.")
	ben.mayNotSee("Streams the vocabulary in tiles and says why.")
	ben.interviewerJudges("no", "Never measured the memory before changing the code.")
	ben.open(ben.eval(`[...document.querySelectorAll("a")].find(a => a.pathname.endsWith("/scorecards")).pathname`))
	ben.see("Streams the vocabulary in tiles and says why.")
	ben.shot("11-colleagues-scorecards")
	ben.accessible()

	rita := b.as("Rita, the recruiter", p.base)
	rita.login(p.demo.person("rita@demo.example"))
	loop := rita.recruiterAsksForThePacket()

	chi := b.as("Chi, on the committee", p.base)
	chi.login(p.demo.person("chi@demo.example"))
	chi.committeeDecides(loop)
	chi.packetProvesItself(loop, t.TempDir())
	for _, w := range []*tab{sam, ana, ben, rita, chi} {
		w.clean()
	}
}

// packetProvesItself reads the packet, downloads it, verifies it offline, alters one byte and verifies it again.
func (w *tab) packetProvesItself(loop, dir string) {
	w.t.Helper()
	w.open(loop + "/case")
	w.press("Version")
	w.until("the packet's page", `document.querySelector("iframe")`)
	packet := w.eval("location.pathname")
	w.shot("17-packet")
	w.accessible()
	w.open(packet + "/read")
	w.see("Decision brief")
	w.shot("18-packet-page")
	w.clean()
	w.open(packet)

	encoded, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`fetch("`+packet+`/download").then(r => r.blob()).then(b => new Promise(done => {
		const reader = new FileReader();
		reader.onload = () => done(reader.result.split(",")[1]);
		reader.readAsDataURL(b);
	}))`, chromedp.EvalAwaitPromise))
	if err != nil {
		w.fail("download the packet: %v", err)
	}
	zip, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		w.fail("download the packet: %v", err)
	}
	file := filepath.Join(dir, "packet.zip")
	verify := func() (int, string) {
		if err := os.WriteFile(file, zip, 0o600); err != nil {
			w.t.Fatal(err)
		}
		code, out, errs := in(dir, "packet", "verify", file)
		return code, out + errs
	}
	if code, said := verify(); code != 0 {
		w.t.Errorf("packet verify: exit %d\n%s", code, said)
	}
	at := bytes.Index(zip, []byte("Streams the vocabulary"))
	if at < 0 {
		w.t.Fatal("the packet does not quote Ana")
	}
	zip[at] ^= 1
	if code, said := verify(); code != 1 || !strings.Contains(said, "packet.") && !strings.Contains(said, "audit") {
		w.t.Errorf("an altered packet: exit %d\n%s", code, said)
	}
}

// mayNotSee goes to every page that could show a colleague's judgement, and finds none.
func (w *tab) mayNotSee(secret string) {
	w.t.Helper()
	interview := w.eval(`[...document.querySelectorAll("a")].find(a => a.pathname.startsWith("/panel/")).pathname`)
	for _, path := range []string{"/home", interview, interview + "/work", interview + "/scorecard", interview + "/live"} {
		w.open(path)
		w.seeNot(secret)
	}
	w.open("/home")
}

// recruiterAsksForThePacket returns the loop's path.
func (w *tab) recruiterAsksForThePacket() string {
	w.t.Helper()
	w.open("/board")
	w.see("Sam Rivera")
	w.shot("12-board")
	w.accessible()
	w.press("Sam Rivera")
	w.shot("13-loop")
	w.accessible()
	loop := w.eval("location.pathname")
	w.press("Request packet")
	w.until("the packet", `(document.body.innerText.includes("Ready") || (setTimeout(() => location.reload(), 300), false))`)
	return loop
}

// committeeDecides reads the packet, votes and records the decision.
func (w *tab) committeeDecides(loop string) {
	w.t.Helper()
	w.open("/committee")
	w.see("Sam Rivera")
	w.shot("14-committee")
	w.accessible()
	w.open(loop + "/case")
	w.shot("15-case")
	w.accessible()
	w.set("input[name=outcome][value=hire]", "on")
	w.set("select[name=confidence]", "high")
	w.fill("#sentence", "Both interviewers saw the memory bound met with a clear argument.")
	w.press("Cast vote")
	w.set("input[name=decided_outcome][value=hire]", "on")
	w.fill("#rationale", "The hidden checks passed at once. The reasoning about memory was written down before the code. Ben's doubt about measuring is met by the second run.")
	w.press("Record decision")
	w.see("Hire")
	w.shot("16-decision")
	w.accessible()
}

func (d demo) person(email string) demoPerson {
	for _, p := range d.People {
		if p.Email == email {
			return p
		}
	}
	return demoPerson{}
}

// login signs in with the one-time password and chooses a lasting one, as everybody must.
func (w *tab) login(p demoPerson) {
	w.t.Helper()
	const chosen = "five-small-copper-kettles"
	w.open("/login")
	if strings.HasPrefix(w.who, "Ana") {
		w.shot("06-login")
		w.accessible()
	}
	w.fill("#email", p.Email)
	w.fill("#password", p.Password)
	w.press("Sign in")
	w.fill("#current", p.Password)
	w.fill("#chosen", chosen)
	w.fill("#again", chosen)
	w.press("Set the password")
}

// interviewerJudges goes from what is owed to a submitted scorecard.
func (w *tab) interviewerJudges(overall, reason string) {
	w.t.Helper()
	w.open("/home")
	w.see("Sam Rivera")
	w.shot("07-interviewer-home")
	w.accessible()
	w.follow(`a[href^="/panel/"]:not([href$="scorecard"])`)
	w.see("Focus")
	w.shot("08-kit")
	w.accessible()
	interview := w.eval("location.pathname")
	w.open(interview + "/work")
	w.shot("09-work")
	w.accessible()
	w.open(interview + "/scorecard")
	focus := strings.Fields(w.eval(`[...document.querySelectorAll("[data-rating]")].filter(e =>
		e.querySelector("textarea").checkVisibility()).map(e => e.dataset.rating).join(" ")`))
	for i, competency := range focus {
		if i == 0 {
			w.set(fmt.Sprintf(`input[name="rating.%s.score"][value="0"]`, competency), "on")
			continue
		}
		w.set(fmt.Sprintf(`input[name="rating.%s.score"][value="3"]`, competency), "on")
		w.fill(fmt.Sprintf(`[name="rating.%s.comment"]`, competency), "Derived the gradient on paper first, then tested it against differences.")
	}
	w.set(`input[name=overall][value=`+overall+`]`, "on")
	w.fill("#reason_for", reason)
	w.fill("#reason_against", "Little said about numbers in half precision.")
	w.until("that the draft was saved", `/saved \d/i.test(document.body.innerText)`)
	w.shot("10-scorecard")
	w.accessible()
	w.press("Submit")
	w.see("Submitted")
}

// candidateSolves is the candidate's journey: from the link to a verdict, and to the end.
func (w *tab) candidateSolves(link string, solution []assay.File) {
	w.t.Helper()
	w.open(link)
	w.see("Your time does not run yet")
	w.shot("01-invitation")
	w.accessible()
	w.press("Continue")
	w.see("I have read this")
	w.accessible()
	w.click("#read")
	w.press("Start")
	w.see("question")
	w.shot("02-session")
	w.accessible()

	w.press("Cross-entropy that fits")
	w.until("the editor", `document.querySelector(".cm-content")`)
	w.write(solution[0].Content)
	w.until("that it was saved", `/saved/i.test(document.body.innerText)`)
	w.do("run the public checks by keyboard", chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	w.until("the public checks' results", `document.querySelector("#pane-results .checks li.pass")`)
	w.shot("03-workspace-run")
	w.accessible()
	w.tap("Submit")
	w.until("the verdict", `/accepted/i.test(document.querySelector("#pane-results").innerText)`)
	w.shot("04-workspace-verdict")
	w.accessible()

	w.click("summary") // the menu of the question's title
	w.press("Finish the interview")
	w.see("Hand in and finish")
	w.shot("05-finish")
	w.accessible()
	w.press("Hand in and finish")
	w.see("download")
	w.accessible()
}

// write replaces the open file's text by pasting.
func (w *tab) write(text string) {
	w.t.Helper()
	w.do("select all", chromedp.Focus(chromedp.CSS(".cm-content")), chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	quoted, err := json.Marshal(text)
	if err != nil {
		w.t.Fatal(err)
	}
	w.eval(`(() => {
		const clipboard = new DataTransfer();
		clipboard.setData("text/plain", ` + string(quoted) + `);
		document.querySelector(".cm-content").dispatchEvent(new ClipboardEvent("paste", {clipboardData: clipboard, bubbles: true, cancelable: true}));
		return "";
	})()`)
}
