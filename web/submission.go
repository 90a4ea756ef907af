package web

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"assay"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// The candidate's side of a submission. What of a result they may see is decided here and nowhere else, by visible; pages and
// streams are given only what it let through.

// showOwnSubmission is one submission of the candidate's own: its files, and its result as far as the interview shows it.
func (s *Server) showOwnSubmission(c *gin.Context) error {
	ctx, i := c.Request.Context(), interviewOf(c)
	sub, w, err := s.ownSubmission(c)
	if err != nil {
		return err
	}
	card, err := s.card(ctx, i, w.public.Question, sub, nil)
	if err != nil {
		return err
	}
	card.Open = true
	files, err := s.files(ctx, sub)
	if err != nil {
		return err
	}
	p := view.OwnSubmission{Interview: i, Card: card, Files: files}
	head := candidateHead(i, view.ModeWords(sub.Mode))
	head.Crumbs = []view.Crumb{{Label: i.Title, Href: sitPath(i.ID, "")}}
	if i.Status == assay.InterviewOpen {
		head.Crumbs = append(head.Crumbs, view.Crumb{Label: w.item.Title, Href: sitPath(i.ID, fmt.Sprintf("/questions/%d", w.item.Position))})
		head.Bar = view.ClockBar(s.clock(i))
	}
	head.Lead = w.item.Title
	head.Scripts = []string{"workspace"}
	return s.page(c, head, view.OwnSubmissionPage(p))
}

// ownSubmission is the one named by :submission, when it belongs to the interview of the seat.
func (s *Server) ownSubmission(c *gin.Context) (assay.Submission, work, error) {
	ctx := c.Request.Context()
	sub, err := s.DB.Submission(ctx, assay.SubmissionID(c.Param("submission")))
	if err != nil {
		return sub, work{}, err
	}
	if sub.InterviewID != interviewOf(c).ID {
		return assay.Submission{}, work{}, assay.Errorf(assay.NotFound, "There is no such submission.")
	}
	item, err := s.DB.Item(ctx, sub.ItemID)
	if err != nil {
		return sub, work{}, fmt.Errorf("load the question of a submission: %w", err)
	}
	w, err := s.workOn(ctx, item)
	return sub, w, err
}

// cancelSubmission stops a run or takes a submission back while it waits.
func (s *Server) cancelSubmission(c *gin.Context) error {
	sub, w, err := s.ownSubmission(c)
	if err != nil {
		return err
	}
	i := interviewOf(c)
	if !sub.Status.Final() {
		if i.Status != assay.InterviewOpen {
			return assay.Errorf(assay.Conflict, "The interview is over, so what was handed in stays.")
		}
		if err := s.DB.CancelSubmission(c.Request.Context(), actorOf(c), sub.ID); err != nil && assay.ErrorCode(err) != assay.Conflict {
			return fmt.Errorf("cancel %s: %w", sub.ID, err)
		}
		s.wake(i.ID)
	}
	if wantsJSON(c) {
		if sub, err = s.DB.Submission(c.Request.Context(), sub.ID); err != nil {
			return err
		}
		return s.answerHandIn(c, w, sub, w.draft)
	}
	return s.redirect(c, sitPath(i.ID, fmt.Sprintf("/questions/%d", w.item.Position))+"#results", "Cancelled.")
}

// card gathers what is shown of a submission. The live stream passes what it has read of the events so far; nil reads them anew.
func (s *Server) card(ctx context.Context, i assay.Interview, q assay.Question, sub assay.Submission, seen *progress) (view.SubmissionCard, error) {
	var attempt assay.Attempt
	if sub.AttemptID != "" {
		a, err := s.DB.Attempt(ctx, sub.AttemptID)
		if err != nil {
			return view.SubmissionCard{}, fmt.Errorf("load attempt %s: %w", sub.AttemptID, err)
		}
		attempt = a
	}
	if seen == nil {
		seen = &progress{}
	}
	if shows(i, q, sub).output && attempt.ID != "" && (attempt.Report == nil || !sub.Status.Final()) {
		if err := seen.read(ctx, s.DB, attempt.ID); err != nil {
			return view.SubmissionCard{}, err
		}
	}
	return visible(i, q, sub, attempt, seen, s.Now()), nil
}

// policy is what the interview's Results let a candidate see of one submission.
type policy struct {
	verdict bool // the verdict's words
	checks  bool // the checks that their authors opened
	output  bool // what their own code printed, and its curves
}

func shows(i assay.Interview, q assay.Question, sub assay.Submission) policy {
	if sub.Mode == assay.ModeRun {
		return policy{checks: true, output: true} // public checks, on public data
	}
	if !q.Kind.Graded() {
		return policy{}
	}
	switch i.Results {
	case assay.ResultsVerdict:
		return policy{verdict: true}
	case assay.ResultsPublic:
		return policy{verdict: true, checks: true, output: true}
	}
	return policy{}
}

