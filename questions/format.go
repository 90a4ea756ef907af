package questions

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"assay"
)

// Finding is one thing that is wrong with a question, and how to mend it.
type Finding struct {
	File string // relative to the question's folder
	Line int    // 0 when it concerns the whole file
	What string
	Mend string
}

// String is "file:line: what: how to mend", the form that editors jump on.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.File, max(1, f.Line), f.What, f.Mend)
}

// document is question.yaml as it stands, after the reader: defaults filled in, sizes in bytes, durations in seconds.
type document struct {
	ID           string         `json:"id"`
	Title        string         `json:"title"`
	Summary      string         `json:"summary"`
	Kind         assay.Kind     `json:"kind"`
	Levels       []assay.Level  `json:"levels"`
	Competencies map[string]int `json:"competencies"`
	Domain       string         `json:"domain"`
	Setting      string         `json:"setting"`
	Minutes      int            `json:"minutes"`
	Status       string         `json:"status"`
	License      string         `json:"license"`
	Authors      []string       `json:"authors"`
	Source       string         `json:"source"`
	AIPolicy     assay.AIPolicy `json:"ai_policy"`
	Environment  struct {
		Image   string `json:"image"`
		Network string `json:"network"`
		GPU     string `json:"gpu"`
		Threads int    `json:"threads"`
	} `json:"environment"`
	Limits struct {
		CPUs      float64 `json:"cpus"`
		Memory    int64   `json:"memory"`
		Disk      int64   `json:"disk"`
		Pids      int     `json:"pids"`
		Output    int64   `json:"output"`
		Run       float64 `json:"run"`
		GradeCPU  float64 `json:"grade_cpu"`
		GradeWall float64 `json:"grade_wall"`
	} `json:"limits"`
	Submission struct {
		Interface assay.Interface `json:"interface"`
		Entry     string          `json:"entry"`
		Editable  []string        `json:"editable"`
		MaxSize   int64           `json:"max_size"`
		Run       []string        `json:"run"`
		Start     []string        `json:"start"`
		Collect   []string        `json:"collect"`
	} `json:"submission"`
	Constants map[string]any `json:"-"`
	Data      struct {
		Generator   string `json:"generator"`
		PublicSeed  int64  `json:"public_seed"`
		HiddenSeeds int    `json:"hidden_seeds"`
	} `json:"data"`
	Checks  []checkDocument `json:"checks"`
	Scoring struct {
		Pass       float64                 `json:"pass"`
		StarterMax float64                 `json:"starter_max"`
		Bands      map[assay.Level]float64 `json:"bands"`
	} `json:"scoring"`

	lines map[string]int
}

type checkDocument struct {
	ID         string     `json:"id"`
	Title      string     `json:"title"`
	Type       string     `json:"type"`
	Stage      int        `json:"stage"`
	Points     float64    `json:"points"`
	Gate       bool       `json:"gate"`
	Show       assay.Show `json:"show"`
	Unit       string     `json:"unit"`
	Better     string     `json:"better"`
	Zero       *float64   `json:"zero"`
	Full       *float64   `json:"full"`
	Competency string     `json:"competency"`
}

type solutionDocument struct {
	Note  string   `json:"note"`
	Pass  []string `json:"pass"`
	Fail  []string `json:"fail"`
	Score struct {
		Min *float64 `json:"min"`
		Max *float64 `json:"max"`
	} `json:"score"`
}

// parseQuestion reads question.yaml. With findings the document holds what could be read, so that other rules may still be
// checked; it is never nil.
func parseQuestion(text []byte) (*document, []Finding) {
	r := &reader{file: "question.yaml"}
	plain := r.read(text, questionFields)
	doc := &document{lines: r.lines}
	fill(doc, plain)
	if constants, ok := plain["constants"].(map[string]any); ok {
		doc.Constants = constants // kept as read, so that 10 stays a whole number and 0.5 a float
	}
	return doc, append(r.traps, r.faults...)
}

// parseSolutions reads solutions/solutions.yaml.
func parseSolutions(text []byte) (map[string]solutionDocument, map[string]int, []Finding) {
	r := &reader{file: "solutions/solutions.yaml"}
	out := map[string]solutionDocument{}
	for name, v := range r.read(text, solutionsFields) {
		var s solutionDocument
		fill(&s, v)
		out[name] = s
	}
	return out, r.lines, append(r.traps, r.faults...)
}

// fill copies what the reader made into a struct. The reader has checked every type; what it refused is nil and stays zero.
func fill(into, plain any) {
	b, err := json.Marshal(plain)
	if err != nil {
		panic("questions: the reader made something that is not JSON: " + err.Error())
	}
	if err := json.Unmarshal(b, into); err != nil {
		panic("questions: fields.go and format.go disagree: " + err.Error())
	}
}

// question is the public side.
func (d *document) question(slug, revision string) assay.Question {
	seconds := func(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }
	q := assay.Question{
		ID: d.ID, Slug: slug, Revision: revision, Title: d.Title, Summary: d.Summary, Kind: d.Kind, Levels: d.Levels,
		Competencies: d.Competencies, Domain: d.Domain, Setting: d.Setting, Minutes: d.Minutes, Status: d.Status,
		License: d.License, Source: d.Source, Authors: d.Authors, AIPolicy: d.AIPolicy,
		Environment: assay.Environment{Image: d.Environment.Image, GPU: d.Environment.GPU, Threads: d.Environment.Threads, Network: d.Environment.Network},
		Limits: assay.Limits{CPUs: d.Limits.CPUs, Memory: d.Limits.Memory, Disk: d.Limits.Disk, Pids: d.Limits.Pids, Output: d.Limits.Output,
			Run: seconds(d.Limits.Run), GradeCPU: seconds(d.Limits.GradeCPU), Grade: seconds(d.Limits.GradeWall)},
		Interface: d.Submission.Interface, Entry: d.Submission.Entry, Editable: d.Submission.Editable,
		MaxSize: d.Submission.MaxSize, Run: d.Submission.Run, Checks: d.checkSpecs(), Pass: d.Scoring.Pass,
		Constants: map[string]string{},
	}
	for name, v := range d.Constants {
		q.Constants[name] = constantText(v)
	}
	return q
}

func (d *document) checkSpecs() []assay.CheckSpec {
	out := make([]assay.CheckSpec, len(d.Checks))
	for i, c := range d.Checks {
		out[i] = assay.CheckSpec{ID: c.ID, Title: c.Title, Type: c.Type, Stage: c.Stage, Points: c.Points, Gate: c.Gate, Show: c.Show,
			Unit: c.Unit, Better: c.Better, Zero: c.Zero, Full: c.Full, Competency: c.Competency}
	}
	return out
}

// constantText is how a constant reads in a statement.
func constantText(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case nil:
		return ""
	default:
		return fmt.Sprint(v)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
