package grade

import (
	"syscall"

	"assay"
	"assay/sandbox"
)

// Trouble is what went wrong with one question that the judge asked the candidate's side, as our broker saw it.
type Trouble string

const (
	TroubleRaised   Trouble = "raised"   // the candidate's code raised an exception
	TroubleTimeout  Trouble = "timeout"  // no answer before the call's deadline
	TroubleDied     Trouble = "died"     // the process was gone
	TroubleProtocol Trouble = "protocol" // the answer was not an answer: forged, torn, oversized or to another question
)

// evidence is what grading saw of the candidate's side, all of it from outside the candidate's containers.
type evidence struct {
	// Loaded says that the candidate's code could be imported, its command started, or its server listened.
	Loaded bool
	// Steps are the endings of programs whose exit code is their answer: a training run, a command that writes files.
	Steps []sandbox.Outcome
	// Sides are the endings of programs that only answer questions. They go on until we stop them, so their exit codes say nothing.
	Sides []sandbox.Outcome
	// Errors are the troubles that made a check end in error. A trouble that the harness was looking for is not among them.
	Errors []Trouble
	// Earned and Attainable are points; Pass is the fraction from which a result is at least partially accepted.
	Earned, Attainable, Pass float64
}

// verdict names what was found; of several findings the worst is named. It never returns JudgeError: what is our fault never
// reaches it.
func verdict(e evidence) assay.Verdict {
	v := scoreVerdict(e)
	for _, o := range e.Sides {
		v = assay.Worst(v, limitVerdict(o))
	}
	for _, o := range e.Steps {
		v = assay.Worst(v, limitVerdict(o))
		if limitVerdict(o) == "" && (o.Exit != 0 || o.Signal != 0) {
			v = assay.Worst(v, assay.RuntimeError)
		}
	}
	for _, t := range e.Errors {
		if t == TroubleTimeout {
			v = assay.Worst(v, assay.TimeLimit)
		} else {
			v = assay.Worst(v, assay.RuntimeError)
		}
	}
	if !e.Loaded && !limited(e) {
		return assay.Worst(v, assay.CompileError)
	}
	return v
}

// limitVerdict is the limit that a program ran into, "" for none. The flags decide and not the exit code: a child killed for
// memory leaves its parent, and so the container, with exit code 0.
func limitVerdict(o sandbox.Outcome) assay.Verdict {
	switch {
	case o.Signal == int(syscall.SIGSYS):
		return assay.SecurityViolation
	case o.OOM:
		return assay.MemoryLimit
	case o.TimedOut, o.CPUExceeded, o.Signal == int(syscall.SIGXCPU):
		return assay.TimeLimit
	case o.OutputExceeded, o.Signal == int(syscall.SIGXFSZ):
		return assay.OutputLimit
	}
	return ""
}

// limited says that a limit explains why the code did not load: an endless loop at import is a time limit, not a failed import.
func limited(e evidence) bool {
	for _, o := range append(append([]sandbox.Outcome(nil), e.Sides...), e.Steps...) {
		if limitVerdict(o) != "" {
			return true
		}
	}
	for _, t := range e.Errors {
		if t == TroubleTimeout {
			return true
		}
	}
	return false
}

// scoreVerdict is the verdict by points alone.
func scoreVerdict(e evidence) assay.Verdict {
	const slack = 1e-9 // sums of tenths
	switch {
	case e.Attainable <= 0:
		return assay.Accepted // nothing to earn, and nothing else is wrong
	case e.Earned >= e.Attainable-slack:
		return assay.Accepted
	case e.Earned > 0 && e.Earned >= e.Pass*e.Attainable-slack:
		return assay.PartiallyAccepted
	}
	return assay.WrongAnswer
}
