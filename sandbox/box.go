package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"golang.org/x/sys/unix"
)

// box is one container: made, used once, thrown away.
type box struct {
	d         *Docker
	e         *engine
	name      string
	id        string // of the box; names its folder and cgroup
	uid       int
	dir       string // on the host; what the container sees as /run/assay
	container string
	image     string // its name
	imageID   string // its content
	gpu       string
	ctl       *control
	meter     *meter // nil when cgroups cannot be read
	gone      chan struct{}

	ctx    context.Context // ends when the box must go, whoever uses it
	cancel context.CancelFunc
	hang   sync.Once
}

const (
	startTime = 60 * time.Second      // for a container to say that it is ready, on a very busy host
	deathTime = 20 * time.Second      // for a killed container to be dead
	pollTime  = 40 * time.Millisecond // between two looks at what is used
)

// start makes the container and waits until the runtime inside says that it is ready.
func (b *box) start(ctx context.Context, s Spec) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	defer context.AfterFunc(b.ctx, cancel)()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(b.dir, "control.sock"), Net: "unix"})
	if err != nil {
		return &EngineError{Kind: EngineInternal, Message: "A container's socket cannot be made.", Err: err}
	}
	defer listener.Close()
	if err := os.Chmod(filepath.Join(b.dir, "control.sock"), 0o666); err != nil {
		return &EngineError{Kind: EngineInternal, Message: "A container's socket cannot be opened to it.", Err: err}
	}
	b.gpu = s.GPU
	parent := b.e.cgroups.parent(b.d.instance, b.id)
	if err := b.create(ctx, s, parent); err != nil {
		return err
	}
	if err := b.d.cli.ContainerStart(ctx, b.container, container.StartOptions{}); err != nil {
		if isGPUError(s.GPU, err) {
			return gpuError(s.GPU, err)
		}
		if strings.Contains(err.Error(), "executable file not found") { // the command is always ours, so it is the image that lacks it
			return &EngineError{Kind: EngineImage, Message: "The image " + b.image + " has no python3. Run docker/setup.sh images.", Err: err}
		}
		return b.d.engineError("start a container", err)
	}
	return b.greet(ctx, listener, parent)
}

// create makes the container. A name that is taken, by a worker that died in this very run, is freed first.
func (b *box) create(ctx context.Context, s Spec, parent string) error {
	labels := map[string]string{}
	maps.Copy(labels, s.Labels)
	maps.Copy(labels, map[string]string{
		labelRole: s.Role, labelOwner: b.d.lockPath, labelInstance: b.d.instance,
		labelUntil: strconv.FormatInt(time.Now().Add(s.Wall+collectTime+10*time.Minute).Unix(), 10),
	})
	cpus := s.Limits.CPUs
	if n := float64(b.e.info.NCPU); n > 0 && cpus > n {
		b.d.log.Warn("a run asks for more CPUs than there are", "container", b.name, "asked", cpus, "has", n)
		cpus = n
	}
	config, host, err := containerConfig(s, place{
		image: b.imageID, uid: b.uid, socketDir: b.dir, runtimeDir: filepath.Join(b.d.dir, "runtime"),
		cgroupParent: parent, runtime: b.d.cfg.Runtime, cpus: cpus, labels: labels,
	})
	if err != nil {
		return err
	}
	// A request that is cut short may still be carried out. So this one, of some ten milliseconds, is not.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTime)
	defer cancel()
	for try := 0; ; try++ {
		made, err := b.d.cli.ContainerCreate(ctx, config, host, nil, nil, b.name)
		switch {
		case err == nil:
			b.container = made.ID
			return nil
		case errdefs.IsConflict(err) && try < 3:
			b.d.log.Warn("removing what an earlier run of this name left", "container", b.name)
			if err := b.d.remove(b.name); err != nil {
				return b.d.engineError("remove what an earlier run left", err)
			}
		case isGPUError(s.GPU, err):
			return gpuError(s.GPU, err)
		case errdefs.IsNotFound(err):
			return &EngineError{Kind: EngineImage, Message: "The image " + b.image + " is not there. Run docker/setup.sh images.", Err: err}
		case strings.Contains(err.Error(), "bind source path does not exist"):
			return errElsewhere(err)
		default:
			return b.d.engineError("create a container", err)
		}
	}
}

