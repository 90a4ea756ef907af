package web

import (
	"context"
	"fmt"
	"slices"

	"assay"
	"assay/storage"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// showBoard lists loops with what is late: all of them to a recruiter, those of their own openings to a hiring manager.
func (s *Server) showBoard(c *gin.Context) error {
	ctx, actor := c.Request.Context(), actorOf(c)
	manages := assay.May(actor, assay.ActManageLoop, assay.Facts{})
	filter := storage.LoopFilter{Opening: assay.OpeningID(c.Query("opening"))}
	if !manages {
		filter.HiringManager = actor.User
	}
	loops, err := s.DB.Loops(ctx, filter)
	if err != nil {
		return fmt.Errorf("list loops: %w", err)
	}
	openings, err := s.DB.Openings(ctx, actor)
	if err != nil {
		return fmt.Errorf("list openings: %w", err)
	}
	p := view.BoardPage{Now: s.Now(), Manages: manages, Opening: c.Query("opening"), Openings: []view.Option{{Value: "", Label: "All openings"}}}
	for _, o := range openings {
		if manages || o.HiringManager == actor.User {
			p.Openings = append(p.Openings, view.Option{Value: string(o.ID), Label: view.RoleLine(o)})
		}
	}
	for _, l := range loops {
		row := view.BoardRow{Loop: l.Loop, Opening: l.Opening, Candidate: l.Candidate.Name, Interviews: l.Interviews, Late: l.Late}
		facts, err := s.DB.LoopFacts(ctx, actor, l.Loop.ID)
		if err != nil {
			return fmt.Errorf("facts of %s: %w", l.Loop.ID, err)
		}
		row.Closed = facts.OwesScorecard
		p.Rows = append(p.Rows, row)
	}
	head := view.Head{Title: "Board", Wide: true}
	if manages {
		head.Actions = view.BoardActions()
		if err := s.boardChases(ctx, &p, loops); err != nil {
			return err
		}
	}
	return s.page(c, head, view.BoardContent(p))
}

// boardChases adds what a recruiter has to see to: late scorecards and candidates who ask for another window.
func (s *Server) boardChases(ctx context.Context, p *view.BoardPage, loops []storage.LoopSummary) error {
	who, err := s.people(ctx)
	if err != nil {
		return err
	}
	late, err := s.DB.Late(ctx)
	if err != nil {
		return fmt.Errorf("list late scorecards: %w", err)
	}
	for _, o := range late {
		p.Late = append(p.Late, view.LateCard{Interview: o.Interview, Candidate: o.Candidate.Name, Role: view.RoleLine(o.Opening),
			Interviewer: who.name(o.Panelist.UserID), Due: o.Panelist.DueAt})
	}
	slices.SortStableFunc(p.Late, func(a, b view.LateCard) int { return a.Due.Compare(b.Due) })
	for _, l := range loops {
		interviews, err := s.DB.Interviews(ctx, l.Loop.ID)
		if err != nil {
			return fmt.Errorf("list interviews of %s: %w", l.Loop.ID, err)
		}
		for _, i := range interviews {
			if i.Status != assay.InterviewScheduled {
				continue
			}
			invitations, err := s.DB.Invitations(ctx, i.ID)
			if err != nil {
				return fmt.Errorf("list invitations of %s: %w", i.ID, err)
			}
			for _, inv := range invitations {
				if inv.RequestedAt != nil && inv.RevokedAt == nil {
					p.Requests = append(p.Requests, view.WindowRequest{Interview: i, Candidate: l.Candidate.Name, At: *inv.RequestedAt, Note: inv.RequestNote})
				}
			}
		}
	}
	return nil
}

var openingsHead = view.Head{Title: "Openings", Lead: "Roles at a level that you want to fill.", Crumbs: []view.Crumb{{Label: "Board", Href: "/board"}}}

func (s *Server) showOpenings(c *gin.Context) error {
	p, err := s.openingsPage(c)
	if err != nil {
		return err
	}
	return s.page(c, openingsHead, view.OpeningsContent(p))
}

func (s *Server) openingsPage(c *gin.Context) (view.OpeningsPage, error) {
	ctx := c.Request.Context()
	p := view.OpeningsPage{Now: s.Now()}
	who, err := s.people(ctx)
	if err != nil {
		return p, err
	}
	openings, err := s.DB.Openings(ctx, actorOf(c))
	if err != nil {
		return p, fmt.Errorf("list openings: %w", err)
	}
	loops, err := s.DB.Loops(ctx, storage.LoopFilter{})
	if err != nil {
		return p, fmt.Errorf("list loops: %w", err)
	}
	count := map[assay.OpeningID]int{}
	for _, l := range loops {
		count[l.Opening.ID]++
	}
	for _, o := range openings {
		row := view.OpeningRow{Opening: o, Loops: count[o.ID]}
		if o.HiringManager != "" {
			row.Manager = who.name(o.HiringManager)
		}
		p.Rows = append(p.Rows, row)
	}
	p.Managers = append([]view.Option{{Value: "", Label: "Nobody yet"}}, who.with(assay.RoleHiringManager)...)
	return p, nil
}

func (s *Server) createOpening(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	p, err := s.openingsPage(c)
	if err != nil {
		return err
	}
	o := assay.Opening{Title: f.required("title", 120), Level: choice(f, "level", assay.Levels), HiringManager: assay.UserID(optionOf(f, "hiring_manager", p.Managers))}
	if f.err() == nil {
		if err := s.DB.CreateOpening(c.Request.Context(), actorOf(c), &o); err != nil && !f.take(err) {
			return fmt.Errorf("create opening: %w", err)
		}
	}
	if f.err() != nil {
		p.Form = f.Form
		return s.invalidPage(c, openingsHead, view.OpeningsContent(p))
	}
	return s.redirect(c, "/openings", "The opening "+o.Title+" is created.")
}

func (s *Server) closeOpening(c *gin.Context) error {
	if err := s.DB.CloseOpening(c.Request.Context(), actorOf(c), assay.OpeningID(c.Param("opening"))); err != nil {
		return fmt.Errorf("close opening: %w", err)
	}
	return s.redirect(c, "/openings", "The opening is closed. Its loops stay as they are.")
}

// optionOf is the value of a field that must be one of the options.
func optionOf(f *form, field string, options []view.Option) string {
	v := f.Values.Get(field)
	for _, o := range options {
		if o.Value == v {
			return v
		}
	}
	f.wrong(field, "Choose one of the options.")
	return ""
}
