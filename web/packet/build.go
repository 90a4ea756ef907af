package packet

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay"
)

// Bounds on what one packet carries; what does not fit is named in it, never dropped in silence.
const (
	maxCodeBytes   = 48 << 20 // of submitted files in one packet
	maxOutputBytes = 256 << 10
	maxPoints      = 400 // of one curve in packet.json and the page; its CSV has up to maxCSVRows
	maxCSVRows     = 20_000
	maxChecks      = 1_000
	maxSeries      = 64
)

// material is what pages and zip need beside the Doc: contents that packet.json only points at.
type material struct {
	files  []file                          // code/ and evidence/
	code   map[assay.SubmissionID][]source // what the page shows, in the order of Doc.Code
	output map[string]string               // the candidate's own last output, by submission
	checks map[string]DocCheck             // by submission and check id
	shown  map[assay.SubmissionID]bool
}

type source struct {
	path, content string
	starter       *string // nil when the starter had no such file
	omitted       string
}

type build struct {
	Snapshot
	level  assay.BlindLevel
	people map[assay.UserID]string
	seats  []DocSeat
	seatOf map[assay.ScorecardID]string
	cards  []assay.Scorecard // submitted, by people with a seat, in the order of the seats
	m      material
}

// newBuild works out who sits where and whose files the packet shows.
func newBuild(s Snapshot) *build {
	b := &build{Snapshot: s, level: s.Packet.Blind, people: map[assay.UserID]string{}, seatOf: map[assay.ScorecardID]string{}}
	b.m = material{code: map[assay.SubmissionID][]source{}, output: map[string]string{}, checks: map[string]DocCheck{}, shown: map[assay.SubmissionID]bool{}}
	for _, u := range s.Users {
		b.people[u.ID] = oneLine(cmp.Or(u.Name, string(u.ID)))
	}
	b.Interviews = slices.Clone(s.Interviews)
	slices.SortFunc(b.Interviews, func(x, y Sitting) int {
		return cmp.Or(x.Interview.WindowStart.Compare(y.Interview.WindowStart), cmp.Compare(x.Interview.ID, y.Interview.ID))
	})
	b.takeSeats()
	b.choose()
	return b
}

// document makes the Doc and the contents beside it. It changes nothing in the snapshot, and the same one gives the same result.
func (b *build) document(lines []auditLine) (Doc, *material) {
	s := b.Snapshot
	d := Doc{SchemaVersion: SchemaVersion}
	d.Packet = b.packet()
	d.Candidate, d.Role, d.Loop = b.candidate(), DocRole{Title: oneLine(s.Opening.Title), TargetLevel: string(s.Opening.Level)}, b.loop()
	d.Questions, d.Code, d.Comments = []DocQuestion{}, []DocFile{}, []DocComment{}
	budget := int64(maxCodeBytes)
	for _, sit := range b.Interviews {
		for _, a := range sorted(sit.Asked, func(a Asked) string { return fmt.Sprintf("%06d%s", a.Item.Position, a.Item.ID) }) {
			d.Questions = append(d.Questions, b.question(sit, a))
			b.take(sit, a, &budget, &d)
		}
		d.Interviews = append(d.Interviews, b.interview(sit))
	}
	d.Interviews = notNil(d.Interviews)
	d.Scorecards = b.scorecards()
	d.Competencies = b.competencies(d.Scorecards)
	d.Disagreements = b.disagreements(d)
	d.Gaps = b.gaps(d)
	d.Process = b.process()
	d.Calibration = b.calibration(d)
	d.Integrity = DocIntegrity{Text: "This platform records no integrity signals: no camera, no keystroke or gaze tracking, no plagiarism score. " +
		"Nothing was hidden here; there was nothing to review."}
	d.Votes, d.Decision = b.votes(), b.decision()
	d.Audit = b.audit(lines)
	d.Notes = b.notes(d)
	return d, &b.m
}

func (b *build) packet() DocPacket {
	p := DocPacket{ID: string(b.Packet.ID), Version: max(1, b.Packet.Version), BuiltAt: stamp(b.Packet.RequestedAt), Status: "for_decision",
		BlindLevel: string(cmp.Or(b.level, assay.BlindNothing)), RequestedBy: b.person(b.Packet.RequestedBy), AppBuild: b.Build}
	if len(b.Decisions) > 0 {
		p.Status = "decided"
	}
	if p.Version > 1 {
		before := p.Version - 1
		p.Supersedes = &before
	}
	return p
}

