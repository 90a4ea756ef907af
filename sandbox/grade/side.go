package grade

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"assay/questions"
	"assay/sandbox"
)

// side is one container of a grading on its way: the candidate's, or the judge's.
type side struct {
	wire      *budgetConn // our end of a worker's wire, nil when it has none
	candidate bool
	loaded    bool // imported, listening, or a command that just runs
	step      bool // its exit code is its answer
	server    bool // goes on until we stop it
	cancel    context.CancelFunc
	stopped   bool // we ended it on purpose; guarded by mu
	mu        sync.Mutex
	done      chan struct{} // closed when outcome and err are set
	outcome   sandbox.Outcome
	err       error
}

// launch starts a container; it never blocks.
func (g *grading) launch(spec sandbox.Spec, streams sandbox.Streams) *side {
	ctx, cancel := context.WithCancel(g.ctx)
	s := &side{candidate: spec.Role == sandbox.RoleCandidate, cancel: cancel, done: make(chan struct{})}
	g.sides = append(g.sides, s)
	go func() {
		defer cancel()
		s.outcome, s.err = g.runner.Run(ctx, spec, streams)
		close(s.done)
	}()
	return s
}

// worker starts a container in which the candidate's module answers questions over a wire. extra files lie beside theirs.
func (g *grading) worker(name string, extra []sandbox.File, cpu time.Duration) (*side, error) {
	near, far, err := sandbox.Pipe()
	if err != nil {
		return nil, err
	}
	spec := g.candidateSpec(name, []string{"python3", workerPath, g.q.Entry}, nil, cpu)
	spec.Files = append(spec.Files, extra...)
	// Twice the limit, since the container also waits for the judge; what it may take itself is counted by its wire.
	spec.Wall, spec.Collect, spec.CollectMax = 2*g.q.Limits.Grade, g.pack.Collect, maxCollected
	s := g.launch(spec, sandbox.Streams{Stdout: g.feed, Stderr: g.feed, Wire: far})
	s.wire = &budgetConn{Conn: near, left: g.q.Limits.Grade, hush: g.feed.hush}
	go func() {
		<-s.done
		near.SetReadDeadline(time.Now().Add(settleTime)) // it is closed behind its last word; should that not show, we do not wait
	}()
	return s, nil
}

// workerPath is the candidate's call loop of sandbox/runtime, as containers see it.
const workerPath = "/assay/worker.py"

func (g *grading) candidateSpec(name string, argv, env []string, cpu time.Duration) sandbox.Spec {
	var list []sandbox.File
	for _, f := range g.pack.CandidateFiles(g.job.Files) {
		list = append(list, sandbox.File{Path: f.Path, Data: f.Data})
	}
	spec := sandbox.Spec{
		Name: g.job.Name + "-" + name, Role: sandbox.RoleCandidate, Profile: g.q.Environment.Image, Labels: g.job.Labels,
		Files: list, Argv: argv, Env: append(threadEnv(g.q.Environment.Threads), env...), Limits: g.q.Limits, CPU: cpu,
	}
	if g.q.Environment.GPU == "required" {
		spec.GPU = g.job.GPU
	}
	return spec
}

// judgeSpec gives the judge room of its own: what a harness needs does not follow from what a candidate may use.
func (g *grading) judgeSpec(name string, argv []string, files []questions.BinFile) sandbox.Spec {
	spec := sandbox.Spec{
		Name: g.job.Name + "-" + name, Role: sandbox.RoleJudge, Profile: sandbox.ProfileJudge, Labels: g.job.Labels, Argv: argv,
		Env: threadEnv(1), Limits: g.q.Limits, Wall: 2*g.q.Limits.Grade + 2*time.Minute,
	}
	spec.Limits.CPUs = max(1, spec.Limits.CPUs)
	spec.Limits.Memory = max(2<<30, spec.Limits.Memory)
	spec.Limits.Disk = max(1<<30, spec.Limits.Disk)
	spec.Limits.Pids = max(256, spec.Limits.Pids)
	spec.Limits.Output = 8 << 20
	for _, f := range files {
		spec.Files = append(spec.Files, sandbox.File{Path: f.Path, Data: f.Data})
	}
	return spec
}

func threadEnv(n int) []string {
	if n <= 0 {
		n = 1
	}
	count := strconv.Itoa(n)
	return []string{"OMP_NUM_THREADS=" + count, "OPENBLAS_NUM_THREADS=" + count, "MKL_NUM_THREADS=" + count, "OMP_WAIT_POLICY=passive", "GOMP_SPINCOUNT=0"}
}

// stop kills the container now.
func (s *side) stop() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.cancel()
}

// settle lets a program that has nothing left to do end by itself, which tells more than a kill, and kills it when it lingers.
func (s *side) settle() {
	if s.wire != nil {
		s.wire.Close()
	}
	wait := settleTime
	if s.server {
		wait = 0
	}
	select {
	case <-s.done:
		return
	case <-time.After(wait):
	}
	s.stop()
	<-s.done
}

