package grade

import (
	"syscall"
	"testing"

	"assay"
	"assay/sandbox"
)

func TestVerdict(t *testing.T) {
	t.Parallel()
	full := evidence{Loaded: true, Earned: 10, Attainable: 10, Pass: 0.6}
	with := func(change func(*evidence)) evidence {
		e := full
		change(&e)
		return e
	}
	side := func(o sandbox.Outcome) evidence { return with(func(e *evidence) { e.Sides = []sandbox.Outcome{o} }) }
	step := func(o sandbox.Outcome) evidence { return with(func(e *evidence) { e.Steps = []sandbox.Outcome{o} }) }
	cases := map[string]struct {
		e    evidence
		want assay.Verdict
	}{
		"every point":                   {full, assay.Accepted},
		"sums of tenths":                {with(func(e *evidence) { e.Earned = 0.1 + 0.2; e.Attainable = 0.3 + 1e-16 }), assay.Accepted},
		"at the pass mark":              {with(func(e *evidence) { e.Earned = 6 }), assay.PartiallyAccepted},
		"below the pass mark":           {with(func(e *evidence) { e.Earned = 5.9 }), assay.WrongAnswer},
		"nothing, and a pass mark of 0": {with(func(e *evidence) { e.Earned = 0; e.Pass = 0 }), assay.WrongAnswer},
		"no points to earn":             {with(func(e *evidence) { e.Earned = 0; e.Attainable = 0 }), assay.Accepted},
		"did not import":                {with(func(e *evidence) { e.Loaded = false; e.Earned = 0 }), assay.CompileError},
		"exit 0 at import":              {with(func(e *evidence) { e.Loaded = false; e.Earned = 0; e.Sides = []sandbox.Outcome{{Exit: 0}} }), assay.CompileError},
		"loops at import": {with(func(e *evidence) {
			e.Loaded = false
			e.Earned = 0
			e.Sides = []sandbox.Outcome{{TimedOut: true, Signal: 9}}
		}), assay.TimeLimit},
		"no ready before the deadline":    {with(func(e *evidence) { e.Loaded = false; e.Earned = 0; e.Errors = []Trouble{TroubleTimeout} }), assay.TimeLimit},
		"eats memory at import":           {with(func(e *evidence) { e.Loaded = false; e.Earned = 0; e.Sides = []sandbox.Outcome{{OOM: true, Signal: 9}} }), assay.MemoryLimit},
		"killed for memory":               {side(sandbox.Outcome{OOM: true, Exit: 137, Signal: 9}), assay.MemoryLimit},
		"child killed for memory, exit 0": {side(sandbox.Outcome{OOM: true}), assay.MemoryLimit},
		"wall clock":                      {side(sandbox.Outcome{TimedOut: true}), assay.TimeLimit},
		"CPU clock":                       {side(sandbox.Outcome{CPUExceeded: true}), assay.TimeLimit},
		"CPU clock by signal":             {side(sandbox.Outcome{Signal: int(syscall.SIGXCPU)}), assay.TimeLimit},
		"flood":                           {side(sandbox.Outcome{OutputExceeded: true, Signal: 9}), assay.OutputLimit},
		"forbidden system call":           {side(sandbox.Outcome{Signal: int(syscall.SIGSYS)}), assay.SecurityViolation},
		"memory is worse than time":       {side(sandbox.Outcome{OOM: true, TimedOut: true}), assay.MemoryLimit},
		"exit code after all answers":     {side(sandbox.Outcome{Exit: 3}), assay.Accepted},
		"training run exits 1":            {step(sandbox.Outcome{Exit: 1}), assay.RuntimeError},
		"training run segfaults":          {step(sandbox.Outcome{Signal: int(syscall.SIGSEGV)}), assay.RuntimeError},
		"training run out of time":        {step(sandbox.Outcome{TimedOut: true, Signal: 9}), assay.TimeLimit},
		"training run ends well":          {step(sandbox.Outcome{}), assay.Accepted},
		"an exception in a check":         {with(func(e *evidence) { e.Errors = []Trouble{TroubleRaised}; e.Earned = 9 }), assay.RuntimeError},
		"died in a check":                 {with(func(e *evidence) { e.Errors = []Trouble{TroubleDied} }), assay.RuntimeError},
		"forged an answer":                {with(func(e *evidence) { e.Errors = []Trouble{TroubleProtocol} }), assay.RuntimeError},
		"slow in a check":                 {with(func(e *evidence) { e.Errors = []Trouble{TroubleRaised, TroubleTimeout} }), assay.TimeLimit},
	}
	for name, c := range cases {
		if got := verdict(c.e); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Whatever the candidate's side does, the verdict is never that we failed.
func TestVerdictNeverBlamesUsForTheCandidate(t *testing.T) {
	t.Parallel()
	outcomes := []sandbox.Outcome{{}, {Exit: 1}, {Signal: 9}, {Signal: 31}, {OOM: true}, {TimedOut: true}, {CPUExceeded: true}, {OutputExceeded: true}}
	troubles := [][]Trouble{nil, {TroubleRaised}, {TroubleTimeout}, {TroubleDied}, {TroubleProtocol}}
	for _, o := range outcomes {
		for _, tr := range troubles {
			for _, loaded := range []bool{false, true} {
				for _, earned := range []float64{0, 3, 10} {
					for _, steps := range [][]sandbox.Outcome{nil, {o}} {
						e := evidence{Loaded: loaded, Sides: []sandbox.Outcome{o}, Steps: steps, Errors: tr, Earned: earned, Attainable: 10, Pass: .5}
						if v := verdict(e); v == assay.JudgeError || v == "" {
							t.Fatalf("%+v: %q", e, v)
						}
					}
				}
			}
		}
	}
}