func (b *build) candidate() DocCandidate {
	name := oneLine(b.Candidate.Name)
	if hidesCandidate(b.level) {
		return DocCandidate{Ref: name}
	}
	return DocCandidate{Ref: string(b.Candidate.ID), DisplayName: &name}
}

func (b *build) loop() DocLoop {
	l := DocLoop{ID: string(b.Loop.ID), Status: string(b.Loop.Status), InterviewsPlanned: len(b.Interviews), Seats: notNil(b.seats)}
	for _, s := range b.Interviews {
		if s.Interview.OpenedAt != nil && s.Interview.Status != assay.InterviewCancelled {
			l.InterviewsHeld++
		}
	}
	return l
}

// takeSeats lays out the columns of the matrix: interview by interview, in each the people by name. A shadow gets none.
func (b *build) takeSeats() {
	used := map[string]int{}
	for _, sit := range b.Interviews {
		panel := sorted(sit.Panel, func(p assay.Panelist) string { return b.person(p.UserID) + "\x00" + string(p.UserID) })
		for _, p := range panel {
			if p.Participation == "shadow" {
				continue
			}
			name := b.person(p.UserID)
			seat := DocSeat{Key: "S" + strconv.Itoa(len(b.seats)+1), Interview: string(sit.Interview.ID), Person: name, Initials: initials(name),
				Participation: cmp.Or(p.Participation, "interviewer"), State: "missing"}
			if used[name+seat.Initials]++; used[name+seat.Initials] > 1 {
				seat.Initials += strconv.Itoa(used[name+seat.Initials])
			}
			for _, c := range b.Scorecards {
				if c.InterviewID == sit.Interview.ID && c.AuthorID == p.UserID && c.Status == assay.ScorecardSubmitted {
					id := string(c.ID)
					seat.State, seat.Scorecard = "submitted", &id
					b.seatOf[c.ID] = seat.Key
					b.cards = append(b.cards, c)
				}
			}
			if seat.State == "missing" && p.WaivedReason != "" {
				reason := text(p.WaivedReason)
				seat.State, seat.WaivedReason = "waived", &reason
			}
			if seat.State == "missing" && sit.Interview.Status == assay.InterviewCancelled {
				reason := "The interview was cancelled."
				seat.State, seat.WaivedReason = "waived", &reason
			}
			b.seats = append(b.seats, seat)
		}
	}
}

// choose says whose files the packet carries: the final submission of each question and every one that a person points at.
func (b *build) choose() {
	point := func(ratings []assay.Rating) {
		for _, r := range ratings {
			for _, e := range r.Evidence {
				if e.Submission != "" {
					b.m.shown[e.Submission] = true
				}
			}
		}
	}
	for _, c := range b.cards {
		point(c.Ratings)
	}
	for _, a := range b.Amendments {
		if b.seatOf[a.ScorecardID] != "" {
			point(a.Ratings)
		}
	}
	for _, sit := range b.Interviews {
		for _, a := range sit.Asked {
			if f := Final(a.Handed); f != nil {
				b.m.shown[f.Submission.ID] = true
			}
			for _, h := range a.Handed {
				if len(h.Comments) > 0 {
					b.m.shown[h.Submission.ID] = true
				}
			}
		}
	}
}

// Final is the submission that a question's result speaks of: the last one handed in for grading that was graded, else the last
// handed in for grading, else the last run. Nil when there is none.
func Final(handed []Handed) *Handed {
	var best *Handed
	rank := func(h *Handed) int {
		switch {
		case h.Submission.Mode == assay.ModeSubmit && h.Submission.Status == assay.StatusDone:
			return 3
		case h.Submission.Mode == assay.ModeSubmit && h.Submission.Status != assay.StatusCancelled:
			return 2
		case h.Submission.Status != assay.StatusCancelled:
			return 1
		}
		return 0
	}
	for i := range handed {
		if h := &handed[i]; rank(h) > 0 && (best == nil || rank(h) >= rank(best)) {
			best = h
		}
	}
	return best
}

