package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay"
	"assay/storage"
	"assay/web/auth"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// Arranging an interview.

func (s *Server) showNewInterview(c *gin.Context) error {
	p, err := s.newInterviewPage(c)
	if err != nil {
		return err
	}
	return s.page(c, newInterviewHead(p), view.NewInterviewContent(p))
}

func newInterviewHead(p view.NewInterviewPage) view.Head {
	return view.Head{Title: "Add interview", Crumbs: []view.Crumb{{Label: "Board", Href: "/board"}, {Label: p.Candidate, Href: view.LoopPath(p.Loop.ID)}}}
}

func (s *Server) newInterviewPage(c *gin.Context) (view.NewInterviewPage, error) {
	ctx := c.Request.Context()
	var p view.NewInterviewPage
	loop, err := s.DB.Loop(ctx, assay.LoopID(c.Param("loop")))
	if err != nil {
		return p, err
	}
	candidate, err := s.DB.Candidate(ctx, loop.CandidateID)
	if err != nil {
		return p, fmt.Errorf("load the candidate: %w", err)
	}
	kits, err := s.DB.Kits(ctx)
	if err != nil {
		return p, fmt.Errorf("list kits: %w", err)
	}
	p.Loop, p.Candidate = loop, candidate.Name
	for _, k := range kits {
		p.Kits = append(p.Kits, view.Option{Value: string(k.ID), Label: fmt.Sprintf("%s, %s, %d min (v%d)", k.Title, k.Level, k.Minutes, k.Version)})
	}
	p.Start = s.Now().Truncate(time.Hour).Add(time.Hour)
	p.End = p.Start.Add(7 * 24 * time.Hour)
	return p, nil
}

// createInterview pins the kit's questions: each question's sealed pack goes to the blobs, then one transaction writes the
// interview, its items with fresh seeds, and the revisions that they point at.
func (s *Server) createInterview(c *gin.Context) error {
	ctx, actor := c.Request.Context(), actorOf(c)
	f, err := readForm(c)
	if err != nil {
		return err
	}
	p, err := s.newInterviewPage(c)
	if err != nil {
		return err
	}
	i := assay.Interview{
		LoopID:      p.Loop.ID,
		KitID:       assay.KitID(optionOf(f, "kit", p.Kits)),
		Title:       f.text("title", 120),
		Kind:        choice(f, "kind", []string{"live", "take_home"}),
		WindowStart: formWhen(f, "start"),
		WindowEnd:   formWhen(f, "end"),
	}
	if f.Err("start") == "" && f.Err("end") == "" {
		if !i.WindowEnd.After(i.WindowStart) {
			f.wrong("end", "The window must close after it opens.")
		} else if !i.WindowEnd.After(s.Now()) {
			f.wrong("end", "This time has passed already.")
		}
	}
	minutes := optionalNumber(f, "minutes", 5, 600, 0)
	adjustment := optionalNumber(f, "adjustment", 0, 300, 0)
	if f.err() == nil {
		err := s.Arrange(ctx, actor, &i, minutes, adjustment)
		if err != nil && !f.take(err) {
			return err
		}
	}
	if f.err() != nil {
		p.Form = f.Form
		return s.invalidPage(c, newInterviewHead(p), view.NewInterviewContent(p))
	}
	return s.redirect(c, view.SchedulePath(i.ID), "The interview is arranged and its questions are pinned. Next: the panel and the invitation.")
}

