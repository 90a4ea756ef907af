package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/client"
	"golang.org/x/sys/unix"
)

//go:embed runtime/boot.py runtime/wire.py runtime/worker.py
var runtimeFiles embed.FS

// Config is what a Docker needs to know. The zero value is right for an engine on this machine.
type Config struct {
	// Host is the engine's address as in DOCKER_HOST; "" means what the environment says, or the usual socket. It must be an engine
	// on this machine: containers reach us over unix sockets in a folder of ours.
	Host string
	// Images says which image a profile is; those left out are assay/sandbox-<profile>:dev.
	Images map[string]string
	// Runtime is the OCI runtime, for instance runsc; "" is the engine's default.
	Runtime string
	// Dir holds sockets and locks, on a path that means the same to the engine as to us. "" means /run/assay, or a folder in the
	// temporary directory when we are not root. It must be short: a socket's path has at most 107 bytes.
	Dir string
	Log *slog.Logger // nil means slog.Default()
}

// Docker runs Specs in Docker containers. It is safe for use from many goroutines.
type Docker struct {
	cfg      Config
	cli      *client.Client
	log      *slog.Logger
	instance string   // of this process; owns its folder, containers and cgroups
	dir      string   // Config.Dir/instance
	lock     *os.File // held as long as we live; others' Sweep sees by it that our containers are in use
	lockPath string

	connectMu sync.Mutex
	engine    *engine

	mu      sync.Mutex
	boxes   map[string]*box // by container name
	images  map[string]imageID
	uids    map[int]bool
	closed  bool
	removal sync.WaitGroup
	warned  sync.Once
}

// engine is what we learned about the engine when it first answered.
type engine struct {
	info     system.Info
	cgroups  *cgroups
	sameUIDs bool // uids inside are those outside: no user namespace
}

// Open prepares to run containers. It fails only for a wrong Config: an engine that is down now may be up when it is needed, and
// until then Run answers with EngineUnavailable.
func Open(_ context.Context, cfg Config) (*Docker, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Dir == "" {
		cfg.Dir = "/run/assay"
		if os.Getuid() != 0 {
			cfg.Dir = filepath.Join(os.TempDir(), "assay-"+strconv.Itoa(os.Getuid()))
		}
	}
	images := map[string]string{}
	for _, p := range Profiles {
		images[p] = "assay/sandbox-" + p + ":dev"
	}
	maps.Copy(images, cfg.Images)
	cfg.Images = images

	options := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if cfg.Host != "" {
		options = append(options, client.WithHost(cfg.Host))
	}
	cli, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, &EngineError{Kind: EngineUnavailable, Message: "The address of the Docker engine makes no sense; see DOCKER_HOST.", Err: err}
	}
	if host := cli.DaemonHost(); !strings.HasPrefix(host, "unix://") {
		cli.Close()
		return nil, &EngineError{Kind: EngineUnavailable,
			Message: "The Docker engine at " + host + " is on another machine. Run a worker there, beside its engine, and unset DOCKER_HOST."}
	}
	d := &Docker{cfg: cfg, cli: cli, log: cfg.Log, instance: randomHex(4), boxes: map[string]*box{}, images: map[string]imageID{}, uids: map[int]bool{}}
	if err := d.prepareDir(); err != nil {
		cli.Close()
		return nil, &EngineError{Kind: EngineInternal, Message: "The sandbox's folder " + cfg.Dir + " cannot be used.", Err: err}
	}
	return d, nil
}

// prepareDir makes <Dir>/<instance> with the lock and the runtime. Only we and, from inside its own bind mount, each container get in.
func (d *Docker) prepareDir() error {
	d.dir = filepath.Join(d.cfg.Dir, d.instance)
	if n := len(filepath.Join(d.dir, "0123456789", "control.sock")); n > 107 {
		return fmt.Errorf("its path is too long for a unix socket by %d bytes", n-107)
	}
	if err := os.MkdirAll(filepath.Join(d.dir, "runtime"), 0o755); err != nil {
		return err
	}
	if err := os.Chmod(d.dir, 0o700); err != nil {
		return err
	}
	if err := d.takeLock(); err != nil {
		return err
	}
	return fs.WalkDir(runtimeFiles, "runtime", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := runtimeFiles.ReadFile(name)
		if err != nil {
			return err
		}
		path := filepath.Join(d.dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
		return os.Chmod(path, 0o644) // whatever the umask
	})
}

