package questions

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"assay"
)

func shippedBank(t *testing.T) *Bank {
	t.Helper()
	b, err := Open(Shipped())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestShippedQuestionsLint(t *testing.T) {
	t.Parallel()
	slugs, err := Slugs(Shipped())
	if err != nil || len(slugs) == 0 {
		t.Fatal("the bank is empty", err)
	}
	for _, slug := range slugs {
		for _, finding := range Lint(Shipped(), slug) {
			t.Errorf("%s/%s", slug, finding)
		}
	}
}

// What is embedded is what lies in the folder: an embed pattern must not drop files whose names start with an underscore.
func TestShippedIsWholeFolder(t *testing.T) {
	t.Parallel()
	slugs, err := Slugs(Shipped())
	if err != nil {
		t.Fatal(err)
	}
	for _, slug := range slugs {
		embedded, _ := readFolder(Shipped(), slug)
		onDisk, _ := readFolder(os.DirFS("bank"), slug)
		if diff := cmp.Diff(sortedKeys(onDisk), sortedKeys(embedded)); diff != "" {
			t.Errorf("%s (-folder +embedded):\n%s", slug, diff)
		}
	}
}

func TestPackingIsDeterministic(t *testing.T) {
	t.Parallel()
	files := example(t, assay.KindTrain)
	first, _, err := Pack(files, "example")
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := Pack(files, "example")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes, second.Bytes) || first.Revision != second.Revision || len(first.Revision) != 64 {
		t.Errorf("two packs of one folder differ: %s, %s", first.Revision, second.Revision)
	}
	files["example/NOTES.md"] = &fstest.MapFile{Data: []byte("measured again")}
	if again, _, _ := Pack(files, "example"); again.Revision != first.Revision {
		t.Error("NOTES.md is part of the revision; verify could never write into it")
	}
	files["example/harness/grade.py"].Data = append(files["example/harness/grade.py"].Data, '\n')
	if changed, _, _ := Pack(files, "example"); changed.Revision == first.Revision {
		t.Error("another harness has the same revision")
	}
}