// Arrange makes an interview from its kit: allotted minutes (0: the kit's) with an adjustment in per cent, the kit's policies, and
// every question pinned to its revision as it is now and to a seed that nobody can guess.
func (s *Server) Arrange(ctx context.Context, actor assay.Actor, i *assay.Interview, minutes, adjustment int) error {
	kit, err := s.DB.Kit(ctx, i.KitID)
	if err != nil {
		return err
	}
	if minutes == 0 {
		minutes = kit.Minutes
	}
	i.Allotted = time.Duration(minutes) * time.Minute * time.Duration(100+adjustment) / 100
	if i.Title == "" {
		i.Title = kit.Title
	}
	i.AIPolicy, i.Results = kit.AIPolicy, kit.Results
	var items []assay.Item
	var revisions []assay.QuestionRevision
	for n, q := range kit.Questions {
		item, revision, err := s.pin(ctx, q)
		if err != nil {
			return err
		}
		item.Position = n + 1
		items, revisions = append(items, item), append(revisions, revision)
	}
	if err := s.DB.CreateInterview(ctx, actor, i, items, revisions); err != nil {
		return fmt.Errorf("arrange interview: %w", err)
	}
	return nil
}

// pin freezes a question as it is now: the public side as data, the sealed pack as a blob that a regrade next year still finds.
func (s *Server) pin(ctx context.Context, q assay.KitQuestion) (assay.Item, assay.QuestionRevision, error) {
	public, err := s.Bank.Public(q.Slug)
	if assay.ErrorCode(err) == assay.NotFound {
		return assay.Item{}, assay.QuestionRevision{}, assay.FieldErrors(map[string]string{"kit": "The bank does not have this kit’s question “" + q.Slug + "” any more. Make a new version of the kit."})
	} else if err != nil {
		return assay.Item{}, assay.QuestionRevision{}, fmt.Errorf("read %s: %w", q.Slug, err)
	}
	sealed, err := s.Bank.Sealed(q.Slug)
	if err != nil {
		return assay.Item{}, assay.QuestionRevision{}, fmt.Errorf("seal %s: %w", q.Slug, err)
	}
	key, _, err := s.Blobs.Put(ctx, bytes.NewReader(sealed.Bytes))
	if err != nil {
		return assay.Item{}, assay.QuestionRevision{}, fmt.Errorf("store the pack of %s: %w", q.Slug, err)
	}
	item := assay.Item{Slug: q.Slug, Revision: sealed.Revision, Seed: rand.Text(), Minutes: q.Minutes, Title: public.Question.Title}
	return item, assay.QuestionRevision{Slug: q.Slug, Revision: sealed.Revision, Public: public, PackKey: key}, nil
}

func (s *Server) showSchedule(c *gin.Context) error {
	p, err := s.schedulePage(c)
	if err != nil {
		return err
	}
	return s.page(c, scheduleHead(p), view.ScheduleContent(p))
}

func scheduleHead(p view.SchedulePage) view.Head {
	return view.Head{Title: p.Interview.Title, Crumbs: []view.Crumb{{Label: "Board", Href: "/board"}, {Label: p.Candidate.Name, Href: view.LoopPath(p.Loop.ID)}}}
}

func (s *Server) schedulePage(c *gin.Context) (view.SchedulePage, error) {
	ctx := c.Request.Context()
	p := view.SchedulePage{Now: s.Now()}
	i, err := s.DB.Interview(ctx, assay.InterviewID(c.Param("interview")))
	if err != nil {
		return p, err
	}
	p.Interview = i
	if p.Loop, err = s.DB.Loop(ctx, i.LoopID); err != nil {
		return p, fmt.Errorf("load the loop: %w", err)
	}
	if p.Candidate, p.Opening, err = s.whoAndWhat(ctx, i); err != nil {
		return p, err
	}
	if p.Kit, err = s.DB.Kit(ctx, i.KitID); err != nil {
		return p, fmt.Errorf("load the kit: %w", err)
	}
	if p.Items, err = s.DB.Items(ctx, i.ID); err != nil {
		return p, fmt.Errorf("load the questions: %w", err)
	}
	invitations, err := s.DB.Invitations(ctx, i.ID)
	if err != nil {
		return p, fmt.Errorf("load the invitations: %w", err)
	}
	for _, inv := range invitations {
		p.Invitations = append(p.Invitations, invitationRow(inv, p.Now))
	}
	who, err := s.people(ctx)
	if err != nil {
		return p, err
	}
	if p.Panel, err = s.seats(ctx, i, who); err != nil {
		return p, err
	}
	p.Focus = competencyNames(p.Kit.Focus)
	for _, o := range who.with(assay.RoleInterviewer) {
		if !slices.ContainsFunc(p.Panel, func(ps view.PanelSeat) bool { return string(ps.User) == o.Value }) {
			p.People = append(p.People, o)
		}
	}
	p.Due = i.WindowEnd.Add(24 * time.Hour)
	return p, nil
}

