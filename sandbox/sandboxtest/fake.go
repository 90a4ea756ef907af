// Package sandboxtest stands in for Docker where Docker is not what is being tested, and says what every runner must do.
//
// Fake runs nothing: the Spec itself says, in a Script among its Env, how the run shall end. Conformance holds Fake and sandbox.Docker
// to the same promises.
package sandboxtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path"
	"sort"
	"strings"
	"sync"
	"time"

	"assay"
	"assay/sandbox"
)

// Script is what a fake program does, in this order: it serves, echoes or hangs if told to, writes its output, leaves its files and ends.
type Script struct {
	Stdout  string
	Stderr  string
	Repeat  int  // write Stdout so many times more
	Hang    bool // until the wall-clock limit or the end of ctx
	Burn    bool // CPU time without end: until the CPU limit, else the wall-clock limit
	Echo    bool // sends every message on the wire back until the other side closes it
	Listen  bool // answers on Port: every connection gets its bytes back; goes on until the limits or ctx end it
	Ask     bool // opens one connection to Upstream, sends "ping" and writes what comes back to Stdout
	OOM     bool
	Exit    int
	Signal  int
	Left    []sandbox.File // in the workspace at the end, beside Spec.Files
	Missing bool           // the program itself is not there: exit code 127
	Err     *sandbox.EngineError
}

const scriptEnv = "ASSAY_FAKE="

// Env is the entry for Spec.Env that steers a Fake. Docker hands it to the program, which ignores it.
func (s Script) Env() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return scriptEnv + string(b)
}

// Fake is a runner without containers. The zero value is ready: a Spec without a Script ends at once with exit code 0.
type Fake struct {
	// Do, when set, takes over from the Script. It must keep to what Runner promises.
	Do func(ctx context.Context, s sandbox.Spec, st sandbox.Streams) (sandbox.Outcome, error)

	mu   sync.Mutex
	runs []sandbox.Spec
}

// Runs are the Specs that were run so far, in the order in which they began.
func (f *Fake) Runs() []sandbox.Spec {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]sandbox.Spec(nil), f.runs...)
}

// Run plays the Spec's Script.
func (f *Fake) Run(ctx context.Context, s sandbox.Spec, st sandbox.Streams) (sandbox.Outcome, error) {
	if st.Wire != nil {
		defer st.Wire.Close()
	}
	if err := s.Validate(); err != nil {
		return sandbox.Outcome{}, err
	}
	f.mu.Lock()
	f.runs = append(f.runs, s)
	f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return sandbox.Outcome{}, err
	}
	if f.Do != nil {
		return f.Do(ctx, s, st)
	}
	script, err := scriptOf(s)
	if err != nil {
		return sandbox.Outcome{}, &sandbox.EngineError{Kind: sandbox.EngineInternal, Message: "The script of a fake run cannot be read.", Err: err}
	}
	if script.Err != nil {
		return sandbox.Outcome{}, script.Err
	}
	return (&play{Script: script, spec: s, st: st}).run(ctx)
}

func scriptOf(s sandbox.Spec) (Script, error) {
	var script Script
	for _, e := range s.Env {
		if text, ok := strings.CutPrefix(e, scriptEnv); ok {
			return script, json.Unmarshal([]byte(text), &script)
		}
	}
	return script, nil
}

type play struct {
	Script
	spec sandbox.Spec
	st   sandbox.Streams
	used int64
	out  sandbox.Outcome
}

func (p *play) run(ctx context.Context) (sandbox.Outcome, error) {
	began := time.Now()
	p.out = sandbox.Outcome{Container: "fake-" + p.spec.Name, Image: "fake/" + p.spec.Profile, PeakMemory: 8 << 20, CPU: time.Millisecond}
	err := p.act(ctx)
	p.out.Wall = max(time.Since(began), time.Microsecond)
	if p.out.Killed() || err != nil {
		p.out.Exit, p.out.Signal = 137, 9
	}
	return p.out, err
}

func (p *play) act(ctx context.Context) error {
	if p.Missing {
		p.write(p.st.Stderr, p.spec.Argv[0]+": command not found\n")
		p.out.Exit = 127
		return nil
	}
	if p.Ask && p.st.Upstream != nil {
		p.write(p.st.Stdout, ask(ctx, p.st.Upstream))
	}
	for range p.Repeat + 1 {
		if !p.write(p.st.Stdout, p.Stdout) {
			return nil
		}
	}
	if !p.write(p.st.Stderr, p.Stderr) {
		return nil
	}
	if p.Echo && p.st.Wire != nil {
		stop := context.AfterFunc(ctx, func() { p.st.Wire.Close() })
		io.Copy(p.st.Wire, p.st.Wire)
		stop()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if p.Listen && p.spec.Port > 0 && p.st.Ready != nil {
		go p.st.Ready(echo)
	}
	if p.Burn && p.spec.CPU > 0 {
		p.out.CPUExceeded, p.out.CPU = true, p.spec.CPU
		return nil
	}
	if p.Hang || p.Burn || p.Listen {
		return p.hang(ctx)
	}
	p.out.OOM, p.out.Exit, p.out.Signal = p.OOM, p.Exit, p.Signal
	if p.Signal > 0 {
		p.out.Exit = 128 + p.Signal
	}
	p.collect()
	return nil
}

// write hands text on as far as the output limit lets it; false means that the limit was passed.
func (p *play) write(w io.Writer, text string) bool {
	limit := p.spec.Limits.Output
	if limit <= 0 {
		limit = sandbox.DefaultLimits.Output
	}
	keep := min(int64(len(text)), limit-p.used)
	p.used += int64(len(text))
	if w != nil && keep > 0 {
		io.WriteString(w, text[:keep])
	}
	if p.used > limit {
		p.out.OutputExceeded, p.out.Truncated = true, true
		return false
	}
	return true
}

func (p *play) hang(ctx context.Context) error {
	wall := p.spec.Wall
	if wall <= 0 {
		wall = time.Minute
	}
	select {
	case <-time.After(wall):
		p.out.TimedOut = true
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *play) collect() {
	for _, f := range append(append([]sandbox.File(nil), p.spec.Files...), p.Left...) {
		for _, c := range p.spec.Collect {
			if c != "." && f.Path != c && !strings.HasPrefix(f.Path, c+"/") {
				continue
			}
			if err := assay.ValidatePath(f.Path); err != nil || path.Clean(f.Path) != f.Path {
				p.out.Skipped = append(p.out.Skipped, fmt.Sprintf("%s has a name that cannot be kept", f.Path))
			} else {
				p.out.Files = append(p.out.Files, f)
			}
			break
		}
	}
	sort.SliceStable(p.out.Files, func(i, j int) bool { return p.out.Files[i].Path < p.out.Files[j].Path })
}

func ask(ctx context.Context, upstream sandbox.Dial) string {
	conn, err := upstream(ctx)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	io.WriteString(conn, "ping")
	answer := make([]byte, 4)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err.Error()
	}
	return string(answer)
}

// echo is a connection to a server that sends back what it gets.
func echo(context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		io.Copy(far, far)
	}()
	return near, nil
}
