package web

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"assay"
	"assay/storage"
	"assay/storage/blob"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// showSitting is the candidate's home: the invitation before the start, the questions while it runs, the status afterwards.
func (s *Server) showSitting(c *gin.Context) error {
	ctx, i := c.Request.Context(), interviewOf(c)
	switch i.Status {
	case assay.InterviewOpen:
		return s.showSessionHome(c)
	case assay.InterviewClosed, assay.InterviewCancelled:
		return s.showStatus(c)
	}
	p, err := s.invitationPage(ctx, c, i)
	if err != nil {
		return err
	}
	head := candidateHead(i, i.Title)
	head.NoHeading = true
	return s.page(c, head, view.InvitationPage(p))
}

func (s *Server) invitationPage(ctx context.Context, c *gin.Context, i assay.Interview) (view.Invitation, error) {
	items, err := s.DB.Items(ctx, i.ID)
	if err != nil {
		return view.Invitation{}, fmt.Errorf("load the questions: %w", err)
	}
	person, opening, err := s.whoAndWhat(ctx, i)
	if err != nil {
		return view.Invitation{}, err
	}
	inv, now := invitationOf(c), s.Now()
	p := view.Invitation{Interview: i, Name: person.Name, Role: opening.Title, Level: opening.Level, Questions: len(items), Contact: s.Contact, Now: now,
		Early: now.Before(i.WindowStart), Late: now.After(i.WindowEnd), Asked: inv.RequestedAt != nil}
	for _, it := range items {
		rev, err := s.DB.QuestionRevision(ctx, it.Slug, it.Revision)
		if err != nil {
			return p, fmt.Errorf("load question %s: %w", it.Slug, err)
		}
		p.Items = append(p.Items, view.InvitationItem{Kind: rev.Public.Question.Kind, Minutes: it.Minutes})
	}
	return p, nil
}

func (s *Server) whoAndWhat(ctx context.Context, i assay.Interview) (assay.Candidate, assay.Opening, error) {
	person, err := s.DB.Candidate(ctx, i.CandidateID)
	if err != nil {
		return person, assay.Opening{}, fmt.Errorf("load the candidate: %w", err)
	}
	loop, err := s.DB.Loop(ctx, i.LoopID)
	if err != nil {
		return person, assay.Opening{}, fmt.Errorf("load the loop: %w", err)
	}
	opening, err := s.DB.Opening(ctx, loop.OpeningID)
	if err != nil {
		return person, opening, fmt.Errorf("load the opening: %w", err)
	}
	return person, opening, nil
}

// showNotice says what is recorded and what is automated; it stays reachable later. Before the start it ends in the start button.
func (s *Server) showNotice(c *gin.Context) error {
	i, now := interviewOf(c), s.Now()
	p := view.Notice{Interview: i, Contact: s.Contact, CanStart: i.Status == assay.InterviewScheduled && !now.Before(i.WindowStart) && !now.After(i.WindowEnd)}
	head := candidateHead(i, "Before you start")
	if i.Status != assay.InterviewScheduled {
		head.Title = "What is recorded"
	}
	head.Crumbs = []view.Crumb{{Label: i.Title, Href: sitPath(i.ID, "")}}
	return s.page(c, head, view.NoticePage(p))
}

// startInterview starts the server's clock. A second press finds it running and goes on.
func (s *Server) startInterview(c *gin.Context) error {
	ctx, i, actor, now := c.Request.Context(), interviewOf(c), actorOf(c), s.Now()
	f, err := readForm(c)
	if err != nil {
		return err
	}
	home := sitPath(i.ID, "")
	switch {
	case i.Status != assay.InterviewScheduled:
		return s.redirect(c, home)
	case now.Before(i.WindowStart):
		return assay.Errorf(assay.Invalid, "The window has not opened yet. You can start from %s on.", i.WindowStart.UTC().Format("2 Jan 2006, 15:04 UTC"))
	case now.After(i.WindowEnd):
		return assay.Errorf(assay.Invalid, "The window has closed. Ask for a new one on the page of your invitation; nothing counts against you.")
	case !f.bool("read"):
		head := candidateHead(i, "Before you start")
		f.wrong("read", "Please confirm that you have read this.")
		return s.invalidPage(c, head, view.NoticePage(view.Notice{Interview: i, Contact: s.Contact, CanStart: true, Form: f.Form}))
	}
	if inv := invitationOf(c); inv.AcceptedAt == nil {
		if err := s.DB.AcceptInvitation(ctx, actor, inv.ID); err != nil && assay.ErrorCode(err) != assay.Conflict {
			return fmt.Errorf("accept the invitation: %w", err)
		}
	}
	if _, err := s.DB.OpenInterview(ctx, actor, i.ID); err != nil && assay.ErrorCode(err) != assay.Conflict {
		return fmt.Errorf("open the interview: %w", err)
	}
	return s.redirect(c, home, "Your time has started. Good luck.")
}

