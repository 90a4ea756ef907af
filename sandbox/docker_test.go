package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"assay"
	"assay/sandbox"
	"assay/sandbox/sandboxtest"

	"github.com/docker/docker/client"
)

// open returns a real Docker, or skips: at home there may be none.
func open(t *testing.T) *sandbox.Docker {
	t.Helper()
	if os.Getenv("ASSAY_TEST_DOCKER") != "1" {
		t.Skip("needs a Docker engine and the sandbox images: run docker/setup.sh, then set ASSAY_TEST_DOCKER=1")
	}
	d, err := sandbox.Open(t.Context(), sandbox.Config{Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return d
}

func TestDockerConforms(t *testing.T) {
	d := open(t)
	t.Run("conformance", func(t *testing.T) { sandboxtest.Conformance(t, d) })
}

func TestProbe(t *testing.T) {
	for _, f := range open(t).Probe(t.Context()) {
		if !f.OK {
			t.Errorf("%s: %s: %s", f.What, f.Text, f.Mend)
		}
	}
}

// attack runs a program that means harm and returns how it ended and all that it printed.
func attack(t *testing.T, d *sandbox.Docker, code string, change ...func(*sandbox.Spec)) (sandbox.Outcome, string) {
	t.Helper()
	var out bytes.Buffer
	s := spec(code, change...)
	o, err := d.Run(t.Context(), s, sandbox.Streams{Stdout: &out, Stderr: &out})
	if err != nil {
		t.Fatalf("the engine failed: %v", err)
	}
	return o, out.String()
}

var count atomic.Int64

func spec(code string, change ...func(*sandbox.Spec)) sandbox.Spec {
	s := sandbox.Spec{
		Name: fmt.Sprintf("attack-%d-%d", os.Getpid(), count.Add(1)), Role: sandbox.RoleCandidate, Profile: sandbox.ProfileBare,
		Argv: []string{"python3", "main.py"}, Files: []sandbox.File{{Path: "main.py", Data: []byte(code)}},
		Limits: assay.Limits{Memory: 128 << 20, Disk: 32 << 20}, Wall: 30 * time.Second,
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

func wall(d time.Duration) func(*sandbox.Spec) { return func(s *sandbox.Spec) { s.Wall = d } }

func collect(paths ...string) func(*sandbox.Spec) {
	return func(s *sandbox.Spec) { s.Collect, s.CollectMax = paths, 1<<20 }
}

func TestDockerHoldsAttacks(t *testing.T) {
	d := open(t)
	t.Run("all", func(t *testing.T) { attacks(t, d) })
}

func attacks(t *testing.T, d *sandbox.Docker) {
	t.Run("a child is killed for memory, the parent ends with 0", func(t *testing.T) {
		t.Parallel()
		o, out := attack(t, d, "import os\nif not os.fork():\n  b = []\n  while True: b.append(bytearray(8 << 20))\nprint(os.wait()[1])")
		if !o.OOM || o.Exit != 0 || o.OK() || out != "9\n" {
			t.Errorf("%+v %q", o, out)
		}
		if o.PeakMemory < 100<<20 || o.PeakMemory > 130<<20 {
			t.Errorf("peak %d", o.PeakMemory)
		}
	})
	t.Run("fork bomb", func(t *testing.T) {
		t.Parallel()
		o, _ := attack(t, d, "import os, time\nwhile True:\n  try: os.fork()\n  except OSError: time.sleep(0.01)", wall(time.Second))
		if !o.TimedOut {
			t.Errorf("%+v", o)
		}
	})
	t.Run("no network", func(t *testing.T) {
		t.Parallel()
		o, out := attack(t, d, `
import socket
for family, where in ((socket.AF_INET, ("169.254.169.254", 80)), (socket.AF_INET, ("172.17.0.1", 22)), (socket.AF_INET6, ("2001:db8::1", 80))):
    try: socket.socket(family).connect(where); print("REACHED", where)
    except OSError as e: print(e.errno)
for family in (socket.AF_NETLINK, socket.AF_VSOCK, socket.AF_PACKET):
    try: socket.socket(family, socket.SOCK_RAW if family != socket.AF_VSOCK else socket.SOCK_STREAM); print("MADE", family)
    except OSError as e: print(e.errno)
try: socket.getaddrinfo("example.com", 80); print("RESOLVED")
except OSError as e: print("unresolved")
print([n for n in open("/proc/net/dev").read().split() if n.endswith(":")])
`)
		if !o.OK() || strings.ContainsAny(out, "RM") || !strings.Contains(out, "unresolved\n['lo:']") {
			t.Errorf("%+v\n%s", o, out)
		}
	})
	t.Run("read-only root, own files only", func(t *testing.T) {
		t.Parallel()
		o, out := attack(t, d, `
import os
for p in ("/x", "/assay/x", "/run/assay/x", "/usr/bin/x", "/etc/passwd", "/proc/sysrq-trigger", "/sys/fs/cgroup/x", "/dev/x"):
    try: open(p, "a"); print("WROTE", p)
    except OSError: pass
print(sorted(os.listdir("/run/assay")))
print(open("/proc/self/status").read().split("NoNewPrivs:")[1].split()[0], open("/proc/self/status").read().split("CapEff:")[1].split()[0], open("/proc/self/status").read().split("Seccomp:")[1].split()[0])
print([p for p in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(p)])
print(os.getuid() == os.stat("/workspace").st_uid >= 1 << 20)
`)
		if want := "[]\n1 0000000000000000 2\n[]\nTrue\n"; !o.OK() || out != want {
			t.Errorf("%+v\ngot  %q\nwant %q", o, out, want)
		}
	})
	t.Run("system calls", func(t *testing.T) {
		t.Parallel()
		o, out := attack(t, d, `
import ctypes, errno, platform
libc = ctypes.CDLL(None, use_errno=True)
x86 = platform.machine() == "x86_64"
calls = {"io_uring_setup": (425, 425), "ptrace": (101, 117), "memfd_secret": (447, 447), "bpf": (321, 280), "keyctl": (250, 219), "unshare": (272, 97),
    "mount": (165, 40), "process_vm_readv": (310, 270), "pidfd_getfd": (438, 438), "userfaultfd": (323, 282), "perf_event_open": (298, 241), "setns": (308, 268), "add_key": (248, 217)}
for name, (a, b) in calls.items():
    r = libc.syscall(a if x86 else b, 0, 0, 0, 0, 0)
    e = ctypes.get_errno()
    if r != -1 or e not in (errno.EPERM, errno.ENOSYS): print("ALLOWED", name, r, e)
print("done")
`)
		if !o.OK() || out != "done\n" {
			t.Errorf("%+v\n%s", o, out)
		}
	})
	t.Run("output flood", func(t *testing.T) {
		t.Parallel()
		o, out := attack(t, d, "import os\nb = b'x' * 65536\nwhile True: os.write(1, b); os.write(2, b)")
		if !o.OutputExceeded || int64(len(out)) != sandbox.DefaultLimits.Output {
			t.Errorf("%+v with %d bytes", o, len(out))
		}
	})
	t.Run("many files", func(t *testing.T) {
		t.Parallel()
		o, out := attack(t, d, "n = 0\ntry:\n  while n < 300000: open(f'/workspace/{n}', 'w').close(); n += 1\nexcept OSError as e: print(e.errno, n)", collect("."))
		if !o.OK() || !strings.HasPrefix(out, "28 16") {
			t.Errorf("%+v %q", o, out)
		}
		if len(o.Files) != 1024 || !o.Truncated {
			t.Errorf("%d files came back", len(o.Files))
		}
	})
	t.Run("full disk and sparse file", func(t *testing.T) {
		t.Parallel()
		o, out := attack(t, d, `
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try: open("/workspace/sparse", "wb").truncate(1 << 40)
except OSError as e: print(e.errno)
open("/workspace/s2", "wb").truncate(20 << 20)
try:
    for i in range(10): open(f"/workspace/full{i}", "wb").write(bytes(8 << 20))
except OSError as e: print(e.errno)
`, collect("."))
		if !o.OK() || out != "27\n28\n" || !o.Truncated {
			t.Errorf("%+v %q", o, out)
		}
		for _, f := range o.Files {
			if len(f.Data) > 1<<20 {
				t.Errorf("%s came back with %d bytes", f.Path, len(f.Data))
			}
		}
	})
	t.Run("links and pipes among the files", func(t *testing.T) {
		t.Parallel()
		o, _ := attack(t, d, `
import os, socket
os.mkdir("out"); os.symlink("/etc/passwd", "out/passwd"); os.symlink("/", "out/root"); os.mkfifo("out/fifo")
socket.socket(socket.AF_UNIX).bind("out/sock")
open("out/ok.txt", "w").write("fine"); open("out/con:1", "w"); open(b"out/\xff", "w"); open("out/a\nb", "w"); open("out/OK.TXT", "w")
os.makedirs("out/" + "d/" * 150)
`, collect("out", "missing"))
		var names []string
		for _, f := range o.Files {
			names = append(names, f.Path)
		}
		if !o.OK() || len(names) != 1 || !strings.EqualFold(names[0], "out/ok.txt") || len(o.Skipped) < 8 {
			t.Errorf("%+v\n%q\n%q", o, names, o.Skipped)
		}
	})
	t.Run("huge arguments and environment", func(t *testing.T) {
		t.Parallel()
		for _, program := range []string{"python3", "/bin/echo"} {
			o, out := attack(t, d, "print('ran')", func(s *sandbox.Spec) {
				s.Argv = []string{program, "main.py", strings.Repeat("a", 3<<20)}
				s.Env = []string{"BIG=" + strings.Repeat("b", 200<<10)}
			})
			if program == "python3" && (!o.OK() || out != "ran\n") || program != "python3" && (o.Exit != 126 || !strings.Contains(out, "too long")) {
				t.Errorf("%s: %+v %.100q", program, o, out)
			}
		}
		o, out := attack(t, d, "print('ran')", func(s *sandbox.Spec) { s.Env = []string{"A\x00B=1"} })
		if o.Exit != 126 {
			t.Errorf("%+v %q", o, out)
		}
	})
	t.Run("ignores every signal", func(t *testing.T) {
		t.Parallel()
		o, out := attack(t, d, `
import signal, time
for s in range(1, 65):
    try: signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError): pass
print("immune", flush=True)
while True: time.sleep(1)
`, wall(500*time.Millisecond))
		if !o.TimedOut || out != "immune\n" || o.Wall > 10*time.Second {
			t.Errorf("%+v %q", o, out)
		}
	})
	t.Run("a daemon stays behind", func(t *testing.T) {
		t.Parallel()
		o, out := attack(t, d, `
import os, time
if not os.fork():
    os.setsid()
    if not os.fork():
        open("daemon", "w"); time.sleep(1000)
    os._exit(0)
while not os.path.exists("daemon"): time.sleep(0.01)
print("over")
`)
		if !o.OK() || out != "over\n" || o.Wall > 10*time.Second {
			t.Errorf("%+v %q", o, out)
		}
	})
	t.Run("kills or stops everything inside", func(t *testing.T) {
		t.Parallel()
		// The kernel lets nothing inside kill or stop the first process.
		for _, signal := range []string{"KILL", "STOP", "TERM", "SEGV", "INT"} {
			if o, out := attack(t, d, "import os, signal\nos.kill(os.getppid(), signal.SIG"+signal+"); print('alive')"); !o.OK() || out != "alive\n" {
				t.Errorf("%s: %+v %q", signal, o, out)
			}
		}
		if o, out := attack(t, d, "import os\ntry: os.kill(-1, 9)\nexcept ProcessLookupError: pass  # nobody else to kill\nprint('alive')"); !o.OK() || out != "alive\n" {
			t.Errorf("kill all: %+v %q", o, out)
		}
	})
	t.Run("killed from outside", func(t *testing.T) {
		t.Parallel()
		cli, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
		if err != nil {
			t.Fatal(err)
		}
		defer cli.Close()
		s := spec("print('up', flush=True); import time; time.sleep(1000)")
		up, w := io.Pipe()
		go func() {
			io.ReadFull(up, make([]byte, 3))
			cli.ContainerKill(context.Background(), "assay-"+s.Name, "KILL")
			io.Copy(io.Discard, up)
		}()
		o, err := d.Run(t.Context(), s, sandbox.Streams{Stdout: w, Stderr: w})
		w.Close()
		if ee, ok := errors.AsType[*sandbox.EngineError](err); !ok || ee.Kind != sandbox.EngineInternal {
			t.Errorf("our fault looks like the program's: %+v, %v", o, err)
		}
	})
	t.Run("no core, no more than 1024 descriptors", func(t *testing.T) {
		t.Parallel()
		o, out := attack(t, d, `
import os, resource
print(resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_NOFILE)[1], resource.getrlimit(resource.RLIMIT_FSIZE)[1])
print([f for f in map(int, os.listdir("/proc/self/fd")) if f > 3])
print(os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"])
`)
		if want := "(0, 0) 1024 33554432\n[]\n1 passive\n"; !o.OK() || out != want {
			t.Errorf("%+v %q", o, out)
		}
	})
	t.Run("a liar in the supervisor's place", func(t *testing.T) {
		t.Parallel()
		liar(t, d)
	})
}

// liar takes the control connection over, as a program that overcame its supervisor could, and sends nonsense.
func liar(t *testing.T, d *sandbox.Docker) {
	o, _ := attack(t, d, `
import ctypes, os
pid = os.getppid()
with open(f"/proc/{pid}/mem", "r+b", 0) as mem, open(f"/proc/{pid}/maps") as maps:
    for line in maps:
        span, mode = line.split()[:2]
        if mode.startswith("rw"):
            a, b = (int(x, 16) for x in span.split("-"))
            try: mem.seek(a); mem.write(b"\xff" * min(b - a, 1 << 20))
            except (OSError, ValueError, OverflowError): pass
os._exit(0)
`, collect("."), wall(3*time.Second))
	// However it ended, it ended, and nothing of ours failed.
	if o.OK() && len(o.Files) > 1 {
		t.Errorf("%+v", o)
	}
}

func TestCancelledRunIsRemoved(t *testing.T) {
	d := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := spec("print('up', flush=True)\nimport time; time.sleep(1000)")
	o, err := d.Run(ctx, s, sandbox.Streams{Stdout: writerFunc(func(p []byte) { cancel() })})
	if !errors.Is(err, context.Canceled) || o.Container == "" || o.CPU == 0 && o.PeakMemory == 0 {
		t.Fatalf("%+v, %v", o, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if left := containers(t, "name=assay-"+s.Name); left != "" {
		t.Errorf("still there: %s", left)
	}
}

func TestSecondRunOfANameEndsTheFirst(t *testing.T) {
	d := open(t)
	up, first := make(chan struct{}), make(chan error, 1)
	s := spec("print('up', flush=True)\nimport time; time.sleep(1000)")
	go func() {
		_, err := d.Run(t.Context(), s, sandbox.Streams{Stdout: writerFunc(func([]byte) { close(up) })})
		first <- err
	}()
	<-up
	s.Files[0].Data = []byte("print('second')")
	var out bytes.Buffer
	if o, err := d.Run(t.Context(), s, sandbox.Streams{Stdout: &out}); err != nil || out.String() != "second\n" {
		t.Errorf("%+v %v %q", o, err, &out)
	}
	if e := (*sandbox.EngineError)(nil); !errors.As(<-first, &e) || e.Kind != sandbox.EngineUnavailable {
		t.Errorf("first: %v", e)
	}
}

// TestHelperCrash is the process that TestSweepAfterCrash kills.
func TestHelperCrash(t *testing.T) {
	name := os.Getenv("ASSAY_TEST_CRASH")
	if name == "" {
		t.Skip("only for TestSweepAfterCrash")
	}
	d, err := sandbox.Open(t.Context(), sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := spec("print('up', flush=True)\nimport time; time.sleep(1000)")
	s.Name = name
	d.Run(t.Context(), s, sandbox.Streams{Stdout: writerFunc(func([]byte) { fmt.Println("up") })})
}

func TestSweepAfterCrash(t *testing.T) {
	d := open(t)
	name := fmt.Sprintf("crash-%d", os.Getpid())
	worker := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperCrash$")
	worker.Env = append(os.Environ(), "ASSAY_TEST_CRASH="+name)
	said, err := worker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	said.Read(make([]byte, 2))
	// A living worker's containers are left alone.
	if err := d.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if containers(t, "name=assay-"+name) == "" {
		t.Fatal("a living worker's container was swept away")
	}
	worker.Process.Kill()
	worker.Wait()
	if err := d.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := containers(t, "name=assay-"+name); left != "" {
		t.Errorf("still there: %s", left)
	}
}

func TestEngineFaultsAreOurs(t *testing.T) {
	if os.Getenv("ASSAY_TEST_DOCKER") != "1" {
		t.Skip("needs a Docker engine; set ASSAY_TEST_DOCKER=1")
	}
	kind := func(cfg sandbox.Config, s sandbox.Spec) sandbox.EngineKind {
		t.Helper()
		d, err := sandbox.Open(t.Context(), cfg)
		if err == nil {
			defer d.Close()
			_, err = d.Run(t.Context(), s, sandbox.Streams{})
		}
		var e *sandbox.EngineError
		if !errors.As(err, &e) {
			t.Errorf("%v", err)
			return ""
		}
		t.Log(e)
		return e.Kind
	}
	gpu := func(name string) sandbox.Spec { return spec("", func(s *sandbox.Spec) { s.GPU = name }) }
	for want, got := range map[string]sandbox.EngineKind{
		"unavailable: no engine": kind(sandbox.Config{Host: "unix:///nowhere/docker.sock"}, spec("")),
		"unavailable: remote":    kind(sandbox.Config{Host: "tcp://192.0.2.1:2375"}, spec("")),
		"image: missing":         kind(sandbox.Config{Images: map[string]string{"bare": "assay/none:none"}}, spec("")),
		"image: no python":       kind(sandbox.Config{Images: map[string]string{"bare": "debian:trixie-slim"}}, spec("")),
		"gpu: nvidia":            kind(sandbox.Config{}, gpu("GPU-none")),
		"gpu: cdi":               kind(sandbox.Config{}, gpu("cdi:nvidia.com/gpu=none")),
		"gpu: device":            kind(sandbox.Config{}, gpu("device:/dev/nvidia77")),
		"internal: device":       kind(sandbox.Config{}, gpu("device:/etc/passwd")),
	} {
		if !strings.HasPrefix(want, string(got)+":") {
			t.Errorf("%s: got %q", want, got)
		}
	}
}

func TestGenericDevice(t *testing.T) {
	d := open(t)
	o, out := attack(t, d, "print(len(open('/dev/fakegpu0', 'rb').read(3)))", func(s *sandbox.Spec) { s.GPU = "device:/dev/zero:/dev/fakegpu0" })
	if !o.OK() || out != "3\n" {
		t.Errorf("%+v %q", o, out)
	}
}

// TestRuntimeInImage runs the unit tests of the Python that waits inside containers, where it waits.
func TestRuntimeInImage(t *testing.T) {
	d := open(t)
	var files []sandbox.File
	for _, name := range []string{"boot.py", "wire.py", "worker.py", "test_boot.py", "test_wire.py", "test_worker.py"} {
		data, err := os.ReadFile("runtime/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, sandbox.File{Path: name, Data: data})
	}
	for _, profile := range []string{sandbox.ProfileBare, sandbox.ProfileNumpy, sandbox.ProfileFull} {
		o, out := attack(t, d, "", func(s *sandbox.Spec) {
			s.Profile, s.Files, s.Argv = profile, files, []string{"python3", "-m", "unittest", "-v"}
			s.Limits.Memory = 1 << 30
			s.Wall = time.Minute
			s.Limits.Disk = 64 << 20
		})
		if !o.OK() {
			t.Errorf("%s: %+v\n%s", profile, o, out)
		}
	}
}

func containers(t *testing.T, filter string) string {
	t.Helper()
	out, err := exec.Command("docker", "ps", "-aq", "--filter", filter).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", bytes.TrimSpace(p))
	return len(p), nil
}
