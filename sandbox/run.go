package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
)

// run is one program in a box that waits for one.
type run struct {
	*box
	s       Spec
	st      Streams
	out     *output
	frames  chan frame    // from inside, until the connection ends
	done    chan struct{} // closed when we stop listening to frames
	dialed  chan frame    // answers to dials
	dialMu  sync.Mutex
	outcome Outcome
	began   time.Time
	base    usage // what the container had used before the program began
	last    usage
	helpers sync.WaitGroup
}

func (b *box) run(ctx context.Context, s Spec, st Streams) (Outcome, error) {
	r := &run{box: b, s: s, st: st, frames: make(chan frame), done: make(chan struct{}), dialed: make(chan frame, 1)}
	r.outcome.Container, r.outcome.Image = b.container, b.image+"@"+b.imageID
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.ctx, cancel)()
	defer func() {
		close(r.done)
		cancel()
		b.hangUp()
		r.helpers.Wait()
		select {
		case f := <-r.dialed:
			f.close()
		default:
		}
	}()
	if err := r.hand(ctx); err != nil {
		return Outcome{}, err
	}
	r.helpers.Go(r.listen)
	err := r.started(ctx)
	if err != nil {
		err = r.stop(err)
	} else {
		err = r.watch(ctx)
	}
	r.finishOutput()
	return r.outcome, err
}

// hand gives the program to the runtime inside: its descriptors, then its files, arguments and environment.
func (r *run) hand(ctx context.Context) error {
	internal := func(doing string, err error) error {
		return &EngineError{Kind: EngineInternal, Message: "A program could not be handed to its container: " + doing + ".", Err: err}
	}
	env := slices.Clone(r.s.Env)
	if r.st.Upstream != nil {
		if err := r.listenUpstream(ctx); err != nil {
			return internal("its upstream socket cannot be made", err)
		}
		env = append(env, "ASSAY_UPSTREAM="+insideUpstream)
	}
	out, err := newOutput(r.st.Stdout, r.st.Stderr, r.s.Limits.Output)
	if err != nil {
		return internal("its output pipes cannot be made", err)
	}
	r.out = out
	null, err := openNull()
	if err != nil {
		out.handedOver()
		out.abandon()
		return internal("no null device", err)
	}
	defer null.Close()
	fds := []int{int(null.Fd()), int(out.theirs[0].Fd()), int(out.theirs[1].Fd())}
	if r.st.Wire != nil {
		wire, err := r.wireFile(ctx)
		if err != nil {
			out.handedOver()
			out.abandon()
			return internal("its wire cannot be made", err)
		}
		defer wire.Close()
		fds = append(fds, int(wire.Fd()))
	}
	order := goOrder{Argv: r.s.Argv, Env: env, Files: []any{}}
	if order.Env == nil {
		order.Env = []string{}
	}
	for _, f := range r.s.Files {
		mode := f.Mode.Perm()
		if mode == 0 {
			mode = 0o644
		}
		order.Files = append(order.Files, []any{f.Path, len(f.Data), int(mode)})
	}
	r.ctl.conn.SetWriteDeadline(time.Now().Add(startTime))
	err = r.ctl.send(frameGo, order, fds...)
	out.handedOver()
	for _, f := range r.s.Files {
		if err != nil {
			break
		}
		_, err = r.ctl.conn.Write(f.Data)
	}
	r.ctl.conn.SetWriteDeadline(time.Time{})
	if err != nil {
		// The runtime may have said why before it hung up.
		r.ctl.conn.SetReadDeadline(time.Now().Add(time.Second))
		if f, rerr := r.ctl.receive(); rerr == nil && f.kind == frameFault {
			err = r.faultError(f)
		}
		out.abandon()
		if bad := (*EngineError)(nil); errors.As(err, &bad) {
			return bad
		}
		return internal("its files could not be sent", err)
	}
	return nil
}

