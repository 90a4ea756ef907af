package questions

import "assay"

// Package is an unsealed question: everything that grading and verifying need. It must never reach a page.
type Package struct {
	Public    assay.PublicQuestion
	Checks    []assay.CheckSpec // all of them, hidden ones too; Public.Question.Checks has only those a candidate may know
	Harness   []BinFile         // below harness/, paths as in the folder
	Static    []BinFile         // below data/static/hidden/, paths relative to it
	Generator string            // the source of data/generate.py; "" when the question generates nothing
	Solutions []Solution
	Seeds     int            // how many hidden seeds one grading draws
	Args      map[string]any // constants with the types they have in question.yaml
	Start     []string       // argv of the candidate's side: the server (serve) or the command that writes files (files)
	Collect   []string       // folders below /workspace brought back from the candidate's side (train, files)

	PublicSeed int64
	StarterMax float64                 // the largest score that the unchanged starter may get
	Bands      map[assay.Level]float64 // the score from which an answer speaks for a level
	Rubric     string
}

// BinFile is a file whose bytes need not be text.
type BinFile struct {
	Path string
	Data []byte
}

// Solution is an answer that the author filed under the verdict it must get.
type Solution struct {
	Name     string        // accepted/vectorised
	Verdict  assay.Verdict // "" for a baseline: its score alone is held against Max
	Files    []assay.File  // all files handed in: the starter's editable ones, overlaid by the solution's own
	Pass     []string      // ids of checks that must pass
	Fail     []string      // ids of checks that must not pass
	Min, Max *float64      // range of the score
	Note     string
	Baseline bool
}

// ServePort is where a serve question's server must listen inside its container; it is told in $PORT as well.
const ServePort = 8000

// JudgeArgv starts the judge's side in /workspace, on the files that JudgeFiles lists.
var JudgeArgv = []string{"python3", "judge.py"}

// JudgeInput is what one grading adds to a package on the judge's side.
type JudgeInput struct {
	Attempt   string
	Seed      string       // the item's seed, for the record
	Seeds     []int64      // Package.Seeds whole numbers drawn from it; every hidden number comes from these
	Candidate []assay.File // what was handed in, as data; never executed here
	Collected []BinFile    // what came back from the candidate's container (train, files), paths below /workspace
	Run       *RunResult   // how that container's run went (train, files)
}

// RunResult is how the candidate's own step went, measured from outside.
type RunResult struct {
	Exit     int            `json:"exit"`
	Signal   int            `json:"signal"`
	TimedOut bool           `json:"timed_out"`
	OOM      bool           `json:"oom"`
	Wall     float64        `json:"wall_s"`
	CPU      float64        `json:"cpu_s"`
	Peak     int64          `json:"peak_bytes"`
	Series   []assay.Series `json:"series"` // from its `metric NAME STEP VALUE` lines; a claim, never a measurement
	Output   string         `json:"output"` // the tail of what it printed; a claim as well
}