func TestSealThenUnseal(t *testing.T) {
	t.Parallel()
	files := example(t, assay.KindTrain)
	files["example/data/static/hidden/truth.bin"] = &fstest.MapFile{Data: []byte{0, 255, 1}}
	b, err := Open(files)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := b.Sealed("example")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Unseal(sealed.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	public, _ := b.Public("example")
	if diff := cmp.Diff(public, p.Public); diff != "" {
		t.Errorf("public view of the bank and of the pack differ:\n%s", diff)
	}
	if p.Public.Question.Revision != sealed.Revision || p.Public.Question.Slug != "example" {
		t.Errorf("revision %s, slug %s", p.Public.Question.Revision, p.Public.Question.Slug)
	}
	if len(p.Harness) != 1 || p.Harness[0].Path != "harness/grade.py" || !strings.Contains(p.Generator, "def generate(") {
		t.Errorf("harness or generator missing: %v", p.Harness)
	}
	if diff := cmp.Diff([]BinFile{{Path: "truth.bin", Data: []byte{0, 255, 1}}}, p.Static); diff != "" {
		t.Errorf("static hidden data:\n%s", diff)
	}
	if p.Seeds != 2 || p.PublicSeed != 7 || !slices.Equal(p.Collect, []string{"artifact"}) {
		t.Errorf("seeds %d, public seed %d, collect %v", p.Seeds, p.PublicSeed, p.Collect)
	}
	if len(p.Checks) != 2 || len(p.Public.Question.Checks) != 1 {
		t.Errorf("%d checks, %d of them public", len(p.Checks), len(p.Public.Question.Checks))
	}
}

func TestUnsealRefuses(t *testing.T) {
	t.Parallel()
	pack := func(names ...string) []byte {
		var buf bytes.Buffer
		w := zip.NewWriter(&buf)
		for _, name := range names {
			entry, err := w.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			entry.Write([]byte("x"))
		}
		w.Close()
		return buf.Bytes()
	}
	for name, b := range map[string][]byte{
		"no zip": []byte("hello"), "nothing": nil, "up": pack("../x"), "absolute": pack("/etc/passwd"),
		"twice": pack("a", "a"), "no question": pack("SLUG"),
	} {
		if _, err := Unseal(b); err == nil {
			t.Errorf("%s: it was opened", name)
		}
	}
}

// Nothing of the hidden side is in what a candidate can read: no file of it by content, no long line of it, no hidden check.
func TestPublicViewHidesEverything(t *testing.T) {
	t.Parallel()
	b := shippedBank(t)
	for _, q := range b.Questions() {
		view, err := b.Public(q.Slug)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(view)
		if err != nil {
			t.Fatal(err)
		}
		var plain strings.Builder
		plain.WriteString(view.Statement)
		starter := map[string]bool{}
		for _, f := range append(slices.Clone(view.Starter), view.Data...) {
			plain.WriteString("\n" + f.Content)
			for _, line := range strings.Split(f.Content, "\n") {
				starter[strings.TrimSpace(line)] = true
			}
		}
		for _, c := range q.Checks {
			if title, _ := json.Marshal(c.Title); c.Show != assay.ShowPublic && bytes.Contains(text, append([]byte(`"Title":`), title...)) {
				t.Errorf("%s: the check %s is in the public view", q.Slug, c.ID)
			}
		}
		for _, c := range view.Question.Checks {
			if c.Show != assay.ShowPublic {
				t.Errorf("%s: the check %s is in the public view", q.Slug, c.ID)
			}
		}
		staff, _ := b.Staff(q.Slug)
		// A harness may hold code that candidates have too (what they are measured against); most of it they must not have.
		secret := map[string]string{"rubric.md": staff.Rubric, "NOTES.md": staff.Notes, "data/generate.py": unsealed(t, b, q.Slug).Generator}
		for _, f := range staff.Harness {
			if f.Path == "harness/grade.py" {
				secret[f.Path] = string(f.Data)
			}
		}
		for name, content := range secret {
			long, seen := 0, 0
			for _, line := range strings.Split(content, "\n") {
				if line = strings.TrimSpace(line); len(line) >= 60 {
					long++
					if strings.Contains(plain.String(), line) {
						seen++
					}
				}
			}
			if seen*10 > long || seen > 0 && strings.HasSuffix(name, ".md") {
				t.Errorf("%s: %d of %d long lines of %s are in the public view", q.Slug, seen, long, name)
			}
		}
		for _, s := range staff.Solutions {
			for _, f := range s.Files {
				fresh := 0
				for _, line := range strings.Split(f.Content, "\n") {
					if line = strings.TrimSpace(line); len(line) > 30 && !starter[line] {
						fresh++
					}
				}
				if s.Verdict == assay.Accepted && f.Path == q.Entry && fresh == 0 {
					t.Errorf("%s: %s holds nothing that the starter does not", q.Slug, s.Name)
				}
			}
		}
	}
}

func unsealed(t *testing.T, b *Bank, slug string) *Package {
	t.Helper()
	sealed, err := b.Sealed(slug)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Unseal(sealed.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The candidate's container gets no hidden byte, and the judge's no candidate's file where it could be imported.
func TestFilesForBothSides(t *testing.T) {
	t.Parallel()
	b := shippedBank(t)
	for _, q := range b.Questions() {
		p := unsealed(t, b, q.Slug)
		handedIn := []assay.File{
			{Path: q.Editable[0], Content: "mine"}, {Path: "kit/job.py", Content: "mine"}, {Path: "harness/grade.py", Content: "mine"},
			{Path: "judge.py", Content: "mine"}, {Path: "data/extra.csv", Content: "mine"}, {Path: "DATA/extra.csv", Content: "mine"},
		}
		readOnly := map[string]string{}
		for _, f := range p.Public.Starter {
			if f.ReadOnly {
				readOnly[f.Path] = f.Content
				handedIn = append(handedIn, assay.File{Path: f.Path, Content: "mine"})
			}
		}
		hidden := map[string]bool{p.Generator: p.Generator != ""}
		for _, f := range append(slices.Clone(p.Harness), p.Static...) {
			hidden[string(f.Data)] = true
		}
		seen := map[string]bool{}
		for _, f := range p.CandidateFiles(handedIn) {
			if seen[f.Path] {
				t.Errorf("%s: the candidate gets %s twice", q.Slug, f.Path)
			}
			seen[f.Path] = true
			if hidden[string(f.Data)] && len(f.Data) > 0 {
				t.Errorf("%s: the candidate gets the hidden file %s", q.Slug, f.Path)
			}
			if want, ok := readOnly[f.Path]; ok && string(f.Data) != want {
				t.Errorf("%s: the candidate's own %s replaced the read-only one", q.Slug, f.Path)
			}
			if strings.HasPrefix(f.Path, "data/") && string(f.Data) == "mine" {
				t.Errorf("%s: %s came from the candidate", q.Slug, f.Path)
			}
		}
		files, err := p.JudgeFiles(JudgeInput{Seed: "s", Seeds: []int64{1}, Candidate: handedIn,
			Collected: []BinFile{{Path: "../../kit/job.py", Data: []byte("mine")}, {Path: "artifact/m.bin", Data: []byte{0}}}})
		if err != nil {
			t.Fatal(err)
		}
		seen = map[string]bool{}
		for _, f := range files {
			if seen[f.Path] || assay.ValidatePath(f.Path) != nil {
				t.Errorf("%s: the judge gets %q twice, or it is no plain name", q.Slug, f.Path)
			}
			seen[f.Path] = true
			if string(f.Data) == "mine" && !strings.HasPrefix(f.Path, "candidate/") {
				t.Errorf("%s: the candidate wrote the judge's %s", q.Slug, f.Path)
			}
		}
		for _, want := range []string{"judge.py", "job.json", "kit/__init__.py", "kit/main.py", "harness/grade.py", "collected/artifact/m.bin"} {
			if !seen[want] {
				t.Errorf("%s: the judge has no %s", q.Slug, want)
			}
		}
	}
}

func TestBankFinds(t *testing.T) {
	t.Parallel()
	files := example(t, assay.KindImplement)
	b, err := Open(files)
	if err != nil {
		t.Fatal(err)
	}
	q, err := b.Question("example")
	if err != nil || q.Title != "Example" || len(q.Checks) != 3 || q.Limits.Memory != 256<<20 || q.Limits.Run.Seconds() != 30 {
		t.Errorf("got %+v, %v", q, err)
	}
	view, err := b.Public("example")
	if err != nil || !strings.Contains(view.Statement, "±10000") || strings.Contains(view.Statement, "{{") {
		t.Errorf("the statement's constants are not filled in: %v\n%s", err, view.Statement)
	}
	if diff := cmp.Diff(map[string]any{"limit": int64(10000)}, unsealed(t, b, "example").Args); diff != "" {
		t.Error(diff)
	}
	for _, f := range view.Starter {
		if f.ReadOnly != (f.Path == "check.py") {
			t.Errorf("%s: read-only is %v", f.Path, f.ReadOnly)
		}
	}
	for name, err := range map[string]error{
		"question": second(b.Question("x")), "public": second(b.Public("x")), "staff": second(b.Staff("x")), "sealed": second(b.Sealed("x")),
	} {
		if assay.ErrorCode(err) != assay.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestReloadKeepsTheOldBankOnError(t *testing.T) {
	t.Parallel()
	files := example(t, assay.KindImplement)
	b, err := Open(files)
	if err != nil {
		t.Fatal(err)
	}
	good := files["example/question.yaml"]
	files["example/question.yaml"] = &fstest.MapFile{Data: []byte("title: x\n")}
	err = b.Reload()
	if len(AsFindings(err)) == 0 || AsFindings(err)[0].File != "example/question.yaml" {
		t.Errorf("got %v", err)
	}
	if _, err := b.Question("example"); err != nil {
		t.Error("the bank lost its question:", err)
	}
	files["example/question.yaml"] = good
	if err := b.Reload(); err != nil {
		t.Error(err)
	}
}

func TestOneIDForEachQuestion(t *testing.T) {
	t.Parallel()
	files := example(t, assay.KindImplement)
	for name, f := range files {
		if rest, ok := strings.CutPrefix(name, "example/"); ok {
			files["other/"+rest] = f
		}
	}
	if _, err := Open(files); err == nil || !strings.Contains(err.Error(), "id of example") {
		t.Errorf("got %v", err)
	}
}

func TestFindingsAreSortedAndWhole(t *testing.T) {
	t.Parallel()
	var _ fs.FS = example(t, assay.KindImplement)
	got := sortFindings([]Finding{{File: "b", Line: 2}, {File: "a", Line: 9}, {File: "b", Line: 1}, {File: "b", Line: 1}})
	if diff := cmp.Diff([]Finding{{File: "a", Line: 9}, {File: "b", Line: 1}, {File: "b", Line: 2}}, got); diff != "" {
		t.Error(diff)
	}
	if s := (Finding{File: "question.yaml", Line: 3, What: "it is wrong", Mend: "mend it"}).String(); s != "question.yaml:3: it is wrong: mend it" {
		t.Error(s)
	}
}