// listen passes frames on until the connection ends or nobody listens any more.
func (r *run) listen() {
	defer close(r.frames)
	for {
		f, err := r.ctl.receive()
		if err != nil {
			return
		}
		if f.kind == frameConn {
			select {
			case r.dialed <- f:
				continue
			default: // nobody asked
			}
			f.close()
			continue
		}
		f.close() // no other frame comes with a descriptor
		select {
		case r.frames <- f:
		case <-r.done:
			return
		}
	}
}

// started waits until the files are written and the program is about to begin. Up to here nothing of the candidate's has run.
func (r *run) started(ctx context.Context) error {
	r.began = time.Now()
	select {
	case f, ok := <-r.frames:
		switch {
		case !ok:
			return &EngineError{Kind: EngineInternal, Message: "A container ended before its program began; the host may be short of memory."}
		case f.kind == frameFault:
			return r.faultError(f)
		case f.kind != frameStarted:
			return &EngineError{Kind: EngineInternal, Message: fmt.Sprintf("A container sent %q before its program began.", f.kind)}
		}
	case <-time.After(startTime):
		return &EngineError{Kind: EngineUnavailable, Message: fmt.Sprintf("A program did not begin within %s; the host is overloaded.", startTime)}
	case <-ctx.Done():
		return r.ended(ctx)
	}
	r.began = time.Now()
	if r.meter != nil { // else asking takes longer than the interpreter's start that it would leave out
		r.base = r.use()
	}
	return nil
}

// ended says why ctx ended.
func (r *run) ended(ctx context.Context) error {
	if r.box.ctx.Err() != nil {
		return &EngineError{Kind: EngineUnavailable, Message: "The run was ended: the sandbox is shutting down, or another run took its name."}
	}
	return ctx.Err()
}

// faultError is what the runtime inside complained of, before any program ran.
func (b *box) faultError(f frame) error {
	var fault struct{ Kind, Message string }
	json.Unmarshal(f.payload, &fault)
	if fault.Kind == "gpu" {
		return gpuError(b.gpu, errNoGPU)
	}
	return &EngineError{Kind: EngineInternal, Message: "A container could not take in its files: " + clip(fault.Message, 300) + "."}
}

// watch waits for the end of the program, and brings it about when a limit is passed.
func (r *run) watch(ctx context.Context) error {
	if r.s.Port > 0 && r.st.Ready != nil {
		r.helpers.Go(func() { r.awaitPort(ctx) })
	}
	wall := time.NewTimer(time.Until(r.began.Add(r.s.Wall)))
	defer wall.Stop()
	look := time.NewTicker(r.lookEvery())
	defer look.Stop()
	for {
		select {
		case f, ok := <-r.frames:
			if !ok {
				return r.died()
			}
			if f.kind == frameEnded {
				return r.exited(f)
			}
			// Anything else makes no sense now; it came from a program that took the runtime over.
			return r.stop(nil)
		case <-wall.C:
			r.outcome.TimedOut = true
			return r.stop(nil)
		case <-r.out.exceeded:
			r.outcome.OutputExceeded = true
			return r.stop(nil)
		case <-look.C:
			if r.meter == nil && r.s.CPU == 0 {
				continue // nothing to compare with what it would cost to ask
			}
			if u := r.use(); r.s.CPU > 0 && u.cpu-r.base.cpu > r.s.CPU {
				r.outcome.CPUExceeded = true
				return r.stop(nil)
			}
		case <-ctx.Done():
			return r.stop(r.ended(ctx))
		}
	}
}

// lookEvery is how often usage is read: dear when only the engine can tell.
func (r *run) lookEvery() time.Duration {
	if r.meter == nil {
		return time.Second
	}
	return pollTime
}

// exited is the normal end: the program is over, its supervisor still there.
func (r *run) exited(f frame) error {
	var end struct{ Code, Signal int }
	json.Unmarshal(f.payload, &end)
	r.outcome.Exit, r.outcome.Signal = min(max(end.Code, 0), 255), min(max(end.Signal, 0), 64)
	r.measure()
	if len(r.s.Collect) > 0 {
		if err := r.collect(); err != nil {
			r.outcome.Truncated = true
			r.outcome.Skipped = append(r.outcome.Skipped, "the files could not be fetched: "+clip(err.Error(), 200))
		}
	}
	return nil
}

