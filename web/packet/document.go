package packet

import "assay"

// SchemaVersion is the version of packet.schema.json that a Doc is written in.
const SchemaVersion = "1.0"

// Doc is the whole packet as data; packet.json is its canonical form. Every list is sorted, every optional thing is present and
// null or empty, so that two packets can be compared line by line.
type Doc struct {
	SchemaVersion string         `json:"schema_version"`
	Packet        DocPacket      `json:"packet"`
	Candidate     DocCandidate   `json:"candidate"`
	Role          DocRole        `json:"role"`
	Loop          DocLoop        `json:"loop"`
	Competencies  []DocComp      `json:"competencies"`
	Disagreements []DocDisagree  `json:"disagreements"`
	Gaps          []DocGap       `json:"gaps"`
	Notes         []string       `json:"data_quality_notes"`
	Interviews    []DocInterview `json:"interviews"`
	Scorecards    []DocScorecard `json:"scorecards"`
	Questions     []DocQuestion  `json:"questions"`
	Code          []DocFile      `json:"code"`
	Comments      []DocComment   `json:"comments"`
	Calibration   DocCalibration `json:"calibration"`
	Integrity     DocIntegrity   `json:"integrity"`
	Process       DocProcess     `json:"process"`
	Votes         []DocVote      `json:"votes"`
	Decision      *DocDecision   `json:"decision"`
	Audit         DocAudit       `json:"audit"`
}

type DocPacket struct {
	ID          string `json:"id"`
	Version     int    `json:"version"`
	BuiltAt     string `json:"built_at"` // when it was asked for: the snapshot's only clock
	Status      string `json:"status"`   // for_decision | decided
	Supersedes  *int   `json:"supersedes"`
	BlindLevel  string `json:"blind_level"`
	RequestedBy string `json:"requested_by"`
	AppBuild    string `json:"app_build"`
}

type DocCandidate struct {
	Ref         string  `json:"ref"`          // what the packet calls the candidate everywhere
	DisplayName *string `json:"display_name"` // null in a blind packet
}

type DocRole struct {
	Title       string `json:"title"`
	TargetLevel string `json:"target_level"`
}

type DocLoop struct {
	ID                string    `json:"id"`
	Status            string    `json:"status"`
	InterviewsPlanned int       `json:"interviews_planned"`
	InterviewsHeld    int       `json:"interviews_held"`
	Seats             []DocSeat `json:"seats"`
}

// DocSeat is one chair on one panel: a column of the matrix. Shadows have no seat, since their scorecards are no evidence.
type DocSeat struct {
	Key           string  `json:"key"` // "S1", the order of the columns
	Interview     string  `json:"interview"`
	Person        string  `json:"person"`
	Initials      string  `json:"initials"`
	Participation string  `json:"participation"`
	State         string  `json:"state"` // submitted | missing | waived
	WaivedReason  *string `json:"waived_reason"`
	Scorecard     *string `json:"scorecard"`
}

type DocComp struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Line    string            `json:"line"`
	Asked   bool              `json:"asked"` // some kit of the loop has it in focus
	Anchors map[string]string `json:"anchors"`
	Summary DocSummary        `json:"summary"`
}

// DocSummary is a plain mean of first scores with a band of judgement error. It is null where nobody scored.
type DocSummary struct {
	N      int      `json:"n"`
	Mean   *float64 `json:"mean"`
	Low68  *float64 `json:"low68"`
	High68 *float64 `json:"high68"`
	MaxGap *int     `json:"max_gap"`
}

// DocDisagree is one pair of first scores two or more apart. Sides point at scorecards.
type DocDisagree struct {
	Key        string  `json:"key"` // "D1"
	Competency string  `json:"competency"`
	Apart      int     `json:"apart"`
	Low        DocSide `json:"low"`
	High       DocSide `json:"high"`
}

type DocSide struct {
	Scorecard string `json:"scorecard"`
	Seat      string `json:"seat"`
	Score     int    `json:"score"`
}

type DocGap struct {
	Competency string `json:"competency"`
	Kind       string `json:"kind"` // nobody | single | low_confidence
	Text       string `json:"text"`
}

type DocInterview struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Kind       string   `json:"kind"`
	Status     string   `json:"status"`
	HeldOn     *string  `json:"held_on"` // a date only: hours could betray an accommodation
	Kit        string   `json:"kit"`
	KitVersion int      `json:"kit_version"`
	Focus      []string `json:"focus"`
	AIPolicy   string   `json:"ai_policy"`
	Results    string   `json:"results_shown"`
	Questions  []string `json:"questions"`
}

