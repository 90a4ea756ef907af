package questions

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"

	"assay"
)

//go:embed all:bank
var shipped embed.FS

// Shipped is the bank that comes with the program.
func Shipped() fs.FS {
	sub, err := fs.Sub(shipped, "bank")
	if err != nil {
		panic("questions: the embedded bank cannot be read: " + err.Error())
	}
	return sub
}

// Findings is a list of complaints as one error, each on its own line.
type Findings []Finding

func (f Findings) Error() string {
	lines := make([]string, len(f))
	for i, finding := range f {
		lines[i] = finding.String()
	}
	return strings.Join(lines, "\n")
}

// Bank is a folder of question folders, read whole. It may be used by many goroutines, also while it is reloaded.
type Bank struct {
	fsys  fs.FS
	state atomic.Pointer[bankState]
}

type bankState struct {
	slugs     []string
	questions map[string]entry
}

type entry struct {
	question assay.Question // with every check, for staff
	pack     *Package
	sealed   Sealed
	staff    Staff
}

// Staff is what interviewers and authors may read beyond the public view.
type Staff struct {
	Rubric    string
	Notes     string
	Solutions []Solution
	Checks    []assay.CheckSpec
	Bands     map[assay.Level]float64
	Harness   []BinFile
}

// Open reads every question of a bank. Any finding of Lint in any of them is an error of type Findings: a bank is whole or it is
// not opened. Their files are then named <slug>/<file>.
func Open(fsys fs.FS) (*Bank, error) {
	b := &Bank{fsys: fsys}
	if err := b.Reload(); err != nil {
		return nil, err
	}
	return b, nil
}

// Reload reads the folder again. On an error the bank stays as it was.
func (b *Bank) Reload() error {
	slugs, err := Slugs(b.fsys)
	if err != nil {
		return fmt.Errorf("read the bank: %w", err)
	}
	state := &bankState{slugs: slugs, questions: map[string]entry{}}
	var all Findings
	ids := map[string]string{}
	for _, slug := range slugs {
		files, findings := readFolder(b.fsys, slug)
		findings = append(findings, lintFiles(slug, files)...)
		for _, f := range findings {
			f.File = slug + "/" + f.File
			all = append(all, f)
		}
		if len(findings) > 0 {
			continue
		}
		e, err := newEntry(slug, files)
		if err != nil {
			return fmt.Errorf("pack %s: %w", slug, err)
		}
		if other, twice := ids[e.question.ID]; twice {
			all = append(all, Finding{File: slug + "/question.yaml", What: "has the id of " + other, Mend: "give it an id of its own"})
		}
		ids[e.question.ID] = slug
		state.questions[slug] = e
	}
	if len(all) > 0 {
		return all
	}
	b.state.Store(state)
	return nil
}

// Slugs lists the question folders of a bank in order.
func Slugs(fsys fs.FS) ([]string, error) {
	dirs, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var slugs []string
	for _, d := range dirs {
		if d.IsDir() && !strings.HasPrefix(d.Name(), ".") && d.Name() != "__pycache__" {
			slugs = append(slugs, d.Name())
		}
	}
	return slugs, nil
}

func newEntry(slug string, files map[string][]byte) (entry, error) {
	sealed, err := seal(slug, files)
	if err != nil {
		return entry{}, err
	}
	pack, findings := newPackage(slug, sealed.Revision, files)
	if len(findings) > 0 {
		return entry{}, Findings(findings)
	}
	question := pack.Public.Question
	question.Checks = pack.Checks
	return entry{question: question, pack: pack, sealed: sealed, staff: Staff{
		Rubric: string(files["rubric.md"]), Notes: string(files["NOTES.md"]), Solutions: pack.Solutions, Checks: pack.Checks,
		Bands: pack.Bands, Harness: pack.Harness,
	}}, nil
}

// Questions lists the bank in the order of slugs, for staff: hidden checks are named. Candidates get Public.
func (b *Bank) Questions() []assay.Question {
	state := b.state.Load()
	out := make([]assay.Question, len(state.slugs))
	for i, slug := range state.slugs {
		out[i] = state.questions[slug].question
	}
	return out
}

// Question is one of Questions. Code not_found when there is none.
func (b *Bank) Question(slug string) (assay.Question, error) {
	e, err := b.find(slug)
	return e.question, err
}

// Public is all of a question that its candidate may read. Code not_found.
func (b *Bank) Public(slug string) (assay.PublicQuestion, error) {
	e, err := b.find(slug)
	if err != nil {
		return assay.PublicQuestion{}, err
	}
	return e.pack.Public, nil
}

// Staff is what only interviewers and authors may read. Code not_found.
func (b *Bank) Staff(slug string) (Staff, error) {
	e, err := b.find(slug)
	return e.staff, err
}

// Sealed is the question for the grader, to be stored as a blob. Code not_found.
func (b *Bank) Sealed(slug string) (Sealed, error) {
	e, err := b.find(slug)
	return e.sealed, err
}

func (b *Bank) find(slug string) (entry, error) {
	e, ok := b.state.Load().questions[slug]
	if !ok {
		return entry{}, assay.Errorf(assay.NotFound, "There is no question %q in the bank.", slug)
	}
	return e, nil
}

// AsFindings returns the complaints inside err, nil when it is about something else.
func AsFindings(err error) []Finding {
	if f, ok := errors.AsType[Findings](err); ok {
		return f
	}
	return nil
}
