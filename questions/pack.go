package questions

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"assay"
)

// Sealed is a question packed for the grader. The web stores and forwards the bytes and never opens them.
type Sealed struct {
	Slug     string
	Revision string // hash of Bytes, 64 hex digits
	Bytes    []byte
}

// maxPack bounds a pack's content, so that a broken blob cannot fill memory.
const maxPack = 128 << 20

// packedAt is the time that every packed file carries: the same folder gives the same bytes whenever and wherever it is packed.
var packedAt = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// slugEntry opens the pack; it names the question, which the folder's files do not.
const slugEntry = "SLUG"

// seal packs a folder's files, sorted and uncompressed, so that the bytes depend on the content alone and not on a compressor.
// NOTES.md stays out: what was measured about a revision cannot be part of it.
func seal(slug string, files map[string][]byte) (Sealed, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	put := func(name string, data []byte) error {
		entry, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: packedAt})
		if err == nil {
			_, err = entry.Write(data)
		}
		return err
	}
	if err := put(slugEntry, []byte(slug)); err != nil {
		return Sealed{}, err
	}
	for _, name := range sortedKeys(files) {
		if name == "NOTES.md" {
			continue
		}
		if err := put(name, files[name]); err != nil {
			return Sealed{}, err
		}
	}
	if err := w.Close(); err != nil {
		return Sealed{}, err
	}
	return Sealed{Slug: slug, Revision: revision(buf.Bytes()), Bytes: buf.Bytes()}, nil
}

// Pack seals one question without opening its bank. It returns the findings of Lint beside the pack, so that a tool may go on with
// a question that is not finished; a bank would refuse it.
func Pack(fsys fs.FS, slug string) (Sealed, []Finding, error) {
	files, findings := readFolder(fsys, slug)
	findings = sortFindings(append(findings, lintFiles(slug, files)...))
	sealed, err := seal(slug, files)
	if err != nil {
		return Sealed{}, findings, fmt.Errorf("pack %s: %w", slug, err)
	}
	return sealed, findings, nil
}

func revision(pack []byte) string {
	sum := sha256.Sum256(pack)
	return hex.EncodeToString(sum[:])
}

// Unseal opens what Bank.Sealed packed, perhaps by an older build. It checks names and sizes, since a blob is input like any
// other, and the question's own rules, so that a caller may rely on every field.
func Unseal(b []byte) (*Package, error) {
	zr, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("open sealed question: %w", err)
	}
	files := map[string][]byte{}
	slug := ""
	left := int64(maxPack)
	for _, entry := range zr.File {
		if err := assay.ValidatePath(entry.Name); err != nil {
			return nil, fmt.Errorf("open sealed question: %w", err)
		}
		if _, twice := files[entry.Name]; twice || !entry.Mode().IsRegular() {
			return nil, fmt.Errorf("open sealed question: %q is there twice or is no plain file", entry.Name)
		}
		data, err := unzip(entry, left)
		if err != nil {
			return nil, fmt.Errorf("open sealed question: %s: %w", entry.Name, err)
		}
		left -= int64(len(data))
		if entry.Name == slugEntry {
			slug = string(data)
		} else {
			files[entry.Name] = data
		}
	}
	p, findings := newPackage(slug, revision(b), files)
	if len(findings) > 0 {
		return nil, fmt.Errorf("open sealed question %s: %w", slug, Findings(findings))
	}
	return p, nil
}

func unzip(entry *zip.File, left int64) ([]byte, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, left+1))
	if err == nil && int64(len(data)) > left {
		err = errors.New("the pack is too large")
	}
	return data, err
}

// newPackage takes a folder's files apart. The findings are those of the two YAML files; the rest of Lint is not repeated.
func newPackage(slug, revision string, files map[string][]byte) (*Package, []Finding) {
	doc, findings := parseQuestion(files["question.yaml"])
	p := &Package{
		Checks: doc.checkSpecs(), Seeds: max(1, doc.Data.HiddenSeeds), Args: doc.Constants,
		Start: doc.Submission.Start, Collect: doc.Submission.Collect, PublicSeed: doc.Data.PublicSeed,
		StarterMax: doc.Scoring.StarterMax, Bands: doc.Scoring.Bands, Rubric: string(files["rubric.md"]),
	}
	if p.Args == nil {
		p.Args = map[string]any{}
	}
	if doc.Submission.Interface == assay.InterfaceTrain {
		p.Collect = []string{"artifact"}
	}
	if doc.Data.Generator != "" {
		p.Generator = string(files[doc.Data.Generator])
	}
	p.Public = publicQuestion(doc, slug, revision, files)
	for _, name := range sortedKeys(files) {
		switch {
		case strings.HasPrefix(name, "harness/"):
			p.Harness = append(p.Harness, BinFile{Path: name, Data: files[name]})
		case strings.HasPrefix(name, staticDir):
			p.Static = append(p.Static, BinFile{Path: strings.TrimPrefix(name, staticDir), Data: files[name]})
		}
	}
	if text, ok := files["solutions/solutions.yaml"]; ok {
		docs, _, more := parseSolutions(text)
		findings = append(findings, more...)
		for _, name := range sortedKeys(docs) {
			p.Solutions = append(p.Solutions, newSolution(name, docs[name], p.Public, files))
		}
	}
	return p, findings
}

