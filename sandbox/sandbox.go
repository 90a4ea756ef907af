package sandbox

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"time"

	"assay"
)

// Spec is plain data: one process in one container that is made for it and thrown away after it. Zero limits get the defaults
// of DefaultLimits; nothing is ever unlimited.
type Spec struct {
	// Name is unique among live runs; the container is "assay-"+Name. A second Run of a name first removes what the first left.
	Name    string
	Role    string            // RoleCandidate, RoleJudge or RoleSession
	Profile string            // ProfileBare … ProfileJudge
	Labels  map[string]string // attempt, epoch, …: on the container, for people and Sweep
	Files   []File            // written below /workspace before the start
	// Argv runs in /workspace. "python3 file.py …", "python3 -m module …" and "python3 -c code …" run in the interpreter that
	// already waits in the container; anything else is looked up on PATH and executed. A program that cannot be started ends with
	// exit code 126 or 127 and says why on Stderr, as in a shell.
	Argv   []string
	Env    []string // KEY=value, on top of the sandbox's own environment
	Limits assay.Limits
	Wall   time.Duration // wall-clock limit from the start of the program, not of the container; 0 means a minute
	CPU    time.Duration // CPU-time limit of all its processes together; 0 means none but Wall
	// Collect names files and folders below /workspace ("." is all of it) to bring back when the program has ended by itself,
	// with whatever exit code. Only regular files whose names pass assay.ValidatePath come back, at most CollectMax bytes together.
	Collect    []string
	CollectMax int64 // 0 means 64 MiB
	// Port above 0 says that the program is expected to listen on 127.0.0.1:Port; see Streams.Ready.
	Port int
	// GPU is "" for none; a device id or UUID for the nvidia runtime; "cdi:vendor.com/class=name"; or "device:/dev/host[:/dev/inside]".
	GPU string
}

// Roles. They are labels: isolation is the same for all.
const (
	RoleCandidate = "candidate"
	RoleJudge     = "judge"
	RoleSession   = "session"
)

// Profiles name what is installed, and each is one image.
const (
	ProfileBare  = "bare"
	ProfileNumpy = "numpy"
	ProfileFull  = "full"
	ProfileJudge = "judge"
)

// Profiles in the order in which they are built.
var Profiles = []string{ProfileBare, ProfileNumpy, ProfileFull, ProfileJudge}

// File is one file below /workspace. Its path is relative, slash-separated and clean.
type File struct {
	Path string
	Data []byte
	Mode fs.FileMode // permission bits; 0 means 0644
}

// Streams connect a running process with us. Writers must not block for long: while one does, the process waits and its clock runs.
type Streams struct {
	// Stdout and Stderr get what the process writes as it comes, together at most Limits.Output bytes. They may be the same
	// writer, and then the order of the two is kept; it is never written to from two goroutines at once. nil throws away, and counts.
	Stdout, Stderr io.Writer
	// Wire is the far end of the process's message channel, whose number inside is in $ASSAY_WIRE; nil means none. Bytes pass
	// untouched. The end that Pipe returns second is handed into the container itself, so nothing of ours stands in between; any
	// other ReadWriteCloser is copied to and from. Run closes it.
	Wire io.ReadWriteCloser
	// Ready is called once, in a goroutine of its own, when a Spec with Port accepts connections. dial reaches the port from
	// outside, any number of times and at once, until Run returns.
	Ready func(dial Dial)
	// Upstream is where connections lead that the process makes to the unix socket named in $ASSAY_UPSTREAM. For judges.
	Upstream Dial
}

// Dial opens one connection.
type Dial = func(ctx context.Context) (net.Conn, error)

// Outcome is how the process ended, as seen from outside. Exit, Signal, Files and Skipped are what the container told us, which
// is the candidate's word when candidate's code ran there: no score may come from them. Everything else was measured by us.
type Outcome struct {
	Exit   int // exit code; 128+Signal when a signal ended it
	Signal int
	// OOM says that the kernel killed a process of the container for memory, though perhaps not the first one: a program whose
	// child was killed can still end with exit code 0.
	OOM            bool
	TimedOut       bool // killed at the wall-clock limit
	CPUExceeded    bool // killed at the CPU limit
	OutputExceeded bool // killed at the output limit
	Truncated      bool // Stdout, Stderr or Files are not all there was
	Wall, CPU      time.Duration
	PeakMemory     int64    // bytes of the whole container, its tmpfs included; 0 when it cannot be measured on this host
	Files          []File   // sorted by path
	Skipped        []string // what of Collect was left out and why, one sentence each, at most 20
	Container      string   // id
	Image          string   // reference and content id
}

