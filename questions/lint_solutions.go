package questions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"assay"
)

// solutions checks solutions/ and its index: what verify will then run.
func (l *linter) solutions() {
	if l.doc.Kind != "" && !l.doc.Kind.Graded() {
		return
	}
	const index = "solutions/solutions.yaml"
	text, ok := l.files[index]
	if !ok {
		l.add(index, 0, "the file is missing", "list every solution with the checks it must pass and fail")
		return
	}
	docs, lines, findings := parseSolutions(text)
	l.findings = append(l.findings, findings...)
	folders := solutionFolders(l.files)
	for _, name := range folders {
		if _, listed := docs[name]; !listed {
			l.add(index, 0, "says nothing of "+name, "add an entry with a note and the checks it must pass and fail")
		}
	}
	kinds := map[string]int{}
	for _, name := range sortedKeys(docs) {
		if !slices.Contains(folders, name) {
			l.add(index, lines[name], name+" has no folder", "add solutions/"+name+"/, or remove the entry")
		}
		kind, _, _ := strings.Cut(name, "/")
		kinds[kind]++
		l.solution(index, name, kind, docs[name], lines)
		l.solutionFiles(name)
	}
	least := 1
	if l.ready() {
		least = 2
	}
	if kinds["accepted"] < least {
		l.add(index, 0, fmt.Sprintf("has %d accepted solutions", kinds["accepted"]),
			fmt.Sprintf("at least %d: two that differ show that the harness does not ask for one particular text", least))
	}
	failing := len(docs) - kinds["accepted"] - kinds["baseline"]
	if failing < 1 {
		l.add(index, 0, "has no solution that must fail", "a harness that refuses nothing proves nothing: add one below wrong_answer/")
	}
}

func (l *linter) solution(index, name, kind string, doc solutionDocument, lines map[string]int) {
	if l.broken {
		return
	}
	at := func(format string, args ...any) int { return lines[name+fmt.Sprintf(format, args...)] }
	known := map[string]bool{}
	for _, c := range l.doc.Checks {
		known[c.ID] = !humanCheck(c.Type)
	}
	for field, ids := range map[string][]string{"pass": doc.Pass, "fail": doc.Fail} {
		for i, id := range ids {
			line := at(".%s[%d]", field, i)
			switch graded, there := known[id]; {
			case !there:
				l.add(index, line, fmt.Sprintf("%s names the check %s, which question.yaml does not have", name, id), "use an id that is there")
			case !graded:
				l.add(index, line, fmt.Sprintf("%s names the check %s, which people judge", name, id), "remove it")
			case field == "fail" && slices.Contains(doc.Pass, id):
				l.add(index, line, fmt.Sprintf("%s must pass %s and fail it", name, id), "remove one of the two")
			}
		}
	}
	if doc.Score.Min != nil && doc.Score.Max != nil && *doc.Score.Min > *doc.Score.Max {
		l.add(index, at(".score"), name+" has a score range that is empty", "min is at most max")
	}
	switch {
	case kind == "accepted" && len(doc.Fail) > 0:
		l.add(index, at(".fail"), name+" is accepted but must fail checks", "an accepted solution earns every point")
	case kind == "wrong_answer" && len(doc.Fail) == 0:
		l.add(index, at(""), name+" is wrong but names no check that finds it", "add `fail: […]`")
	case kind == "partially_accepted" && doc.Score.Min == nil:
		l.add(index, at(""), name+" is partial but has no score range", "add `score: {min: …, max: …}`")
	case kind == "baseline" && doc.Score.Max == nil:
		l.add(index, at(""), name+" is a baseline without a largest score", "add `score: {max: …}`")
	}
}

// solutionFiles checks that a candidate could have handed these files in.
func (l *linter) solutionFiles(name string) {
	var files []assay.File
	prefix := "solutions/" + name + "/"
	for _, path := range sortedKeys(l.files) {
		rel, ok := strings.CutPrefix(path, prefix)
		if !ok {
			continue
		}
		files = append(files, assay.File{Path: rel, Content: string(l.files[path])})
		if !l.broken && !slices.Contains(l.doc.Submission.Editable, rel) {
			l.add(path, 0, "is not an editable file", "candidates could not hand it in: name it in submission.editable, or put it elsewhere")
		}
	}
	if err := assay.ValidateFiles(files, l.doc.Submission.MaxSize); err != nil {
		l.add("solutions/"+name, 0, err.Error(), "candidates could not hand it in")
	}
}

var (
	rubricAnchor = regexp.MustCompile(`^([1-4])\. `)
	rubricParts  = []string{"Probes", "Red flags", "Model answer"}
)

// rubric checks that interviewers find what they need: anchors 1 to 4 for each competency, and for a ready question probes, red
// flags and a model answer.
func (l *linter) rubric() {
	text, ok := l.files["rubric.md"]
	if !ok {
		l.add("rubric.md", 0, "the file is missing", "write anchors 1 to 4 for each competency")
		return
	}
	if len(l.files["NOTES.md"]) == 0 && l.ready() {
		l.add("NOTES.md", 0, "the file is missing", "say where the question comes from and what was measured")
	}
	anchors := map[string]string{} // competency → the numbers seen below its heading
	at := map[string]int{}
	parts := map[string]bool{}
	current := ""
	for i, line := range markdownLines(string(text)) {
		if line.code {
			continue
		}
		if line.heading > 0 {
			word, _, _ := strings.Cut(line.text, " ")
			current = strings.TrimRight(word, ".:,")
			at[current] = i + 1
			for _, part := range rubricParts {
				if strings.EqualFold(line.text, part) {
					parts[part] = true
				}
			}
			continue
		}
		if m := rubricAnchor.FindStringSubmatch(line.text); m != nil {
			anchors[current] += m[1]
		}
	}
	for _, id := range sortedKeys(l.doc.Competencies) {
		if anchors[id] != "1234" {
			l.add("rubric.md", at[id], fmt.Sprintf("%s has no anchors 1 to 4", id), fmt.Sprintf("write `## %s …` and below it the four lines `1. ` to `4. `", id))
		}
	}
	for _, part := range rubricParts {
		if l.ready() && !parts[part] {
			l.add("rubric.md", 0, "has no section "+part, "add `## "+part+"`")
		}
	}
}
