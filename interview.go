package assay

import "time"

// Opening is a role at a level that the company wants to fill.
type Opening struct {
	ID            OpeningID `gorm:"primaryKey"`
	Title         string
	Level         Level
	HiringManager UserID `gorm:"column:hiring_manager_id"`
	CreatedBy     UserID
	CreatedAt     time.Time
	ClosedAt      *time.Time
}

// Kit says which questions, probes and focus competencies an interview uses. A kit is never edited: a change is a new version
// of the same slug, so an interview points at exactly what its interviewers prepared from.
type Kit struct {
	ID        KitID `gorm:"primaryKey"`
	Slug      string
	Version   int
	Title     string
	Level     Level
	Focus     []string      `gorm:"serializer:json"` // at most three competency ids
	Questions []KitQuestion `gorm:"serializer:json"`
	Guide     string        // Markdown for interviewers: goals, time plan, probes, red flags
	Minutes   int
	AIPolicy  AIPolicy `gorm:"column:ai_policy"`
	Results   Results
	CreatedBy UserID
	CreatedAt time.Time
}

// KitQuestion names a question of the bank; the revision is pinned when an interview is made from the kit.
type KitQuestion struct {
	Slug    string `json:"slug"`
	Minutes int    `json:"minutes"`
}

// Results is how much of a verdict a candidate sees during the interview.
type Results string

const (
	ResultsNone    Results = "none"    // only that it was received
	ResultsVerdict Results = "verdict" // the verdict, no checks
	ResultsPublic  Results = "public"  // the verdict, and the checks whose authors made them public
)

// CaseStatus is where a loop is on its way to a decision.
type CaseStatus string

const (
	CaseGathering CaseStatus = "gathering"
	CaseDecided   CaseStatus = "decided"
	CaseHold      CaseStatus = "hold"
)

// Loop is one candidate's set of interviews for one opening.
type Loop struct {
	ID          LoopID `gorm:"primaryKey"`
	OpeningID   OpeningID
	CandidateID CandidateID
	Status      CaseStatus
	Committee   []UserID `gorm:"serializer:json"` // who may read its packets and vote
	CreatedBy   UserID
	CreatedAt   time.Time
}

// InterviewStatus: scheduled → open → closed; any of the first two → cancelled. Questions are pinned before it opens.
type InterviewStatus string

const (
	InterviewScheduled InterviewStatus = "scheduled"
	InterviewOpen      InterviewStatus = "open"
	InterviewClosed    InterviewStatus = "closed"
	InterviewCancelled InterviewStatus = "cancelled"
)

// CanBecome says whether the state machine has the step from s to next.
func (s InterviewStatus) CanBecome(next InterviewStatus) bool {
	switch s {
	case InterviewScheduled:
		return next == InterviewOpen || next == InterviewCancelled
	case InterviewOpen:
		return next == InterviewClosed || next == InterviewCancelled
	}
	return false
}

// Interview is one sitting. Its clock is the server's: Allotted from OpenedAt on, plus Credited.
type Interview struct {
	ID          InterviewID `gorm:"primaryKey"`
	LoopID      LoopID
	CandidateID CandidateID
	KitID       KitID
	Title       string
	Status      InterviewStatus
	Kind        string // live | take_home
	WindowStart time.Time
	WindowEnd   time.Time
	Allotted    time.Duration `gorm:"column:allotted_ns"`
	Credited    time.Duration `gorm:"column:credited_ns"` // waiting that was ours, and extensions
	AIPolicy    AIPolicy      `gorm:"column:ai_policy"`
	Results     Results
	OpenedAt    *time.Time
	ClosedAt    *time.Time
	CloseCause  string // finished | time | cancelled
	CreatedBy   UserID
	CreatedAt   time.Time
}

// Deadline is when the sitting ends by the server's clock; zero while it has not been opened.
func (i Interview) Deadline() time.Time {
	if i.OpenedAt == nil {
		return time.Time{}
	}
	return i.OpenedAt.Add(i.Allotted + i.Credited)
}

// Left is how much time remains at now: the whole allotment before the start, never below zero.
func (i Interview) Left(now time.Time) time.Duration {
	if i.OpenedAt == nil {
		return i.Allotted + i.Credited
	}
	return max(0, i.Deadline().Sub(now))
}

// Grace is how long after the deadline a submission that was on its way still counts.
const Grace = 30 * time.Second

// Accepts says whether work handed in at now still counts.
func (i Interview) Accepts(now time.Time) bool {
	return i.Status == InterviewOpen && now.Before(i.Deadline().Add(Grace))
}

// Item is one question of one interview, pinned to a revision and a seed.
type Item struct {
	ID          ItemID `gorm:"primaryKey"`
	InterviewID InterviewID
	Position    int // from 1
	Slug        string
	Revision    string
	Seed        string // hidden from candidates
	Minutes     int
	Title       string
}

// Panelist is an interviewer on an interview.
type Panelist struct {
	InterviewID   InterviewID `gorm:"primaryKey"`
	UserID        UserID      `gorm:"primaryKey"`
	Participation string      // interviewer | shadow | reverse_shadow
	DueAt         time.Time   // when the scorecard is due
	WaivedReason  string      // set when the scorecard is not expected any more
	CreatedAt     time.Time
}

// Invitation lets a candidate in. Only the hash of its token is stored.
type Invitation struct {
	ID          InvitationID `gorm:"primaryKey"`
	InterviewID InterviewID
	TokenHash   string
	ExpiresAt   time.Time
	OpenedAt    *time.Time
	AcceptedAt  *time.Time
	RevokedAt   *time.Time
	// RequestedAt and RequestNote are set when the candidate asked for a new window.
	RequestedAt *time.Time
	RequestNote string
	CreatedBy   UserID
	CreatedAt   time.Time
}

// Credit is time given back to a candidate, with its cause.
type Credit struct {
	ID          int64 `gorm:"primaryKey"`
	InterviewID InterviewID
	Amount      time.Duration `gorm:"column:amount_ns"`
	Cause       string        // queue | start | our_error | extension
	At          time.Time
}

// Draft is what a candidate has typed for one item, saved as they type. Version counts saves; a save names the version it
// was made from, so that two tabs cannot overwrite each other in silence.
type Draft struct {
	ItemID    ItemID `gorm:"primaryKey"`
	Version   int
	Files     []File `gorm:"serializer:json"`
	UpdatedAt time.Time
}
