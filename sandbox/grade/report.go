package grade

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"assay"
)

// Bounds on what a harness may report. A report beyond them is our fault and not the candidate's.
const (
	maxReport  = 1 << 20
	maxMessage = 2 << 10
	maxNotes   = 64 << 10
	maxSamples = 10_000
	maxSeries  = 16
	maxPoints  = 20_000 // of one series
)

// HarnessError says that the harness, not the candidate, is at fault. It is retried and shown to operators and the author.
type HarnessError struct {
	What  string
	Trace string // the harness's own traceback or log, for staff
}

func (e *HarnessError) Error() string { return "harness: " + e.What }

func harnessFault(format string, args ...any) *HarnessError {
	return &HarnessError{What: fmt.Sprintf(format, args...)}
}

// rawReport is what a harness says it found, before a point has been given.
type rawReport struct {
	Format int         `json:"format"`
	Checks []rawCheck  `json:"checks"`
	Series []rawSeries `json:"series"`
	Notes  string      `json:"notes"`
}

type rawCheck struct {
	ID        string            `json:"id"`
	Status    assay.CheckStatus `json:"status"`
	Fraction  *assay.Float      `json:"fraction"` // of the points, for a partial check
	Value     *assay.Float      `json:"value"`
	Reference *assay.Float      `json:"reference"`
	Unit      string            `json:"unit"`
	Samples   []assay.Float     `json:"samples"`
	Message   string            `json:"message"`
	Staff     string            `json:"staff_message"`
	Error     Trouble           `json:"error"` // why the status is error
}

type rawSeries struct {
	Name string        `json:"name"`
	X    []assay.Float `json:"x"`
	Y    []assay.Float `json:"y"`
	Unit string        `json:"unit"`
}