func (b *build) interview(sit Sitting) DocInterview {
	i := sit.Interview
	d := DocInterview{ID: string(i.ID), Title: oneLine(i.Title), Kind: i.Kind, Status: string(i.Status), Kit: oneLine(cmp.Or(sit.Kit.Title, sit.Kit.Slug)),
		KitVersion: sit.Kit.Version, Focus: notNil(slices.Clone(sit.Kit.Focus)), AIPolicy: string(i.AIPolicy), Results: string(i.Results), Questions: []string{}}
	if i.OpenedAt != nil && !i.OpenedAt.IsZero() && !hidesInterviewers(b.level) {
		on := i.OpenedAt.UTC().Format(time.DateOnly)
		d.HeldOn = &on
	}
	for _, a := range sorted(sit.Asked, func(a Asked) string { return fmt.Sprintf("%06d%s", a.Item.Position, a.Item.ID) }) {
		d.Questions = append(d.Questions, string(a.Item.ID))
	}
	return d
}

func (b *build) question(sit Sitting, a Asked) DocQuestion {
	q := a.Question.Question
	d := DocQuestion{ID: string(a.Item.ID), Interview: string(sit.Interview.ID), Slug: a.Item.Slug, Title: oneLine(cmp.Or(q.Title, a.Item.Title, a.Item.Slug)),
		Kind: string(q.Kind), Graded: q.Kind.Graded(), Revision: a.Item.Revision, Seed: a.Item.Seed, Minutes: a.Item.Minutes,
		AIPolicy:  string(cmp.Or(sit.Interview.AIPolicy, q.AIPolicy, assay.AINone)),
		Statement: text(a.Question.Statement), Submissions: []DocSubmission{},
		Environment: DocEnvironment{Image: q.Environment.Image, GPU: q.Environment.GPU, Threads: q.Environment.Threads, Network: cmp.Or(q.Environment.Network, "none"),
			CPUs: q.Limits.CPUs, MemoryBytes: q.Limits.Memory, GradeMs: q.Limits.Grade.Milliseconds()}}
	final := Final(a.Handed)
	for i, h := range a.Handed {
		s := h.Submission
		d.Submissions = append(d.Submissions, DocSubmission{ID: string(s.ID), Number: i + 1, Mode: string(s.Mode), Status: string(s.Status),
			Verdict: string(s.Verdict), Final: final != nil && s.ID == final.Submission.ID, Shown: b.m.shown[s.ID]})
		if h.Attempt != nil && h.Attempt.Report != nil && (b.m.shown[s.ID] || s.Mode == assay.ModeSubmit) {
			r := b.result(h, q)
			for _, c := range r.Checks {
				b.m.checks[string(s.ID)+"\x00"+c.ID] = c
			}
			if final != nil && s.ID == final.Submission.ID {
				d.Result = &r
			}
		}
	}
	switch {
	case final == nil && !d.Graded:
		d.State = "A conversation, with nothing to hand in: people judge it in their scorecards."
	case final == nil:
		d.State = "Nothing was handed in for this question."
	case final.Submission.Mode == assay.ModeRun:
		d.State = "Nothing was handed in for grading; the last run is shown instead. It has no hidden checks and no verdict that counts."
	case !d.Graded:
		d.State = "Handed in. No machine grades this kind of question: people judge it in their scorecards."
	case final.Submission.Status != assay.StatusDone:
		d.State = "Handed in, but grading had not finished when this packet was built."
	case final.Submission.Verdict == assay.JudgeError:
		d.State = "Handed in, but we could not grade it. That is our fault and says nothing about the candidate."
	case d.Result == nil:
		d.State = "Handed in and graded; no report was kept."
	default:
		d.State = "Handed in within the allotted time and graded."
	}
	return d
}