// died is the end of a container that said nothing: it was killed for memory, or its program killed everything.
func (r *run) died() error {
	r.outcome.Wall = time.Since(r.began)
	r.use()
	code, byUs, err := r.awaitDeath()
	if err != nil {
		return err
	}
	r.outcome.Exit = min(max(int(code), 0), 255)
	if code > 128 && code <= 128+64 {
		r.outcome.Signal = int(code) - 128
	}
	r.askForKills()
	r.account()
	if r.outcome.Signal == 9 && !r.outcome.OOM && !byUs {
		// The supervisor is the first process of the container's namespace: nothing inside can kill it. So it was an operator, or the
		// engine going down, and no fault of the program's.
		return &EngineError{Kind: EngineInternal, Message: "The container was killed from outside."}
	}
	return nil
}

// stop ends the program by killing its container; err is passed on.
func (r *run) stop(err error) error {
	r.measure()
	if kerr := r.kill(); kerr != nil && err == nil {
		return kerr
	}
	r.outcome.Exit, r.outcome.Signal = 137, 9
	r.use()
	r.account()
	return err
}

func (r *run) kill() error {
	ctx, cancel := context.WithTimeout(context.Background(), deathTime)
	defer cancel()
	err := r.d.cli.ContainerKill(ctx, r.container, "KILL")
	if err == nil || errdefs.IsNotFound(err) || errdefs.IsConflict(err) { // conflict: it is dead already
		return nil
	}
	return r.d.engineError("kill a container", err)
}

// awaitDeath returns how the container ended, and whether we had to end it.
func (r *run) awaitDeath() (code int64, byUs bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), deathTime)
	defer cancel()
	died, failed := r.d.cli.ContainerWait(ctx, r.container, container.WaitConditionNotRunning)
	select {
	case end := <-died:
		return end.StatusCode, false, nil
	case err := <-failed:
		if ctx.Err() == nil {
			if errdefs.IsNotFound(err) { // another worker took the name and swept it away
				return 137, false, nil
			}
			return 0, false, r.d.engineError("watch a container", err)
		}
	}
	// The connection is closed but the container lives: its program took our supervisor over and goes on by itself.
	if err := r.kill(); err != nil {
		return 0, false, err
	}
	return 137, true, nil
}

// inspect asks the engine whether the container was killed for memory.
func (r *run) inspect() {
	ctx, cancel := context.WithTimeout(context.Background(), deathTime)
	defer cancel()
	if info, err := r.d.cli.ContainerInspect(ctx, r.container); err == nil && info.State != nil && info.State.OOMKilled {
		r.outcome.OOM = true
	}
}

