package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"assay"
)

// RequestPacket asks for a loop's next packet, to be built by a worker. While one of the same kind is being built, that one is
// returned.
func (db *DB) RequestPacket(ctx context.Context, actor assay.Actor, id assay.LoopID, blind assay.BlindLevel) (p assay.Packet, err error) {
	if !slices.Contains([]assay.BlindLevel{assay.BlindNothing, assay.BlindCandidate, assay.BlindInterviewers, assay.BlindQuestions}, blind) {
		return p, assay.FieldErrors(map[string]string{"blind": "B0, B1, B2 or B3."})
	}
	err = db.write(ctx, actor, func(t *tx) error {
		f, err := loopFacts(t.DB, actor, id)
		if err != nil {
			return err
		}
		if err := allow(actor, assay.ActRequestPacket, f); err != nil {
			return err
		}
		packets, err := many[assay.Packet](t.DB, "version DESC", "loop_id = ?", id)
		if err != nil {
			return err
		}
		for _, q := range packets {
			if q.Status == assay.PacketRequested && q.Blind == blind {
				p = q
				return nil
			}
		}
		p = assay.Packet{ID: assay.NewPacketID(), LoopID: id, Version: 1, Blind: blind, Status: assay.PacketRequested, RequestedBy: actor.User, RequestedAt: t.now}
		if len(packets) > 0 {
			p.Version = packets[0].Version + 1
		}
		if err := t.insert(&p); err != nil {
			return fmt.Errorf("request packet: %w", err)
		}
		if err := t.enqueue(assay.PacketJob{Packet: p.ID}, time.Time{}); err != nil {
			return err
		}
		return t.note("packet.requested", string(p.ID), id, details{"version": fmt.Sprint(p.Version), "blind": string(blind)})
	})
	return p, err
}

// Packet returns a packet that the actor may read.
func (db *DB) Packet(ctx context.Context, actor assay.Actor, id assay.PacketID) (assay.Packet, error) {
	p, err := one[assay.Packet](db.read(ctx), "packet", "id = ?", id)
	if err != nil {
		return p, err
	}
	f, err := db.LoopFacts(ctx, actor, p.LoopID)
	if err != nil {
		return assay.Packet{}, err
	}
	if err := allow(actor, assay.ActReadPacket, f); err != nil {
		return assay.Packet{}, err
	}
	return p, nil
}

