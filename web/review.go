package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"assay"
	"assay/storage"
	"assay/storage/blob"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// showWork is what the candidate handed in, for the panel. What the hidden checks found stays closed until the interviewer opens
// it, so that they read the code with their own eyes first; see openResults.
func (s *Server) showWork(c *gin.Context) error {
	p, err := s.reviewPage(c, assay.SubmissionID(c.Query("submission")), view.ReviewLine{Path: c.Query("path"), Line: positive(c.Query("line"))}, view.Form{})
	if err != nil {
		return err
	}
	if p.Current != nil {
		p.Current.Changes = c.Query("changes") != ""
	}
	return s.page(c, reviewHead(p), view.ReviewContent(p))
}

func reviewHead(p view.ReviewPage) view.Head {
	return view.Head{Title: p.Interview.Title, Wide: true, Scripts: []string{"staff"}, Crumbs: []view.Crumb{{Label: "Home", Href: "/home"}}}
}

func (s *Server) reviewPage(c *gin.Context, open assay.SubmissionID, at view.ReviewLine, entered view.Form) (view.ReviewPage, error) {
	ctx, actor := c.Request.Context(), actorOf(c)
	p := view.ReviewPage{Now: s.Now()}
	i, err := s.DB.Interview(ctx, assay.InterviewID(c.Param("interview")))
	if err != nil {
		return p, err
	}
	p.Interview = i
	candidate, err := s.DB.Candidate(ctx, i.CandidateID)
	if err != nil {
		return p, fmt.Errorf("load the candidate: %w", err)
	}
	p.Candidate = candidate.Name
	items, err := s.DB.Items(ctx, i.ID)
	if err != nil {
		return p, fmt.Errorf("load the questions: %w", err)
	}
	if p.Live, err = s.liveStatus(ctx, i, items); err != nil {
		return p, err
	}
	if p.Revealed, p.MayReveal, err = s.resultsOpen(ctx, actor, i); err != nil {
		return p, err
	}
	var newest, chosen *assay.Submission
	for _, it := range items {
		subs, err := s.DB.Submissions(ctx, storage.SubmissionFilter{Item: it.ID})
		if err != nil {
			return p, fmt.Errorf("list submissions: %w", err)
		}
		p.Items = append(p.Items, view.ReviewItem{Item: it, Submissions: subs})
		for n := range subs {
			if subs[n].ID == open {
				chosen = &subs[n]
			}
			if subs[n].Mode == assay.ModeSubmit && (newest == nil || subs[n].CreatedAt.After(newest.CreatedAt)) {
				newest = &subs[n]
			}
		}
	}
	if open != "" && chosen == nil {
		return p, assay.Errorf(assay.NotFound, "There is no such submission in this interview.")
	}
	if chosen == nil {
		chosen = newest
	}
	if chosen != nil {
		n := slices.IndexFunc(items, func(it assay.Item) bool { return it.ID == chosen.ItemID })
		r, err := s.review(ctx, actor, *chosen, items[n], p.Revealed)
		if err != nil {
			return p, err
		}
		r.At, r.Form = at, entered
		p.Current = &r
	}
	return p, nil
}

// resultsOpen says whether the interviewer has opened the hidden results, or has nothing to be influenced in any more, and whether
// opening them is theirs to do.
func (s *Server) resultsOpen(ctx context.Context, actor assay.Actor, i assay.Interview) (open, mayOpen bool, err error) {
	cards, err := s.DB.Scorecards(ctx, actor, i.LoopID)
	if err != nil {
		return false, false, fmt.Errorf("load the own scorecard: %w", err)
	}
	for _, card := range cards {
		if card.AuthorID == actor.User && card.InterviewID == i.ID {
			return card.SawAutograde || card.Status == assay.ScorecardSubmitted, card.Status == assay.ScorecardDraft, nil
		}
	}
	return false, true, nil
}

// openResults opens the hidden results for this interviewer, and says so on their scorecard.
func (s *Server) openResults(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	id := assay.InterviewID(c.Param("interview"))
	if err := s.DB.MarkSawAutograde(c.Request.Context(), actorOf(c), id); err != nil {
		return fmt.Errorf("record that hidden results were opened: %w", err)
	}
	to := view.PanelPath(id) + "/work"
	if sub := f.Values.Get("submission"); assay.IDPrefix(sub) == "sub" {
		to = view.ReviewPath(assay.Submission{InterviewID: id, ID: assay.SubmissionID(sub)})
	}
	return s.redirect(c, to, "Hidden results are open. Your scorecard records it.")
}

