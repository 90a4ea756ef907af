package assay

import (
	"database/sql/driver"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Verdict is what the judge found. Status says where a submission is; the two are never one column.
type Verdict string

const (
	JudgeError        Verdict = "JE"
	SecurityViolation Verdict = "SV"
	CompileError      Verdict = "CE"
	MemoryLimit       Verdict = "MLE"
	TimeLimit         Verdict = "TLE"
	OutputLimit       Verdict = "OLE"
	RuntimeError      Verdict = "RTE"
	WrongAnswer       Verdict = "WA"
	PartiallyAccepted Verdict = "PAC"
	Accepted          Verdict = "AC"
)

// Verdicts in order of severity, the worst first.
var Verdicts = []Verdict{JudgeError, SecurityViolation, CompileError, MemoryLimit, TimeLimit, OutputLimit, RuntimeError, WrongAnswer, PartiallyAccepted, Accepted}

// Words is how a page spells the verdict out.
func (v Verdict) Words() string {
	switch v {
	case JudgeError:
		return "We could not grade this"
	case SecurityViolation:
		return "Not allowed"
	case CompileError:
		return "Did not build or import"
	case MemoryLimit:
		return "Memory limit exceeded"
	case TimeLimit:
		return "Time limit exceeded"
	case OutputLimit:
		return "Output limit exceeded"
	case RuntimeError:
		return "Run-time error"
	case WrongAnswer:
		return "Wrong answer"
	case PartiallyAccepted:
		return "Partially accepted"
	case Accepted:
		return "Accepted"
	}
	return ""
}

// Worst returns the more severe of the two; "" counts as no verdict yet and loses to any.
func Worst(a, b Verdict) Verdict {
	for _, v := range Verdicts {
		if a == v || b == v {
			return v
		}
	}
	return ""
}

// CheckStatus is the outcome of one check.
type CheckStatus string

const (
	CheckPass    CheckStatus = "pass"
	CheckPartial CheckStatus = "partial"
	CheckFail    CheckStatus = "fail"
	CheckSkip    CheckStatus = "skip"
	CheckError   CheckStatus = "error" // the candidate's code broke while being checked
)

// Check is one named, weighted result in a report.
type Check struct {
	ID     string      `json:"id"`
	Title  string      `json:"title,omitempty"`
	Type   string      `json:"type,omitempty"`
	Show   Show        `json:"show,omitempty"`
	Status CheckStatus `json:"status"`
	Points float64     `json:"points"` // earned
	Of     float64     `json:"of"`     // attainable
	// Value, Reference and Unit describe a measured quantity; nil when there is none. NaN and infinities travel in ValueText.
	Value     *float64  `json:"value,omitempty"`
	Reference *float64  `json:"reference,omitempty"`
	Unit      string    `json:"unit,omitempty"`
	Samples   []float64 `json:"samples,omitempty"`
	Message   string    `json:"message,omitempty"`       // for the candidate
	StaffNote string    `json:"staff_message,omitempty"` // for staff and packet
}

// Series is a curve: a training metric by step, latency by request.
type Series struct {
	Name string    `json:"name"`
	X    []float64 `json:"x"`
	Y    []Float   `json:"y"`
	Unit string    `json:"unit,omitempty"`
}

// Float is a float64 whose NaN and infinities survive JSON as "NaN", "Infinity" and "-Infinity": a diverged run is the
// interesting one, so it is never dropped.
type Float float64

func (f Float) MarshalJSON() ([]byte, error) {
	switch v := float64(f); {
	case math.IsNaN(v):
		return []byte(`"NaN"`), nil
	case math.IsInf(v, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
	}
}

func (f *Float) UnmarshalJSON(b []byte) error {
	switch s := string(b); s {
	case `"NaN"`, "null":
		*f = Float(math.NaN())
	case `"Infinity"`:
		*f = Float(math.Inf(1))
	case `"-Infinity"`:
		*f = Float(math.Inf(-1))
	default:
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return fmt.Errorf("not a number: %q", s)
		}
		*f = Float(v)
	}
	return nil
}

// Value and Scan keep a Float as text in a database: SQLite turns a NaN into NULL.
func (f Float) Value() (driver.Value, error) {
	return strconv.FormatFloat(float64(f), 'g', -1, 64), nil
}

func (f *Float) Scan(from any) error {
	text, ok := from.(string)
	if !ok {
		return fmt.Errorf("a Float is kept as text, not as %T", from)
	}
	v, err := strconv.ParseFloat(text, 64)
	*f = Float(v)
	return err
}

// Report is what grading one attempt found. It comes only from the judge's container and our own measuring, never from
// anything the candidate's process printed or wrote.
type Report struct {
	Format   int       `json:"format"`
	Question string    `json:"question"`
	Revision string    `json:"revision"`
	Seed     string    `json:"seed"`
	Checks   []Check   `json:"checks"`
	Series   []Series  `json:"series,omitempty"`
	Notes    string    `json:"notes,omitempty"` // staff only
	Usage    Usage     `json:"usage"`
	Grader   GraderRef `json:"grader"`
}

// Usage was measured outside the candidate's container.
type Usage struct {
	Wall       time.Duration `json:"wall_ns"`
	CPU        time.Duration `json:"cpu_ns"`
	PeakMemory int64         `json:"peak_memory_bytes"`
}

// GraderRef names exactly what graded, so that a regrade next year can be compared.
type GraderRef struct {
	Image  string `json:"image,omitempty"`  // name or digest of the image
	Engine string `json:"engine,omitempty"` // build of this program
}

// Score is the fraction of points earned, 0 to 1; 0 for a report without points. Human (rubric) checks carry no points.
func (r Report) Score() float64 {
	var got, of float64
	for _, c := range r.Checks {
		got += c.Points
		of += c.Of
	}
	if of == 0 {
		return 0
	}
	return got / of
}

// VisibleTo returns the report as its candidate may read it: checks by their Show, never a staff message, never a note.
func (r Report) VisibleTo(closed bool) Report {
	out := r
	out.Notes, out.Seed = "", ""
	out.Checks = nil
	for _, c := range r.Checks {
		if c.Show == ShowPublic || c.Show == ShowAfter && closed {
			c.StaffNote = ""
			out.Checks = append(out.Checks, c)
		}
	}
	return out
}
