package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"assay"
	"assay/storage"
	"assay/web/view"

	"github.com/gin-gonic/gin"
)

func (s *Server) showScorecard(c *gin.Context) error {
	p, err := s.scorecardPage(c)
	if err != nil {
		return err
	}
	if e, ok := citedEvidence(c); ok {
		if fault := p.checkEvidence(e); fault == "" {
			mark := p.mark(e)
			p.InHand = &mark
		}
	}
	return s.page(c, scorecardHead(p), view.ScorecardContent(p.ScorecardPage))
}

// citedEvidence is what a link from the work brings along.
func citedEvidence(c *gin.Context) (assay.Evidence, bool) {
	e := assay.Evidence{Kind: c.Query("kind"), Submission: assay.SubmissionID(c.Query("submission")), Path: c.Query("path"),
		From: positive(c.Query("from")), To: positive(c.Query("to")), Check: c.Query("check")}
	return e, e.Kind == "code" || e.Kind == "check"
}

func scorecardHead(p *cardPage) view.Head {
	return view.Head{Title: "Scorecard: " + p.Interview.Title, Lead: p.Candidate + ", " + view.RoleLine(p.Opening), Scripts: []string{"staff"},
		Crumbs: []view.Crumb{{Label: "Home", Href: "/home"}}}
}

// cardPage is the page with what its evidence may point at.
type cardPage struct {
	view.ScorecardPage
	subs   map[assay.SubmissionID]assay.Submission
	titles map[assay.SubmissionID]string
	checks map[assay.SubmissionID][]assay.Check // of submissions whose results this person may know
}

func (s *Server) scorecardPage(c *gin.Context) (*cardPage, error) {
	ctx, actor := c.Request.Context(), actorOf(c)
	p := &cardPage{}
	p.Now = s.Now()
	i, err := s.DB.Interview(ctx, assay.InterviewID(c.Param("interview")))
	if err != nil {
		return nil, err
	}
	p.Interview = i
	candidate, opening, err := s.whoAndWhat(ctx, i)
	if err != nil {
		return nil, err
	}
	p.Candidate, p.Opening = candidate.Name, opening
	if p.Kit, err = s.DB.Kit(ctx, i.KitID); err != nil {
		return nil, fmt.Errorf("load the kit: %w", err)
	}
	if p.Card, err = s.DB.DraftScorecard(ctx, actor, i.ID); err != nil {
		return nil, fmt.Errorf("open the scorecard: %w", err)
	}
	panel, err := s.DB.Panel(ctx, i.ID)
	if err != nil {
		return nil, fmt.Errorf("load the panel: %w", err)
	}
	for _, seat := range panel {
		if seat.UserID == actor.User {
			p.Due, p.Waived = seat.DueAt, seat.WaivedReason
		}
	}
	if err := s.evidenceSources(ctx, p); err != nil {
		return nil, err
	}
	if p.Card.Status == assay.ScorecardSubmitted {
		if p.Amendments, err = s.DB.Amendments(ctx, actor, p.Card.ID); err != nil {
			return nil, fmt.Errorf("load amendments: %w", err)
		}
		facts, err := s.DB.LoopFacts(ctx, actor, i.LoopID)
		if err != nil {
			return nil, fmt.Errorf("facts of %s: %w", i.LoopID, err)
		}
		p.SeesOthers = assay.May(actor, assay.ActSeeScores, facts)
	}
	p.arrange()
	return p, nil
}