// errElsewhere says that the engine does not see our folders.
func errElsewhere(err error) *EngineError {
	return &EngineError{Kind: EngineUnavailable, Message: "The Docker engine does not see this machine's folders: it runs elsewhere, in a virtual " +
		"machine, or beside a container whose sandbox folder is not mounted under the same path. See docs/security.md.", Err: err}
}

// greet accepts the runtime's connection and waits for its word that it is ready.
func (b *box) greet(ctx context.Context, listener *net.UnixListener, parent string) error {
	waitCtx, stopWaiting := context.WithCancel(ctx)
	defer stopWaiting()
	died, failed := b.d.cli.ContainerWait(waitCtx, b.container, container.WaitConditionNotRunning)

	accepted := make(chan error, 1)
	go func() { accepted <- b.accept(listener) }()
	var exit int64
	select {
	case err := <-accepted:
		if err == nil {
			if b.meter, err = b.e.cgroups.meterOf(b.ctl.conn, parent); err != nil {
				b.d.warned.Do(func() {
					b.d.log.Warn("cgroups cannot be read here: CPU time and memory come from the engine, slower and less exact", "error", err)
				})
			}
			return nil
		}
		if bad := (*EngineError)(nil); errors.As(err, &bad) {
			return bad
		}
		// The connection broke: the container is ending, and how it ended says why.
		select {
		case end := <-died:
			exit = end.StatusCode
		case <-failed:
			return &EngineError{Kind: EngineInternal, Message: "A container did not start.", Err: err}
		}
	case end := <-died:
		exit = end.StatusCode
		listener.Close()
		<-accepted
	case err := <-failed:
		listener.Close()
		<-accepted
		if ctx.Err() != nil && b.ctx.Err() == nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return &EngineError{Kind: EngineUnavailable, Message: fmt.Sprintf("A container was not ready within %s; the host is overloaded.", startTime), Err: err}
		}
		return b.d.engineError("watch a container", err)
	}
	switch exit {
	case exitNoSocket:
		return errElsewhere(nil)
	case exitNoGPU:
		return gpuError(b.gpu, errNoGPU)
	}
	return &EngineError{Kind: EngineImage, Message: fmt.Sprintf("A container of %s ended with %d before it was ready. Run docker/setup.sh images.", b.image, exit)}
}

// Exit codes of runtime/boot.py.
const (
	exitNoSocket = 97
	exitNoGPU    = 98
)

func (b *box) accept(listener *net.UnixListener) error {
	conn, err := listener.AcceptUnix()
	if err != nil {
		return err
	}
	listener.Close() // nobody else gets in
	b.ctl = &control{conn: conn}
	if cred, err := peer(conn); err == nil && b.e.sameUIDs && int(cred.Uid) != b.uid {
		return &EngineError{Kind: EngineInternal, Message: fmt.Sprintf("A process of user %d came to the socket of a container of user %d.", cred.Uid, b.uid)}
	}
	conn.SetReadDeadline(time.Now().Add(startTime))
	f, err := b.ctl.receive()
	conn.SetReadDeadline(time.Time{})
	if err != nil {
		return err
	}
	f.close()
	if f.kind == frameFault {
		return b.faultError(f)
	}
	if f.kind != frameReady {
		return fmt.Errorf("a container began with a frame %q", f.kind)
	}
	return nil
}

func (b *box) hangUp() {
	b.hang.Do(func() {
		if b.ctl != nil {
			b.ctl.conn.Close()
		}
	})
}

// peer tells which process is at the other end.
func peer(conn *net.UnixConn) (*unix.Ucred, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	if cerr := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); cerr != nil {
		return nil, cerr
	}
	runtime.KeepAlive(conn)
	return cred, err
}

// meterOf finds the cgroup of the container at the other end.
func (c *cgroups) meterOf(conn *net.UnixConn, parent string) (*meter, error) {
	cred, err := peer(conn)
	if err != nil || cred.Pid <= 0 {
		return nil, errNoCgroup
	}
	return c.meter(int(cred.Pid), parent)
}