// showSessionHome lists the questions.
func (s *Server) showSessionHome(c *gin.Context) error {
	i := interviewOf(c)
	all, err := s.work(c.Request.Context(), i)
	if err != nil {
		return err
	}
	p := view.SessionHome{Interview: i, Base: sitPath(i.ID, "")}
	for _, w := range all {
		p.Items = append(p.Items, w.summary(i))
	}
	head := candidateHead(i, i.Title)
	head.Lead = fmt.Sprintf("%s. Work on them in any order; everything is saved as you type.", view.Plural(len(all), "question", "questions"))
	head.Bar = view.ClockBar(s.clock(i))
	head.Scripts = []string{"workspace"}
	return s.page(c, head, view.SessionHomePage(p))
}

// showStatus is what remains open to a candidate afterwards: where things stand, and their own work.
func (s *Server) showStatus(c *gin.Context) error {
	i := interviewOf(c)
	all, err := s.work(c.Request.Context(), i)
	if err != nil {
		return err
	}
	p := view.StatusPage{Interview: i, Base: sitPath(i.ID, ""), Contact: s.Contact}
	pending := false
	for _, w := range all {
		sum := w.summary(i)
		p.Items = append(p.Items, sum)
		pending = pending || sum.Pending
	}
	p.Pending = pending
	head := candidateHead(i, i.Title)
	head.Lead = "This interview is over. Thank you for your time."
	if i.Status == assay.InterviewCancelled {
		head.Lead = "This interview was cancelled. That does not count against you."
	}
	if pending {
		head.Scripts = []string{"workspace"}
	}
	return s.page(c, head, view.CandidateStatusPage(p))
}

// work is one question of an interview with everything that the candidate has done about it.
type work struct {
	item        assay.Item
	public      assay.PublicQuestion
	draft       assay.Draft // Version 0: nothing saved yet; Files are then the starter's
	submissions []assay.Submission
}