// evidenceSources gathers the candidate's submissions, and the checks of those whose results are open to this person.
func (s *Server) evidenceSources(ctx context.Context, p *cardPage) error {
	p.subs, p.titles, p.checks = map[assay.SubmissionID]assay.Submission{}, map[assay.SubmissionID]string{}, map[assay.SubmissionID][]assay.Check{}
	items, err := s.DB.Items(ctx, p.Interview.ID)
	if err != nil {
		return fmt.Errorf("load the questions: %w", err)
	}
	for _, it := range items {
		subs, err := s.DB.Submissions(ctx, storage.SubmissionFilter{Item: it.ID, Mode: assay.ModeSubmit})
		if err != nil {
			return fmt.Errorf("list submissions: %w", err)
		}
		for n, sub := range subs {
			title := fmt.Sprintf("%s, submission %d", it.Title, len(subs)-n)
			p.subs[sub.ID], p.titles[sub.ID] = sub, title
			for _, f := range sub.Files {
				p.Files = append(p.Files, view.Option{Value: string(sub.ID) + "|" + f.Path, Label: title + ": " + f.Path})
			}
			if !p.Card.SawAutograde && p.Card.Status != assay.ScorecardSubmitted || sub.AttemptID == "" {
				continue
			}
			a, err := s.DB.Attempt(ctx, sub.AttemptID)
			if err != nil {
				return fmt.Errorf("load a grading: %w", err)
			}
			if a.Report == nil {
				continue
			}
			p.checks[sub.ID] = a.Report.Checks
			for _, ch := range a.Report.Checks {
				p.Checks = append(p.Checks, view.Option{Value: string(sub.ID) + "|" + ch.ID, Label: title + ": " + view.CheckTitle(ch)})
			}
		}
	}
	return nil
}

// arrange lays the card's ratings out: the kit's focus first, then whatever else was rated, then the rest.
func (p *cardPage) arrange() {
	p.Lines, p.Warnings = nil, lintScorecard(p.Card, p.Kit.Level)
	add := func(c assay.Competency, focus bool) {
		line := view.RatingLine{Competency: c, Focus: focus, Rating: assay.Rating{Competency: c.ID}}
		for _, r := range p.Card.Ratings {
			if r.Competency == c.ID {
				line.Rating = r
				for _, e := range r.Evidence {
					line.Evidence = append(line.Evidence, p.mark(e))
				}
			}
		}
		p.Lines = append(p.Lines, line)
	}
	for _, c := range competenciesOf(p.Kit.Focus) {
		add(c, true)
	}
	for _, c := range assay.Competencies() {
		if !slices.Contains(p.Kit.Focus, c.ID) {
			add(c, false)
		}
	}
}

// mark says what a piece of evidence is and where it leads.
func (p *cardPage) mark(e assay.Evidence) view.EvidenceMark {
	b, _ := json.Marshal(e)
	return markOf(e, string(b), p.subs[e.Submission])
}

// markOf labels a piece of evidence. Its link works for whoever may see the work.
func markOf(e assay.Evidence, value string, sub assay.Submission) view.EvidenceMark {
	m := view.EvidenceMark{Value: value}
	switch e.Kind {
	case "code":
		m.Label = e.Path + " line " + strconv.Itoa(e.From)
		if e.To > e.From {
			m.Label = fmt.Sprintf("%s lines %d–%d", e.Path, e.From, e.To)
		}
		for n, f := range sub.Files {
			if f.Path == e.Path {
				m.Href = fmt.Sprintf("%s#f%d-L%d", view.ReviewPath(sub), n, e.From)
			}
		}
	case "check":
		m.Label = "check " + e.Check
		if sub.ID != "" {
			m.Href = view.ReviewPath(sub) + "#check-" + e.Check
		}
	default:
		m.Label, m.Quote = e.Quote, true
	}
	return m
}

// checkEvidence says what is wrong with a piece of evidence; "" when it can be opened.
func (p *cardPage) checkEvidence(e assay.Evidence) string {
	switch e.Kind {
	case "quote":
		if strings.TrimSpace(e.Quote) == "" || len(e.Quote) > 4*assay.MaxReason {
			return "A quotation of at most 1000 characters."
		}
		return ""
	case "code":
		sub, ok := p.subs[e.Submission]
		if !ok || !slices.ContainsFunc(sub.Files, func(f assay.StoredFile) bool { return f.Path == e.Path }) {
			return "Choose a file that was handed in."
		}
		if e.From < 1 || e.To < e.From || e.To > assay.MaxFileSize {
			return "Say from which line to which line."
		}
		return ""
	case "check":
		if !slices.ContainsFunc(p.checks[e.Submission], func(c assay.Check) bool { return c.ID == e.Check }) {
			return "Choose a check whose result you have opened."
		}
		return ""
	}
	return "Choose a line, a check or a quotation."
}

// savedCard is what a script learns of a save.
type savedCard struct {
	Version  int               `json:"version"`
	SavedAt  string            `json:"saved_at"`
	Warnings map[string]string `json:"warnings"`
}