// failure is our failure at running the container, nil when we ended it ourselves. Only once done is closed.
func (s *side) failure() error {
	s.mu.Lock()
	stopped := s.stopped
	s.mu.Unlock()
	if s.err == nil || stopped && errors.Is(s.err, context.Canceled) {
		return nil
	}
	return ours(s.err)
}

// timedOutIdle says that the container ran into its wall-clock limit though its program had used little of its own time: it was
// kept waiting.
func (s *side) timedOutIdle(limit time.Duration) bool {
	select {
	case <-s.done:
		return s.outcome.TimedOut && s.wire != nil && s.loaded && s.wire.used()+s.wire.loading < limit*9/10
	default:
		return false
	}
}

// starved says that the program behind a wire was given most of its time to wait and not to compute. Only once done is closed.
func (s *side) starved() bool {
	if !s.candidate || s.wire == nil || s.outcome.CPUExceeded {
		return false
	}
	return s.outcome.CPU < (s.wire.used()+s.wire.loading)/2
}

// hello waits until the candidate's module has been imported. The fault is theirs, the error ours.
func (g *grading) hello(s *side) (*sandbox.Fault, error) {
	began := time.Now()
	// The container has a wall-clock limit from the start of its program, so this waits for no clock of its own: a host that is
	// slow to start containers is nobody's slow import.
	err := sandbox.AwaitHello(g.ctx, s.wire.Conn, 24*time.Hour, sandbox.WireLimits{})
	s.wire.loading = time.Since(began)
	var fault *sandbox.Fault
	switch {
	case err == nil:
		s.loaded = true
		return nil, nil
	case errors.As(err, &fault):
		if fault.Kind == sandbox.FaultProtocol {
			s.stop()
		}
		return fault, nil
	}
	return nil, err
}

// ask lets the candidate's side do one thing for us, without hidden inputs, within what is left of its time.
func (g *grading) ask(s *side, fn string, args ...string) *sandbox.Fault {
	question := sandbox.Dict{{Key: "op", Value: "call"}, {Key: "id", Value: "run"}, {Key: "fn", Value: fn}}
	var list sandbox.Tuple
	for _, a := range args {
		list = append(list, a)
	}
	question = append(question, sandbox.Pair{Key: "args", Value: list}, sandbox.Pair{Key: "kwargs", Value: sandbox.Dict{}})
	conn := s.wire.Conn
	defer s.wire.charge(time.Now())
	conn.SetDeadline(time.Now().Add(g.q.Limits.Grade))
	defer context.AfterFunc(g.ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	err := sandbox.WriteMessage(conn, question, sandbox.WireLimits{})
	var reply sandbox.Value
	if err == nil {
		reply, err = sandbox.ReadMessage(conn, sandbox.WireLimits{})
	}
	answer, _ := reply.(sandbox.Dict)
	id, _ := answer.Get("id").(string)
	var broken *sandbox.WireError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		select {
		case <-s.done: // the deadline was set because it died
			return &sandbox.Fault{Kind: sandbox.FaultDied, Message: "the process ended"}
		default:
		}
		return &sandbox.Fault{Kind: sandbox.FaultTimeout, Message: "It took longer than " + g.q.Limits.Grade.String() + "."}
	case errors.As(err, &broken), err == nil && id != "run":
		return &sandbox.Fault{Kind: sandbox.FaultProtocol, Message: "What came back over the wire was no answer."}
	case err != nil:
		return &sandbox.Fault{Kind: sandbox.FaultDied, Message: "The process ended."}
	}
	if e, ok := answer.Get("error").(sandbox.Dict); ok {
		text, _ := e.Get("message").(string)
		return &sandbox.Fault{Kind: sandbox.FaultRaised, Message: text}
	}
	return nil
}

// budgetConn is our end of a candidate's wire. It counts the time that the candidate's side takes to answer and lets all answers
// together take no longer than one grading may; and before the first question it hushes what the candidate's code prints.
type budgetConn struct {
	net.Conn
	hush    func()
	loading time.Duration

	mu     sync.Mutex
	left   time.Duration
	spent  time.Duration
	marked time.Time
}

// SetDeadline begins a question.
func (c *budgetConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	now := time.Now()
	if last := now.Add(c.left - c.spent); t.After(last) {
		t = last
	}
	c.marked = now
	c.mu.Unlock()
	return c.Conn.SetDeadline(t)
}

func (c *budgetConn) Write(p []byte) (int, error) {
	c.hush()
	return c.Conn.Write(p)
}

func (c *budgetConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	if now := time.Now(); !c.marked.IsZero() {
		c.spent += now.Sub(c.marked)
		c.marked = now
	}
	c.mu.Unlock()
	return n, err
}

// charge counts the time since began.
func (c *budgetConn) charge(began time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spent += time.Since(began)
}

func (c *budgetConn) used() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spent
}