// visible is a submission as its candidate may see it. It is pure; everything hidden ends here.
func visible(i assay.Interview, q assay.Question, sub assay.Submission, a assay.Attempt, seen *progress, now time.Time) view.SubmissionCard {
	may := shows(i, q, sub)
	over := i.Status == assay.InterviewClosed || i.Status == assay.InterviewCancelled
	card := view.SubmissionCard{
		ID: string(sub.ID), Mode: sub.Mode, Status: sub.Status, CreatedAt: sub.CreatedAt, FinishedAt: sub.FinishedAt, Result: resultOf(i, q, sub), Now: now,
		Href: sitPath(i.ID, "/submissions/"+string(sub.ID)), CanCancel: !sub.Status.Final() && !over, Files: len(sub.Files),
	}
	if sub.Status == assay.StatusQueued {
		card.Waiting = waitingWords(sub, a)
	}
	if a.StartedAt != nil {
		card.Waited = a.StartedAt.Sub(sub.CreatedAt)
	}
	if may.output {
		card.Phase = seen.phase
		card.Log, card.LogCut = seen.log.String(), seen.cut
		card.Plots = seen.plots(card.ID)
		card.Checks = seen.checks
		if sub.Status.Final() && a.PublicLog != "" {
			card.Log, card.LogCut = cleanText(a.PublicLog), false
		}
	}
	if r := a.Report; r != nil && sub.Status.Final() {
		open := r.VisibleTo(over)
		if may.checks {
			card.Checks = openChecks(open.Checks, sub.Mode)
			card.Hidden = sub.Mode == assay.ModeSubmit && len(open.Checks) < len(r.Checks)
		}
		if may.output {
			card.Usage = &open.Usage
			if len(open.Series) > 0 && sub.Mode == assay.ModeRun {
				card.Plots = seriesPlots(card.ID, open.Series)
			}
		}
	}
	return card
}

// openChecks are checks as the candidate reads them. When their code broke under the hidden checks, the text of the error was
// written by that code, which had seen hidden inputs: it is not shown.
func openChecks(checks []assay.Check, mode assay.Mode) []assay.Check {
	var out []assay.Check
	for _, ch := range checks {
		ch.StaffNote, ch.Samples, ch.Reference = "", nil, nil
		if mode == assay.ModeSubmit && ch.Status == assay.CheckError {
			ch.Message = "Your code raised an error while this was being checked. Run the public checks to see errors of this sort."
		}
		out = append(out, ch)
	}
	return out
}

// resultOf is the one line that sums a submission up, as far as the interview shows it.
func resultOf(i assay.Interview, q assay.Question, sub assay.Submission) view.Result {
	may := shows(i, q, sub)
	switch {
	case sub.Status == assay.StatusCancelled:
		return view.Result{Tone: "neutral", Icon: "dash", Words: "Cancelled"}
	case sub.Status == assay.StatusQueued && sub.Waiting != "":
		return view.Result{Tone: "warning", Icon: "clock", Words: sub.Waiting}
	case sub.Status == assay.StatusQueued:
		return view.Result{Tone: "neutral", Icon: "clock", Words: "Waiting"}
	case sub.Status == assay.StatusRunning:
		return view.Result{Tone: "info", Icon: "run", Words: "Running"}
	case sub.Verdict == assay.JudgeError:
		return view.Result{Verdict: sub.Verdict, Note: "This is our fault, not yours. It does not count against you, and we are looking at it."}
	case sub.Mode == assay.ModeRun:
		switch sub.Verdict {
		case assay.CompileError, assay.MemoryLimit, assay.TimeLimit, assay.OutputLimit, assay.RuntimeError, assay.SecurityViolation:
			return view.Result{Tone: "danger", Icon: "warn", Words: sub.Verdict.Words()}
		}
		return view.Result{Tone: "success", Icon: "check", Words: "Finished"}
	case may.verdict:
		return view.Result{Verdict: sub.Verdict}
	case !q.Kind.Graded():
		return view.Result{Tone: "success", Icon: "check", Words: "Received", Note: "People read and judge this one."}
	}
	return view.Result{Tone: "success", Icon: "check", Words: "Received", Note: "In this interview results are not shown."}
}

func waitingWords(sub assay.Submission, a assay.Attempt) string {
	switch {
	case sub.Waiting != "":
		return "This " + sub.Waiting + ". It waits, nothing is lost, and waiting over five seconds is given back to your clock."
	case a.Failures > 0:
		return "Something on our side got in the way; it is being tried again. This does not count against you."
	}
	return "Waiting for a free machine. Waiting over five seconds is given back to your clock."
}

// cleanText keeps what a page can show of a program's output: no escape sequences, no control characters but line and tab.
func cleanText(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if !strings.ContainsFunc(s, bad) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	escape := false
	for _, r := range s {
		switch {
		case r == 0x1b:
			escape = true
		case escape:
			// An escape sequence ends with a letter; its opening bracket belongs to it.
			if unicode.IsLetter(r) || r == '\n' {
				escape = false
			}
		case !bad(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

func bad(r rune) bool {
	return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
