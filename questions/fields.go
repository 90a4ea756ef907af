package questions

import "assay"

// The table below is the format of question.yaml and solutions.yaml. The strict reader (yaml.go) walks it, and the published JSON
// schema (schema.go) is printed from it, so the two cannot drift apart.

type shape string

const (
	shapeObject   shape = "object"
	shapeMap      shape = "map" // keys by pattern, values of one shape
	shapeList     shape = "list"
	shapeText     shape = "text"
	shapeInt      shape = "int"
	shapeNumber   shape = "number"
	shapeBool     shape = "bool"
	shapeSize     shape = "size"     // 256m
	shapeDuration shape = "duration" // 60s
	shapeScalar   shape = "scalar"   // a constant: text, number or truth value
)

// field is what one place of the file may hold.
type field struct {
	shape    shape
	doc      string
	required bool
	fields   []named  // of an object, in the order that the schema shows
	item     *field   // of a list or map
	keys     string   // pattern of a map's keys
	enum     []string // of a text
	pattern  string   // of a text
	like     string   // the pattern in words, for the complaint
	min, max *float64 // of a number; length of a text, list or map
	value    any      // the default, as it would stand in the file
}

type named struct {
	name string
	field
}

func f(x float64) *float64 { return &x }

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

const (
	patternID         = `^q_[0-9a-hjkmnp-tv-z]{26}$`
	patternSlug       = `^[a-z0-9]+(-[a-z0-9]+)*$`
	patternCompetency = `^C([1-9]|1[0-2])$`
	patternConstant   = `^[a-z][a-z0-9_]{0,39}$`
	patternLine       = `^[^\n\t]*$`
	patternPath       = `^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$`
	patternSize       = `^[1-9][0-9]{0,9}[kmg]?$`
	patternDuration   = `^([1-9][0-9]{0,5})(ms|s|m)$`
	patternSolution   = `^(accepted|partially_accepted|wrong_answer|time_limit_exceeded|memory_limit_exceeded|output_limit_exceeded|` +
		`runtime_error|compile_error|baseline)/[a-z0-9]+(-[a-z0-9]+)*$`
)

// Domains are the fields of practice a question may belong to.
var Domains = []string{"core", "tabular", "nlp", "vision", "speech", "genai-train", "genai-apps", "recsys-search", "forecasting", "rl-bandits", "infra"}

// Settings say which kind of team the question is drawn from.
var Settings = []string{"product", "ml-team", "either"}

// CheckTypes are what a check may test. rubric is for people: it carries no points and the harness does not report it.
var CheckTypes = []string{"unit", "property", "metamorphic", "gradcheck", "parity", "fail_to_pass", "pass_to_pass", "metric", "calibration",
	"leak", "robust", "fairness", "repro", "cost", "count", "latency", "throughput", "memory", "written", "rubric"}

// humanCheck says that people judge a check of this type, not the harness.
func humanCheck(typ string) bool { return typ == "rubric" }

var line80 = field{shape: shapeText, pattern: patternLine, like: "one line", min: f(1), max: f(80)}

