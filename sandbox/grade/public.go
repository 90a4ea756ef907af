package grade

import (
	"context"

	"assay"
	"assay/sandbox"
)

// RunPublic runs the question's public checks in the candidate's own container: their code and the public data, no judge, nothing
// hidden. What it reports is what their program printed, for their eyes; it has no points, and its verdict names trouble only.
func RunPublic(ctx context.Context, runner Runner, job Job) (Result, error) {
	g := newGrading(ctx, runner, job)
	defer g.close()
	if len(g.q.Run) == 0 {
		result := ungraded(job)
		result.PublicLog = "This question has no public checks to run."
		return result, nil
	}
	g.feed.phase("starting")
	spec := g.candidateSpec("run", g.q.Run, nil, 0)
	spec.Wall = g.q.Limits.Run
	c := g.launch(spec, sandbox.Streams{Stdout: g.feed, Stderr: g.feed})
	c.loaded, c.step = true, true
	g.feed.phase("running")
	<-c.done
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	if err := c.failure(); err != nil {
		return Result{}, err
	}
	return g.publicResult(c.outcome), nil
}

func (g *grading) publicResult(o sandbox.Outcome) Result {
	g.feed.end()
	checks, failed := g.publicChecks()
	verdict := limitVerdict(o)
	if verdict == "" && !o.OK() && !failed { // a program that reports failed checks may well end with 1
		verdict = assay.RuntimeError
	}
	public, _ := g.feed.logs()
	return Result{
		Verdict: verdict, PublicLog: public,
		Report: assay.Report{
			Format: 1, Question: g.q.Slug, Revision: g.q.Revision, Checks: checks, Series: g.feed.series(),
			Usage: g.usage(), Grader: assay.GraderRef{Image: g.image, Engine: g.job.Engine},
		},
	}
}

// publicChecks are the checks that the program printed: those that the question knows in its order, then the program's own.
func (g *grading) publicChecks() (checks []assay.Check, failed bool) {
	printed := g.feed.printed()
	add := func(c assay.Check) {
		failed = failed || c.Status == assay.CheckFail
		checks = append(checks, c)
	}
	for _, s := range g.pack.Checks {
		for _, c := range printed {
			if c.ID == s.ID && s.Show == assay.ShowPublic {
				c.Title, c.Type = s.Title, s.Type
				add(c)
			}
		}
	}
	for _, c := range printed {
		if _, known := findSpec(g.pack.Checks, c.ID); !known {
			add(c)
		}
	}
	return checks, failed
}