// review opens one submission. Without revealed nothing of the hidden side is in it: no verdict, no score, no hidden check, no
// judge's log.
func (s *Server) review(ctx context.Context, actor assay.Actor, sub assay.Submission, it assay.Item, revealed bool) (view.Review, error) {
	r := view.Review{Submission: sub, Item: it}
	attempts, err := s.DB.Attempts(ctx, sub.ID)
	if err != nil {
		return r, fmt.Errorf("list gradings: %w", err)
	}
	r.Attempts = attempts
	for _, a := range attempts {
		if a.ID == sub.AttemptID {
			r.Attempt = a
		}
	}
	r.PublicLog = r.Attempt.PublicLog
	if sub.Mode == assay.ModeRun {
		r.Report = r.Attempt.Report
	} else if revealed {
		r.Report, r.StaffLog = r.Attempt.Report, r.Attempt.StaffLog
	}
	if !revealed {
		r.Submission.Verdict, r.Submission.Score = "", 0
	}
	pinned, err := s.DB.QuestionRevision(ctx, it.Slug, it.Revision)
	if err != nil {
		return r, fmt.Errorf("load the question: %w", err)
	}
	if err := s.reviewFiles(ctx, &r, pinned.Public.Starter); err != nil {
		return r, err
	}
	return r, s.reviewComments(ctx, actor, &r)
}

func (s *Server) reviewFiles(ctx context.Context, r *view.Review, starter []assay.File) error {
	for _, stored := range r.Submission.Files {
		f := view.ReviewFile{File: assay.File{Path: stored.Path}, New: true}
		b, err := blob.ReadAll(ctx, s.Blobs, stored.Key, assay.MaxFileSize)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			f.Missing = true
		case err != nil:
			return fmt.Errorf("read %s: %w", stored.Path, err)
		}
		f.File.Content = string(b)
		before := ""
		for _, st := range starter {
			if st.Path == stored.Path {
				before, f.New, f.File.ReadOnly = st.Content, false, st.ReadOnly
			}
		}
		for _, l := range diffLines(before, f.File.Content) {
			f.Diff = append(f.Diff, view.DiffLine{Op: string(l.Op), Old: l.Old, New: l.New, Text: l.Text})
		}
		r.Files = append(r.Files, f)
	}
	return nil
}

// reviewComments adds the remarks on the lines: one's own, and colleagues' once one owes no scorecard in the loop. A remark in the
// margin is a judgement like any other.
func (s *Server) reviewComments(ctx context.Context, actor assay.Actor, r *view.Review) error {
	facts, err := s.DB.InterviewFacts(ctx, actor, r.Submission.InterviewID)
	if err != nil {
		return fmt.Errorf("facts of %s: %w", r.Submission.InterviewID, err)
	}
	comments, err := s.DB.Comments(ctx, r.Submission.ID)
	if err != nil {
		return fmt.Errorf("load comments: %w", err)
	}
	who, err := s.people(ctx)
	if err != nil {
		return err
	}
	for _, m := range comments {
		if m.AuthorID != actor.User && !assay.May(actor, assay.ActSeeScores, facts) {
			continue
		}
		for n := range r.Files {
			if r.Files[n].File.Path == m.Path {
				r.Files[n].Comments = append(r.Files[n].Comments, view.ReviewComment{Author: who.name(m.AuthorID), Line: m.Line, Body: m.Body, At: m.CreatedAt})
			}
		}
	}
	return nil
}

func (s *Server) addComment(c *gin.Context) error {
	ctx := c.Request.Context()
	f, err := readForm(c)
	if err != nil {
		return err
	}
	m := assay.Comment{SubmissionID: assay.SubmissionID(f.Values.Get("submission")), Path: f.Values.Get("path"), Line: positive(f.Values.Get("line"))}
	p, err := s.reviewPage(c, m.SubmissionID, view.ReviewLine{Path: m.Path, Line: m.Line}, view.Form{})
	if err != nil {
		return err
	}
	if p.Current == nil || p.Current.Submission.ID != m.SubmissionID {
		return assay.Errorf(assay.NotFound, "There is no such submission in this interview.")
	}
	n := slices.IndexFunc(p.Current.Files, func(rf view.ReviewFile) bool { return rf.File.Path == m.Path })
	if n < 0 {
		return assay.Errorf(assay.NotFound, "There is no such file in this submission.")
	}
	if lines := len(splitLines(p.Current.Files[n].File.Content)); m.Line < 1 || m.Line > lines {
		return assay.Errorf(assay.Invalid, "%s has %s; there is no line %d.", m.Path, plural(lines, "line", "lines"), m.Line)
	}
	m.Body = f.required("body", assay.MaxComment)
	if f.err() == nil {
		if err := s.DB.AddComment(ctx, actorOf(c), &m); err != nil && !f.take(err) {
			return fmt.Errorf("comment: %w", err)
		}
	}
	if f.err() != nil {
		p.Current.Form = f.Form
		return s.invalidPage(c, reviewHead(p), view.ReviewContent(p))
	}
	return s.redirect(c, fmt.Sprintf("%s#f%d-L%d", view.ReviewPath(p.Current.Submission), n, m.Line))
}