type DocScorecard struct {
	ID            string         `json:"id"`
	Seat          string         `json:"seat"`
	Interview     string         `json:"interview"`
	Author        string         `json:"author"`
	Participation string         `json:"participation"`
	Version       int            `json:"version"` // of record: always 1
	Overall       string         `json:"overall"`
	LevelObserved string         `json:"level_observed"`
	Ratings       []DocRating    `json:"ratings"`
	ReasonFor     string         `json:"reason_for"`
	ReasonAgainst string         `json:"reason_against"`
	WouldChange   string         `json:"would_change"`
	NoteToNext    string         `json:"note_to_next"`
	Seen          DocSeen        `json:"seen_before_submit"`
	SubmittedAt   *string        `json:"submitted_at"`
	Amendments    []DocAmendment `json:"amendments"`
}

// DocSeen is what the author had seen before submitting. Other scorecards are always false: the server refuses them till then.
type DocSeen struct {
	Autograde       bool `json:"autograde"`
	OtherScorecards bool `json:"other_scorecards"`
}

type DocRating struct {
	Competency string        `json:"competency"`
	Score      *int          `json:"score"` // 1 to 4; null = not assessed
	Confidence *string       `json:"confidence"`
	Comment    string        `json:"comment"`
	Evidence   []DocEvidence `json:"evidence"`
}

type DocEvidence struct {
	Kind       string `json:"kind"` // code | check | quote
	Submission string `json:"submission"`
	Path       string `json:"path"`
	From       int    `json:"from"`
	To         int    `json:"to"`
	Check      string `json:"check"`
	Quote      string `json:"quote"`
	Found      bool   `json:"found"` // what it points at is in this packet
}

type DocAmendment struct {
	Version   int         `json:"version"`
	At        *string     `json:"at"`
	Reason    string      `json:"reason"`
	Overall   string      `json:"overall"`
	Ratings   []DocRating `json:"ratings"`
	SawOthers bool        `json:"saw_others"`
}

type DocQuestion struct {
	ID          string          `json:"id"` // the item: this question in this interview
	Interview   string          `json:"interview"`
	Slug        string          `json:"slug"`
	Title       string          `json:"title"`
	Kind        string          `json:"kind"`
	Graded      bool            `json:"graded"` // a machine checks this kind; the others are judged by people alone
	Revision    string          `json:"revision"`
	Seed        string          `json:"seed"`
	Minutes     int             `json:"minutes"`
	AIPolicy    string          `json:"ai_policy"`
	Environment DocEnvironment  `json:"environment"`
	Statement   string          `json:"statement"`
	State       string          `json:"state"` // one sentence: handed in, not handed in, not graded
	Submissions []DocSubmission `json:"submissions"`
	Result      *DocResult      `json:"result"`
}

type DocEnvironment struct {
	Image       string  `json:"image"`
	GPU         string  `json:"gpu"`
	Threads     int     `json:"threads"`
	Network     string  `json:"network"`
	CPUs        float64 `json:"cpus"`
	MemoryBytes int64   `json:"memory_bytes"`
	GradeMs     int64   `json:"grade_limit_ms"`
}

type DocSubmission struct {
	ID      string `json:"id"`
	Number  int    `json:"number"` // from 1, in the order they were handed in
	Mode    string `json:"mode"`
	Status  string `json:"status"`
	Verdict string `json:"judge_verdict"` // on the code, never on the person
	Final   bool   `json:"final"`         // the one that the result speaks of
	Shown   bool   `json:"shown"`         // its files are in this packet
}

// DocResult is what the judge's container reported of the final submission.
type DocResult struct {
	Submission string      `json:"submission"`
	Verdict    string      `json:"judge_verdict"`
	Points     float64     `json:"points"`
	Of         float64     `json:"of"`
	Checks     []DocCheck  `json:"checks"`
	Series     []DocSeries `json:"series"`
	Usage      DocUsage    `json:"usage"`
	Grader     DocGrader   `json:"grader"`
	Notes      string      `json:"notes"`
	Withheld   int         `json:"withheld"` // hidden checks left out by the blind level
}

type DocCheck struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Type      string   `json:"type"`
	Show      string   `json:"show"`
	Status    string   `json:"status"`
	Source    string   `json:"source"` // where the number comes from: deterministic | statistical
	Points    float64  `json:"points"`
	Of        float64  `json:"of"`
	Value     any      `json:"value"` // a number, "NaN", "Infinity", or null
	Reference any      `json:"reference"`
	Zero      *float64 `json:"zero"` // where a metric starts to earn points: the baseline
	Full      *float64 `json:"full"` // where it has them all
	Better    string   `json:"better"`
	Unit      string   `json:"unit"`
	Samples   int      `json:"samples"`
	Message   string   `json:"message"`
	Staff     string   `json:"staff_message"`
}

