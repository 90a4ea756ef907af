package assay

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Recommendation is an interviewer's overall judgement; NoDecision stays possible.
type Recommendation string

const (
	StrongNo   Recommendation = "strong_no"
	No         Recommendation = "no"
	Yes        Recommendation = "yes"
	StrongYes  Recommendation = "strong_yes"
	NoDecision Recommendation = "no_decision"
)

var Recommendations = []Recommendation{StrongNo, No, Yes, StrongYes, NoDecision}

// Words is how a page spells the recommendation out.
func (r Recommendation) Words() string {
	switch r {
	case StrongNo:
		return "Strong no"
	case No:
		return "No"
	case Yes:
		return "Yes"
	case StrongYes:
		return "Strong yes"
	case NoDecision:
		return "No decision"
	}
	return "Not set"
}

// ScorecardStatus: draft → submitted. A submitted scorecard is never edited; amendments are appended.
type ScorecardStatus string

const (
	ScorecardDraft     ScorecardStatus = "draft"
	ScorecardSubmitted ScorecardStatus = "submitted"
)

// Scorecard is one interviewer's ratings of one interview, with evidence.
type Scorecard struct {
	ID            ScorecardID `gorm:"primaryKey"`
	LoopID        LoopID
	InterviewID   InterviewID
	AuthorID      UserID
	Status        ScorecardStatus
	Overall       Recommendation // "" while unset
	LevelObserved Level
	Ratings       []Rating `gorm:"serializer:json"`
	ReasonFor     string
	ReasonAgainst string
	WouldChange   string // what evidence would change the author's mind
	NoteToNext    string // what to probe next; no scores; the only thing colleagues may read before submitting theirs
	PrivateNote   string // for the author alone
	SawAutograde  bool   // the author had opened hidden results before submitting
	Version       int    // counts saves of the draft; guards against two tabs
	OpenedAt      time.Time
	UpdatedAt     time.Time
	SubmittedAt   *time.Time
}

// Rating is a score from 1 to 4 against the anchors of one competency, or not assessed.
type Rating struct {
	Competency  string     `json:"competency"`
	Score       int        `json:"score"` // 1 to 4; 0 = not set
	NotAssessed bool       `json:"not_assessed,omitempty"`
	Confidence  string     `json:"confidence,omitempty"` // low | medium | high
	Comment     string     `json:"comment,omitempty"`
	Evidence    []Evidence `json:"evidence,omitempty"`
}

// Evidence points at something that can be opened: a line of submitted code, a check, or a quotation.
type Evidence struct {
	Kind       string       `json:"kind"` // code | check | quote
	Submission SubmissionID `json:"submission,omitempty"`
	Path       string       `json:"path,omitempty"`
	From       int          `json:"from,omitempty"`
	To         int          `json:"to,omitempty"`
	Check      string       `json:"check,omitempty"`
	Quote      string       `json:"quote,omitempty"`
}

// Amendment is what an author added after submitting. The first submitted scores stay the scores of record.
type Amendment struct {
	ID          int64 `gorm:"primaryKey"`
	ScorecardID ScorecardID
	Version     int // 2 for the first amendment
	Reason      string
	Overall     Recommendation
	Ratings     []Rating `gorm:"serializer:json"`
	SawOthers   bool     // the author could read colleagues' scorecards when writing it
	At          time.Time
}

// Limits on free text in a scorecard, in characters.
const (
	MaxComment = 4000
	MaxReason  = 1000
)

// Validate says what a scorecard still needs before it can be submitted, by field; empty when it is ready. focus lists the
// competencies that the kit asks for.
func (s Scorecard) Validate(focus []string) map[string]string {
	faults := map[string]string{}
	rated := map[string]bool{}
	for _, r := range s.Ratings {
		field := "rating." + r.Competency
		rated[r.Competency] = true
		switch {
		case r.NotAssessed && r.Score != 0:
			faults[field] = "Either a score or “not assessed”, not both."
		case r.NotAssessed:
		case r.Score < 1 || r.Score > 4:
			faults[field] = "Choose 1 to 4, or “not assessed”."
		case strings.TrimSpace(r.Comment) == "":
			faults[field] = "A score needs a comment: what did you see?"
		case (r.Score == 1 || r.Score == 4) && len(r.Evidence) == 0:
			faults[field] = fmt.Sprintf("A %d needs evidence that can be opened: a line, a check or a quotation.", r.Score)
		}
		if utf8.RuneCountInString(r.Comment) > MaxComment {
			faults[field] = fmt.Sprintf("At most %d characters.", MaxComment)
		}
	}
	for _, c := range focus {
		if !rated[c] {
			faults["rating."+c] = "Rate this competency, or mark it “not assessed”."
		}
	}
	if s.Overall == "" {
		faults["overall"] = "Choose a recommendation; “no decision” is one."
	}
	for field, text := range map[string]string{"reason_for": s.ReasonFor, "reason_against": s.ReasonAgainst} {
		if strings.TrimSpace(text) == "" {
			faults[field] = "One sentence, always both: for and against."
		} else if utf8.RuneCountInString(text) > MaxReason {
			faults[field] = fmt.Sprintf("At most %d characters.", MaxReason)
		}
	}
	return faults
}
