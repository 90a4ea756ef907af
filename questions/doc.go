// Package questions knows what a question is: a folder of plain files that proves itself.
//
//	questions/bank/<slug>/
//	├── question.yaml     strict: kind, levels, limits, interface, checks (format.go, question.schema.json)
//	├── statement.md      what the candidate reads; {{constants}} are filled in
//	├── starter/          what the editor opens with, public checks included
//	├── data/public/      what the candidate may read, small text files under data/ in the workspace
//	├── data/generate.py  makes data/public from public_seed, and hidden data from hidden seeds in the judge's container
//	├── data/static/hidden/  fixed hidden data, for what cannot be generated
//	├── harness/grade.py  the hidden harness; imports kit; runs in the judge's container only
//	├── solutions/        solutions.yaml and one folder for each solution, filed under the verdict it must get
//	├── rubric.md         for interviewers: anchors, probes, red flags, model answer
//	└── NOTES.md          provenance and calibration; not part of the revision
//
// A Bank is a folder of such folders. It hands out two things: the public view, in which nothing hidden is (a test proves it for
// every shipped question), and a sealed pack, opaque bytes whose SHA-256 is the question's revision. Only sandbox/grade opens one,
// with Unseal; Package.CandidateFiles and Package.JudgeFiles then say which file goes into which container, in one place.
//
// The package runs nothing: `assay question verify` (sandbox/grade) does. Lint is what can be said by reading alone.
package questions