func (b *build) result(h Handed, q assay.Question) DocResult {
	rep := h.Attempt.Report
	d := DocResult{Submission: string(h.Submission.ID), Verdict: string(h.Submission.Verdict), Checks: []DocCheck{}, Series: []DocSeries{},
		Usage:  DocUsage{WallMs: rep.Usage.Wall.Milliseconds(), CPUMs: rep.Usage.CPU.Milliseconds(), PeakMemory: rep.Usage.PeakMemory},
		Grader: DocGrader{Image: rep.Grader.Image, Engine: rep.Grader.Engine}, Notes: limit(text(rep.Notes), 8000)}
	specs := map[string]assay.CheckSpec{}
	for _, c := range q.Checks {
		specs[c.ID] = c
	}
	for _, c := range rep.Checks {
		d.Points, d.Of = d.Points+finite(c.Points), d.Of+finite(c.Of)
		spec := specs[c.ID]
		show := cmp.Or(c.Show, spec.Show, assay.ShowHidden)
		if hidesQuestions(b.level) && show != assay.ShowPublic || len(d.Checks) >= maxChecks {
			d.Withheld++
			continue
		}
		out := DocCheck{ID: c.ID, Title: oneLine(cmp.Or(c.Title, spec.Title, c.ID)), Type: cmp.Or(c.Type, spec.Type), Show: string(show), Status: string(c.Status),
			Source: "deterministic", Points: finite(c.Points), Of: finite(c.Of), Value: number(c.Value), Reference: number(c.Reference),
			Zero: spec.Zero, Full: spec.Full, Better: spec.Better, Unit: oneLine(cmp.Or(c.Unit, spec.Unit)), Samples: len(c.Samples),
			Message: limit(text(c.Message), 4000), Staff: limit(text(c.StaffNote), 4000)}
		if len(c.Samples) > 1 {
			out.Source = "statistical"
		}
		d.Checks = append(d.Checks, out)
	}
	if hidesQuestions(b.level) {
		d.Notes = ""
	}
	for i, s := range rep.Series {
		if i == maxSeries {
			break
		}
		s = plottable(s)
		n := len(s.X)
		x, y := downsample(s.X[:n], s.Y[:n], maxPoints)
		ds := DocSeries{Name: oneLine(s.Name), Unit: oneLine(s.Unit), Total: n, X: notNil(x), Y: notNil(y), Finite: true}
		for _, v := range s.Y[:n] {
			ds.Finite = ds.Finite && !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0)
		}
		if n > 0 {
			ds.File = fmt.Sprintf("evidence/%s/series-%d.csv", h.Submission.ID, i+1)
			b.m.files = append(b.m.files, file{ds.File, seriesCSV(s, n)})
		}
		d.Series = append(d.Series, ds)
	}
	d.Points, d.Of = round4(d.Points), round4(d.Of)
	return d
}

// plottable is a series without the points whose place on the axis is no number.
func plottable(s assay.Series) assay.Series {
	out := assay.Series{Name: s.Name, Unit: s.Unit}
	for i := range min(len(s.X), len(s.Y)) {
		if !math.IsNaN(s.X[i]) && !math.IsInf(s.X[i], 0) {
			out.X, out.Y = append(out.X, s.X[i]), append(out.Y, s.Y[i])
		}
	}
	return out
}