// saveScorecard keeps what was entered, whatever the button; then it submits, adds evidence, or is done. So nothing that a person
// typed is lost when something is still missing.
func (s *Server) saveScorecard(c *gin.Context) error {
	ctx, actor := c.Request.Context(), actorOf(c)
	f, err := readForm(c)
	if err != nil {
		return err
	}
	p, err := s.scorecardPage(c)
	if err != nil {
		return err
	}
	if p.Card.Status == assay.ScorecardSubmitted {
		return assay.Errorf(assay.Conflict, "This scorecard has been submitted. What you want to add goes into an amendment.")
	}
	stored := p.Card
	card := p.read(f)
	action, competency, _ := strings.Cut(f.Values.Get("action"), ":")
	if action == "add" || action == "attach" {
		p.addEvidence(f, &card, action, competency)
	}
	p.Card = card
	p.arrange()
	if f.err() != nil {
		if wantsJSON(c) {
			return f.err()
		}
		p.Errors = f.Errors
		return s.invalidPage(c, scorecardHead(p), view.ScorecardContent(p.ScorecardPage))
	}
	kept, err := s.DB.SaveScorecard(ctx, actor, card, positive(f.Values.Get("version")))
	switch {
	case assay.ErrorCode(err) == assay.Conflict && !wantsJSON(c):
		p.Conflict, p.Card.Version, p.Card.UpdatedAt = true, stored.Version, stored.UpdatedAt
		return s.pageStatus(c, http.StatusConflict, scorecardHead(p), view.ScorecardContent(p.ScorecardPage))
	case err != nil:
		return fmt.Errorf("save scorecard: %w", err)
	}
	if wantsJSON(c) {
		return s.json(c, http.StatusOK, savedCard{Version: kept.Version, SavedAt: kept.UpdatedAt.UTC().Format("2006-01-02T15:04:05Z"), Warnings: p.Warnings})
	}
	here := view.PanelPath(p.Interview.ID) + "/scorecard"
	switch action {
	case "submit":
		if err := s.DB.SubmitScorecard(ctx, actor, kept.ID); err != nil {
			if !f.take(err) {
				return fmt.Errorf("submit scorecard: %w", err)
			}
			p.Card, p.Errors = kept, f.Errors
			p.arrange()
			return s.invalidPage(c, scorecardHead(p), view.ScorecardContent(p.ScorecardPage))
		}
		return s.redirect(c, here, "Submitted. Thank you.")
	case "add", "attach":
		return s.redirect(c, here+"#rating."+competency)
	}
	return s.redirect(c, here, "Draft saved.")
}

// read takes the entered fields over into the card. Evidence that is ticked stays; what was tampered with is refused.
func (p *cardPage) read(f *form) assay.Scorecard {
	card := p.Card
	card.Ratings = nil
	for _, c := range assay.Competencies() {
		name := "rating." + c.ID
		r := assay.Rating{Competency: c.ID, Comment: f.text(name+".comment", assay.MaxComment), Confidence: oneOf(f, name+".confidence", view.Confidences)}
		switch v := f.Values.Get(name + ".score"); v {
		case "":
		case "0":
			r.NotAssessed = true
		case "1", "2", "3", "4":
			r.Score = int(v[0] - '0')
		default:
			f.wrong(name, "Choose 1 to 4, or “not assessed”.")
		}
		for _, raw := range f.Values[name+".evidence"] {
			var e assay.Evidence
			if err := json.Unmarshal([]byte(raw), &e); err != nil {
				f.wrong(name, "A piece of evidence could not be read.")
			} else if fault := p.checkEvidence(e); fault != "" {
				f.wrong(name, "%s", fault)
			} else {
				r.Evidence = append(r.Evidence, e)
			}
		}
		if r.Score != 0 || r.NotAssessed || r.Comment != "" || r.Confidence != "" || len(r.Evidence) > 0 {
			card.Ratings = append(card.Ratings, r)
		}
	}
	card.Overall = oneOf(f, "overall", assay.Recommendations)
	card.LevelObserved = oneOf(f, "level_observed", assay.Levels)
	card.ReasonFor = f.text("reason_for", assay.MaxReason)
	card.ReasonAgainst = f.text("reason_against", assay.MaxReason)
	card.WouldChange = f.text("would_change", assay.MaxReason)
	card.NoteToNext = f.text("note_to_next", assay.MaxReason)
	card.PrivateNote = f.text("private_note", assay.MaxComment)
	return card
}