func invitationRow(inv assay.Invitation, now time.Time) view.InvitationRow {
	row := view.InvitationRow{Invitation: inv, State: "Given out", Tone: "info", Icon: "dot"}
	switch {
	case inv.RevokedAt != nil:
		row.State, row.Tone, row.Icon = "Revoked", "neutral", "cross"
	case inv.AcceptedAt != nil:
		row.State, row.Tone, row.Icon = "Accepted", "success", "check"
	case now.After(inv.ExpiresAt):
		row.State, row.Tone, row.Icon = "Expired", "warning", "clock"
	case inv.OpenedAt != nil:
		row.State, row.Tone, row.Icon = "Opened", "info", "half"
	}
	return row
}

// invite makes a link and shows it this once: the page is the answer to the POST, so no address ever carries the secret.
func (s *Server) invite(c *gin.Context) error {
	ctx := c.Request.Context()
	i, err := s.DB.Interview(ctx, assay.InterviewID(c.Param("interview")))
	if err != nil {
		return err
	}
	token, hash := auth.NewToken()
	if _, err := s.DB.Invite(ctx, actorOf(c), i.ID, hash, i.WindowEnd); err != nil {
		return fmt.Errorf("invite: %w", err)
	}
	p, err := s.schedulePage(c)
	if err != nil {
		return err
	}
	p.Link = s.outside(c, "/i/"+token)
	return s.page(c, scheduleHead(p), view.ScheduleContent(p))
}

// outside is an address as people outside reach it.
func (s *Server) outside(c *gin.Context, path string) string {
	if s.BaseURL != "" {
		return strings.TrimSuffix(s.BaseURL, "/") + path
	}
	scheme := "http"
	if c.Request.TLS != nil || s.SecureCookies {
		scheme = "https"
	}
	return scheme + "://" + c.Request.Host + path
}

func (s *Server) setPanelist(c *gin.Context) error {
	f, p, err := s.scheduleForm(c, "panel")
	if err != nil {
		return err
	}
	who, err := s.people(c.Request.Context())
	if err != nil {
		return err
	}
	seat := assay.Panelist{InterviewID: p.Interview.ID, UserID: assay.UserID(optionOf(f, "user", who.with(assay.RoleInterviewer))),
		Participation: optionOf(f, "participation", view.ParticipationOptions()), DueAt: formWhen(f, "due")}
	if f.err() == nil {
		if err := s.DB.SetPanelist(c.Request.Context(), actorOf(c), seat); err != nil && !f.take(err) {
			return fmt.Errorf("staff the panel: %w", err)
		}
	}
	return s.scheduled(c, f, p, who.name(seat.UserID)+" is on the panel.", "#panel")
}

func (s *Server) removePanelist(c *gin.Context) error {
	id := assay.InterviewID(c.Param("interview"))
	if err := s.DB.RemovePanelist(c.Request.Context(), actorOf(c), id, assay.UserID(c.Param("user"))); err != nil {
		return fmt.Errorf("change the panel: %w", err)
	}
	return s.redirect(c, view.SchedulePath(id)+"#panel", "Removed from the panel.")
}

func (s *Server) waiveScorecard(c *gin.Context) error {
	f, p, err := s.scheduleForm(c, "waive:"+c.Param("user"))
	if err != nil {
		return err
	}
	reason := f.required("reason", 500)
	if f.err() == nil {
		if err := s.DB.WaiveScorecard(c.Request.Context(), actorOf(c), p.Interview.ID, assay.UserID(c.Param("user")), reason); err != nil && !f.take(err) {
			return fmt.Errorf("waive a scorecard: %w", err)
		}
	}
	return s.scheduled(c, f, p, "The scorecard is waived; the packet gives the reason.", "#panel")
}