const (
	publicDir = "data/public/"
	staticDir = "data/static/hidden/"
)

// publicQuestion is all that a candidate may read. It names what it takes, so nothing gets in by being added to the folder.
func publicQuestion(doc *document, slug, revision string, files map[string][]byte) assay.PublicQuestion {
	q := doc.question(slug, revision)
	q.Checks = slices.DeleteFunc(q.Checks, func(c assay.CheckSpec) bool { return c.Show != assay.ShowPublic })
	view := assay.PublicQuestion{Question: q, Statement: fillConstants(string(files["statement.md"]), q.Constants)}
	for _, name := range sortedKeys(files) {
		switch {
		case strings.HasPrefix(name, "starter/"):
			name := strings.TrimPrefix(name, "starter/")
			view.Starter = append(view.Starter, assay.File{Path: name, Content: string(files["starter/"+name]), ReadOnly: !q.CanEdit(name)})
		case strings.HasPrefix(name, publicDir):
			view.Data = append(view.Data, assay.File{Path: "data/" + strings.TrimPrefix(name, publicDir), Content: string(files[name]), ReadOnly: true})
		}
	}
	return view
}

func newSolution(name string, doc solutionDocument, public assay.PublicQuestion, files map[string][]byte) Solution {
	kind, _, _ := strings.Cut(name, "/")
	s := Solution{Name: name, Verdict: solutionVerdicts[kind], Pass: doc.Pass, Fail: doc.Fail, Min: doc.Score.Min, Max: doc.Score.Max,
		Note: doc.Note, Baseline: kind == "baseline"}
	own := map[string]string{}
	prefix := "solutions/" + name + "/"
	for path, data := range files {
		if rel, ok := strings.CutPrefix(path, prefix); ok {
			own[rel] = string(data)
		}
	}
	for _, file := range public.Starter {
		if _, replaced := own[file.Path]; !replaced && !file.ReadOnly {
			own[file.Path] = file.Content
		}
	}
	for _, path := range sortedKeys(own) {
		s.Files = append(s.Files, assay.File{Path: path, Content: own[path]})
	}
	return s
}

var solutionVerdicts = map[string]assay.Verdict{
	"accepted":              assay.Accepted,
	"partially_accepted":    assay.PartiallyAccepted,
	"wrong_answer":          assay.WrongAnswer,
	"time_limit_exceeded":   assay.TimeLimit,
	"memory_limit_exceeded": assay.MemoryLimit,
	"output_limit_exceeded": assay.OutputLimit,
	"runtime_error":         assay.RuntimeError,
	"compile_error":         assay.CompileError,
}

// readFolder reads a question's folder from a bank. Odd things are findings, never followed: links, devices, names that some
// file system refuses. Folders that tools leave behind (__pycache__, .git) are passed over.
func readFolder(fsys fs.FS, slug string) (map[string][]byte, []Finding) {
	files := map[string][]byte{}
	var findings []Finding
	var total int64
	err := fs.WalkDir(fsys, slug, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, slug), "/")
		if d.IsDir() {
			if d.Name() == "__pycache__" || rel != "" && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(d.Name(), ".pyc") || d.Name() == ".DS_Store" {
			return nil
		}
		complain := func(what, mend string) { findings = append(findings, Finding{File: rel, What: what, Mend: mend}) }
		if !d.Type().IsRegular() {
			complain("is a link or a special file", "put a plain file there")
			return nil
		}
		if !plainPath.MatchString(rel) || len(rel) > assay.MaxPath {
			complain("has a name that some file systems refuse", "use letters, digits, _ . - and no leading dot, at most 200 bytes in all")
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if total += int64(len(data)); total > maxPack/2 {
			return fmt.Errorf("%s has more than %d bytes", slug, maxPack/2)
		}
		files[rel] = data
		return nil
	})
	if err != nil {
		findings = append(findings, Finding{File: ".", What: "the folder cannot be read: " + err.Error(), Mend: "see that it is there and readable"})
	}
	return files, findings
}

// textFile says that a file of the folder must be UTF-8 with LF line ends; only hidden data may be anything else.
func textFile(name string) bool { return !strings.HasPrefix(name, staticDir) }

func isText(data []byte) bool { return utf8.Valid(data) && !bytes.ContainsRune(data, 0) }

// solutionFolders lists the folders below solutions/ that hold files.
func solutionFolders(files map[string][]byte) []string {
	seen := map[string]bool{}
	for name := range files {
		if parts := strings.Split(name, "/"); len(parts) > 3 && parts[0] == "solutions" {
			seen[path.Join(parts[1], parts[2])] = true
		}
	}
	return sortedKeys(seen)
}
