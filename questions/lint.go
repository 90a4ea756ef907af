package questions

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"

	"assay"
)

var (
	plainPath = regexp.MustCompile(patternPath)
	plainSlug = regexp.MustCompile(patternSlug)
)

// Bounds on a question's folder. What candidates read travels in pages and rows, so it is kept small.
const (
	maxStatement  = 64 << 10
	maxPublicData = 4 << 20
	maxHiddenData = 16 << 20
)

// Lint says everything that is wrong with a question as far as reading can tell, in the order of files and lines. Nothing is
// run. An empty answer means that a Bank opens it.
func Lint(fsys fs.FS, slug string) []Finding {
	files, findings := readFolder(fsys, slug)
	return sortFindings(append(findings, lintFiles(slug, files)...))
}

func sortFindings(list []Finding) []Finding {
	slices.SortStableFunc(list, func(a, b Finding) int {
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		return a.Line - b.Line
	})
	return slices.Compact(list)
}

// linter gathers findings about one folder.
type linter struct {
	slug     string
	files    map[string][]byte
	doc      *document
	broken   bool // question.yaml could not be read as a whole; rules that need several of its values are left out
	findings []Finding
}

func lintFiles(slug string, files map[string][]byte) []Finding {
	l := &linter{slug: slug, files: files, doc: &document{}}
	if !plainSlug.MatchString(slug) {
		l.add(".", 0, fmt.Sprintf("the folder is called %q", slug), "use lower-case words joined by hyphens")
	}
	l.folder()
	text, ok := files["question.yaml"]
	if !ok {
		l.add("question.yaml", 0, "the file is missing", "every question has one; `assay question new` writes it")
		return sortFindings(l.findings)
	}
	doc, findings := parseQuestion(text)
	l.doc, l.broken = doc, len(findings) > 0
	l.findings = append(l.findings, findings...)
	l.statement()
	l.starter()
	l.public()
	if !l.broken {
		l.meaning()
		l.checks()
		l.interfaceRules()
	}
	l.hiddenSide()
	l.solutions()
	l.rubric()
	return sortFindings(l.findings)
}

func (l *linter) add(file string, line int, what, mend string) {
	l.findings = append(l.findings, Finding{File: file, Line: line, What: what, Mend: mend})
}

// yaml complains about a value of question.yaml, found and named by its path.
func (l *linter) yaml(at, what, mend string) {
	l.add("question.yaml", l.doc.lines[at], at+" "+what, mend)
}

func (l *linter) ready() bool { return l.doc.Status == "ready" }

// folder checks what holds for every file: where it lies, its size, its text.
func (l *linter) folder() {
	for _, name := range sortedKeys(l.files) {
		data := l.files[name]
		if !knownPlace(name) {
			l.add(name, 0, "has no place in a question's folder", "see docs/questions.md for the layout")
			continue
		}
		if len(data) > assay.MaxFileSize && !strings.HasPrefix(name, publicDir) && !strings.HasPrefix(name, staticDir) {
			l.add(name, 0, fmt.Sprintf("has %d bytes", len(data)), fmt.Sprintf("at most %d", assay.MaxFileSize))
		}
		if !textFile(name) {
			continue
		}
		if !isText(data) {
			l.add(name, 0, "is not UTF-8 text", "save it as UTF-8; what is not text can only be hidden data, below "+staticDir)
		} else if i := bytes.IndexByte(data, '\r'); i >= 0 {
			l.add(name, 1+bytes.Count(data[:i], []byte("\n")), "has a carriage return", "save it with LF line ends")
		}
		if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
			l.add(name, 1, "starts with a byte order mark", "save it as UTF-8 without one")
		}
	}
}

