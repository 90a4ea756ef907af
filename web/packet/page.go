package packet

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay"
	"assay/web/view"
)

// Bounds on what the page shows; the zip has the rest.
const (
	maxLinesShown   = 1_500 // of one file
	maxLineShown    = 1_000 // characters of one line
	maxOutputShown  = 12 << 10
	maxExcerptLines = 14
	foldFrom        = 8 // so many unchanged lines in a row are folded
	foldContext     = 3
)

// page turns a Doc into what the components show. It adds fixed words and links, nothing that the Doc does not say.
type page struct {
	d          Doc
	m          *material
	interviews map[string]int // number from 1
	questions  map[string]DocQuestion
	ofSub      map[string]string // submission → question
	seats      map[string]DocSeat
	cards      map[string]DocScorecard
	comps      map[string]DocComp
	lineIDs    map[string]bool // anchors of lines that the code section shows
}

func render(d Doc, m *material, hash string) ([]byte, error) {
	p := &page{d: d, m: m, interviews: map[string]int{}, questions: map[string]DocQuestion{}, ofSub: map[string]string{}, seats: map[string]DocSeat{},
		cards: map[string]DocScorecard{}, comps: map[string]DocComp{}, lineIDs: map[string]bool{}}
	for i, v := range d.Interviews {
		p.interviews[v.ID] = i + 1
	}
	for _, q := range d.Questions {
		p.questions[q.ID] = q
		for _, s := range q.Submissions {
			p.ofSub[s.ID] = q.ID
		}
	}
	for _, s := range d.Loop.Seats {
		p.seats[s.Key] = s
	}
	for _, c := range d.Scorecards {
		p.cards[c.ID] = c
	}
	for _, c := range d.Competencies {
		p.comps[c.ID] = c
	}
	return view.RenderPacket(p.view(hash))
}

func (p *page) view(hash string) view.PacketDoc {
	d := p.d
	out := view.PacketDoc{ID: d.Packet.ID, Version: strconv.Itoa(d.Packet.Version), Hash: hash[:12], Candidate: p.candidate(), Role: d.Role.Title,
		Level: capital(d.Role.TargetLevel), Built: day(d.Packet.BuiltAt), RequestedBy: d.Packet.RequestedBy, Status: d.Packet.Status,
		Blind: d.Packet.BlindLevel, BlindText: blindText(d.Packet.BlindLevel), Build: "Assay " + d.Packet.AppBuild,
		Loop:  fmt.Sprintf("%d of %s held", d.Loop.InterviewsHeld, count(d.Loop.InterviewsPlanned, "interview", "interviews")),
		Notes: d.Notes, Integrity: d.Integrity.Text, ChainHead: cmp.Or(d.Audit.ChainHead, "none: the log was empty")}
	out.Ask = "Hire at " + d.Role.TargetLevel + "?"
	if d.Role.TargetLevel == "" {
		out.Ask = "Hire?"
	}
	if d.Packet.Supersedes != nil {
		out.Supersedes = fmt.Sprintf(", supersedes %d", *d.Packet.Supersedes)
	}
	out.Gaps = p.gaps()
	out.Code = p.code() // first: evidence links to the lines that it shows
	p.matrix(&out)
	out.Disagreements = p.disagreements()
	out.Competencies = p.competencies()
	out.Interviews = p.interviewList()
	out.Scorecards = p.scorecards()
	out.PanelText = p.panelText()
	for _, q := range d.Calibration.Questions {
		out.Calibration = append(out.Calibration, view.PacketDocFact{Name: q.Slug, Text: q.Text})
	}
	out.Process = p.process()
	p.decision(&out)
	p.audit(&out)
	return out
}

func (p *page) candidate() string {
	if p.d.Candidate.DisplayName != nil {
		return *p.d.Candidate.DisplayName
	}
	return p.d.Candidate.Ref
}

func blindText(level string) string {
	const limits = "Writing style and subject may still reveal it."
	switch assay.BlindLevel(level) {
	case assay.BlindCandidate:
		return "The candidate’s identity was removed by rule, not by a reader. " + limits
	case assay.BlindInterviewers:
		return "The identities of candidate and interviewers, and all dates, were removed by rule, not by a reader. " + limits
	case assay.BlindQuestions:
		return "Identities, dates, hidden checks and answers were removed by rule, not by a reader. " + limits
	}
	return ""
}

