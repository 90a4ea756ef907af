package view

import (
	"encoding/json"
	"fmt"
	"time"

	"assay"
)

// Clock is a candidate's time, as the server counts it.
type Clock struct {
	Interview string
	Left      time.Duration
	Allotted  time.Duration
	Credited  time.Duration
	Running   bool
	Accepts   bool
	Deadline  time.Time
	Now       time.Time
}

// MarshalJSON is what the page's script is sent.
func (c Clock) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"left_ms": c.Left.Milliseconds(), "credited_ms": c.Credited.Milliseconds(), "running": c.Running, "accepts": c.Accepts})
}

// Fingerprint changes when the page has to be told: not with every second.
func (c Clock) Fingerprint() string {
	return fmt.Sprintf("%d.%d.%t.%t", c.Deadline.Unix(), c.Credited/time.Second, c.Running, c.Accepts)
}

// Words is the time left as a person says it.
func (c Clock) Words() string {
	switch {
	case !c.Running:
		return "Not running"
	case c.Left <= 0:
		return "Time is up"
	case c.Left < time.Minute:
		return "Less than a minute left"
	}
	return Duration(c.Left.Truncate(time.Minute)) + " left"
}

// LinkPage is an invitation link that does not let in.
type LinkPage struct {
	Trouble string // revoked, cancelled or expired
	Token   string
	Title   string
	Asked   bool
	Contact string
}

// LinkTitle is the heading for each trouble.
func LinkTitle(trouble string) string {
	switch trouble {
	case "revoked":
		return "This link was replaced"
	case "cancelled":
		return "This interview was cancelled"
	}
	return "This invitation has expired"
}

// Invitation is the page before the start.
type Invitation struct {
	Interview   assay.Interview
	Name, Role  string
	Level       assay.Level
	Questions   int
	Items       []InvitationItem
	Contact     string
	Now         time.Time
	Early, Late bool
	Asked       bool
}

// InvitationItem is what may be known of a question beforehand: its sort and its length.
type InvitationItem struct {
	Kind    assay.Kind
	Minutes int
}

// KindWords says what a kind of question asks for.
func KindWords(k assay.Kind) string {
	switch k {
	case assay.KindImplement:
		return "Implement a component to a written specification"
	case assay.KindDebug:
		return "Find and repair what is wrong in working code"
	case assay.KindTrain:
		return "Train a model to a target within a budget"
	case assay.KindServe:
		return "Serve a model correctly and in time under load"
	case assay.KindData:
		return "Build the right data set"
	case assay.KindKernel:
		return "Make one operation fast, and still right"
	case assay.KindReview:
		return "Read a change or a claim and write down what you find"
	case assay.KindDesign:
		return "Design a system on paper, with numbers"
	case assay.KindChoice:
		return "Decide in short scenarios, and say how sure you are"
	}
	return "A practical question"
}

// ScoredWords says who or what judges a kind.
func ScoredWords(k assay.Kind) string {
	if k.Graded() {
		return "Graded by running it, then read by people"
	}
	return "Read and judged by people"
}

// Notice is what is recorded and automated, and the start.
type Notice struct {
	Interview assay.Interview
	CanStart  bool
	Contact   string
	Form      Form
}

// ItemSummary is one question on the overview pages.
type ItemSummary struct {
	Position    int
	Title       string
	Kind        assay.Kind
	Minutes     int
	Href        string
	Graded      bool
	Started     bool
	Unsent      bool
	SavedAt     time.Time
	Runs        int
	Submissions int
	Pending     bool
	Last        *LastSubmission
}

// LastSubmission is the one that counts.
type LastSubmission struct {
	Href   string
	At     time.Time
	Result Result
}

// SessionHome lists the questions while the interview runs.
type SessionHome struct {
	Interview assay.Interview
	Base      string
	Items     []ItemSummary
}

// Finish is what will be sent.
type Finish struct {
	Interview assay.Interview
	Base      string
	Items     []ItemSummary
}

func (p Finish) unsent() int {
	n := 0
	for _, it := range p.Items {
		if it.Unsent {
			n++
		}
	}
	return n
}

func (p Finish) untouched() int {
	n := 0
	for _, it := range p.Items {
		if !it.Started && it.Submissions == 0 {
			n++
		}
	}
	return n
}

// StatusPage is what a candidate sees afterwards.
type StatusPage struct {
	Interview assay.Interview
	Base      string
	Items     []ItemSummary
	Pending   bool
	Contact   string
}