func knownPlace(name string) bool {
	switch name {
	case "question.yaml", "statement.md", "rubric.md", "NOTES.md", "data/generate.py", "solutions/solutions.yaml":
		return true
	}
	for _, dir := range []string{"starter/", publicDir, staticDir, "harness/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	parts := strings.Split(name, "/")
	return len(parts) > 3 && parts[0] == "solutions" && regexp.MustCompile(patternSolution).MatchString(parts[1]+"/"+parts[2])
}

func (l *linter) starter() {
	var files []assay.File
	var editable int64
	folded := map[string]bool{}
	for _, name := range sortedKeys(l.files) {
		rel, ok := strings.CutPrefix(name, "starter/")
		if !ok {
			continue
		}
		folded[strings.ToLower(rel)] = true
		files = append(files, assay.File{Path: rel, Content: string(l.files[name])})
		if rel == "data" || strings.HasPrefix(rel, "data/") {
			l.add(name, 0, "lies where the public data go", "move it out of data/, or into "+publicDir)
		}
		if slices.Contains(l.doc.Submission.Editable, rel) {
			editable += int64(len(l.files[name]))
		}
	}
	if len(files) == 0 {
		l.add("starter", 0, "the folder is empty", "give the candidate something to start from")
		return
	}
	if err := assay.ValidateFiles(files, 0); err != nil {
		l.add("starter", 0, err.Error(), "candidates could not hand such files in")
	}
	if l.broken {
		return
	}
	sub := l.doc.Submission
	if sub.MaxSize > 0 && editable > sub.MaxSize {
		l.yaml("submission.max_size", "is less than the starter's own editable files have", fmt.Sprintf("at least %d", editable))
	}
	if !folded[strings.ToLower(sub.Entry)] {
		l.yaml("submission.entry", "names "+sub.Entry+", which is not in starter/", "add the file, or name one that is there")
	}
	seen := map[string]bool{}
	for i, name := range sub.Editable {
		at := fmt.Sprintf("submission.editable[%d]", i)
		if _, ok := l.files["starter/"+name]; !ok {
			l.yaml(at, "names "+name+", which is not in starter/", "add the file, even an empty one, or remove the entry")
		}
		if seen[name] {
			l.yaml(at, "names "+name+" twice", "remove one")
		}
		seen[name] = true
	}
	for i, arg := range sub.Run {
		if _, ok := l.files["starter/"+arg]; strings.HasSuffix(arg, ".py") && !ok {
			l.yaml(fmt.Sprintf("submission.run[%d]", i), "names "+arg+", which is not in starter/", "add the file: public checks run in the candidate's own workspace")
		}
	}
}

// public checks the data that candidates may read.
func (l *linter) public() {
	total, hidden := 0, 0
	for _, name := range sortedKeys(l.files) {
		if strings.HasPrefix(name, publicDir) {
			total += len(l.files[name])
		}
		if strings.HasPrefix(name, staticDir) {
			hidden += len(l.files[name])
		}
	}
	if total > maxPublicData {
		l.add("data/public", 0, fmt.Sprintf("has %d bytes", total), fmt.Sprintf("at most %d: candidates download it, and rows carry it", maxPublicData))
	}
	if hidden > maxHiddenData {
		l.add("data/static/hidden", 0, fmt.Sprintf("has %d bytes", hidden), fmt.Sprintf("at most %d; generate what is larger", maxHiddenData))
	}
	generator, there := l.files["data/generate.py"]
	if l.broken {
		return
	}
	declared := l.doc.Data.Generator != ""
	switch {
	case there && !declared:
		l.add("data/generate.py", 0, "is not named in question.yaml", "add `data: {generator: data/generate.py}`")
	case declared && !there:
		l.yaml("data.generator", "names data/generate.py, which is not there", "add it, or remove the key")
	case there && !defines(generator, "generate"):
		l.add("data/generate.py", 0, "defines no function generate", "add `def generate(seed, out_dir):`, which writes out_dir/public and out_dir/hidden")
	}
}

func defines(source []byte, function string) bool {
	return regexp.MustCompile(`(?m)^def ` + function + `\(`).Match(source)
}

// meaning checks values of question.yaml against each other.
func (l *linter) meaning() {
	d := l.doc
	if slices.Contains([]string{"educational", "permission", "unknown"}, strings.ToLower(d.License)) && d.Status == "ready" {
		l.yaml("license", "is "+d.License+", which is not publishable", "keep the status draft, or get a licence that allows it")
	}
	if d.Source != "original" && d.License == "" {
		l.yaml("source", "is an import without a licence", "name the licence it came under")
	}
	l.levels()
	total := 0
	for _, weight := range d.Competencies {
		total += weight
	}
	if total > 12 {
		l.yaml("competencies", fmt.Sprintf("have a weight of %d together", total), "at most 12: a question that shows everything shows nothing")
	}
	lim := d.Limits
	if lim.Disk > lim.Memory {
		l.yaml("limits.disk", "is more than limits.memory", "the workspace is kept in memory; make it smaller")
	}
	if float64(d.Environment.Threads) > math.Ceil(lim.CPUs) {
		l.yaml("environment.threads", fmt.Sprintf("is %d on %v CPUs", d.Environment.Threads, lim.CPUs), "no more threads than CPUs: they would only spin")
	}
	if lim.GradeWall < lim.GradeCPU/math.Max(lim.CPUs, 1) {
		l.yaml("limits.grade_wall", "ends before grade_cpu can be used up", "make it longer")
	}
	if d.Environment.Image == "full" && lim.Memory < 512<<20 {
		l.yaml("limits.memory", "is too little for the full image", "at least 512m: its libraries alone take 200m")
	}
	if d.Scoring.Pass <= d.Scoring.StarterMax {
		l.yaml("scoring.pass", "is not above scoring.starter_max", "an unchanged starter must not pass")
	}
}

func (l *linter) levels() {
	d := l.doc
	last := -1
	for i, level := range d.Levels {
		rank := slices.Index(assay.Levels, level)
		if rank <= last {
			l.yaml(fmt.Sprintf("levels[%d]", i), "is out of order or there twice", "list each level once, from intern to principal")
		}
		last = max(last, rank)
	}
	before := 0.0
	for _, level := range assay.Levels {
		band, ok := d.Scoring.Bands[level]
		if !ok {
			continue
		}
		at := "scoring.bands." + string(level)
		if !slices.Contains(d.Levels, level) {
			l.yaml(at, "is no level of this question", "remove it, or add the level")
		}
		if band < before {
			l.yaml(at, "is below the band of a lower level", "bands rise with the level")
		}
		before = band
	}
	if d.Kind.Graded() && l.ready() {
		for _, level := range d.Levels {
			if _, ok := d.Scoring.Bands[level]; !ok {
				l.yaml("scoring", fmt.Sprintf("has no band for %s", level), "say from which score an answer speaks for the level")
			}
		}
	}
}

func (l *linter) checks() {
	d := l.doc
	total, public := 0.0, 0
	seen := map[string]bool{}
	for i, c := range d.Checks {
		at := fmt.Sprintf("checks[%d]", i) // as the reader names it
		if seen[c.ID] {
			l.yaml(at+".id", "is "+c.ID+", as another check's is", "give each check its own")
		}
		seen[c.ID] = true
		total += c.Points
		if c.Show == assay.ShowPublic {
			public++
		}
		if c.Competency != "" && d.Competencies[c.Competency] == 0 {
			l.yaml(at+".competency", "is "+c.Competency+", which is not among the question's competencies", "add it there, or name another")
		}
		l.check(c, at)
	}
	if !d.Kind.Graded() {
		if total > 0 {
			l.yaml("checks", "carry points, but people judge this kind", "make every check a rubric with 0 points")
		}
		return
	}
	if math.Abs(total-100) > 1e-9 {
		l.yaml("checks", fmt.Sprintf("have %v points together", total), "make it 100, so that a point is a per cent")
	}
	if public == 0 {
		l.yaml("checks", "are all hidden", "show at least one: it is fair, and it helps nobody cheat")
	}
}

func (l *linter) check(c checkDocument, at string) {
	if humanCheck(c.Type) {
		if c.Points > 0 || c.Gate || c.Zero != nil || c.Full != nil {
			l.yaml(at, "is judged by people but has points, a gate or a scale", "give it 0 points and nothing else")
		}
		if c.Competency == "" {
			l.yaml(at, "is judged by people but names no competency", "add `competency:`")
		}
		return
	}
	if !l.doc.Kind.Graded() {
		l.yaml(at, "needs a harness, but people judge this kind", "make its type rubric")
	}
	switch {
	case (c.Zero == nil) != (c.Full == nil):
		l.yaml(at, "has one of zero and full", "give both, or neither")
	case c.Zero != nil && *c.Zero == *c.Full:
		l.yaml(at+".full", "is equal to zero", "they are the two ends of a scale")
	case c.Zero != nil && c.Better == "":
		l.yaml(at, "has a scale but not which end is better", "add `better: lower` or `better: higher`")
	case c.Zero != nil && (c.Better == "lower") != (*c.Full < *c.Zero):
		l.yaml(at+".better", "is "+c.Better+", but zero and full say the opposite", "swap zero and full, or better")
	case c.Type == "metric" && c.Zero == nil && c.Points > 0:
		l.yaml(at, "is a metric without a scale", "add better, zero and full; calibrate them against the solutions")
	}
	if c.Gate && c.Points > 50 {
		l.yaml(at+".points", "are more than half of all, for a gate", "a gate guards points; the points belong to what it guards")
	}
}

// interfaceRules checks what each way of reaching the candidate's code needs.
func (l *linter) interfaceRules() {
	sub, kind := l.doc.Submission, l.doc.Kind
	need := func(name string, list []string, why string) {
		if len(list) == 0 {
			l.yaml("submission", "has no "+name, why)
		}
	}
	refuse := func(name string, list []string) {
		if len(list) > 0 {
			l.yaml("submission."+name, "means nothing for the interface "+string(sub.Interface), "remove it")
		}
	}
	switch sub.Interface {
	case assay.InterfaceServe:
		need("start", sub.Start, "add the server's argv: `start: [python3, server.py]`")
		refuse("collect", sub.Collect)
	case assay.InterfaceFiles:
		if kind.Graded() {
			need("start", sub.Start, "add the argv of the command that writes the files")
			need("collect", sub.Collect, "name the folders that the command writes")
		}
	default:
		refuse("start", sub.Start)
		refuse("collect", sub.Collect)
		if !strings.HasSuffix(sub.Entry, ".py") {
			l.yaml("submission.entry", "is "+sub.Entry, "the harness imports it: name a .py file")
		}
	}
	if kind == assay.KindTrain && sub.Interface != assay.InterfaceTrain || kind == assay.KindServe && sub.Interface != assay.InterfaceServe {
		l.yaml("submission.interface", fmt.Sprintf("is %s for a %s question", sub.Interface, kind), "write `interface: "+string(kind)+"`")
	}
	for i, name := range sub.Collect {
		if name == "data" || strings.HasPrefix(name, "data/") {
			l.yaml(fmt.Sprintf("submission.collect[%d]", i), "is the public data", "collect another folder")
		}
	}
}

// hiddenSide checks the harness, and that what candidates read names nothing of it.
func (l *linter) hiddenSide() {
	grade, there := l.files["harness/grade.py"]
	switch {
	case l.doc.Kind != "" && !l.doc.Kind.Graded():
		if there {
			l.add("harness/grade.py", 0, "is never run: people judge this kind", "remove it")
		}
	case !there:
		l.add("harness/grade.py", 0, "the file is missing", "write `def grade(job):`; see questions/kit/README.md")
	case !defines(grade, "grade"):
		l.add("harness/grade.py", 0, "defines no function grade", "write `def grade(job):` at the top level")
	}
	secrets := l.secretNames()
	for _, name := range sortedKeys(l.files) {
		if name != "statement.md" && !strings.HasPrefix(name, "starter/") && !strings.HasPrefix(name, publicDir) {
			continue
		}
		if len(l.files[name]) > 256<<10 {
			continue // a data file; names would be chance
		}
		for i, line := range strings.Split(string(l.files[name]), "\n") {
			if m := secrets.FindString(line); m != "" {
				l.add(name, i+1, fmt.Sprintf("names %q, which is hidden", m), "say what is tested in kind, never where it lies")
			}
		}
		for hidden, data := range l.files {
			if strings.HasPrefix(hidden, "harness/") && len(data) > 0 && bytes.Equal(data, l.files[name]) {
				l.add(name, 0, "is a copy of "+hidden, "candidates would read the harness")
			}
		}
	}
}

// secretNames matches the names of files that candidates must not learn.
func (l *linter) secretNames() *regexp.Regexp {
	words := []string{`harness/`, `solutions/`, `rubric\.md`, `data/static`, `data/generate\.py`, `solutions\.yaml`}
	for name := range l.files {
		if strings.HasPrefix(name, "harness/") || strings.HasPrefix(name, staticDir) {
			if base := path.Base(name); base != "__init__.py" {
				words = append(words, `\b`+regexp.QuoteMeta(base))
			}
		}
	}
	slices.Sort(words)
	return regexp.MustCompile(strings.Join(words, "|"))
}
