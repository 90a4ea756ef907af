package assay

import "time"

// PacketStatus says whether a packet has been built.
type PacketStatus string

const (
	PacketRequested PacketStatus = "requested"
	PacketReady     PacketStatus = "ready"
	PacketFailed    PacketStatus = "failed"
)

// BlindLevel says what a packet leaves out: B0 nothing, B1 the candidate's identity, B2 also the interviewers', B3 also
// hidden checks and question answers.
type BlindLevel string

const (
	BlindNothing      BlindLevel = "B0"
	BlindCandidate    BlindLevel = "B1"
	BlindInterviewers BlindLevel = "B2"
	BlindQuestions    BlindLevel = "B3"
)

// Packet is everything about one loop, frozen: what a committee decides from. A newer version supersedes, never replaces.
type Packet struct {
	ID          PacketID `gorm:"primaryKey"`
	LoopID      LoopID
	Version     int
	Blind       BlindLevel
	Status      PacketStatus
	RequestedBy UserID
	RequestedAt time.Time
	ReadyAt     *time.Time
	ZipKey      string // blob keys, set when ready
	HTMLKey     string
	JSONKey     string
	Digest      string // sha256 of the manifest, hex
	ChainHead   string // audit chain head at build time
	Failure     string
}

// PacketJob asks a worker to build a packet.
type PacketJob struct {
	Packet PacketID `json:"packet"`
}

func (PacketJob) Kind() string { return "packet" }

// Outcome is what a committee may decide.
type Outcome string

const (
	Hire   Outcome = "hire"
	NoHire Outcome = "no_hire"
	Hold   Outcome = "hold" // for a named missing piece of evidence
)

var Outcomes = []Outcome{Hire, NoHire, Hold}

// Words is how a page spells the outcome out.
func (o Outcome) Words() string {
	switch o {
	case Hire:
		return "Hire"
	case NoHire:
		return "No hire"
	case Hold:
		return "Hold"
	}
	return ""
}

// Vote is one committee member's independent judgement, before the discussion.
type Vote struct {
	ID         VoteID `gorm:"primaryKey"`
	LoopID     LoopID
	PacketID   PacketID // the packet it was made from
	UserID     UserID
	Outcome    Outcome
	Level      Level
	Confidence string // low | medium | high
	Sentence   string
	CreatedAt  time.Time
}

// Decision is recorded by a person, with a rationale. No setting makes one automatically.
type Decision struct {
	ID        DecisionID `gorm:"primaryKey"`
	LoopID    LoopID
	PacketID  PacketID
	Outcome   Outcome
	Level     Level
	Rationale string
	Missing   string // what a hold waits for
	Dissent   string
	DecidedBy UserID
	CreatedAt time.Time
}

// AuditEvent is one line of the append-only log. Hash = SHA-256(PrevHash ‖ canonical JSON of the rest).
type AuditEvent struct {
	Seq      int64 `gorm:"primaryKey"`
	At       time.Time
	Actor    string
	Act      string            // e.g. "submission.created"
	Object   string            // id of what it is about
	LoopID   LoopID            // "" when it is about no loop
	Details  map[string]string `gorm:"serializer:json"`
	PrevHash string
	Hash     string
}