type DocSeries struct {
	Name   string        `json:"name"`
	Unit   string        `json:"unit"`
	Total  int           `json:"total"` // points measured; X and Y keep the extremes of each stretch when there are more than fit
	X      []float64     `json:"x"`
	Y      []assay.Float `json:"y"`
	File   string        `json:"file"`
	Finite bool          `json:"finite"` // every measured value was a number
}

type DocUsage struct {
	WallMs     int64 `json:"wall_ms"`
	CPUMs      int64 `json:"cpu_ms"`
	PeakMemory int64 `json:"peak_memory_bytes"`
}

type DocGrader struct {
	Image  string `json:"image"`
	Engine string `json:"engine"`
}

// DocFile is one submitted file. File is its name in the zip, empty when the content is not there; Omitted then says why.
type DocFile struct {
	Submission string `json:"submission"`
	Question   string `json:"question"`
	Path       string `json:"path"`
	File       string `json:"file"`
	SHA256     string `json:"sha256"` // of the bytes in this packet
	Size       int64  `json:"size"`
	Changed    bool   `json:"changed"` // not the same as in the starter
	Omitted    string `json:"omitted"`
}

type DocComment struct {
	Submission string  `json:"submission"`
	Path       string  `json:"path"`
	Line       int     `json:"line"`
	Author     string  `json:"author"`
	At         *string `json:"at"`
	Body       string  `json:"body"`
}

// DocCalibration says how a result compares, once there are enough to say it. N is null when the snapshot counts no pool.
type DocCalibration struct {
	Minimum   int           `json:"minimum"`
	Questions []DocPool     `json:"questions"`
	Panel     DocPanelError `json:"panel"`
}

type DocPool struct {
	Slug string `json:"slug"`
	N    *int   `json:"n"`
	Text string `json:"text"`
}

// DocPanelError is what the number of independent interviewers lets a committee conclude.
type DocPanelError struct {
	RaterError  float64  `json:"rater_error"`
	Raters      int      `json:"raters"`
	Reliability *float64 `json:"reliability"`
}

type DocIntegrity struct {
	Recorded bool   `json:"recorded"`
	Text     string `json:"text"`
}

type DocProcess struct {
	Credits   []DocCredit    `json:"credits"`
	Waived    []DocAbsence   `json:"waived"`
	Missing   []DocAbsence   `json:"missing"`
	Cancelled []DocCancelled `json:"cancelled"`
	Unheld    []string       `json:"not_held"`
}

// DocCredit is waiting that was ours. Extensions are never listed: one may be an accommodation.
type DocCredit struct {
	Interview string `json:"interview"`
	Cause     string `json:"cause"`
	Seconds   int64  `json:"seconds"`
}

type DocAbsence struct {
	Interview string `json:"interview"`
	Person    string `json:"person"`
	Reason    string `json:"reason"`
}

type DocCancelled struct {
	Interview string `json:"interview"`
	Title     string `json:"title"`
	Reason    string `json:"reason"`
}

type DocVote struct {
	Person     string  `json:"person"`
	PacketID   string  `json:"packet"`
	Outcome    string  `json:"outcome"`
	Level      string  `json:"level"`
	Confidence string  `json:"confidence"`
	Sentence   string  `json:"sentence"`
	At         *string `json:"at"`
}

type DocDecision struct {
	Outcome   string  `json:"outcome"`
	Level     string  `json:"level"`
	Rationale string  `json:"rationale"`
	Missing   string  `json:"missing"`
	Dissent   string  `json:"dissent"`
	DecidedBy string  `json:"decided_by"`
	PacketID  string  `json:"packet"`
	At        *string `json:"at"`
	Earlier   int     `json:"earlier"` // decisions that this one replaced
}

type DocAudit struct {
	ChainHead string       `json:"chain_head"`
	Lines     int          `json:"events"`
	Withheld  int          `json:"withheld"`
	Events    []DocKeyFact `json:"key_events"`
}

// DocKeyFact is an audit line in words, for the page. audit.ndjson holds them all.
type DocKeyFact struct {
	Seq  int64   `json:"seq"`
	At   *string `json:"at"`
	Who  string  `json:"who"`
	What string  `json:"what"`
	Hash string  `json:"hash"`
}