func (s *Server) extendTime(c *gin.Context) error {
	f, p, err := s.scheduleForm(c, "extend")
	if err != nil {
		return err
	}
	minutes := f.number("minutes", 1, 240)
	if f.err() == nil {
		if err := s.DB.CreditTime(c.Request.Context(), actorOf(c), p.Interview.ID, time.Duration(minutes)*time.Minute, "extension"); err != nil && !f.take(err) {
			return fmt.Errorf("extend the time: %w", err)
		}
	}
	return s.scheduled(c, f, p, "Extended by "+plural(minutes, "minute", "minutes")+". The candidate’s clock shows it at once.", "#time")
}

func (s *Server) cancelInterview(c *gin.Context) error {
	f, p, err := s.scheduleForm(c, "cancel")
	if err != nil {
		return err
	}
	reason := f.required("reason", 500)
	if f.err() == nil {
		if err := s.DB.CancelInterview(c.Request.Context(), actorOf(c), p.Interview.ID, reason); err != nil && !f.take(err) {
			return fmt.Errorf("cancel the interview: %w", err)
		}
	}
	return s.scheduled(c, f, p, "The interview is cancelled. Its record stays.", "")
}

// scheduleForm reads one of the page's forms; act says which.
func (s *Server) scheduleForm(c *gin.Context, act string) (*form, view.SchedulePage, error) {
	f, err := readForm(c)
	if err != nil {
		return nil, view.SchedulePage{}, err
	}
	p, err := s.schedulePage(c)
	p.Act = act
	return f, p, err
}

// scheduled ends a form of the page: with its complaints, or back on the page.
func (s *Server) scheduled(c *gin.Context, f *form, p view.SchedulePage, done, anchor string) error {
	if f.err() != nil {
		p.Form = f.Form
		return s.invalidPage(c, scheduleHead(p), view.ScheduleContent(p))
	}
	return s.redirect(c, view.SchedulePath(p.Interview.ID)+anchor, done)
}

// Preparing for an interview and following it.

func (s *Server) showPrepare(c *gin.Context) error {
	ctx, actor := c.Request.Context(), actorOf(c)
	i, err := s.DB.Interview(ctx, assay.InterviewID(c.Param("interview")))
	if err != nil {
		return err
	}
	p := view.PreparePage{Now: s.Now(), Interview: i}
	candidate, opening, err := s.whoAndWhat(ctx, i)
	if err != nil {
		return err
	}
	p.Candidate, p.Opening = candidate.Name, opening
	if p.Kit, err = s.DB.Kit(ctx, i.KitID); err != nil {
		return fmt.Errorf("load the kit: %w", err)
	}
	p.Focus = competenciesOf(p.Kit.Focus)
	if p.Kit.Guide != "" {
		p.Guide = s.prose.HTML(p.Kit.Guide)
	}
	items, err := s.DB.Items(ctx, i.ID)
	if err != nil {
		return fmt.Errorf("load the questions: %w", err)
	}
	for _, it := range items {
		q, err := s.prepareQuestion(ctx, it)
		if err != nil {
			return err
		}
		p.Questions = append(p.Questions, q)
	}
	if err := s.colleagues(ctx, actor, &p); err != nil {
		return err
	}
	if p.Live, err = s.liveStatus(ctx, i, items); err != nil {
		return err
	}
	return s.page(c, view.Head{Title: i.Title, Scripts: []string{"staff"}, Crumbs: []view.Crumb{{Label: "Home", Href: "/home"}}}, view.PrepareContent(p))
}

