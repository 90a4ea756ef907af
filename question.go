package assay

import (
	"slices"
	"time"
)

// Kind is the sort of round a question is.
type Kind string

const (
	KindImplement Kind = "implement"
	KindDebug     Kind = "debug"
	KindTrain     Kind = "train"
	KindServe     Kind = "serve"
	KindData      Kind = "data"
	KindKernel    Kind = "kernel"
	KindReview    Kind = "review"
	KindDesign    Kind = "design"
	KindChoice    Kind = "choice"
)

var Kinds = []Kind{KindImplement, KindDebug, KindTrain, KindServe, KindData, KindKernel, KindReview, KindDesign, KindChoice}

// Graded says whether a machine gives the kind a verdict; the others get only a scorecard.
func (k Kind) Graded() bool { return k != KindDesign && k != KindReview && k != KindChoice }

// Level is the seniority that a role or question aims at.
type Level string

const (
	LevelIntern    Level = "intern"
	LevelJunior    Level = "junior"
	LevelMid       Level = "mid"
	LevelSenior    Level = "senior"
	LevelStaff     Level = "staff"
	LevelPrincipal Level = "principal"
)

var Levels = []Level{LevelIntern, LevelJunior, LevelMid, LevelSenior, LevelStaff, LevelPrincipal}

// Interface is how the hidden side reaches the candidate's code.
type Interface string

const (
	InterfaceCall  Interface = "call"  // the harness calls functions and classes across the wire
	InterfaceTrain Interface = "train" // train(public_dir, artifact_dir), then predict over the wire in a fresh container
	InterfaceServe Interface = "serve" // the candidate's server is started and loaded
	InterfaceFiles Interface = "files" // a command writes files; the harness reads copies
)

// AIPolicy tells the candidate, and later the committee, which help was allowed.
type AIPolicy string

const (
	AINone      AIPolicy = "none"
	AIDocs      AIPolicy = "docs"
	AIAssistant AIPolicy = "assistant"
	AIAny       AIPolicy = "any"
)

// Question is the public side of a question: what a candidate and a recruiter may know. Nothing hidden is ever in it.
type Question struct {
	ID           string // stable across renames, q_…
	Slug         string
	Revision     string // hash of the packed folder, 64 hex digits
	Title        string
	Summary      string
	Kind         Kind
	Levels       []Level
	Competencies map[string]int // competency id (C1 … C12) → weight
	Domain       string
	Setting      string
	Minutes      int
	Status       string // draft | ready | retired
	License      string
	Source       string
	Authors      []string
	AIPolicy     AIPolicy
	Environment  Environment
	Limits       Limits
	Interface    Interface
	Entry        string   // what the harness loads or starts, e.g. solution.py
	Editable     []string // starter files that the candidate may change; others are shown read-only
	MaxSize      int64    // bytes, all submitted files together
	Run          []string // argv of the public checks, run in the candidate's own container
	Checks       []CheckSpec
	Pass         float64 // fraction of points from which the verdict is at least PAC
	Constants    map[string]string
}

// Environment is where the candidate's code runs.
type Environment struct {
	Image   string // profile: bare, numpy or full
	GPU     string // none | optional | required
	Threads int
	Network string // always "none"
}

// Limits bound one container. Sizes are bytes.
type Limits struct {
	CPUs     float64
	Memory   int64
	Disk     int64 // /workspace
	Pids     int
	Output   int64         // stdout and stderr together
	Run      time.Duration // wall clock of a public run
	GradeCPU time.Duration // CPU time of the candidate's side of one grading
	Grade    time.Duration // wall clock of one grading
}

// Show says when a candidate may learn of a check.
type Show string

const (
	ShowPublic Show = "public" // name, result and message at once
	ShowAfter  Show = "after"  // when the interview has closed
	ShowHidden Show = "hidden" // staff and packet only
)

// CheckSpec is one check as the author declared it.
type CheckSpec struct {
	ID         string
	Title      string
	Type       string
	Stage      int
	Points     float64
	Gate       bool // failing it zeroes its stage's points
	Show       Show
	Unit       string
	Better     string // lower | higher; for a metric
	Zero, Full *float64
	Competency string
}

// File is one file of a starter, draft or submission. Paths are relative, slash-separated and clean.
type File struct {
	Path    string
	Content string
	// ReadOnly files are given with the question and cannot be changed by the candidate.
	ReadOnly bool `json:",omitempty"`
}

// QuestionRevision is a question as it was when an interview pinned it: the public side as data, the sealed pack as a blob.
type QuestionRevision struct {
	Slug      string         `gorm:"primaryKey"`
	Revision  string         `gorm:"primaryKey"`
	Public    PublicQuestion `gorm:"serializer:json"`
	PackKey   string         // blob key of the sealed pack
	CreatedAt time.Time
}

// PublicQuestion is everything of a question that its candidate may read.
type PublicQuestion struct {
	Question  Question
	Statement string // Markdown, constants already filled in
	Starter   []File
	Data      []File // public data, read-only in the workspace, under data/
}

// Editable says whether the candidate may change path. A question without a list lets every starter file and any new file change.
func (q Question) CanEdit(path string) bool {
	return len(q.Editable) == 0 || slices.Contains(q.Editable, path)
}