// takeLock makes our lock file. It gets its name only when it is locked, so no Sweep ever finds it free.
func (d *Docker) takeLock() error {
	path := filepath.Join(d.dir, "lock")
	lock, err := os.OpenFile(path+".new", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		err = os.Rename(lock.Name(), path)
	}
	if err != nil {
		lock.Close()
		return err
	}
	d.lock, d.lockPath = lock, path
	return nil
}

// Run runs one Spec. The error is an *EngineError, with an Outcome of no meaning, when we failed; or ctx's error, with the Outcome
// so far, when ctx ended first, as it does when a caller stops a server that it has no more questions for. A program that crashes,
// loops, floods, forks or lies is an Outcome. When Run returns the program is dead, and no writer of st is used any more; its
// container is removed soon after, and in any case before Close returns.
func (d *Docker) Run(ctx context.Context, s Spec, st Streams) (Outcome, error) {
	if st.Wire != nil {
		defer st.Wire.Close()
	}
	s = s.withDefaults()
	if err := s.Validate(); err != nil {
		return Outcome{}, err
	}
	b, err := d.obtain(ctx, s)
	if err != nil {
		if ctx.Err() != nil {
			return Outcome{}, ctx.Err()
		}
		return Outcome{}, err
	}
	defer d.discard(b)
	return b.run(ctx, s, st)
}

// obtain returns a container that waits for a program under s. Here it is made on the spot; one that was made ahead, with the same
// profile and limits, is as good.
func (d *Docker) obtain(ctx context.Context, s Spec) (*box, error) {
	e, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	image, ok := d.cfg.Images[s.Profile]
	if !ok {
		return nil, &EngineError{Kind: EngineInternal, Message: fmt.Sprintf("There is no sandbox profile %q.", s.Profile)}
	}
	id, err := d.imageID(ctx, image)
	if err != nil {
		return nil, err
	}
	b, err := d.reserve(ctx, e, "assay-"+s.Name)
	if err != nil {
		return nil, err
	}
	b.image, b.imageID = image, id
	if err := b.start(ctx, s); err != nil {
		d.discard(b)
		return nil, err
	}
	return b, nil
}

// connect asks the engine about itself, once it answers.
func (d *Docker) connect(ctx context.Context) (*engine, error) {
	d.connectMu.Lock()
	defer d.connectMu.Unlock()
	if d.engine != nil {
		return d.engine, nil
	}
	info, err := d.cli.Info(ctx)
	if err != nil {
		return nil, d.engineError("ask the engine about itself", err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, &EngineError{Kind: EngineInternal, Message: "Grading needs Linux.", Err: err}
	}
	e := &engine{info: info, cgroups: newCgroups(string(mounts), info.CgroupDriver), sameUIDs: true}
	for _, o := range info.SecurityOptions {
		if strings.Contains(o, "name=userns") || strings.Contains(o, "name=rootless") {
			e.sameUIDs = false
		}
	}
	d.engine = e
	return e, nil
}

// imageID is the content id behind an image's name. Images are replaced at most now and then, so it is asked for as seldom.
type imageID struct {
	id    string
	until time.Time
}

func (d *Docker) imageID(ctx context.Context, ref string) (string, error) {
	d.mu.Lock()
	known := d.images[ref]
	d.mu.Unlock()
	if time.Now().Before(known.until) {
		return known.id, nil
	}
	info, err := d.cli.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return "", &EngineError{Kind: EngineImage, Message: "The image " + ref + " is not there. Run docker/setup.sh images.", Err: err}
	}
	if err != nil {
		return "", d.engineError("look at an image", err)
	}
	d.mu.Lock()
	d.images[ref] = imageID{info.ID, time.Now().Add(30 * time.Second)}
	d.mu.Unlock()
	return info.ID, nil
}