// oneOf is one of the options, or nothing.
func oneOf[T ~string](f *form, field string, options []T) T {
	if f.Values.Get(field) == "" {
		return ""
	}
	return choice(f, field, options)
}

// addEvidence adds what stands in a competency's fields for new evidence, or what is in hand.
func (p *cardPage) addEvidence(f *form, card *assay.Scorecard, action, competency string) {
	name := "rating." + competency
	if _, ok := assay.FindCompetency(competency); !ok {
		f.wrong("action", "There is no such competency.")
		return
	}
	var fresh []assay.Evidence
	if action == "attach" {
		var e assay.Evidence
		if err := json.Unmarshal([]byte(f.Values.Get("in_hand")), &e); err != nil {
			f.wrong(name+".add", "This evidence could not be read.")
		}
		fresh = append(fresh, e)
	} else {
		fresh = newEvidence(f, name)
	}
	if len(fresh) == 0 {
		f.wrong(name+".add", "Choose a file with its lines, a check, or enter a quotation.")
	}
	n := slices.IndexFunc(card.Ratings, func(r assay.Rating) bool { return r.Competency == competency })
	if n < 0 {
		card.Ratings = append(card.Ratings, assay.Rating{Competency: competency})
		n = len(card.Ratings) - 1
	}
	for _, e := range fresh {
		if fault := p.checkEvidence(e); fault != "" {
			f.wrong(name+".add", "%s", fault)
		} else if !slices.Contains(card.Ratings[n].Evidence, e) {
			card.Ratings[n].Evidence = append(card.Ratings[n].Evidence, e)
		}
	}
}

func newEvidence(f *form, name string) []assay.Evidence {
	var out []assay.Evidence
	if sub, path, ok := strings.Cut(f.Values.Get(name+".add_file"), "|"); ok {
		e := assay.Evidence{Kind: "code", Submission: assay.SubmissionID(sub), Path: path, From: positive(f.Values.Get(name + ".add_from")), To: positive(f.Values.Get(name + ".add_to"))}
		if e.To == 0 {
			e.To = e.From
		}
		out = append(out, e)
	}
	if sub, id, ok := strings.Cut(f.Values.Get(name+".add_check"), "|"); ok {
		out = append(out, assay.Evidence{Kind: "check", Submission: assay.SubmissionID(sub), Check: id})
	}
	if quote := f.text(name+".add_quote", assay.MaxReason); quote != "" {
		out = append(out, assay.Evidence{Kind: "quote", Quote: quote})
	}
	return out
}

func (s *Server) amendScorecard(c *gin.Context) error {
	ctx, actor := c.Request.Context(), actorOf(c)
	f, err := readForm(c)
	if err != nil {
		return err
	}
	p, err := s.scorecardPage(c)
	if err != nil {
		return err
	}
	if p.Card.Status != assay.ScorecardSubmitted {
		return assay.Errorf(assay.Conflict, "This scorecard is still a draft; change it as you like.")
	}
	a := assay.Amendment{Reason: f.required("reason", assay.MaxComment), Overall: choice(f, "overall", assay.Recommendations)}
	for _, was := range p.Card.Ratings {
		name := "rating." + was.Competency
		r := was
		r.Comment = f.text(name+".comment", assay.MaxComment)
		switch n, err := strconv.Atoi(f.Values.Get(name + ".score")); {
		case err != nil || n < 0 || n > 4:
			f.wrong(name, "Choose 1 to 4, or “not assessed”.")
		default:
			r.Score, r.NotAssessed = n, n == 0
		}
		if r.Score != 0 && r.Comment == "" {
			f.wrong(name+".comment", "A score needs a comment: what did you see?")
		}
		a.Ratings = append(a.Ratings, r)
	}
	if f.err() == nil {
		if err := s.DB.AmendScorecard(ctx, actor, p.Card.ID, a); err != nil && !f.take(err) {
			return fmt.Errorf("amend scorecard: %w", err)
		}
	}
	if f.err() != nil {
		p.Form = f.Form
		return s.invalidPage(c, scorecardHead(p), view.ScorecardContent(p.ScorecardPage))
	}
	return s.redirect(c, view.PanelPath(p.Interview.ID)+"/scorecard", "The amendment is added. The first scores stay those of record.")
}