// readReport reads a report strictly and checks it against the question's own list of checks: every check of the list once, no
// other, every number sane, every text within bounds. Anything else is a *HarnessError.
func readReport(b []byte, specs []assay.CheckSpec) (rawReport, error) {
	var raw rawReport
	if len(b) > maxReport {
		return raw, harnessFault("the report has %d bytes; at most %d are allowed", len(b), maxReport)
	}
	if !utf8.Valid(b) {
		return raw, harnessFault("the report is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&raw); err != nil {
		return raw, harnessFault("the report cannot be read: %v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return raw, harnessFault("something follows the report")
	}
	if raw.Format != 1 {
		return raw, harnessFault("the report has format %d; this build reads 1", raw.Format)
	}
	if len(raw.Notes) > maxNotes {
		return raw, harnessFault("the notes have %d bytes; at most %d are allowed", len(raw.Notes), maxNotes)
	}
	if err := readSeries(raw.Series); err != nil {
		return raw, err
	}
	seen := map[string]bool{}
	for _, c := range raw.Checks {
		spec, ok := findSpec(specs, c.ID)
		switch {
		case !ok:
			return raw, harnessFault("check %.80q is not in question.yaml", c.ID)
		case human(spec):
			return raw, harnessFault("check %s is judged by people; the harness may not report it", c.ID)
		case seen[c.ID]:
			return raw, harnessFault("check %s is reported twice", c.ID)
		}
		seen[c.ID] = true
		if err := readCheck(c, spec); err != nil {
			return raw, err
		}
	}
	for _, spec := range specs {
		if !seen[spec.ID] && !human(spec) {
			return raw, harnessFault("check %s is missing from the report", spec.ID)
		}
	}
	return raw, nil
}

func readCheck(c rawCheck, spec assay.CheckSpec) error {
	switch c.Status {
	case assay.CheckPass, assay.CheckPartial, assay.CheckFail, assay.CheckSkip, assay.CheckError:
	default:
		return harnessFault("check %s has the unknown status %.40q", c.ID, c.Status)
	}
	if c.Status == assay.CheckPartial && c.Fraction == nil && (!mapped(spec) || c.Value == nil) {
		return harnessFault("check %s is partial but names no fraction", c.ID)
	}
	if c.Status == assay.CheckPass && c.Fraction == nil && mapped(spec) && c.Value == nil {
		return harnessFault("check %s maps a value to points but reports no value", c.ID)
	}
	if c.Fraction != nil && !(float64(*c.Fraction) >= 0 && float64(*c.Fraction) <= 1) {
		return harnessFault("check %s has the fraction %v, which is not between 0 and 1", c.ID, float64(*c.Fraction))
	}
	if len(c.Message) > maxMessage || len(c.Staff) > maxMessage {
		return harnessFault("check %s has a message of more than %d bytes", c.ID, maxMessage)
	}
	if len(c.Unit) > 40 {
		return harnessFault("check %s has a unit of more than 40 bytes", c.ID)
	}
	if len(c.Samples) > maxSamples {
		return harnessFault("check %s has %d samples; at most %d are allowed", c.ID, len(c.Samples), maxSamples)
	}
	switch c.Error {
	case "", TroubleRaised, TroubleTimeout, TroubleDied, TroubleProtocol:
	default:
		return harnessFault("check %s has the unknown error %.40q", c.ID, c.Error)
	}
	return nil
}

func readSeries(all []rawSeries) error {
	if len(all) > maxSeries {
		return harnessFault("there are %d series; at most %d are allowed", len(all), maxSeries)
	}
	for _, s := range all {
		if s.Name == "" || len(s.Name) > 80 || len(s.Unit) > 40 {
			return harnessFault("series %.80q has no name, or a name or unit that is too long", s.Name)
		}
		if len(s.X) != len(s.Y) || len(s.X) > maxPoints {
			return harnessFault("series %s has %d x and %d y; they must be as many, at most %d", s.Name, len(s.X), len(s.Y), maxPoints)
		}
		for _, x := range s.X {
			if !finite(x) {
				return harnessFault("series %s has an x that is not a finite number", s.Name)
			}
		}
	}
	return nil
}

// score turns what the harness found into checks with points. Points come from the question alone: fraction × points, a value
// mapped linearly from zero to full, and a failed gate takes the points of its stage.
func score(raw rawReport, specs []assay.CheckSpec) []assay.Check {
	var checks []assay.Check
	shut := map[int]string{} // stage → the gate that failed
	for _, spec := range specs {
		i := slices.IndexFunc(raw.Checks, func(c rawCheck) bool { return c.ID == spec.ID })
		if i < 0 {
			continue // judged by people
		}
		c := scoreCheck(raw.Checks[i], spec)
		if spec.Gate && c.Status != assay.CheckPass && c.Status != assay.CheckPartial && shut[spec.Stage] == "" {
			shut[spec.Stage] = spec.ID
		}
		checks = append(checks, c)
	}
	for i := range checks {
		spec, _ := findSpec(specs, checks[i].ID)
		if gate := shut[spec.Stage]; gate != "" && checks[i].Points > 0 {
			checks[i].Points = 0
			checks[i].StaffNote = clip(join(checks[i].StaffNote, "No points: the gate "+gate+" of this stage failed."), maxMessage)
		}
	}
	return checks
}

func scoreCheck(raw rawCheck, spec assay.CheckSpec) assay.Check {
	c := assay.Check{
		ID: spec.ID, Title: spec.Title, Type: spec.Type, Show: spec.Show, Status: raw.Status, Of: spec.Points,
		Value: number(raw.Value), Reference: number(raw.Reference), Unit: raw.Unit,
		Message: safeText(raw.Message), StaffNote: safeText(raw.Staff),
	}
	if c.Unit == "" {
		c.Unit = spec.Unit
	}
	for _, s := range raw.Samples {
		if finite(s) {
			c.Samples = append(c.Samples, float64(s))
		}
	}
	if raw.Value != nil && c.Value == nil {
		c.StaffNote = clip(join(c.StaffNote, "The value is "+strconv.FormatFloat(float64(*raw.Value), 'g', -1, 64)+"."), maxMessage)
	}
	f := fraction(raw, spec)
	c.Points = f * spec.Points
	if c.Status == assay.CheckPass || c.Status == assay.CheckPartial {
		switch {
		case f >= 1:
			c.Status = assay.CheckPass
		case f <= 0:
			c.Status = assay.CheckFail
		default:
			c.Status = assay.CheckPartial
		}
	}
	return c
}

// fraction is the part of a check's points that was earned, 0 to 1.
func fraction(raw rawCheck, spec assay.CheckSpec) float64 {
	switch {
	case raw.Status != assay.CheckPass && raw.Status != assay.CheckPartial:
		return 0
	case mapped(spec) && raw.Value != nil:
		f := between(float64(*raw.Value), *spec.Zero, *spec.Full)
		if raw.Fraction != nil {
			f = min(f, float64(*raw.Fraction)) // a harness may withhold points, never add any
		}
		return f
	case raw.Fraction != nil:
		return float64(*raw.Fraction)
	}
	return 1
}

// between maps v linearly to 0 at zero and 1 at full, whichever of them is larger. NaN and infinities earn nothing.
func between(v, zero, full float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) || zero == full {
		return 0
	}
	return min(1, max(0, (v-zero)/(full-zero)))
}

func findSpec(specs []assay.CheckSpec, id string) (assay.CheckSpec, bool) {
	i := slices.IndexFunc(specs, func(s assay.CheckSpec) bool { return s.ID == id })
	if i < 0 {
		return assay.CheckSpec{}, false
	}
	return specs[i], true
}

// human says that people judge the check; it carries no automatic points.
func human(s assay.CheckSpec) bool { return s.Type == "rubric" }

// mapped says that the check's points follow from a measured value.
func mapped(s assay.CheckSpec) bool { return s.Zero != nil && s.Full != nil }

func finite(f assay.Float) bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) }

// number is the plain number for a report, nil when JSON cannot hold it.
func number(f *assay.Float) *float64 {
	if f == nil || !finite(*f) {
		return nil
	}
	v := float64(*f)
	return &v
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return strings.TrimRight(a, " \n") + " " + b
}