// take puts the shown submissions' files, comments, output and reports where they belong.
func (b *build) take(sit Sitting, a Asked, budget *int64, d *Doc) {
	starter := map[string]string{}
	for _, f := range a.Question.Starter {
		starter[f.Path] = f.Content
	}
	for _, h := range a.Handed {
		if !b.m.shown[h.Submission.ID] {
			continue
		}
		content := map[string]string{}
		for _, f := range h.Files {
			content[f.Path] = f.Content
		}
		names := map[string]bool{}
		for _, f := range sorted(h.Submission.Files, func(f assay.StoredFile) string { return f.Path }) {
			out := DocFile{Submission: string(h.Submission.ID), Question: string(a.Item.ID), Path: f.Path, SHA256: f.SHA256, Size: f.Size, Omitted: h.Omitted[f.Path]}
			body, have := content[f.Path]
			old, inStarter := starter[f.Path]
			switch {
			case hidesQuestions(b.level):
				out.Omitted, out.SHA256 = "Withheld: packets at B3 carry no answers.", ""
			case out.Omitted != "" || !have:
				out.Omitted = cmp.Or(out.Omitted, "The file was not read.")
			case int64(len(body)) > *budget:
				out.Omitted = "Left out: the files of this loop are larger than one packet carries."
			default:
				*budget -= int64(len(body))
				out.File, out.SHA256, out.Size = unique(names, path.Join("code", string(h.Submission.ID), f.Path)), hexSum([]byte(body)), int64(len(body))
				b.m.files = append(b.m.files, file{out.File, []byte(body)})
			}
			out.Changed = !inStarter || !have || old != body
			src := source{path: f.Path, content: body, omitted: out.Omitted}
			if inStarter {
				src.starter = &old
			}
			b.m.code[h.Submission.ID] = append(b.m.code[h.Submission.ID], src)
			d.Code = append(d.Code, out)
		}
		for _, c := range sorted(h.Comments, func(c assay.Comment) string { return fmt.Sprintf("%s\x00%09d\x00%s", c.Path, c.Line, c.ID) }) {
			d.Comments = append(d.Comments, DocComment{Submission: string(h.Submission.ID), Path: c.Path, Line: c.Line, Author: b.person(c.AuthorID),
				At: b.when(c.CreatedAt), Body: text(c.Body)})
		}
		if h.Attempt == nil {
			continue
		}
		dir := "evidence/" + string(h.Submission.ID) + "/"
		if out := clean(ansi.ReplaceAllString(h.Attempt.PublicLog, "")); out != "" && !hidesQuestions(b.level) {
			out = tail(out, maxOutputBytes)
			b.m.output[string(h.Submission.ID)] = out
			b.m.files = append(b.m.files, file{dir + "output.txt", []byte(out)})
		}
		if h.Attempt.Report != nil {
			b.m.files = append(b.m.files, file{dir + "report.json", indented(reportFor(*h.Attempt.Report, b.level))})
		}
	}
}