func (s *Server) prepareQuestion(ctx context.Context, it assay.Item) (view.PrepareQuestion, error) {
	pinned, err := s.DB.QuestionRevision(ctx, it.Slug, it.Revision)
	if err != nil {
		return view.PrepareQuestion{}, fmt.Errorf("load %s as it was pinned: %w", it.Slug, err)
	}
	q := view.PrepareQuestion{Item: it, Question: pinned.Public.Question, Statement: s.prose.HTML(pinned.Public.Statement)}
	staff, err := s.Bank.Staff(it.Slug)
	if assay.ErrorCode(err) == assay.NotFound {
		q.Missing = true
		return q, nil
	} else if err != nil {
		return q, fmt.Errorf("read the rubric of %s: %w", it.Slug, err)
	}
	if now, err := s.Bank.Question(it.Slug); err == nil {
		q.Changed = now.Revision != it.Revision
	}
	if staff.Rubric != "" {
		q.Rubric = s.prose.HTML(staff.Rubric)
	}
	if staff.Notes != "" {
		q.Notes = s.prose.HTML(staff.Notes)
	}
	q.Checks, q.Solutions = staff.Checks, staffSolutions(staff)
	return q, nil
}

// colleagues adds what others in the loop look at, and what they suggest to probe. Nothing of what they judged.
func (s *Server) colleagues(ctx context.Context, actor assay.Actor, p *view.PreparePage) error {
	who, err := s.people(ctx)
	if err != nil {
		return err
	}
	interviews, err := s.DB.Interviews(ctx, p.Interview.LoopID)
	if err != nil {
		return fmt.Errorf("list interviews: %w", err)
	}
	for _, i := range interviews {
		if i.Status == assay.InterviewCancelled {
			continue
		}
		kit, err := s.DB.Kit(ctx, i.KitID)
		if err != nil {
			return fmt.Errorf("load a kit: %w", err)
		}
		panel, err := s.DB.Panel(ctx, i.ID)
		if err != nil {
			return fmt.Errorf("load a panel: %w", err)
		}
		for _, seat := range panel {
			if seat.UserID != actor.User {
				p.Others = append(p.Others, view.OtherSeat{Name: who.name(seat.UserID), Interview: i.Title, Focus: competencyNames(kit.Focus)})
			}
		}
	}
	notes, err := s.DB.NotesToNext(ctx, actor, p.Interview.LoopID)
	if err != nil {
		return fmt.Errorf("load notes: %w", err)
	}
	for _, n := range notes {
		if n.Author != actor.User && n.Note != "" {
			p.Notes = append(p.Notes, view.ColleagueNote{Name: who.name(n.Author), Note: n.Note})
		}
	}
	return nil
}

// liveStatus is what happens in a running interview.
func (s *Server) liveStatus(ctx context.Context, i assay.Interview, items []assay.Item) (view.LiveStatus, error) {
	live := view.LiveStatus{Now: s.Now(), Interview: i}
	if i.Status != assay.InterviewOpen {
		return live, nil
	}
	for _, it := range items {
		row := view.LiveItem{Item: it}
		draft, err := s.DB.Draft(ctx, it.ID)
		if err == nil {
			row.Saved = draft.UpdatedAt
		} else if assay.ErrorCode(err) != assay.NotFound {
			return live, fmt.Errorf("load a draft: %w", err)
		}
		subs, err := s.DB.Submissions(ctx, storage.SubmissionFilter{Item: it.ID})
		if err != nil {
			return live, fmt.Errorf("list submissions: %w", err)
		}
		for n, sub := range subs {
			if n == 0 {
				row.Last = sub.Status
			}
			if sub.Mode == assay.ModeRun {
				row.Runs++
			} else {
				row.Sent++
			}
		}
		live.Items = append(live.Items, row)
	}
	return live, nil
}

// showLive answers with the block alone, for the page to replace.
func (s *Server) showLive(c *gin.Context) error {
	ctx := c.Request.Context()
	i, err := s.DB.Interview(ctx, assay.InterviewID(c.Param("interview")))
	if err != nil {
		return err
	}
	items, err := s.DB.Items(ctx, i.ID)
	if err != nil {
		return fmt.Errorf("load the questions: %w", err)
	}
	live, err := s.liveStatus(ctx, i, items)
	if err != nil {
		return err
	}
	return s.render(c, 200, view.LiveFragment(live))
}
