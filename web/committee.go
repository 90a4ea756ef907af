package web

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"assay"
	"assay/storage"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

// showAgenda lists the cases that a member is named on.
func (s *Server) showAgenda(c *gin.Context) error {
	ctx, actor := c.Request.Context(), actorOf(c)
	loops, err := s.DB.Loops(ctx, storage.LoopFilter{Committee: actor.User})
	if err != nil {
		return fmt.Errorf("list cases: %w", err)
	}
	p := view.AgendaPage{Now: s.Now()}
	for _, l := range loops {
		row := view.AgendaRow{Loop: l.Loop, Opening: l.Opening, Candidate: l.Candidate.Name}
		facts, err := s.DB.LoopFacts(ctx, actor, l.Loop.ID)
		if err != nil {
			return fmt.Errorf("facts of %s: %w", l.Loop.ID, err)
		}
		if row.Owes = !assay.May(actor, assay.ActReadPacket, facts); !row.Owes {
			if row.Packet, row.Voted, err = s.caseState(ctx, actor, l.Loop.ID); err != nil {
				return err
			}
		}
		p.Rows = append(p.Rows, row)
	}
	return s.page(c, view.Head{Title: "Committee", Lead: "Cases that you are named on.", Wide: true}, view.AgendaContent(p))
}

// caseState is the newest packet that can be read, and whether the actor has voted.
func (s *Server) caseState(ctx context.Context, actor assay.Actor, id assay.LoopID) (*assay.Packet, bool, error) {
	packets, err := s.DB.Packets(ctx, actor, id)
	if err != nil {
		return nil, false, fmt.Errorf("list packets: %w", err)
	}
	votes, err := s.DB.Votes(ctx, actor, id)
	if err != nil {
		return nil, false, fmt.Errorf("list votes: %w", err)
	}
	voted := slices.ContainsFunc(votes, func(v assay.Vote) bool { return v.UserID == actor.User })
	for n := range packets {
		if packets[n].Status == assay.PacketReady {
			return &packets[n], voted, nil
		}
	}
	return nil, voted, nil
}

func (s *Server) showCase(c *gin.Context) error {
	p, err := s.casePage(c)
	if err != nil {
		return err
	}
	return s.page(c, caseHead(c, p), view.CaseContent(p))
}

func caseHead(c *gin.Context, p view.CasePage) view.Head {
	back := view.Crumb{Label: "Board", Href: "/board"}
	if actorOf(c).Has(assay.RoleCommittee) {
		back = view.Crumb{Label: "Committee", Href: "/committee"}
	}
	return view.Head{Title: p.Candidate, Lead: view.RoleLine(p.Opening), Crumbs: []view.Crumb{back}}
}

func (s *Server) casePage(c *gin.Context) (view.CasePage, error) {
	ctx, actor := c.Request.Context(), actorOf(c)
	var p view.CasePage
	loop, err := s.DB.Loop(ctx, assay.LoopID(c.Param("loop")))
	if err != nil {
		return p, err
	}
	p.Loop = loop
	if p.Opening, err = s.DB.Opening(ctx, loop.OpeningID); err != nil {
		return p, fmt.Errorf("load the opening: %w", err)
	}
	candidate, err := s.DB.Candidate(ctx, loop.CandidateID)
	if err != nil {
		return p, fmt.Errorf("load the candidate: %w", err)
	}
	p.Candidate = candidate.Name
	facts, err := s.DB.LoopFacts(ctx, actor, loop.ID)
	if err != nil {
		return p, fmt.Errorf("facts of %s: %w", loop.ID, err)
	}
	p.Votable = assay.May(actor, assay.ActVote, facts)
	who, err := s.people(ctx)
	if err != nil {
		return p, err
	}
	for _, id := range loop.Committee {
		p.Members = append(p.Members, who.name(id))
	}
	if p.Packets, err = s.packetRows(ctx, actor, loop.ID, who); err != nil {
		return p, err
	}
	for _, r := range p.Packets {
		if r.Packet.Status == assay.PacketReady {
			p.Ready = append(p.Ready, view.Option{Value: string(r.Packet.ID), Label: "Version " + strconv.Itoa(r.Packet.Version) + ", " + string(r.Packet.Blind)})
		}
	}
	votes, err := s.DB.Votes(ctx, actor, loop.ID)
	if err != nil {
		return p, fmt.Errorf("list votes: %w", err)
	}
	for n, v := range votes {
		p.Votes = append(p.Votes, view.VoteRow{Vote: v, Name: who.name(v.UserID)})
		if v.UserID == actor.User {
			p.Mine = &votes[n]
		}
	}
	decisions, err := s.DB.Decisions(ctx, actor, loop.ID)
	if err != nil {
		return p, fmt.Errorf("list decisions: %w", err)
	}
	for _, d := range decisions {
		p.Decisions = append(p.Decisions, view.DecisionRow{Decision: d, Name: who.name(d.DecidedBy)})
	}
	return p, nil
}

func (s *Server) castVote(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	p, err := s.casePage(c)
	if err != nil {
		return err
	}
	v := assay.Vote{LoopID: p.Loop.ID, PacketID: assay.PacketID(optionOf(f, "packet", p.Ready)), Outcome: choice(f, "outcome", assay.Outcomes),
		Level: choice(f, "level", assay.Levels), Confidence: choice(f, "confidence", view.Confidences), Sentence: f.required("sentence", assay.MaxReason)}
	if f.err() == nil {
		if err := s.DB.CastVote(c.Request.Context(), actorOf(c), &v); err != nil && !f.take(err) {
			return fmt.Errorf("vote: %w", err)
		}
	}
	if f.err() != nil {
		p.Form, p.Act = f.Form, "vote"
		return s.invalidPage(c, caseHead(c, p), view.CaseContent(p))
	}
	return s.redirect(c, view.LoopPath(p.Loop.ID)+"/case#vote", "Your vote is cast. The votes of the others are below.")
}

// recordDecision keeps what a person decided for the committee: a rationale that a stranger can follow, and for a hold the evidence
// that it waits for.
func (s *Server) recordDecision(c *gin.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	p, err := s.casePage(c)
	if err != nil {
		return err
	}
	if p.Mine == nil {
		return assay.Errorf(assay.Conflict, "Cast your own vote first; then record what the committee decided.")
	}
	d := assay.Decision{LoopID: p.Loop.ID, PacketID: assay.PacketID(optionOf(f, "decided_packet", p.Ready)), Outcome: choice(f, "decided_outcome", assay.Outcomes),
		Level: choice(f, "decided_level", assay.Levels), Rationale: f.required("rationale", assay.MaxComment), Missing: f.text("missing", assay.MaxReason),
		Dissent: f.text("dissent", assay.MaxComment)}
	if n := sentences(d.Rationale); n < 3 {
		f.wrong("rationale", "At least three sentences that a stranger can follow; this has %d.", n)
	}
	if d.Outcome == assay.Hold && d.Missing == "" {
		f.wrong("missing", "A hold names the evidence that it waits for.")
	}
	if f.err() == nil {
		if err := s.DB.RecordDecision(c.Request.Context(), actorOf(c), &d); err != nil && !f.take(err) {
			return fmt.Errorf("decide: %w", err)
		}
	}
	if f.err() != nil {
		p.Form, p.Act = f.Form, "decide"
		return s.invalidPage(c, caseHead(c, p), view.CaseContent(p))
	}
	return s.redirect(c, view.LoopPath(p.Loop.ID)+"/case#decision", "Recorded: "+d.Outcome.Words()+". Request the packet’s next version to carry it.")
}