// showCards sets the submitted scorecards of a loop side by side. Storage gives out only those that the reader may read.
func (s *Server) showCards(c *gin.Context) error {
	ctx, actor := c.Request.Context(), actorOf(c)
	loop, err := s.DB.Loop(ctx, assay.LoopID(c.Param("loop")))
	if err != nil {
		return err
	}
	candidate, err := s.DB.Candidate(ctx, loop.CandidateID)
	if err != nil {
		return fmt.Errorf("load the candidate: %w", err)
	}
	who, err := s.people(ctx)
	if err != nil {
		return err
	}
	interviews, err := s.DB.Interviews(ctx, loop.ID)
	if err != nil {
		return fmt.Errorf("list interviews: %w", err)
	}
	cards, err := s.DB.Scorecards(ctx, actor, loop.ID)
	if err != nil {
		return fmt.Errorf("load scorecards: %w", err)
	}
	p := view.CardsPage{Loop: loop}
	for _, i := range interviews {
		seats, err := s.seats(ctx, i, who)
		if err != nil {
			return err
		}
		for _, seat := range seats {
			if !seat.Submitted && seat.Panelist.WaivedReason == "" && i.Status != assay.InterviewCancelled {
				p.Missing = append(p.Missing, seat.Name)
			}
		}
		for _, card := range cards {
			if card.InterviewID == i.ID && card.Status == assay.ScorecardSubmitted {
				v, err := s.cardView(ctx, actor, card, i, who)
				if err != nil {
					return err
				}
				p.Cards = append(p.Cards, v)
			}
		}
	}
	p.Rows = matrixRows(p.Cards)
	head := view.Head{Title: "Scorecards of " + candidate.Name, Wide: true, Crumbs: []view.Crumb{{Label: candidate.Name, Href: view.LoopPath(loop.ID)}}}
	return s.page(c, head, view.CardsContent(p))
}

// cardView prepares a scorecard for reading. Evidence leads to the work only for those who may see it.
func (s *Server) cardView(ctx context.Context, actor assay.Actor, card assay.Scorecard, i assay.Interview, who people) (view.CardView, error) {
	v := view.CardView{Card: card, Author: who.name(card.AuthorID), Interview: i.Title}
	facts, err := s.DB.InterviewFacts(ctx, actor, i.ID)
	if err != nil {
		return v, fmt.Errorf("facts of %s: %w", i.ID, err)
	}
	seesWork := assay.May(actor, assay.ActSeeWork, facts)
	for _, r := range card.Ratings {
		c, ok := assay.FindCompetency(r.Competency)
		if !ok {
			continue
		}
		line := view.RatingLine{Competency: c, Rating: r}
		for _, e := range r.Evidence {
			var sub assay.Submission
			if seesWork && e.Submission != "" {
				if sub, err = s.DB.Submission(ctx, e.Submission); err != nil && assay.ErrorCode(err) != assay.NotFound {
					return v, fmt.Errorf("load evidence: %w", err)
				}
			}
			line.Evidence = append(line.Evidence, markOf(e, "", sub))
		}
		v.Lines = append(v.Lines, line)
	}
	v.Amendments, err = s.DB.Amendments(ctx, actor, card.ID)
	if err != nil {
		return v, fmt.Errorf("load amendments: %w", err)
	}
	return v, nil
}

// matrixRows is every competency that somebody rated or marked, across the cards.
func matrixRows(cards []view.CardView) []view.MatrixRow {
	var rows []view.MatrixRow
	for _, c := range assay.Competencies() {
		row := view.MatrixRow{Competency: c, Cells: make([]*assay.Rating, len(cards))}
		least, most, any := 5, 0, false
		for n, v := range cards {
			for m := range v.Card.Ratings {
				r := &v.Card.Ratings[m]
				if r.Competency != c.ID || r.Score == 0 && !r.NotAssessed {
					continue
				}
				row.Cells[n], any = r, true
				if r.Score > 0 {
					least, most = min(least, r.Score), max(most, r.Score)
				}
			}
		}
		if row.Gap = max(0, most-least); any {
			rows = append(rows, row)
		}
	}
	return rows
}