// askForKills learns from the engine alone whether the kernel killed for memory. The engine hears of it later than we do of the
// end, so a program that was killed is asked about more than once, and memory used to the brim is taken for an answer.
func (r *run) askForKills() {
	for try := 0; ; try++ {
		r.inspect()
		if r.outcome.OOM || r.outcome.Signal != 9 {
			return
		}
		if try == 10 {
			r.outcome.OOM = r.last.peak >= r.s.Limits.Memory/100*99
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// measure takes the clock and the usage now.
func (r *run) measure() {
	if r.outcome.Wall == 0 {
		r.outcome.Wall = time.Since(r.began)
	}
	r.use()
	if r.meter == nil && !r.outcome.Killed() {
		r.askForKills()
	}
	r.account()
}

func (r *run) account() {
	r.outcome.CPU = max(0, r.last.cpu-r.base.cpu)
	r.outcome.PeakMemory = r.last.peak
	r.outcome.OOM = r.outcome.OOM || r.last.kills > 0
}

// use reads what was used so far and keeps the highest.
func (r *run) use() usage {
	u, err := r.readUsage()
	if err == nil {
		r.last.cpu = max(r.last.cpu, u.cpu)
	}
	r.last.peak, r.last.kills = max(r.last.peak, u.peak), max(r.last.kills, u.kills)
	return r.last
}

func (r *run) readUsage() (usage, error) {
	if r.meter != nil {
		return r.meter.read()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	answer, err := r.d.cli.ContainerStatsOneShot(ctx, r.container)
	if err != nil {
		return usage{}, err
	}
	defer answer.Body.Close()
	var stats container.StatsResponse
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&stats); err != nil {
		return usage{}, err
	}
	return usage{
		cpu:  time.Duration(stats.CPUStats.CPUUsage.TotalUsage),
		peak: int64(max(stats.MemoryStats.MaxUsage, stats.MemoryStats.Usage)),
	}, nil
}

// collect fetches the files that the Spec asks for.
func (r *run) collect() error {
	if err := r.ctl.send(frameCollect, map[string]any{"paths": r.s.Collect, "max": r.s.CollectMax, "count": maxCollectFiles}); err != nil {
		return err
	}
	c := newCollected(r.s.CollectMax)
	limit := time.NewTimer(collectTime)
	defer limit.Stop()
	for {
		select {
		case f, ok := <-r.frames:
			if !ok {
				return errors.New("the container ended")
			}
			done, err := c.take(f)
			if err != nil {
				return err
			}
			if done {
				r.outcome.Files, r.outcome.Skipped = c.files, c.skipped
				r.outcome.Truncated = r.outcome.Truncated || c.truncated
				return nil
			}
		case <-limit.C:
			return fmt.Errorf("fetching them took longer than %s", collectTime)
		}
	}
}

// finishOutput waits for the last of the output. The processes that could write it are dead or about to be.
func (r *run) finishOutput() {
	drained := r.out.drained()
	select {
	case <-drained:
	case <-time.After(2 * time.Second):
		// Someone inside escaped the runtime's last kill. Nobody escapes this one.
		r.kill()
		select {
		case <-drained:
		case <-time.After(deathTime):
			r.d.log.Error("the output of a dead container does not end", "container", r.container)
		}
	}
	r.out.abandon()
	r.outcome.Truncated = r.outcome.Truncated || r.out.truncated()
	if r.out.truncated() {
		r.outcome.OutputExceeded = true // it ended by itself just as the limit was passed
	}
}

// awaitPort calls Ready when the program accepts connections.
func (r *run) awaitPort(ctx context.Context) {
	for wait := 5 * time.Millisecond; ctx.Err() == nil; wait = min(wait*2, 50*time.Millisecond) {
		if conn, err := r.dial(ctx); err == nil {
			conn.Close()
			go r.st.Ready(r.dial)
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// dial opens a connection to the program's port: the runtime inside connects and hands out the socket, so that nothing of ours
// stands between the two ends.
func (r *run) dial(ctx context.Context) (net.Conn, error) {
	r.dialMu.Lock()
	defer r.dialMu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case f := <-r.dialed: // an answer that came too late for the one who asked
		f.close()
	default:
	}
	if err := r.ctl.send(frameConn, map[string]int{"port": r.s.Port}); err != nil {
		return nil, err
	}
	select {
	case f := <-r.dialed:
		return f.netConn()
	case <-time.After(5 * time.Second):
		return nil, errors.New("the container does not answer")
	case <-r.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// listenUpstream accepts what the program sends to $ASSAY_UPSTREAM and bridges it to Streams.Upstream.
func (r *run) listenUpstream(ctx context.Context) error {
	listener, err := listenFor(filepath.Join(r.dir, "upstream.sock"))
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	slots := make(chan struct{}, 1024)
	r.helpers.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			select {
			case slots <- struct{}{}:
			default:
				conn.Close()
				continue
			}
			r.helpers.Go(func() {
				defer func() { <-slots }()
				far, err := r.st.Upstream(ctx)
				if err != nil {
					conn.Close()
					return
				}
				bridge(ctx, conn, far)
			})
		}
	})
	return nil
}