// Killed says that we ended the process.
func (o Outcome) Killed() bool { return o.TimedOut || o.CPUExceeded || o.OutputExceeded }

// OK says that the process ended by itself with exit code 0 and within every limit.
func (o Outcome) OK() bool { return o.Exit == 0 && o.Signal == 0 && !o.OOM && !o.Killed() }

// EngineKind says whose attention an EngineError needs.
type EngineKind string

const (
	EngineUnavailable EngineKind = "unavailable" // no engine, or one that cannot be used from here; try again later
	EngineImage       EngineKind = "image"       // the image is missing or broken
	EngineGPU         EngineKind = "gpu"         // this host has no such GPU; another worker may
	EngineInternal    EngineKind = "internal"    // a fault of ours or a wrong Spec
)

// EngineError is a failure of ours. No candidate's program can cause one; it is retried, and never shown as a verdict on them.
type EngineError struct {
	Kind    EngineKind
	Message string // a sentence for the operator, with what to do
	Err     error
}

func (e *EngineError) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return fmt.Sprintf("%s (%v)", e.Message, e.Err)
}

func (e *EngineError) Unwrap() error { return e.Err }

// Finding is one thing that Probe looked at.
type Finding struct {
	What string // "engine", "image assay/sandbox-full:dev", …
	OK   bool
	Text string // what is there, or what is wrong
	Mend string // how to mend it; "" when OK
}

// DefaultLimits are what a Spec gets for a limit it leaves at zero.
var DefaultLimits = assay.Limits{CPUs: 1, Memory: 512 << 20, Disk: 256 << 20, Pids: 128, Output: 1 << 20}

const (
	defaultWall       = time.Minute
	defaultCollectMax = 64 << 20
)

// Validate refuses a Spec that could not work whatever the program does, with an EngineInternal: it is ours to get right. Zero
// limits are fine; they mean the defaults.
func (s Spec) Validate() error {
	s = s.withDefaults()
	internal := func(message string, args ...any) error {
		return &EngineError{Kind: EngineInternal, Message: fmt.Sprintf("The run %q cannot be started: ", s.Name) + fmt.Sprintf(message, args...) + "."}
	}
	switch {
	case s.Profile != ProfileBare && s.Profile != ProfileNumpy && s.Profile != ProfileFull && s.Profile != ProfileJudge:
		return internal("there is no profile %q", s.Profile)
	case s.Name == "" || strings.Trim(s.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != "":
		return internal("its name may have letters, digits, dots, dashes and underscores only")
	case len(s.Argv) == 0 || s.Argv[0] == "":
		return internal("it has no program")
	case s.Port < 0 || s.Port > 65535:
		return internal("%d is no port", s.Port)
	case s.Limits.Memory < 32<<20:
		return internal("a container needs at least 32 MiB of memory, not %d bytes", s.Limits.Memory)
	}
	for _, c := range s.Collect {
		if c != "." && (filepath.IsAbs(c) || c != filepath.Clean(c) || !filepath.IsLocal(c)) {
			return internal("%q cannot be collected: it is not a clean relative path", c)
		}
	}
	if err := checkFiles(s.Files, min(s.Limits.Disk, s.Limits.Memory)); err != nil {
		return internal("%s", err)
	}
	return nil
}

// withDefaults fills in zeros.
func (s Spec) withDefaults() Spec {
	l := &s.Limits
	if l.CPUs <= 0 {
		l.CPUs = DefaultLimits.CPUs
	}
	if l.Memory <= 0 {
		l.Memory = DefaultLimits.Memory
	}
	if l.Disk <= 0 {
		l.Disk = DefaultLimits.Disk
	}
	if l.Pids <= 0 {
		l.Pids = DefaultLimits.Pids
	}
	if l.Output <= 0 {
		l.Output = DefaultLimits.Output
	}
	if s.Wall <= 0 {
		s.Wall = defaultWall
	}
	if s.CollectMax <= 0 {
		s.CollectMax = defaultCollectMax
	}
	return s
}