func (s *Server) work(ctx context.Context, i assay.Interview) ([]work, error) {
	items, err := s.DB.Items(ctx, i.ID)
	if err != nil {
		return nil, fmt.Errorf("load the questions: %w", err)
	}
	var out []work
	for _, it := range items {
		w, err := s.workOn(ctx, it)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

func (s *Server) workOn(ctx context.Context, it assay.Item) (work, error) {
	w := work{item: it}
	rev, err := s.DB.QuestionRevision(ctx, it.Slug, it.Revision)
	if err != nil {
		return w, fmt.Errorf("load question %s: %w", it.Slug, err)
	}
	w.public = rev.Public
	w.draft, err = s.DB.Draft(ctx, it.ID)
	if assay.ErrorCode(err) == assay.NotFound {
		w.draft = assay.Draft{ItemID: it.ID, Files: editable(w.public, w.public.Starter)}
	} else if err != nil {
		return w, fmt.Errorf("load the draft: %w", err)
	}
	w.submissions, err = s.DB.Submissions(ctx, storage.SubmissionFilter{Interview: it.InterviewID, Item: it.ID})
	if err != nil {
		return w, fmt.Errorf("load the submissions: %w", err)
	}
	return w, nil
}

// editable are those of the files that a candidate may change; only they are saved and handed in.
func editable(p assay.PublicQuestion, files []assay.File) []assay.File {
	var out []assay.File
	for _, f := range files {
		if !f.ReadOnly && p.Question.CanEdit(f.Path) {
			out = append(out, assay.File{Path: f.Path, Content: f.Content})
		}
	}
	return out
}

// last is the newest submission that counts; false when nothing was handed in.
func (w work) last() (assay.Submission, bool) {
	for _, sub := range w.submissions {
		if sub.Mode == assay.ModeSubmit && sub.Status != assay.StatusCancelled {
			return sub, true
		}
	}
	return assay.Submission{}, false
}

// unsent says that the draft holds something which the last submission does not: then it is handed in at the end.
func (w work) unsent() bool {
	if w.draft.Version == 0 {
		return false
	}
	if sub, ok := w.last(); ok {
		return !sameStored(w.draft.Files, sub.Files)
	}
	return !sameFiles(w.draft.Files, editable(w.public, w.public.Starter))
}

func (w work) summary(i assay.Interview) view.ItemSummary {
	q := w.public.Question
	sum := view.ItemSummary{Position: w.item.Position, Title: w.item.Title, Kind: q.Kind, Minutes: w.item.Minutes, Started: w.draft.Version > 0, Unsent: w.unsent(),
		Href: sitPath(i.ID, fmt.Sprintf("/questions/%d", w.item.Position)), SavedAt: w.draft.UpdatedAt, Graded: q.Kind.Graded()}
	for _, sub := range w.submissions {
		if sub.Mode == assay.ModeRun {
			sum.Runs++
			continue
		}
		sum.Submissions++
		sum.Pending = sum.Pending || !sub.Status.Final()
	}
	if sub, ok := w.last(); ok {
		sum.Last = &view.LastSubmission{Href: sitPath(i.ID, "/submissions/"+string(sub.ID)), At: sub.CreatedAt, Result: resultOf(i, q, sub)}
	}
	return sum
}

// showFinish says what will be sent before anything is.
func (s *Server) showFinish(c *gin.Context) error {
	i := interviewOf(c)
	if i.Status != assay.InterviewOpen {
		return s.redirect(c, sitPath(i.ID, ""))
	}
	all, err := s.work(c.Request.Context(), i)
	if err != nil {
		return err
	}
	p := view.Finish{Interview: i, Base: sitPath(i.ID, "")}
	for _, w := range all {
		p.Items = append(p.Items, w.summary(i))
	}
	head := candidateHead(i, "Finish the interview")
	head.Crumbs = []view.Crumb{{Label: i.Title, Href: sitPath(i.ID, "")}}
	head.Bar = view.ClockBar(s.clock(i))
	head.Scripts = []string{"workspace"}
	return s.page(c, head, view.FinishPage(p))
}

// finishInterview hands in what is unsent and closes. Pressed twice it closes once.
func (s *Server) finishInterview(c *gin.Context) error {
	i := interviewOf(c)
	if i.Status == assay.InterviewOpen {
		if err := s.closeInterview(c.Request.Context(), actorOf(c), i, "finished"); err != nil {
			return err
		}
	}
	return s.redirect(c, sitPath(i.ID, ""), "Your work is handed in.")
}

// downloadWork is everything the candidate made: drafts, and each submission's files, as a zip.
func (s *Server) downloadWork(c *gin.Context) error {
	ctx, i := c.Request.Context(), interviewOf(c)
	all, err := s.work(ctx, i)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name, content string, at time.Time) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at.UTC()})
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		return err
	}
	for _, w := range all {
		folder := fmt.Sprintf("%d-%s/", w.item.Position, w.item.Slug)
		if err := put(folder+"question.md", w.public.Statement, i.CreatedAt); err != nil {
			return err
		}
		for _, f := range w.draft.Files {
			if err := put(folder+"draft/"+f.Path, f.Content, w.draft.UpdatedAt); err != nil {
				return err
			}
		}
		for n, sub := range w.submissions {
			if sub.Mode != assay.ModeSubmit {
				continue
			}
			files, err := s.files(ctx, sub)
			if err != nil {
				return err
			}
			for _, f := range files {
				if err := put(fmt.Sprintf("%ssubmitted-%02d/%s", folder, len(w.submissions)-n, f.Path), f.Content, sub.CreatedAt); err != nil {
					return err
				}
			}
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return s.download(c, "my-work.zip", "application/zip", b.Bytes())
}

// files reads what was handed in.
func (s *Server) files(ctx context.Context, sub assay.Submission) ([]assay.File, error) {
	var out []assay.File
	for _, f := range sub.Files {
		b, err := blob.ReadAll(ctx, s.Blobs, f.Key, assay.MaxFileSize)
		if err != nil {
			return nil, fmt.Errorf("read %s of %s: %w", f.Path, sub.ID, err)
		}
		out = append(out, assay.File{Path: f.Path, Content: string(b)})
	}
	return out, nil
}