var questionFields = field{shape: shapeObject, fields: []named{
	{"format", field{shape: shapeInt, required: true, min: f(1), max: f(1), doc: "Version of this format."}},
	{"id", field{shape: shapeText, required: true, pattern: patternID, like: "q_ and 26 characters, as `assay question new` makes them",
		doc: "Stays when the question is renamed."}},
	{"title", field{shape: shapeText, required: true, pattern: patternLine, like: "one line", min: f(1), max: f(80)}},
	{"summary", field{shape: shapeText, required: true, pattern: patternLine, like: "one line", min: f(1), max: f(200), doc: "One line, shown in the bank."}},
	{"kind", field{shape: shapeText, required: true, enum: texts(assay.Kinds)}},
	{"levels", field{shape: shapeList, required: true, min: f(1), item: &field{shape: shapeText, enum: texts(assay.Levels)},
		doc: "The levels that the question tells apart."}},
	{"competencies", field{shape: shapeMap, required: true, keys: patternCompetency, min: f(1), max: f(5),
		item: &field{shape: shapeInt, min: f(1), max: f(5)}, doc: "Competency → weight."}},
	{"domain", field{shape: shapeText, required: true, enum: Domains}},
	{"setting", field{shape: shapeText, required: true, enum: Settings}},
	{"minutes", field{shape: shapeInt, required: true, min: f(5), max: f(240), doc: "The candidate's time."}},
	{"status", field{shape: shapeText, required: true, enum: []string{"draft", "ready", "retired"}}},
	{"license", field{shape: shapeText, required: true, pattern: `^[A-Za-z0-9.+ ()-]+$`, like: "an SPDX expression", min: f(1), max: f(80),
		doc: "SPDX expression; educational, permission and unknown are not publishable."}},
	{"authors", field{shape: shapeList, required: true, min: f(1), item: &line80}},
	{"source", field{shape: shapeText, pattern: patternLine, like: "one line", min: f(1), max: f(300), value: "original", doc: "original, or url@commit of an import."}},
	{"ai_policy", field{shape: shapeText, required: true, enum: []string{"none", "docs", "assistant", "any"}, doc: "Which help the candidate may use."}},
	{"environment", field{shape: shapeObject, required: true, fields: []named{
		{"image", field{shape: shapeText, required: true, enum: []string{"bare", "numpy", "full"}}},
		{"network", field{shape: shapeText, enum: []string{"none"}, value: "none"}},
		{"gpu", field{shape: shapeText, enum: []string{"none", "optional", "required"}, value: "none"}},
		{"threads", field{shape: shapeInt, min: f(1), max: f(16), value: 1}},
	}}},
	{"limits", field{shape: shapeObject, fields: []named{
		{"cpus", field{shape: shapeNumber, min: f(0.1), max: f(16), value: 1}},
		{"memory", field{shape: shapeSize, min: f(32 << 20), max: f(16 << 30), value: "512m"}},
		{"disk", field{shape: shapeSize, min: f(1 << 20), max: f(4 << 30), value: "64m", doc: "/workspace, which counts as memory too."}},
		{"pids", field{shape: shapeInt, min: f(8), max: f(512), value: 64}},
		{"output", field{shape: shapeSize, min: f(1 << 10), max: f(16 << 20), value: "1m", doc: "stdout and stderr together."}},
		{"run", field{shape: shapeDuration, min: f(1), max: f(600), value: "30s", doc: "Wall clock of one public run."}},
		{"grade_cpu", field{shape: shapeDuration, min: f(1), max: f(1200), value: "60s", doc: "CPU time of the candidate's side of one grading."}},
		{"grade_wall", field{shape: shapeDuration, min: f(1), max: f(1800), value: "120s", doc: "Wall clock of one grading."}},
	}}},
	{"submission", field{shape: shapeObject, required: true, fields: []named{
		{"interface", field{shape: shapeText, required: true, enum: []string{"call", "train", "serve", "files"}}},
		{"entry", field{shape: shapeText, required: true, pattern: patternPath, like: "a plain relative path", min: f(1), max: f(assay.MaxPath),
			doc: "The starter file that the harness loads or starts."}},
		{"editable", field{shape: shapeList, required: true, min: f(1), max: f(assay.MaxFiles),
			item: &field{shape: shapeText, pattern: patternPath, like: "a plain relative path", min: f(1), max: f(assay.MaxPath)},
			doc:  "Starter files that the candidate may change; all others are read-only."}},
		{"max_size", field{shape: shapeSize, min: f(1 << 10), max: f(16 << 20), value: "256k"}},
		{"run", field{shape: shapeList, required: true, min: f(1), max: f(16), item: &field{shape: shapeText, min: f(1), max: f(200)},
			doc: "argv of the public checks, run in the candidate's own container."}},
		{"start", field{shape: shapeList, min: f(1), max: f(16), item: &field{shape: shapeText, min: f(1), max: f(200)},
			doc: "serve: argv of the server, which listens on $PORT. files: argv of the command that writes the files."}},
		{"collect", field{shape: shapeList, min: f(1), max: f(8),
			item: &field{shape: shapeText, pattern: patternPath, like: "a plain relative path", min: f(1), max: f(assay.MaxPath)},
			doc:  "files: what to bring back from the workspace. train always brings back artifact."}},
	}}},
	{"constants", field{shape: shapeMap, keys: patternConstant, max: f(40), item: &field{shape: shapeScalar},
		doc: "Filled in for {{name}} in the statement; handed to generator and harness with their types."}},
	{"data", field{shape: shapeObject, fields: []named{
		{"generator", field{shape: shapeText, enum: []string{"data/generate.py"}}},
		{"public_seed", field{shape: shapeInt, min: f(0), max: f(1 << 31), value: 0}},
		{"hidden_seeds", field{shape: shapeInt, min: f(1), max: f(8), value: 1, doc: "How many are drawn for one grading."}},
	}}},
	{"checks", field{shape: shapeList, required: true, min: f(1), max: f(40), doc: "In the order of the page.", item: &field{shape: shapeObject, fields: []named{
		{"id", field{shape: shapeText, required: true, pattern: patternSlug, like: "lower-case words joined by hyphens", min: f(1), max: f(40)}},
		{"title", field{shape: shapeText, required: true, pattern: patternLine, like: "one line", min: f(1), max: f(120)}},
		{"type", field{shape: shapeText, required: true, enum: CheckTypes}},
		{"stage", field{shape: shapeInt, min: f(1), max: f(9), value: 1}},
		{"points", field{shape: shapeNumber, required: true, min: f(0), max: f(100)}},
		{"gate", field{shape: shapeBool, value: false, doc: "Unless it passes, its stage gets no points."}},
		{"show", field{shape: shapeText, required: true, enum: []string{"public", "after", "hidden"}}},
		{"unit", field{shape: shapeText, pattern: patternLine, like: "one line", max: f(20)}},
		{"better", field{shape: shapeText, enum: []string{"lower", "higher"}}},
		{"zero", field{shape: shapeNumber, doc: "The value that earns nothing."}},
		{"full", field{shape: shapeNumber, doc: "The value that earns all points; between the two it is linear."}},
		{"competency", field{shape: shapeText, pattern: patternCompetency, like: "C1 to C12"}},
	}}}},
	{"scoring", field{shape: shapeObject, required: true, fields: []named{
		{"pass", field{shape: shapeNumber, required: true, min: f(0), max: f(1), doc: "The score from which the verdict is at least PAC."}},
		{"starter_max", field{shape: shapeNumber, min: f(0), max: f(0.25), value: 0.05, doc: "More than this the unchanged starter may not get."}},
		{"bands", field{shape: shapeMap, keys: "^(intern|junior|mid|senior|staff|principal)$", item: &field{shape: shapeNumber, min: f(0), max: f(1)},
			doc: "The score from which an answer speaks for the level."}},
	}}},
}}

var checkIDs = &field{shape: shapeList, max: f(40), item: &field{shape: shapeText, pattern: patternSlug, like: "a check's id", min: f(1), max: f(40)}}

var solutionsFields = field{shape: shapeMap, keys: patternSolution, item: &field{shape: shapeObject, fields: []named{
	{"note", field{shape: shapeText, required: true, pattern: patternLine, like: "one line", min: f(1), max: f(300), doc: "What it does, and what it gets wrong."}},
	{"pass", *checkIDs},
	{"fail", *checkIDs},
	{"score", field{shape: shapeObject, fields: []named{
		{"min", field{shape: shapeNumber, min: f(0), max: f(1)}},
		{"max", field{shape: shapeNumber, min: f(0), max: f(1)}},
	}}},
}}}