// reserve takes a name, a uid and a folder for a container to come. Whoever of ours has the name is ended first.
func (d *Docker) reserve(ctx context.Context, e *engine, name string) (*box, error) {
	for {
		d.mu.Lock()
		if d.closed {
			d.mu.Unlock()
			return nil, &EngineError{Kind: EngineUnavailable, Message: "The sandbox is shutting down."}
		}
		old := d.boxes[name]
		if old == nil {
			break
		}
		d.mu.Unlock()
		old.cancel()
		select {
		case <-old.gone:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	b := &box{d: d, e: e, name: name, id: randomHex(5), uid: d.freeUID(e), gone: make(chan struct{})}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	d.boxes[name] = b
	d.removal.Add(1)
	d.mu.Unlock()

	b.dir = filepath.Join(d.dir, b.id)
	err := os.Mkdir(b.dir, 0o755)
	if err == nil {
		err = os.Chmod(b.dir, 0o755) // whatever the umask
	}
	if err != nil {
		d.discard(b)
		return nil, &EngineError{Kind: EngineInternal, Message: "A container's socket folder cannot be made; the disk may be full.", Err: err}
	}
	return b, nil
}

// freeUID finds a uid that no other container of this process has, and none of another process is likely to: limits that the kernel
// keeps by user, such as inotify instances, must not be shared between candidates. d.mu is held.
func (d *Docker) freeUID(e *engine) int {
	low, high := 1<<20, 1<<30
	if !e.sameUIDs {
		low, high = 20_000, 60_000 // a user namespace has 65,536 of them
	}
	for {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(high-low)))
		if err != nil {
			panic("sandbox: no randomness: " + err.Error())
		}
		if uid := low + int(n.Int64()); !d.uids[uid] {
			d.uids[uid] = true
			return uid
		}
	}
}

// discard removes a container and all that belongs to it, in the background and for as long as it takes.
func (d *Docker) discard(b *box) {
	b.cancel()
	go func() {
		defer d.removal.Done()
		b.hangUp()
		for wait := 100 * time.Millisecond; ; wait = min(2*wait, 30*time.Second) {
			err := d.remove(cmp.Or(b.container, b.name))
			if err == nil {
				break
			}
			d.log.Warn("a container could not be removed; trying again", "container", b.container, "error", err)
			if wait > 5*time.Second && d.isClosed() {
				break // the next sweep will find it
			}
			time.Sleep(wait)
		}
		b.e.cgroups.remove(d.instance, b.id)
		os.RemoveAll(b.dir)
		d.mu.Lock()
		delete(d.boxes, b.name)
		delete(d.uids, b.uid)
		d.mu.Unlock()
		close(b.gone)
	}()
}

// remove makes sure that a container, by id or name, is dead and gone.
func (d *Docker) remove(ref string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := d.cli.ContainerRemove(ctx, ref, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err == nil || errdefs.IsNotFound(err) {
		return nil
	}
	if errdefs.IsConflict(err) { // someone else is removing it: wait for that
		wait, failed := d.cli.ContainerWait(ctx, ref, container.WaitConditionRemoved)
		select {
		case <-wait:
			return nil
		case werr := <-failed:
			if werr == nil || errdefs.IsNotFound(werr) {
				return nil
			}
		}
	}
	return err
}

func (d *Docker) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// Close ends what still runs, waits until every container of ours is removed and gives the folder back.
func (d *Docker) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	for _, b := range d.boxes {
		b.cancel()
	}
	d.mu.Unlock()
	d.removal.Wait()
	d.connectMu.Lock()
	defer d.connectMu.Unlock()
	if d.engine != nil {
		d.engine.cgroups.remove(d.instance, "")
	}
	err := os.RemoveAll(d.dir)
	return errors.Join(err, d.lock.Close(), d.cli.Close())
}

// engineError turns an error of the engine's into ours.
func (d *Docker) engineError(doing string, err error) *EngineError {
	var opError *net.OpError
	switch {
	case client.IsErrConnectionFailed(err), errors.As(err, &opError):
		return &EngineError{Kind: EngineUnavailable, Message: "The Docker engine does not answer at " + d.cli.DaemonHost() +
			". Start it, or run docker/setup.sh engine.", Err: err}
	case strings.Contains(strings.ToLower(err.Error()), "permission denied") && strings.Contains(err.Error(), "docker.sock"):
		return &EngineError{Kind: EngineUnavailable, Message: "This user may not use the Docker engine; add it to the group docker.", Err: err}
	}
	return &EngineError{Kind: EngineInternal, Message: "The Docker engine could not " + doing + ".", Err: err}
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