// ansi are the escapes that colour a terminal.
var ansi = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]`)

// reportFor is the judge's report as the blind level allows it.
func reportFor(r assay.Report, level assay.BlindLevel) assay.Report {
	r.Checks, r.Series = slices.Clone(r.Checks), nil // curves have files of their own
	if hidesQuestions(level) {
		r.Notes, r.Seed = "", ""
		r.Checks = slices.DeleteFunc(r.Checks, func(c assay.Check) bool { return c.Show != assay.ShowPublic })
	}
	for i := range r.Checks {
		c := &r.Checks[i]
		c.Value, c.Reference, c.Samples = finitePtr(c.Value), finitePtr(c.Reference), finiteAll(c.Samples)
		c.Points, c.Of = finite(c.Points), finite(c.Of)
	}
	return r
}

func (b *build) scorecards() []DocScorecard {
	out := []DocScorecard{}
	for _, c := range b.cards {
		d := DocScorecard{ID: string(c.ID), Seat: b.seatOf[c.ID], Interview: string(c.InterviewID), Author: b.person(c.AuthorID), Participation: "interviewer",
			Version: 1, Overall: string(cmp.Or(c.Overall, assay.NoDecision)), LevelObserved: string(c.LevelObserved), Ratings: b.ratings(c.Ratings),
			ReasonFor: text(c.ReasonFor), ReasonAgainst: text(c.ReasonAgainst), WouldChange: text(c.WouldChange), NoteToNext: text(c.NoteToNext),
			Seen: DocSeen{Autograde: c.SawAutograde}, Amendments: []DocAmendment{}}
		for _, s := range b.seats {
			if s.Key == d.Seat {
				d.Participation = s.Participation
			}
		}
		if c.SubmittedAt != nil {
			d.SubmittedAt = b.when(*c.SubmittedAt)
		}
		for _, a := range sorted(b.Amendments, func(a assay.Amendment) string { return fmt.Sprintf("%09d%020d", a.Version, a.ID) }) {
			if a.ScorecardID == c.ID {
				d.Amendments = append(d.Amendments, DocAmendment{Version: a.Version, At: b.when(a.At), Reason: text(a.Reason),
					Overall: string(cmp.Or(a.Overall, assay.NoDecision)), Ratings: b.ratings(a.Ratings), SawOthers: a.SawOthers})
			}
		}
		out = append(out, d)
	}
	return out
}

func (b *build) ratings(in []assay.Rating) []DocRating {
	out := []DocRating{}
	for _, r := range sorted(in, func(r assay.Rating) string { return competencyKey(r.Competency) }) {
		d := DocRating{Competency: r.Competency, Comment: text(r.Comment), Evidence: []DocEvidence{}}
		if !r.NotAssessed && r.Score >= 1 && r.Score <= 4 {
			score := r.Score
			d.Score = &score
		}
		if r.Confidence != "" {
			c := r.Confidence
			d.Confidence = &c
		}
		for _, e := range r.Evidence {
			d.Evidence = append(d.Evidence, b.evidence(e))
		}
		out = append(out, d)
	}
	return out
}

func (b *build) evidence(e assay.Evidence) DocEvidence {
	d := DocEvidence{Kind: e.Kind, Submission: string(e.Submission), Path: e.Path, From: e.From, To: max(e.From, e.To), Check: e.Check, Quote: text(e.Quote)}
	switch e.Kind {
	case "quote":
		d.Found = strings.TrimSpace(e.Quote) != ""
	case "check":
		if e.Submission == "" { // a check named without its submission: the only final one that has it
			for _, sit := range b.Interviews {
				for _, a := range sit.Asked {
					if f := Final(a.Handed); f != nil {
						if _, ok := b.m.checks[string(f.Submission.ID)+"\x00"+e.Check]; ok && !d.Found {
							d.Submission, d.Found = string(f.Submission.ID), true
						}
					}
				}
			}
		} else {
			_, d.Found = b.m.checks[string(e.Submission)+"\x00"+e.Check]
		}
	case "code":
		for _, s := range b.m.code[e.Submission] {
			if s.path == e.Path && s.omitted == "" {
				d.Found = e.From >= 1 && e.From <= strings.Count(s.content, "\n")+1
			}
		}
	}
	return d
}

func (b *build) competencies(cards []DocScorecard) []DocComp {
	asked, ids := map[string]bool{}, map[string]bool{}
	for _, sit := range b.Interviews {
		for _, f := range sit.Kit.Focus {
			asked[f], ids[f] = true, true
		}
	}
	scores := map[string][]int{}
	for _, c := range cards {
		for _, r := range c.Ratings {
			ids[r.Competency] = true
			if r.Score != nil {
				scores[r.Competency] = append(scores[r.Competency], *r.Score)
			}
		}
	}
	out := []DocComp{}
	for _, id := range sorted(slices.Collect(maps.Keys(ids)), competencyKey) {
		d := DocComp{ID: id, Name: id, Asked: asked[id], Summary: summarise(scores[id]), Anchors: map[string]string{"1": "", "2": "", "3": "", "4": ""}}
		if c, ok := assay.FindCompetency(id); ok {
			d.Name, d.Line = c.Name, c.Line
			for i, a := range c.AnchorsAt(b.Opening.Level) {
				d.Anchors[strconv.Itoa(i+1)] = a
			}
		}
		out = append(out, d)
	}
	return out
}

// disagreements lists every pair of first scores two or more apart, the widest first.
func (b *build) disagreements(d Doc) []DocDisagree {
	out := []DocDisagree{}
	for _, comp := range d.Competencies {
		var sides []DocSide
		for _, c := range d.Scorecards {
			for _, r := range c.Ratings {
				if r.Competency == comp.ID && r.Score != nil {
					sides = append(sides, DocSide{Scorecard: c.ID, Seat: c.Seat, Score: *r.Score})
				}
			}
		}
		for i, x := range sides {
			for _, y := range sides[i+1:] {
				low, high := x, y
				if low.Score > high.Score {
					low, high = high, low
				}
				if high.Score-low.Score >= farApart {
					out = append(out, DocDisagree{Competency: comp.ID, Apart: high.Score - low.Score, Low: low, High: high})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(x, y DocDisagree) int { return cmp.Compare(y.Apart, x.Apart) })
	for i := range out {
		out[i].Key = "D" + strconv.Itoa(i+1)
	}
	return out
}

func (b *build) gaps(d Doc) []DocGap {
	out := []DocGap{}
	for _, c := range d.Competencies {
		switch {
		case c.Summary.N == 0 && c.Asked:
			out = append(out, DocGap{c.ID, "nobody", c.Name + ": in focus, but nobody scored it."})
		case c.Summary.N == 0:
			out = append(out, DocGap{c.ID, "nobody", c.Name + ": nobody scored it."})
		case c.Summary.N == 1:
			out = append(out, DocGap{c.ID, "single", c.Name + ": one rater only."})
		}
		low := 0
		for _, card := range d.Scorecards {
			for _, r := range card.Ratings {
				if r.Competency == c.ID && r.Score != nil && r.Confidence != nil && *r.Confidence == "low" {
					low++
				}
			}
		}
		if low > 0 {
			out = append(out, DocGap{c.ID, "low_confidence", fmt.Sprintf("%s: %s given with low confidence.", c.Name, count(low, "score was", "scores were"))})
		}
	}
	return out
}

func (b *build) process() DocProcess {
	p := DocProcess{Credits: []DocCredit{}, Waived: []DocAbsence{}, Missing: []DocAbsence{}, Cancelled: []DocCancelled{}, Unheld: []string{}}
	for _, sit := range b.Interviews {
		by := map[string]time.Duration{}
		for _, c := range sit.Credits {
			switch c.Cause {
			case "queue", "start", "our_error": // waiting that was ours; whatever else there is may be an accommodation
				by[c.Cause] += c.Amount
			}
		}
		for _, cause := range slices.Sorted(maps.Keys(by)) {
			p.Credits = append(p.Credits, DocCredit{string(sit.Interview.ID), cause, int64(by[cause].Round(time.Second) / time.Second)})
		}
		switch {
		case sit.Interview.Status == assay.InterviewCancelled:
			p.Cancelled = append(p.Cancelled, DocCancelled{string(sit.Interview.ID), oneLine(sit.Interview.Title), cmp.Or(text(sit.Cancelled), "No reason was recorded.")})
		case sit.Interview.OpenedAt == nil:
			p.Unheld = append(p.Unheld, string(sit.Interview.ID))
		}
	}
	for _, s := range b.seats {
		switch s.State {
		case "waived":
			p.Waived = append(p.Waived, DocAbsence{s.Interview, s.Person, *s.WaivedReason})
		case "missing":
			p.Missing = append(p.Missing, DocAbsence{s.Interview, s.Person, "No reason was recorded."})
		}
	}
	return p
}

func (b *build) calibration(d Doc) DocCalibration {
	cal := DocCalibration{Minimum: tooFew, Questions: []DocPool{}, Panel: DocPanelError{RaterError: RaterError}}
	seen := map[string]bool{}
	for _, q := range d.Questions {
		if seen[q.Slug] {
			continue
		}
		seen[q.Slug] = true
		pool := DocPool{Slug: q.Slug, Text: "Too few to say."}
		if n, ok := b.Pools[q.Slug]; ok {
			pool.N = &n
			if n >= tooFew {
				pool.Text = fmt.Sprintf("%d results so far. This version shows the count alone; no spread is drawn from it.", n)
			}
		}
		cal.Questions = append(cal.Questions, pool)
	}
	raters := map[string]bool{}
	for _, c := range b.cards {
		if c.Overall != assay.NoDecision {
			raters[string(c.AuthorID)] = true
		}
	}
	cal.Panel.Raters, cal.Panel.Reliability = len(raters), reliability(len(raters))
	return cal
}

func (b *build) votes() []DocVote {
	out := []DocVote{}
	for _, v := range sorted(b.Votes, func(v assay.Vote) string { return b.person(v.UserID) + "\x00" + string(v.ID) }) {
		out = append(out, DocVote{Person: b.person(v.UserID), PacketID: string(v.PacketID), Outcome: string(v.Outcome), Level: string(v.Level),
			Confidence: v.Confidence, Sentence: text(v.Sentence), At: b.when(v.CreatedAt)})
	}
	return out
}

// decision is the latest one; how many it replaced is said beside it.
func (b *build) decision() *DocDecision {
	if len(b.Decisions) == 0 {
		return nil
	}
	all := slices.Clone(b.Decisions)
	slices.SortFunc(all, func(x, y assay.Decision) int {
		return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), cmp.Compare(x.ID, y.ID))
	})
	v := all[len(all)-1]
	return &DocDecision{Outcome: string(v.Outcome), Level: string(v.Level), Rationale: text(v.Rationale), Missing: text(v.Missing), Dissent: text(v.Dissent),
		DecidedBy: b.person(v.DecidedBy), PacketID: string(v.PacketID), At: b.when(v.CreatedAt), Earlier: len(all) - 1}
}

// notes are fixed sentences about how far the rest can be trusted. No opinion of ours is among them.
func (b *build) notes(d Doc) []string {
	out := []string{}
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if n := len(d.Process.Missing); n > 0 {
		add("%s not been handed in: %s.", count(n, "scorecard has", "scorecards have"), names(d.Process.Missing))
	}
	if n := len(d.Process.Waived); n > 0 {
		add("%s waived; the reasons are in the process notes.", count(n, "scorecard was", "scorecards were"))
	}
	if n := d.Calibration.Panel.Raters; n < 4 {
		add("%s gave a recommendation. Four or five independent interviewers make a decision reasonably stable.", count(n, "interviewer", "interviewers"))
	}
	amended, sawOthers, sawGrade, undecided := 0, 0, 0, 0
	for _, c := range d.Scorecards {
		if len(c.Amendments) > 0 {
			amended++
		}
		for _, a := range c.Amendments {
			if a.SawOthers {
				sawOthers++
				break
			}
		}
		if c.Seen.Autograde {
			sawGrade++
		}
		if c.Overall == string(assay.NoDecision) {
			undecided++
		}
	}
	if undecided > 0 {
		add("%s no decision. It shows as a hole, not as a middle.", count(undecided, "interviewer recorded", "interviewers recorded"))
	}
	if sawGrade > 0 {
		add("%s opened the hidden results before scoring.", count(sawGrade, "interviewer had", "interviewers had"))
	}
	if amended > 0 {
		add("%s amended, %d of them after colleagues’ could be read. First scores stay the scores of record.", count(amended, "scorecard was", "scorecards were"), sawOthers)
	}
	ours, open, empty := 0, 0, 0
	for _, q := range d.Questions {
		final := slices.IndexFunc(q.Submissions, func(s DocSubmission) bool { return s.Final })
		switch {
		case final < 0:
			empty += btoi(q.Graded)
		case q.Graded && q.Submissions[final].Verdict == string(assay.JudgeError):
			ours++
		case q.Graded && q.Submissions[final].Status != string(assay.StatusDone) && q.Submissions[final].Mode == string(assay.ModeSubmit):
			open++
		}
	}
	if ours > 0 {
		add("%s not be graded, through our fault.", count(ours, "submission could", "submissions could"))
	}
	if open > 0 {
		add("%s still being graded.", count(open, "submission was", "submissions were"))
	}
	if empty > 0 {
		add("%s no submission.", count(empty, "question has", "questions have"))
	}
	broken := 0
	for _, c := range d.Scorecards {
		for _, r := range c.Ratings {
			for _, e := range r.Evidence {
				if !e.Found {
					broken++
				}
			}
		}
	}
	if broken > 0 {
		add("%s at something that is not in this packet.", count(broken, "piece of evidence points", "pieces of evidence point"))
	}
	if len(b.seats) == 0 {
		add("Nobody was on a panel of this loop.")
	}
	return out
}

func (b *build) person(id assay.UserID) string {
	if id == "" {
		return ""
	}
	return cmp.Or(b.people[id], string(id))
}

// when is a time as the blind level allows it.
func (b *build) when(t time.Time) *string {
	if t.IsZero() || hidesInterviewers(b.level) {
		return nil
	}
	s := stamp(t)
	return &s
}

func stamp(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

func seriesCSV(s assay.Series, n int) []byte {
	x, y := s.X[:n], s.Y[:n]
	if n > maxCSVRows {
		x, y = downsample(x, y, maxCSVRows)
	}
	var out strings.Builder
	out.WriteString("x,y\n")
	for i := range x {
		fx, _ := assay.Float(x[i]).MarshalJSON()
		fy, _ := y[i].MarshalJSON()
		out.WriteString(strings.Trim(string(fx), `"`) + "," + strings.Trim(string(fy), `"`) + "\n")
	}
	return []byte(out.String())
}

func indented(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("a report that does not marshal: %v", err)) // every float has been made finite
	}
	out, err := prettyJSON(raw)
	if err != nil {
		panic(fmt.Sprintf("our own JSON: %v", err))
	}
	return out
}
