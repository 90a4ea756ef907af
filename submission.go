package assay

import (
	"path"
	"strings"
	"time"
	"unicode/utf8"
)

// Mode says why a candidate handed something in.
type Mode string

const (
	// ModeRun runs the public checks in the candidate's own container. It gets no verdict that counts.
	ModeRun Mode = "run"
	// ModeSubmit is graded by the hidden harness.
	ModeSubmit Mode = "submit"
)

// Status says where a submission is. The verdict, set only when it is done, is another column.
type Status string

const (
	StatusQueued    Status = "queued"
	StatusRunning   Status = "running"
	StatusDone      Status = "done"
	StatusCancelled Status = "cancelled"
)

// Final says that the status will not change any more.
func (s Status) Final() bool { return s == StatusDone || s == StatusCancelled }

// Submission is what a candidate handed in. Its files are blobs, kept by content.
type Submission struct {
	ID          SubmissionID `gorm:"primaryKey"`
	InterviewID InterviewID
	ItemID      ItemID
	CandidateID CandidateID
	Mode        Mode
	Status      Status
	Verdict     Verdict      // "" until done
	Score       float64      // 0 to 1
	Files       []StoredFile `gorm:"serializer:json"`
	// Nonce is chosen by the page that submits; the same nonce again is the same submission.
	Nonce      string
	AttemptID  AttemptID // the attempt that is or was in force
	Waiting    string    // why it is not running though queued, e.g. "needs a GPU worker"
	CreatedAt  time.Time
	FinishedAt *time.Time
}

// StoredFile is a file whose content is the blob under Key.
type StoredFile struct {
	Path   string `json:"path"`
	Key    string `json:"key"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Attempt is one go at grading a submission. Whoever holds its lease and epoch may write its outcome; a worker that was
// thought dead and comes back finds the epoch moved on and writes nothing.
type Attempt struct {
	ID           AttemptID `gorm:"primaryKey"`
	SubmissionID SubmissionID
	Status       Status
	Epoch        int
	LeaseUntil   *time.Time
	Worker       string
	Failures     int    // how often we, not the candidate, failed at it
	LastFailure  string // for operators
	Verdict      Verdict
	Report       *Report `gorm:"serializer:json"`
	// PublicLog is the capped output of the candidate's own code. StaffLog is the harness's; never shown to candidates.
	PublicLog  string
	StaffLog   string
	CreatedAt  time.Time
	StartedAt  *time.Time
	FinishedAt *time.Time
}

// GradeJob asks a worker to grade one attempt at one epoch.
type GradeJob struct {
	Attempt    AttemptID    `json:"attempt"`
	Submission SubmissionID `json:"submission"`
	Epoch      int          `json:"epoch"`
}

func (GradeJob) Kind() string { return "grade" }

// EventKind is the sort of thing that happened while a submission was being worked on.
type EventKind string

const (
	EventLog    EventKind = "log"    // Text: a piece of the candidate's output
	EventMetric EventKind = "metric" // Name, Step, Value
	EventCheck  EventKind = "check"  // Check: a public check's result
	EventPhase  EventKind = "phase"  // Text: "starting", "running", "checking"
)

// Event is something a page can show live. It is never the only record of anything, and holds nothing hidden: events are
// written only about the candidate's own container.
type Event struct {
	ID        int64 `gorm:"primaryKey"`
	AttemptID AttemptID
	At        time.Time
	Kind      EventKind
	Text      string
	Name      string
	Step      float64
	Value     Float
	Check     *Check `gorm:"serializer:json"`
}

// Bounds on what may be handed in, whatever a question allows.
const (
	MaxFiles    = 64
	MaxFileSize = 1 << 20
	MaxPath     = 200
)

// ValidateFiles checks names, count and sizes of what a candidate hands in. The error names the file and the limit.
func ValidateFiles(files []File, maxTotal int64) error {
	if len(files) > MaxFiles {
		return Errorf(TooLarge, "There are %d files; at most %d can be sent.", len(files), MaxFiles)
	}
	var total int64
	seen := map[string]bool{}
	for _, f := range files {
		if err := ValidatePath(f.Path); err != nil {
			return err
		}
		if folded := strings.ToLower(f.Path); seen[folded] {
			return Errorf(Invalid, "%q is there twice (names that differ only in capitals count as one).", f.Path)
		} else {
			seen[folded] = true
		}
		if len(f.Content) > MaxFileSize {
			return Errorf(TooLarge, "%s is %d bytes; a file may have at most %d.", f.Path, len(f.Content), MaxFileSize)
		}
		if !utf8.ValidString(f.Content) || strings.ContainsRune(f.Content, 0) {
			return Errorf(Invalid, "%s is not UTF-8 text.", f.Path)
		}
		total += int64(len(f.Content))
	}
	if maxTotal > 0 && total > maxTotal {
		return Errorf(TooLarge, "The files have %d bytes together; this question allows %d.", total, maxTotal)
	}
	return nil
}

// ValidatePath refuses a path that could leave the folder it is meant for, or that a file system or a page would trip over.
func ValidatePath(p string) error {
	switch {
	case p == "":
		return Errorf(Invalid, "A file has no name.")
	case len(p) > MaxPath:
		return Errorf(Invalid, "The name %.40q… is longer than %d bytes.", p, MaxPath)
	case !utf8.ValidString(p):
		return Errorf(Invalid, "The name %q is not UTF-8.", p)
	case path.IsAbs(p) || strings.Contains(p, `\`) || p != path.Clean(p) || p == ".." || strings.HasPrefix(p, "../"):
		return Errorf(Invalid, "The name %q is not a plain relative path.", p)
	}
	for _, part := range strings.Split(p, "/") {
		if part == "." || strings.HasPrefix(part, ".") || len(part) > 100 {
			return Errorf(Invalid, "The name %q has a part that starts with a dot or is longer than 100 bytes.", p)
		}
		for _, r := range part {
			if r < 0x20 || r == 0x7f || strings.ContainsRune(`<>:"|?*`, r) {
				return Errorf(Invalid, "The name %q has a character that file systems refuse.", p)
			}
		}
	}
	return nil
}

// Comment is an interviewer's remark on a line of a submitted file.
type Comment struct {
	ID           CommentID `gorm:"primaryKey"`
	SubmissionID SubmissionID
	Path         string
	Line         int
	AuthorID     UserID
	Body         string
	CreatedAt    time.Time
}