// Packets returns a loop's packets, the newest first; none to those who may see the loop but not read its packets, as while they
// owe a scorecard.
func (db *DB) Packets(ctx context.Context, actor assay.Actor, id assay.LoopID) ([]assay.Packet, error) {
	f, err := db.LoopFacts(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	if !assay.May(actor, assay.ActReadPacket, f) {
		return []assay.Packet{}, allow(actor, assay.ActSeeLoop, f)
	}
	return many[assay.Packet](db.read(ctx), "version DESC", "loop_id = ?", id)
}

// FinishPacket records that a packet has been built: its keys, digest and the chain head it was built at. Conflict when it was
// finished or given up before.
func (db *DB) FinishPacket(ctx context.Context, p assay.Packet) error {
	return db.endPacket(ctx, p.ID, map[string]any{"status": assay.PacketReady, "zip_key": p.ZipKey, "html_key": p.HTMLKey, "json_key": p.JSONKey,
		"digest": p.Digest, "chain_head": p.ChainHead, "ready_at": db.Now()}, "packet.built", details{"digest": p.Digest, "chain_head": p.ChainHead})
}

// FailPacket gives a packet up; another can be requested.
func (db *DB) FailPacket(ctx context.Context, id assay.PacketID, cause string) error {
	return db.endPacket(ctx, id, map[string]any{"status": assay.PacketFailed, "failure": cause}, "packet.failed", details{})
}

func (db *DB) endPacket(ctx context.Context, id assay.PacketID, columns map[string]any, act string, d details) error {
	return db.write(ctx, assay.Actor{System: true}, func(t *tx) error {
		p, err := one[assay.Packet](t.DB, "packet", "id = ?", id)
		if err != nil {
			return err
		}
		n, err := t.set(&assay.Packet{}, columns, "id = ? AND status = ?", id, assay.PacketRequested)
		if err != nil {
			return fmt.Errorf("end packet %s: %w", id, err)
		}
		if n == 0 {
			return assay.Errorf(assay.Conflict, "This packet is finished already.")
		}
		return t.note(act, string(id), p.LoopID, d)
	})
}

// PacketData is everything about one loop at one moment, for the builder of a packet; it applies no blinding. The same rows give
// the same data in the same order.
type PacketData struct {
	Packet     assay.Packet
	Loop       assay.Loop
	Opening    assay.Opening
	Candidate  assay.Candidate
	Interviews []PacketInterview // by the start of their windows, cancelled ones included
	Scorecards []assay.Scorecard // those submitted, without private notes
	Amendments []assay.Amendment
	Users      []assay.User // everybody whom the data names, without password hashes
	Votes      []assay.Vote
	Decisions  []assay.Decision
	Audit      []assay.AuditEvent // the lines about this loop
	ChainHead  string             // hash of the log's last line, about whatever it is
}

type PacketInterview struct {
	Interview   assay.Interview
	Kit         assay.Kit
	Items       []PacketItem
	Panel       []assay.Panelist
	Credits     []assay.Credit
	Submissions []PacketSubmission // the oldest first
}

type PacketItem struct {
	Item     assay.Item
	Question assay.QuestionRevision
}

type PacketSubmission struct {
	Submission assay.Submission
	Attempt    assay.Attempt // the one in force
	Comments   []assay.Comment
}

// PacketData reads everything for a packet, in one snapshot.
func (db *DB) PacketData(ctx context.Context, id assay.PacketID) (PacketData, error) {
	var d PacketData
	err := db.snapshot(ctx, func(g *gorm.DB) error { return d.load(g, id) })
	if err != nil {
		return PacketData{}, fmt.Errorf("packet %s: %w", id, coded(err))
	}
	return d, nil
}

func (d *PacketData) load(g *gorm.DB, id assay.PacketID) (err error) {
	if d.Packet, err = one[assay.Packet](g, "packet", "id = ?", id); err != nil {
		return err
	}
	if d.Loop, err = one[assay.Loop](g, "loop", "id = ?", d.Packet.LoopID); err != nil {
		return err
	}
	if d.Opening, err = one[assay.Opening](g, "opening", "id = ?", d.Loop.OpeningID); err != nil {
		return err
	}
	if d.Candidate, err = one[assay.Candidate](g, "candidate", "id = ?", d.Loop.CandidateID); err != nil {
		return err
	}
	interviews, err := many[assay.Interview](g, "window_start, id", "loop_id = ?", d.Loop.ID)
	if err != nil {
		return err
	}
	for _, i := range interviews {
		pi, err := loadInterview(g, i)
		if err != nil {
			return err
		}
		d.Interviews = append(d.Interviews, pi)
	}
	if err := d.loadJudgements(g); err != nil {
		return err
	}
	if d.Audit, err = many[assay.AuditEvent](g, "seq", "loop_id = ?", d.Loop.ID); err != nil {
		return err
	}
	head, err := many[assay.AuditEvent](g.Limit(1), "seq DESC", "1=1")
	if err != nil {
		return err
	}
	if len(head) > 0 {
		d.ChainHead = head[0].Hash
	}
	return d.loadUsers(g)
}

func (d *PacketData) loadJudgements(g *gorm.DB) (err error) {
	if d.Scorecards, err = many[assay.Scorecard](g, "submitted_at, id", "loop_id = ? AND status = ?", d.Loop.ID, assay.ScorecardSubmitted); err != nil {
		return err
	}
	for i := range d.Scorecards {
		d.Scorecards[i].PrivateNote = ""
	}
	if d.Amendments, err = many[assay.Amendment](g, "id", "scorecard_id IN (SELECT id FROM scorecards WHERE loop_id = ?)", d.Loop.ID); err != nil {
		return err
	}
	if d.Votes, err = many[assay.Vote](g, "created_at, id", "loop_id = ?", d.Loop.ID); err != nil {
		return err
	}
	d.Decisions, err = many[assay.Decision](g, "created_at, id", "loop_id = ?", d.Loop.ID)
	return err
}

func loadInterview(g *gorm.DB, i assay.Interview) (p PacketInterview, err error) {
	p.Interview = i
	if p.Kit, err = one[assay.Kit](g, "kit", "id = ?", i.KitID); err != nil {
		return p, err
	}
	items, err := many[assay.Item](g, "position", "interview_id = ?", i.ID)
	if err != nil {
		return p, err
	}
	for _, item := range items {
		q, err := revisionOf(g, item)
		if err != nil {
			return p, err
		}
		p.Items = append(p.Items, PacketItem{item, q})
	}
	if p.Panel, err = many[assay.Panelist](g, "created_at, user_id", "interview_id = ?", i.ID); err != nil {
		return p, err
	}
	if p.Credits, err = many[assay.Credit](g, "id", "interview_id = ?", i.ID); err != nil {
		return p, err
	}
	subs, err := many[assay.Submission](g, "created_at, id", "interview_id = ?", i.ID)
	if err != nil {
		return p, err
	}
	for _, s := range subs {
		a, err := one[assay.Attempt](g, "attempt", "id = ?", s.AttemptID)
		if err != nil {
			return p, err
		}
		comments, err := many[assay.Comment](g, "path, line, created_at, id", "submission_id = ?", s.ID)
		if err != nil {
			return p, err
		}
		p.Submissions = append(p.Submissions, PacketSubmission{s, a, comments})
	}
	return p, nil
}

func (d *PacketData) loadUsers(g *gorm.DB) error {
	ids := append([]assay.UserID{d.Packet.RequestedBy, d.Opening.HiringManager, d.Loop.CreatedBy}, d.Loop.Committee...)
	for _, i := range d.Interviews {
		ids = append(ids, i.Interview.CreatedBy)
		for _, p := range i.Panel {
			ids = append(ids, p.UserID)
		}
		for _, s := range i.Submissions {
			for _, c := range s.Comments {
				ids = append(ids, c.AuthorID)
			}
		}
	}
	for _, c := range d.Scorecards {
		ids = append(ids, c.AuthorID)
	}
	for _, v := range d.Votes {
		ids = append(ids, v.UserID)
	}
	for _, x := range d.Decisions {
		ids = append(ids, x.DecidedBy)
	}
	for _, e := range d.Audit {
		if assay.IDPrefix(e.Actor) == "usr" {
			ids = append(ids, assay.UserID(e.Actor))
		}
	}
	slices.Sort(ids)
	users, err := many[assay.User](g, "id", "id IN ?", slices.Compact(ids))
	for i := range users {
		users[i].PasswordHash = ""
	}
	d.Users = users
	return err
}