func (p *page) matrix(out *view.PacketDoc) {
	d := p.d
	for _, s := range d.Loop.Seats {
		v := view.PacketDocSeat{Person: s.Person, Interview: p.round(s.Interview)}
		rec := view.PacketDocRecommendation{First: s.State, FirstClass: "none"}
		if s.Scorecard != nil {
			c := p.cards[*s.Scorecard]
			v.Href = "card-" + c.ID
			rec.First, rec.FirstClass = recommendation(c.Overall)
			if n := len(c.Amendments); n > 0 && c.Amendments[n-1].Overall != c.Overall {
				rec.Now, rec.NowClass = recommendation(c.Amendments[n-1].Overall)
				out.Revotes = true
			}
			out.Reasons = append(out.Reasons, view.PacketDocReason{Person: s.Person, Overall: rec.First, Class: rec.FirstClass,
				For: c.ReasonFor, Against: c.ReasonAgainst, Href: v.Href})
		}
		out.Seats = append(out.Seats, v)
		out.Recommendations = append(out.Recommendations, rec)
	}
	focus := map[string]bool{}
	for _, in := range d.Interviews {
		for _, f := range in.Focus {
			focus[in.ID+"\x00"+f] = true
		}
	}
	far := map[string]bool{}
	first := map[string]string{}
	for _, x := range d.Disagreements {
		far[x.Competency+"\x00"+x.Low.Scorecard], far[x.Competency+"\x00"+x.High.Scorecard] = true, true
		if first[x.Competency] == "" {
			first[x.Competency] = x.Key
		}
	}
	for _, c := range d.Competencies {
		row := view.PacketDocRow{Name: c.Name, Href: "comp-" + c.ID, N: strconv.Itoa(c.Summary.N)}
		row.Mean, row.Band = meanBand(c.Summary)
		row.Mark, row.MarkHref = first[c.ID], first[c.ID]
		if row.Mark == "" {
			row.Mark = fewMark(c.Summary.N)
		}
		for _, s := range d.Loop.Seats {
			cell := view.PacketDocCell{Why: s.State}
			if !focus[s.Interview+"\x00"+c.ID] {
				cell.Why = "not asked"
			}
			if s.Scorecard != nil {
				cell.Why = "not asked"
				card := p.cards[*s.Scorecard]
				for _, r := range card.Ratings {
					if r.Competency != c.ID {
						continue
					}
					cell.Why = "not assessed"
					if r.Score != nil {
						cell = view.PacketDocCell{Score: *r.Score, Low: r.Confidence != nil && *r.Confidence == "low", Disagree: far[c.ID+"\x00"+card.ID],
							Href: ratingID(c.ID, card.ID)}
					}
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		out.Matrix = append(out.Matrix, row)
	}
	forIt, against := 0, 0
	for _, c := range d.Scorecards {
		switch assay.Recommendation(c.Overall) {
		case assay.Yes, assay.StrongYes:
			forIt++
		case assay.No, assay.StrongNo:
			against++
		}
	}
	if forIt > 0 && against > 0 {
		out.Split = fmt.Sprintf("The first recommendations are split: %d for, %d against.", forIt, against)
	}
}

// gaps are the Doc's, with those that nobody need read one by one in one sentence.
func (p *page) gaps() []string {
	var out, single []string
	for _, g := range p.d.Gaps {
		if g.Kind == "single" {
			single = append(single, p.compName(g.Competency))
			continue
		}
		out = append(out, g.Text)
	}
	if len(single) > 0 {
		out = append(out, "One rater only: "+strings.Join(single, "; ")+".")
	}
	return out
}

func meanBand(s DocSummary) (string, string) {
	if s.Mean == nil {
		return "", ""
	}
	return fmt.Sprintf("%.1f", *s.Mean), fmt.Sprintf("%.1f–%.1f", *s.Low68, *s.High68)
}

func fewMark(n int) string {
	switch n {
	case 0:
		return "nobody"
	case 1:
		return "one rater"
	}
	return ""
}

func ratingID(competency, card string) string { return "r-" + competency + "-" + card }

func recommendation(overall string) (string, string) {
	r := assay.Recommendation(overall)
	glyph := map[assay.Recommendation]string{assay.StrongNo: "▼▼ ", assay.No: "▼ ", assay.Yes: "▲ ", assay.StrongYes: "▲▲ "}[r]
	return glyph + r.Words(), overall
}

func (p *page) round(interview string) string {
	n := p.interviews[interview]
	if n == 0 {
		return ""
	}
	return "Interview " + strconv.Itoa(n)
}

func (p *page) rating(r DocRating, c DocScorecard, anchor bool) view.PacketDocRating {
	out := view.PacketDocRating{Competency: p.compName(r.Competency), Person: c.Author, Interview: p.round(c.Interview), Href: "card-" + c.ID, Comment: r.Comment}
	if anchor {
		out.ID = ratingID(r.Competency, c.ID)
	}
	if r.Score != nil {
		out.Score = *r.Score
	}
	if r.Confidence != nil {
		out.Confidence = *r.Confidence
	}
	for _, e := range r.Evidence {
		out.Evidence = append(out.Evidence, p.evidence(e))
	}
	return out
}

func (p *page) compName(id string) string { return cmp.Or(p.comps[id].Name, id) }

func (p *page) evidence(e DocEvidence) view.PacketDocEvidence {
	out := view.PacketDocEvidence{Kind: e.Kind, Missing: !e.Found, Quote: e.Quote}
	question := p.questions[p.ofSub[e.Submission]]
	switch e.Kind {
	case "check":
		out.Title = "Check " + e.Check
		if c, ok := p.m.checks[e.Submission+"\x00"+e.Check]; ok {
			v := p.check(e.Submission, c)
			out.Check, out.Title = &v, c.Title+" ("+question.Title+")"
			out.Href = v.ID
			if question.Result == nil || question.Result.Submission != e.Submission {
				out.Href = "q-" + question.ID // an earlier try: its table is not shown, the question is
			}
		}
	case "code":
		out.Title = e.Path + lines(e.From, e.To) + " (" + cmp.Or(question.Title, "unknown question") + ")"
		if !e.Found {
			break
		}
		out.Href = "s-" + e.Submission
		if id := lineID(e.Submission, e.Path, e.From); p.lineIDs[id] {
			out.Href = id
		}
		for _, s := range p.m.code[assay.SubmissionID(e.Submission)] {
			if s.path == e.Path {
				out.Lines = excerpt(s, e.From, e.To)
			}
		}
	}
	return out
}

func lines(from, to int) string {
	if from == to || to == 0 {
		return ", line " + strconv.Itoa(from)
	}
	return fmt.Sprintf(", lines %d–%d", from, to)
}

func excerpt(s source, from, to int) []view.PacketDocLine {
	all := splitLines(s.content)
	paint := newPainter(s.path)
	var out []view.PacketDocLine
	for i, l := range all {
		runs := paint.line(shortLine(l)) // from the top: a string may have begun before the excerpt
		if n := i + 1; n >= from && n <= to {
			if len(out) == maxExcerptLines {
				return append(out, foldedLine(fmt.Sprintf("… %d more lines", to-n+1)))
			}
			out = append(out, view.PacketDocLine{No: strconv.Itoa(n), Runs: runs})
		}
	}
	return out
}

func foldedLine(text string) view.PacketDocLine {
	return view.PacketDocLine{Kind: "fold", Runs: []view.PacketDocRun{{Text: text}}}
}

func shortLine(s string) string { return strings.ReplaceAll(limit(s, maxLineShown), "\t", "    ") }

func (p *page) disagreements() []view.PacketDocDisagreement {
	var out []view.PacketDocDisagreement
	side := func(comp string, s DocSide) view.PacketDocRating {
		c := p.cards[s.Scorecard]
		for _, r := range c.Ratings {
			if r.Competency == comp {
				return p.rating(r, c, false)
			}
		}
		return view.PacketDocRating{}
	}
	for _, x := range p.d.Disagreements {
		out = append(out, view.PacketDocDisagreement{Key: x.Key, Name: p.compName(x.Competency), Href: "comp-" + x.Competency,
			Apart: fmt.Sprintf("%d apart", x.Apart), Low: side(x.Competency, x.Low), High: side(x.Competency, x.High)})
	}
	return out
}

func (p *page) competencies() []view.PacketDocCompetency {
	order := slices.Clone(p.d.Competencies)
	gap := func(c DocComp) int {
		if c.Summary.MaxGap == nil {
			return -1 - btoi(c.Summary.N == 0)
		}
		return *c.Summary.MaxGap
	}
	slices.SortStableFunc(order, func(a, b DocComp) int { return cmp.Compare(gap(b), gap(a)) })
	var out []view.PacketDocCompetency
	for _, c := range order {
		v := view.PacketDocCompetency{ID: "comp-" + c.ID, Name: c.Name, Line: c.Line, N: strconv.Itoa(c.Summary.N), Mark: fewMark(c.Summary.N)}
		v.Mean, v.Band = meanBand(c.Summary)
		if c.Summary.MaxGap != nil && *c.Summary.MaxGap >= farApart {
			v.Mark = fmt.Sprintf("%d apart", *c.Summary.MaxGap)
		}
		for i := 1; i <= 4; i++ {
			if t := c.Anchors[strconv.Itoa(i)]; t != "" {
				v.Anchors = append(v.Anchors, view.PacketDocAnchor{Score: i, Text: t})
			}
		}
		var holes []string
		for _, card := range p.d.Scorecards {
			for _, r := range card.Ratings {
				switch {
				case r.Competency != c.ID:
				case r.Score == nil && r.Comment == "" && len(r.Evidence) == 0:
					holes = append(holes, card.Author)
				default:
					v.Ratings = append(v.Ratings, p.rating(r, card, true))
				}
			}
		}
		if len(holes) > 0 {
			v.NotAssessed = "Not assessed by " + strings.Join(holes, ", ") + "."
		}
		out = append(out, v)
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *page) interviewList() []view.PacketDocInterview {
	var out []view.PacketDocInterview
	for i, in := range p.d.Interviews {
		v := view.PacketDocInterview{ID: "i-" + in.ID, Number: strconv.Itoa(i + 1), Title: cmp.Or(in.Title, in.Kit, "Interview")}
		add := func(name, text string) {
			if text != "" {
				v.Facts = append(v.Facts, view.PacketDocFact{Name: name, Text: text})
			}
		}
		add("State", map[string]string{"scheduled": "planned, not held", "open": "still open", "closed": "held", "cancelled": "cancelled"}[in.Status])
		if in.HeldOn != nil {
			add("Held on", *in.HeldOn)
		}
		add("Form", strings.ReplaceAll(in.Kind, "_", " "))
		if in.Kit != "" {
			add("Kit", fmt.Sprintf("%s, version %d", in.Kit, in.KitVersion))
		}
		add("Help allowed", aiWords(in.AIPolicy))
		var focus, panel []string
		for _, f := range in.Focus {
			focus = append(focus, p.compName(f))
		}
		add("Focus", strings.Join(focus, "; "))
		for _, s := range p.d.Loop.Seats {
			if s.Interview == in.ID {
				panel = append(panel, s.Person+map[string]string{"missing": " (no scorecard yet)", "waived": " (scorecard waived)"}[s.State])
			}
		}
		add("Panel", strings.Join(panel, ", "))
		for _, id := range in.Questions {
			v.Questions = append(v.Questions, p.question(p.questions[id]))
		}
		out = append(out, v)
	}
	return out
}

func aiWords(policy string) string {
	return map[string]string{"none": "no assistant, no documentation", "docs": "documentation, no assistant", "assistant": "documentation and the assistant provided",
		"any": "anything"}[policy]
}

func (p *page) question(q DocQuestion) view.PacketDocQuestion {
	v := view.PacketDocQuestion{ID: "q-" + q.ID, Title: cmp.Or(q.Title, q.Slug), State: q.State, Statement: statementHTML(q.Statement)}
	add := func(name, text string) {
		if text != "" {
			v.Facts = append(v.Facts, view.PacketDocFact{Name: name, Text: text})
		}
	}
	add("Kind", q.Kind)
	if q.Minutes > 0 {
		add("Meant to take", count(q.Minutes, "minute", "minutes"))
	}
	add("Help allowed", aiWords(q.AIPolicy))
	add("Environment", environment(q.Environment))
	add("Revision", limitBytes(q.Revision, 12))
	add("Seed", limitBytes(q.Seed, 24))
	for _, s := range q.Submissions {
		t := view.PacketDocTry{Number: strconv.Itoa(s.Number), What: "handed in", Result: assay.Verdict(s.Verdict).Words()}
		if s.Mode == string(assay.ModeRun) {
			t.What = "public checks run"
		}
		if s.Status != string(assay.StatusDone) {
			t.Result = s.Status
		}
		switch {
		case s.Final:
			t.Note = "shown here"
		case s.Shown:
			t.Note = "pointed at"
		}
		if s.Final && q.Graded && s.Mode == string(assay.ModeSubmit) && s.Verdict != "" {
			v.Verdict, v.Class = assay.Verdict(s.Verdict).Words(), verdictClass(s.Verdict)
		}
		if s.Final && len(p.m.code[assay.SubmissionID(s.ID)]) > 0 {
			v.CodeHref = "s-" + s.ID
		}
		if s.Final {
			if out := p.m.output[s.ID]; out != "" {
				v.Output = showInvisible(tail(out, maxOutputShown))
				if len(out) > maxOutputShown {
					v.OutputNote = " (its end; all of it is in the zip)"
				}
			}
		}
		v.Submissions = append(v.Submissions, t)
	}
	r := q.Result
	if r == nil {
		return v
	}
	if r.Of > 0 {
		v.Points = short(r.Points) + " of " + short(r.Of) + " points on this question’s checks"
	}
	add("Used", usage(r.Usage))
	add("Graded by", strings.Trim(r.Grader.Image+", Assay "+r.Grader.Engine, ", "))
	v.Notes = r.Notes
	if r.Withheld > 0 {
		v.Withheld = count(r.Withheld, "check is", "checks are") + " left out of this packet."
	}
	for _, c := range r.Checks {
		v.Checks = append(v.Checks, p.check(r.Submission, c))
		if s := strip(c); s != nil {
			s.Name = c.Title
			v.Strips = append(v.Strips, *s)
		}
	}
	v.Plots = plots(r.Submission, r.Series)
	return v
}

func environment(e DocEnvironment) string {
	var parts []string
	if e.Image != "" {
		parts = append(parts, e.Image)
	}
	if e.CPUs > 0 {
		parts = append(parts, short(e.CPUs)+" CPU")
	}
	if e.MemoryBytes > 0 {
		parts = append(parts, bytesText(e.MemoryBytes))
	}
	if e.GPU != "" && e.GPU != "none" {
		parts = append(parts, "GPU "+e.GPU)
	}
	if e.GradeMs > 0 {
		parts = append(parts, "at most "+msText(e.GradeMs)+" to grade")
	}
	return strings.Join(append(parts, "no network"), ", ")
}

func usage(u DocUsage) string {
	var parts []string
	if u.WallMs > 0 {
		parts = append(parts, msText(u.WallMs))
	}
	if u.CPUMs > 0 {
		parts = append(parts, msText(u.CPUMs)+" of CPU")
	}
	if u.PeakMemory > 0 {
		parts = append(parts, bytesText(u.PeakMemory)+" at most")
	}
	return strings.Join(parts, ", ")
}

func msText(ms int64) string {
	if ms < 1000 {
		return strconv.FormatInt(ms, 10) + " ms"
	}
	return short(math.Round(float64(ms)/100)/10) + " s"
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return short(math.Round(float64(n)/(1<<30)*10)/10) + " GiB"
	case n >= 1<<20:
		return short(math.Round(float64(n)/(1<<20))) + " MiB"
	case n >= 1<<10:
		return short(math.Round(float64(n)/(1<<10))) + " KiB"
	}
	return strconv.FormatInt(n, 10) + " B"
}

func verdictClass(v string) string {
	switch assay.Verdict(v) {
	case assay.Accepted:
		return "good"
	case assay.PartiallyAccepted:
		return "half"
	case assay.JudgeError:
		return "ours"
	}
	return "bad"
}

func (p *page) check(submission string, c DocCheck) view.PacketDocCheck {
	v := view.PacketDocCheck{ID: "c-" + submission + "-" + c.ID, Title: c.Title, Status: c.Status, Class: c.Status, Message: c.Message, Staff: c.Staff,
		Glyph: map[string]string{"pass": "✓", "partial": "◐", "fail": "✗", "skip": "–", "error": "!"}[c.Status]}
	v.Show = map[string]string{"public": "to the candidate", "after": "after the interview", "hidden": "hidden"}[c.Show]
	if c.Of > 0 {
		v.Points = short(c.Points) + " / " + short(c.Of)
	}
	if f, ok := c.Value.(assay.Float); ok {
		v.Value = short(float64(f)) + unitOf(c.Unit)
	}
	if c.Samples > 1 {
		v.Source = count(c.Samples, "sample", "samples")
	}
	return v
}

// code shows every file that the packet carries: new lines marked against the starter, comments under their lines, long unchanged
// stretches folded.
func (p *page) code() []view.PacketDocSubmission {
	comments := map[string][]DocComment{}
	for _, c := range p.d.Comments {
		comments[c.Submission+"\x00"+c.Path] = append(comments[c.Submission+"\x00"+c.Path], c)
	}
	wanted := p.pointedAt()
	var out []view.PacketDocSubmission
	for _, q := range p.d.Questions {
		for _, s := range q.Submissions {
			sources := p.m.code[assay.SubmissionID(s.ID)]
			if !s.Shown || len(sources) == 0 {
				continue
			}
			v := view.PacketDocSubmission{ID: "s-" + s.ID, Title: cmp.Or(q.Title, q.Slug), Note: fmt.Sprintf("%s, no. %d", p.round(q.Interview), s.Number)}
			if !s.Final {
				v.Note += ", an earlier one that somebody points at"
			}
			n := 0
			for _, f := range p.d.Code {
				if f.Submission != s.ID {
					continue
				}
				v.Files = append(v.Files, p.file(f, sources[n], comments[s.ID+"\x00"+f.Path], wanted))
				n++
			}
			out = append(out, v)
		}
	}
	return out
}

// pointedAt lists the lines that evidence names, so that folding leaves them to be seen.
func (p *page) pointedAt() map[string]bool {
	out := map[string]bool{}
	point := func(ratings []DocRating) {
		for _, r := range ratings {
			for _, e := range r.Evidence {
				for n := e.From; e.Kind == "code" && n <= min(e.To, e.From+200); n++ {
					out[lineID(e.Submission, e.Path, n)] = true
				}
			}
		}
	}
	for _, c := range p.d.Scorecards {
		point(c.Ratings)
		for _, a := range c.Amendments {
			point(a.Ratings)
		}
	}
	return out
}

func lineID(submission, path string, line int) string {
	return fmt.Sprintf("l-%s-%s-%d", submission, hexSum([]byte(path))[:8], line)
}

func (p *page) file(f DocFile, s source, comments []DocComment, wanted map[string]bool) view.PacketDocFile {
	v := view.PacketDocFile{ID: fmt.Sprintf("f-%s-%s", f.Submission, hexSum([]byte(f.Path))[:8]), Path: f.Path, Digest: f.SHA256}
	loose := func(c DocComment) {
		v.Comments = append(v.Comments, view.PacketDocComment{Author: c.Author, Line: "line " + strconv.Itoa(c.Line), Body: c.Body})
	}
	if s.omitted != "" {
		v.Note, v.Digest = s.omitted, f.SHA256
		for _, c := range comments {
			loose(c)
		}
		return v
	}
	byLine := map[int][]DocComment{}
	for _, c := range comments {
		byLine[c.Line] = append(byLine[c.Line], c)
	}
	now := splitLines(s.content)
	var all []diffLine
	switch {
	case s.starter == nil:
		v.Note = "new file, " + count(len(now), "line", "lines")
		for i, l := range now {
			all = append(all, diffLine{Old: i + 1, New: i + 1, Text: l}) // a wall of plus signs says nothing
		}
	case *s.starter == s.content:
		v.Note = "unchanged from the starter, " + count(len(now), "line", "lines")
		all = diff(now, now)
	default:
		all = diff(splitLines(*s.starter), now)
		plus, minus := 0, 0
		for _, l := range all {
			plus, minus = plus+btoi(l.added()), minus+btoi(l.removed())
		}
		v.Note = fmt.Sprintf("%s, %d new, %d taken out", count(len(now), "line", "lines"), plus, minus)
	}
	keep := make([]bool, len(all))
	mark := func(i int) {
		for j := max(0, i-foldContext); j <= min(len(all)-1, i+foldContext); j++ {
			keep[j] = true
		}
	}
	for i, l := range all {
		if l.added() || l.removed() || len(byLine[l.New]) > 0 && l.New > 0 || wanted[lineID(f.Submission, f.Path, l.New)] {
			mark(i)
		}
	}
	if s.starter == nil { // nothing to compare with: the whole file is what was written
		for i := range keep {
			keep[i] = true
		}
	}
	paint, old := newPainter(f.Path), newPainter(f.Path)
	for i := 0; i < len(all); i++ {
		if run := unkept(keep[i:]); run >= foldFrom {
			for _, l := range all[i : i+run] {
				paint.line(l.Text) // a string may begin in there
				old.line(l.Text)
			}
			v.Lines = append(v.Lines, foldedLine(fmt.Sprintf("… %d unchanged lines", run)))
			i += run - 1
			continue
		}
		if len(v.Lines) >= maxLinesShown {
			v.Lines = append(v.Lines, foldedLine(fmt.Sprintf("… %d more lines are in the zip", len(all)-i)))
			break
		}
		l := all[i]
		line := view.PacketDocLine{}
		switch {
		case l.removed():
			line.Kind, line.Runs = "-", old.line(shortLine(l.Text))
		default:
			line.No, line.ID = strconv.Itoa(l.New), lineID(f.Submission, f.Path, l.New)
			p.lineIDs[line.ID] = true
			line.Runs = paint.line(shortLine(l.Text))
			if l.added() {
				line.Kind = "+"
			} else {
				old.line(shortLine(l.Text))
			}
			for _, c := range byLine[l.New] {
				line.Comments = append(line.Comments, view.PacketDocComment{Author: c.Author, Body: c.Body})
			}
			delete(byLine, l.New)
		}
		v.Lines = append(v.Lines, line)
	}
	for _, c := range comments {
		if len(byLine[c.Line]) > 0 {
			loose(c)
		}
	}
	return v
}

// unkept is how many lines from the front may be folded away.
func unkept(keep []bool) int {
	n := 0
	for n < len(keep) && !keep[n] {
		n++
	}
	return n
}

func (p *page) scorecards() []view.PacketDocScorecard {
	var out []view.PacketDocScorecard
	for _, c := range p.d.Scorecards {
		v := view.PacketDocScorecard{ID: "card-" + c.ID, Person: c.Author, Interview: p.round(c.Interview), For: c.ReasonFor, Against: c.ReasonAgainst,
			Change: c.WouldChange, ForNext: c.NoteToNext, Seen: "the code and its public results; no colleague’s scorecard"}
		if c.Participation == "reverse_shadow" {
			v.Interview += ", in training with a colleague watching"
		}
		v.Overall, v.Class = recommendation(c.Overall)
		if c.LevelObserved != "" {
			v.Level = "Level seen: " + c.LevelObserved
		}
		if c.SubmittedAt != nil {
			v.When = "submitted " + minute(*c.SubmittedAt)
		}
		if c.Seen.Autograde {
			v.Seen = "the code, the public and the hidden results; no colleague’s scorecard"
		}
		v.Ratings, v.NotAssessed = p.full(c.Ratings, c)
		for _, a := range c.Amendments {
			av := view.PacketDocAmendment{Title: fmt.Sprintf("Amended: version %d", a.Version), Reason: a.Reason, Seen: "before any colleague’s scorecard could be read"}
			if a.At != nil {
				av.Title += ", " + minute(*a.At)
			}
			if a.SawOthers {
				av.Seen = "after colleagues’ scorecards could be read"
			}
			av.Overall, av.Class = recommendation(a.Overall)
			av.Ratings, av.NotAssessed = p.full(a.Ratings, c)
			v.Amendments = append(v.Amendments, av)
		}
		out = append(out, v)
	}
	return out
}

func (p *page) full(ratings []DocRating, c DocScorecard) ([]view.PacketDocRating, string) {
	var out []view.PacketDocRating
	var holes []string
	for _, r := range ratings {
		if r.Score == nil && r.Comment == "" && len(r.Evidence) == 0 {
			holes = append(holes, p.compName(r.Competency))
			continue
		}
		out = append(out, p.rating(r, c, false))
	}
	if len(holes) == 0 {
		return out, ""
	}
	return out, "Not assessed: " + strings.Join(holes, "; ") + "."
}

func (p *page) panelText() string {
	c := p.d.Calibration.Panel
	if c.Reliability == nil {
		return "Nobody has recommended anything yet, so there is nothing to weigh."
	}
	return fmt.Sprintf("%s, each independent: expected reliability of their mean %.2f, where one alone has .44. A score is taken to carry an error of ±%.2f, "+
		"since this pool has no figure of its own. How severe each interviewer is: too few to say.",
		count(c.Raters, "interviewer recommended", "interviewers recommended"), *c.Reliability, c.RaterError)
}

func (p *page) process() []view.PacketDocFact {
	var out []view.PacketDocFact
	add := func(name, text string) { out = append(out, view.PacketDocFact{Name: name, Text: text}) }
	r := p.d.Process
	for _, c := range r.Credits {
		why := map[string]string{"queue": "waiting for a free grader", "start": "waiting for the workspace to start", "our_error": "an error of ours"}[c.Cause]
		add("Time given back, "+p.round(c.Interview), fmt.Sprintf("%s for %s.", secondsText(c.Seconds), why))
	}
	for _, w := range r.Missing {
		add("Scorecard missing, "+p.round(w.Interview), w.Person+": "+w.Reason)
	}
	for _, w := range r.Waived {
		add("Scorecard waived, "+p.round(w.Interview), w.Person+": "+w.Reason)
	}
	for _, c := range r.Cancelled {
		add("Cancelled, "+p.round(c.Interview), c.Reason)
	}
	for _, id := range r.Unheld {
		add("Not held, "+p.round(id), "The candidate had not begun it when this packet was built.")
	}
	return out
}

func secondsText(s int64) string {
	if s < 60 {
		return count(int(s), "second", "seconds")
	}
	out := count(int(s/60), "minute", "minutes")
	if s%60 > 0 {
		out += " " + strconv.Itoa(int(s%60)) + " s"
	}
	return out
}

func (p *page) decision(out *view.PacketDoc) {
	for _, v := range p.d.Votes {
		out.Votes = append(out.Votes, view.PacketDocVote{Person: v.Person, Outcome: assay.Outcome(v.Outcome).Words(), Class: v.Outcome, Level: v.Level,
			Confidence: v.Confidence, Sentence: v.Sentence})
	}
	d := p.d.Decision
	if d == nil {
		return
	}
	v := view.PacketDocDecision{Outcome: assay.Outcome(d.Outcome).Words(), Class: d.Outcome, By: d.DecidedBy, Rationale: d.Rationale, Missing: d.Missing, Dissent: d.Dissent}
	if d.Level != "" {
		v.Level = "at " + d.Level
	}
	if d.At != nil {
		v.When = " on " + minute(*d.At)
	}
	if d.Earlier > 0 {
		v.Earlier = "It replaces " + count(d.Earlier, "earlier decision.", "earlier decisions.")
	}
	out.Decision = &v
}

// maxAuditRows is how many lines of the log the page shows; audit.ndjson has them all.
const maxAuditRows = 200

func (p *page) audit(out *view.PacketDoc) {
	a := p.d.Audit
	out.AuditText = count(a.Lines, "line", "lines") + " of the append-only log concern this loop. "
	if a.Withheld > 0 {
		out.AuditText += fmt.Sprintf("%d are shown without clock and details, with their hashes: those about the candidate’s sitting always are, "+
			"and those that would name somebody this packet hides. ", a.Withheld)
	}
	out.AuditText += "Each line’s hash covers the line before it, so none can be changed or taken out later without breaking the chain."
	for i, e := range a.Events {
		if i == maxAuditRows {
			out.AuditText += fmt.Sprintf(" The first %d are listed here; audit.ndjson has all.", maxAuditRows)
			break
		}
		row := view.PacketDocAudit{Seq: strconv.FormatInt(e.Seq, 10), What: e.What, Who: e.Who, Hash: limitBytes(e.Hash, 12)}
		if e.At != nil {
			row.At = minute(*e.At)
		}
		out.Audit = append(out.Audit, row)
	}
}

func day(stamp string) string {
	t, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return stamp
	}
	return t.Format("2 January 2006, 15:04 UTC")
}

func minute(stamp string) string {
	t, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return stamp
	}
	return t.Format("2006-01-02 15:04 UTC")
}

func showInvisible(s string) string {
	return strings.Map(func(r rune) rune {
		if turnsDirection(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// PagePolicy is the content security policy that a server sends with packet.html, the same that the page carries in itself; a site's
// own policy would take its style away.
func PagePolicy(html []byte) string {
	_, rest, _ := strings.Cut(string(html), "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	return view.PacketPolicy(style)
}