func (p StatusPage) steps() []Step {
	grading := Step{Label: "Grading", State: "done"}
	reading := Step{Label: "People read your work", State: "now"}
	if p.Pending {
		grading.State, reading.State = "now", ""
	}
	return []Step{{Label: "Handed in", State: "done"}, grading, reading, {Label: "You hear from us"}}
}

// Result is the one line that sums a submission up, as far as it may be shown: a verdict, or words.
type Result struct {
	Verdict assay.Verdict
	Tone    string
	Icon    string
	Words   string
	Note    string
}

// SubmissionCard is a run or a submission as its candidate may see it. Live streams and pages show the same.
type SubmissionCard struct {
	ID         string
	Mode       assay.Mode
	Status     assay.Status
	Result     Result
	Waiting    string // why it does not run yet
	Waited     time.Duration
	Phase      string
	Log        string
	LogCut     bool
	Checks     []assay.Check
	Hidden     bool // there are checks that are not shown
	Plots      []Plot
	Usage      *assay.Usage
	CreatedAt  time.Time
	FinishedAt *time.Time
	Now        time.Time
	Href       string
	Files      int
	CanCancel  bool
	Open       bool // unfolded
}

// ModeWords names what was done.
func ModeWords(m assay.Mode) string {
	if m == assay.ModeSubmit {
		return "Submission"
	}
	return "Public checks"
}

func phaseWords(phase string) string {
	switch phase {
	case "":
		return ""
	case "starting":
		return "Starting a fresh machine"
	case "running":
		return "Your code is running"
	case "checking":
		return "Checking"
	}
	return Words(phase)
}

func (c SubmissionCard) passed() (pass, of int) {
	for _, ch := range c.Checks {
		of++
		if ch.Status == assay.CheckPass {
			pass++
		}
	}
	return pass, of
}

func checkValue(c assay.Check) string {
	if c.Value == nil {
		return ""
	}
	v := Number(*c.Value)
	if c.Unit != "" {
		v += " " + c.Unit
	}
	return v
}

func checkTitle(c assay.Check) string {
	if c.Title != "" {
		return c.Title
	}
	return Words(c.ID)
}

// OwnSubmission is a page about one submission.
type OwnSubmission struct {
	Interview assay.Interview
	Card      SubmissionCard
	Files     []assay.File
}

// Workspace is where a question is worked on.
type Workspace struct {
	Interview assay.Interview
	Base      string // of the interview
	Path      string // of this question
	Item      string
	Position  int
	Title     string
	Question  assay.Question
	Minutes   int
	Statement string // HTML, safe
	Files     []WorkFile
	Data      []DataFile
	Others    []NavItem
	Version   int
	SavedAt   time.Time
	Nonce     string
	CanRun    bool
	CanAdd    bool
	ReadOnly  bool
	Entered   *Entered
	Cards     []SubmissionCard
	Older     int
}

// WorkFile is one tab.
type WorkFile struct {
	Path     string
	Content  string
	ReadOnly bool
	Added    bool // by the candidate
}

// DataFile is given, to be read by the candidate's code.
type DataFile struct {
	Path string
	Size int
	Href string
}

// Entered is a form that was refused: what was typed, why, and what is stored when that differs.
type Entered struct {
	Files   []assay.File
	Problem string
	Stored  []assay.File
}

func (p Workspace) resultsWords() string {
	switch {
	case !p.Question.Kind.Graded():
		return "People read and judge this one; there is no verdict by machine."
	case p.Interview.Results == assay.ResultsVerdict:
		return "After you submit you see the verdict."
	case p.Interview.Results == assay.ResultsPublic:
		return "After you submit you see the verdict and the checks that are public. Further checks stay hidden."
	}
	return "After you submit you see that it was received. Results are not shown in this interview."
}

func (p Workspace) limits() [][2]string {
	l := p.Question.Limits
	var out [][2]string
	add := func(k, v string) { out = append(out, [2]string{k, v}) }
	if l.CPUs > 0 {
		add("CPU", Plural(int(l.CPUs), "core", "cores"))
	}
	if l.Memory > 0 {
		add("Memory", Bytes(l.Memory))
	}
	if l.Run > 0 {
		add("Public checks", Duration(l.Run))
	}
	if l.Grade > 0 {
		add("Grading", Duration(l.Grade))
	}
	if l.Output > 0 {
		add("Output", Bytes(l.Output))
	}
	if p.Question.MaxSize > 0 {
		add("Your files", Bytes(p.Question.MaxSize))
	}
	if g := p.Question.Environment.GPU; g == "required" || g == "optional" {
		add("GPU", Words(g))
	}
	add("Network", "none")
	return out
}
