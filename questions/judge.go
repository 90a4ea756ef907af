package questions

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"assay"
)

//go:embed kit/*.py
var kitFiles embed.FS

// KitFiles are the modules that harnesses import, paths as in the judge's workspace: kit/….py.
func KitFiles() []BinFile {
	var out []BinFile
	entries, err := fs.ReadDir(kitFiles, "kit")
	if err != nil {
		panic("questions: the embedded kit cannot be read: " + err.Error())
	}
	for _, e := range entries {
		name := path.Join("kit", e.Name())
		data, err := kitFiles.ReadFile(name)
		if err != nil {
			panic("questions: the embedded kit cannot be read: " + err.Error())
		}
		out = append(out, BinFile{Path: name, Data: data})
	}
	return out
}

const judgeScript = `import kit.main

if __name__ == "__main__":
    kit.main.run()
`

// CandidateFiles are the files of the candidate's container, below /workspace. Read-only starter files are the question's own,
// whatever was handed in under their names; nothing under data/ is taken from the candidate.
func (p *Package) CandidateFiles(handedIn []assay.File) []BinFile {
	own := map[string]bool{}
	var out []BinFile
	for _, file := range p.Public.Starter {
		if file.ReadOnly {
			own[strings.ToLower(file.Path)] = true
			out = append(out, BinFile{Path: file.Path, Data: []byte(file.Content)})
		}
	}
	for _, file := range p.Public.Data {
		out = append(out, BinFile{Path: file.Path, Data: []byte(file.Content)})
	}
	for _, file := range handedIn {
		name := strings.ToLower(file.Path)
		if !own[name] && name != "data" && !strings.HasPrefix(name, "data/") {
			out = append(out, BinFile{Path: file.Path, Data: []byte(file.Content)})
		}
	}
	return out
}

// JudgeFiles are the files of the judge's container, below /workspace; start JudgeArgv there. The layout is in kit/README.md.
func (p *Package) JudgeFiles(in JudgeInput) ([]BinFile, error) {
	job, err := p.job(in)
	if err != nil {
		return nil, fmt.Errorf("write job.json: %w", err)
	}
	out := append(KitFiles(), BinFile{Path: "judge.py", Data: []byte(judgeScript)}, BinFile{Path: "job.json", Data: job})
	out = append(out, p.Harness...)
	if p.Generator != "" {
		out = append(out, BinFile{Path: "data/generate.py", Data: []byte(p.Generator)})
	}
	for _, file := range p.Static {
		out = append(out, BinFile{Path: "static/" + file.Path, Data: file.Data})
	}
	for _, file := range p.Public.Data {
		out = append(out, BinFile{Path: "public/" + strings.TrimPrefix(file.Path, "data/"), Data: []byte(file.Content)})
	}
	for _, file := range p.CandidateFiles(in.Candidate) {
		if !strings.HasPrefix(file.Path, "data/") {
			out = append(out, BinFile{Path: "candidate/" + file.Path, Data: file.Data})
		}
	}
	for _, file := range in.Collected {
		if err := assay.ValidatePath(file.Path); err != nil {
			continue // a name that a candidate's program made up; nothing that a harness asks for is called so
		}
		out = append(out, BinFile{Path: "collected/" + file.Path, Data: file.Data})
	}
	return out, nil
}

// job is job.json.
func (p *Package) job(in JudgeInput) ([]byte, error) {
	type check struct {
		ID     string     `json:"id"`
		Title  string     `json:"title"`
		Type   string     `json:"type"`
		Stage  int        `json:"stage"`
		Points float64    `json:"points"`
		Gate   bool       `json:"gate"`
		Show   assay.Show `json:"show"`
		Unit   string     `json:"unit"`
		Better string     `json:"better"`
		Zero   *float64   `json:"zero"`
		Full   *float64   `json:"full"`
	}
	checks := []check{}
	for _, c := range p.Checks {
		if !humanCheck(c.Type) {
			checks = append(checks, check{c.ID, c.Title, c.Type, c.Stage, c.Points, c.Gate, c.Show, c.Unit, c.Better, c.Zero, c.Full})
		}
	}
	seeds := in.Seeds
	if len(seeds) == 0 {
		return nil, fmt.Errorf("no hidden seed was drawn")
	}
	q := p.Public.Question
	return json.MarshalIndent(struct {
		Format     int            `json:"format"`
		Question   string         `json:"question"`
		Revision   string         `json:"revision"`
		Attempt    string         `json:"attempt"`
		Seed       string         `json:"seed"`
		Seeds      []int64        `json:"seeds"`
		PublicSeed int64          `json:"public_seed"`
		Interface  string         `json:"interface"`
		Entry      string         `json:"entry"`
		Constants  map[string]any `json:"constants"`
		Checks     []check        `json:"checks"`
		Generator  bool           `json:"generator"`
		Run        *RunResult     `json:"run"`
	}{1, q.Slug, q.Revision, in.Attempt, in.Seed, seeds, p.PublicSeed, string(q.Interface), q.Entry, p.Args, checks, p.Generator != "", in.Run}, "", " ")
}
