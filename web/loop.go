package web

import (
	"context"
	"fmt"
	"slices"

	"assay"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

func newLoopHead() view.Head {
	return view.Head{Title: "New loop", Lead: "One candidate’s set of interviews for one opening.", Crumbs: []view.Crumb{{Label: "Board", Href: "/board"}}}
}

func (s *Server) showNewLoop(c *gin.Context) error {
	options, err := s.openOpenings(c)
	if err != nil {
		return err
	}
	return s.page(c, newLoopHead(), view.NewLoopContent(view.NewLoopPage{Openings: options}))
}

func (s *Server) openOpenings(c *gin.Context) ([]view.Option, error) {
	openings, err := s.DB.Openings(c.Request.Context(), actorOf(c))
	if err != nil {
		return nil, fmt.Errorf("list openings: %w", err)
	}
	var out []view.Option
	for _, o := range openings {
		if o.ClosedAt == nil {
			out = append(out, view.Option{Value: string(o.ID), Label: view.RoleLine(o)})
		}
	}
	return out, nil
}

func (s *Server) createLoop(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	options, err := s.openOpenings(c)
	if err != nil {
		return err
	}
	loop := assay.Loop{OpeningID: assay.OpeningID(optionOf(f, "opening", options))}
	candidate := assay.Candidate{Name: f.required("name", 120), Email: f.email("email")}
	if f.err() == nil {
		if err := s.DB.CreateLoop(c.Request.Context(), actorOf(c), &loop, &candidate); err != nil && !f.take(err) {
			return fmt.Errorf("create loop: %w", err)
		}
	}
	if f.err() != nil {
		return s.invalidPage(c, newLoopHead(), view.NewLoopContent(view.NewLoopPage{Openings: options, Form: f.Form}))
	}
	return s.redirect(c, view.LoopPath(loop.ID), "The loop is started. Add its interviews next.")
}

func (s *Server) showLoop(c *gin.Context) error {
	p, err := s.loopPage(c)
	if err != nil {
		return err
	}
	return s.page(c, loopHead(p), view.LoopContent(p))
}

func loopHead(p view.LoopPage) view.Head {
	head := view.Head{Title: p.Candidate.Name, Lead: view.RoleLine(p.Opening), Wide: true, Actions: view.LoopActions(p)}
	if p.Requests {
		head.Crumbs = []view.Crumb{{Label: "Board", Href: "/board"}}
	}
	return head
}

func (s *Server) loopPage(c *gin.Context) (view.LoopPage, error) {
	ctx, actor := c.Request.Context(), actorOf(c)
	p := view.LoopPage{Now: s.Now()}
	loop, err := s.DB.Loop(ctx, assay.LoopID(c.Param("loop")))
	if err != nil {
		return p, err
	}
	facts, err := s.DB.LoopFacts(ctx, actor, loop.ID)
	if err != nil {
		return p, fmt.Errorf("facts of %s: %w", loop.ID, err)
	}
	p.Loop = loop
	p.Owes = facts.OwesScorecard
	p.Manages = assay.May(actor, assay.ActManageLoop, facts)
	p.Requests = assay.May(actor, assay.ActRequestPacket, facts)
	p.SeesScores = assay.May(actor, assay.ActSeeScores, facts)
	p.ReadsCase = assay.May(actor, assay.ActReadPacket, facts)
	if p.Opening, err = s.DB.Opening(ctx, loop.OpeningID); err != nil {
		return p, fmt.Errorf("load the opening: %w", err)
	}
	if p.Candidate, err = s.DB.Candidate(ctx, loop.CandidateID); err != nil {
		return p, fmt.Errorf("load the candidate: %w", err)
	}
	who, err := s.people(ctx)
	if err != nil {
		return p, err
	}
	for _, id := range loop.Committee {
		p.Committee = append(p.Committee, who.name(id))
	}
	p.Members = who.with(assay.RoleCommittee)
	if err := s.loopInterviews(ctx, &p, who); err != nil {
		return p, err
	}
	if p.ReadsCase {
		p.Packets, err = s.packetRows(ctx, actor, loop.ID, who)
	}
	return p, err
}

// loopInterviews adds the interviews with their panels, and who covers what.
func (s *Server) loopInterviews(ctx context.Context, p *view.LoopPage, who people) error {
	interviews, err := s.DB.Interviews(ctx, p.Loop.ID)
	if err != nil {
		return fmt.Errorf("list interviews: %w", err)
	}
	var all []seat
	for _, i := range interviews {
		kit, err := s.DB.Kit(ctx, i.KitID)
		if err != nil {
			return fmt.Errorf("load the kit of %s: %w", i.ID, err)
		}
		row := view.LoopInterview{Interview: i, Kit: kit}
		if row.Panel, err = s.seats(ctx, i, who); err != nil {
			return err
		}
		p.Interviews = append(p.Interviews, row)
		if i.Status == assay.InterviewCancelled {
			continue
		}
		all = append(all, seat{Focus: kit.Focus})
		for _, ps := range row.Panel {
			all = append(all, seat{User: ps.User, Participation: ps.Panelist.Participation, Focus: kit.Focus})
		}
	}
	for _, row := range coverage(all) {
		cr := view.CoverageRow{ID: row.Competency, Name: assay.CompetencyName(row.Competency), Thin: row.Thin()}
		for _, id := range row.Users {
			cr.People = append(cr.People, who.name(id))
		}
		p.Coverage = append(p.Coverage, cr)
	}
	return nil
}

func (s *Server) setCommittee(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	p, err := s.loopPage(c)
	if err != nil {
		return err
	}
	var members []assay.UserID
	for _, v := range f.Values["committee"] {
		known := slices.ContainsFunc(p.Members, func(o view.Option) bool { return o.Value == v })
		if !known {
			f.wrong("committee", "Choose from the people with the committee role.")
		} else if !slices.Contains(members, assay.UserID(v)) {
			members = append(members, assay.UserID(v))
		}
	}
	if f.err() == nil {
		if err := s.DB.SetCommittee(c.Request.Context(), actorOf(c), p.Loop.ID, members); err != nil && !f.take(err) {
			return fmt.Errorf("set committee: %w", err)
		}
	}
	if f.err() != nil {
		p.Form = f.Form
		return s.invalidPage(c, loopHead(p), view.LoopContent(p))
	}
	return s.redirect(c, view.LoopPath(p.Loop.ID), "The committee is named.")
}
