package sandboxtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay"
	"assay/sandbox"
)

// Runner is what sandbox/grade asks for, and what Conformance tests.
type Runner interface {
	Run(context.Context, sandbox.Spec, sandbox.Streams) (sandbox.Outcome, error)
}

// Conformance tests what a caller may rely on in any runner. Each case is a real Python program for a runner that has one, beside the
// Script that tells a Fake what this program does.
func Conformance(t *testing.T, runner Runner) {
	t.Run("exit code and output", func(t *testing.T) {
		t.Parallel()
		var out, err bytes.Buffer
		o := mustRun(t, runner, program("import sys; print('hello'); print('oh', file=sys.stderr); sys.exit(3)",
			Script{Stdout: "hello\n", Stderr: "oh\n", Exit: 3}), sandbox.Streams{Stdout: &out, Stderr: &err})
		if o.Exit != 3 || o.Signal != 0 || o.Killed() || o.OOM || o.OK() {
			t.Errorf("outcome: %+v", o)
		}
		if out.String() != "hello\n" || err.String() != "oh\n" {
			t.Errorf("stdout %q, stderr %q", &out, &err)
		}
		if o.Wall <= 0 || o.Container == "" || o.Image == "" {
			t.Errorf("not measured or not named: %+v", o)
		}
	})
	t.Run("one writer keeps the order", func(t *testing.T) {
		t.Parallel()
		var both bytes.Buffer
		mustRun(t, runner, program("import sys; print('a', flush=True); print('b', file=sys.stderr, flush=True)",
			Script{Stdout: "a\n", Stderr: "b\n"}), sandbox.Streams{Stdout: &both, Stderr: &both})
		if both.String() != "a\nb\n" {
			t.Errorf("got %q", &both)
		}
	})
	t.Run("signal", func(t *testing.T) {
		t.Parallel()
		o := mustRun(t, runner, program("import os; os.kill(os.getpid(), 11)", Script{Signal: 11}), sandbox.Streams{})
		if o.Signal != 11 || o.Exit != 139 || o.Killed() {
			t.Errorf("outcome: %+v", o)
		}
	})
	t.Run("a program that is not there", func(t *testing.T) {
		t.Parallel()
		var said bytes.Buffer
		s := program("", Script{Missing: true})
		s.Argv = []string{"no-such-program"}
		o := mustRun(t, runner, s, sandbox.Streams{Stderr: &said})
		if o.Exit != 127 || !strings.Contains(said.String(), "no-such-program") {
			t.Errorf("outcome %+v, said %q", o, &said)
		}
	})
	t.Run("wall clock", func(t *testing.T) {
		t.Parallel()
		s := program("import time; time.sleep(1000)", Script{Hang: true})
		s.Wall = 300 * time.Millisecond
		if o := mustRun(t, runner, s, sandbox.Streams{}); !o.TimedOut || o.Wall < s.Wall || o.OK() {
			t.Errorf("outcome: %+v", o)
		}
	})
	t.Run("cpu time", func(t *testing.T) {
		t.Parallel()
		s := program("while True: pass", Script{Burn: true})
		s.CPU = 200 * time.Millisecond
		if o := mustRun(t, runner, s, sandbox.Streams{}); !o.CPUExceeded || o.TimedOut || o.CPU < s.CPU {
			t.Errorf("outcome: %+v", o)
		}
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		s := program("b = []\nwhile True: b.append(bytearray(8 << 20))", Script{OOM: true, Signal: 9})
		s.Limits.Memory = 96 << 20
		if o := mustRun(t, runner, s, sandbox.Streams{}); !o.OOM || o.OK() || o.Killed() {
			t.Errorf("outcome: %+v", o)
		}
	})
	t.Run("output limit", func(t *testing.T) {
		t.Parallel()
		line := strings.Repeat("x", 999) + "\n"
		var out bytes.Buffer
		s := program("while True: print('x' * 999)", Script{Stdout: line, Repeat: 1000})
		s.Limits.Output = 100_000
		o := mustRun(t, runner, s, sandbox.Streams{Stdout: &out})
		if !o.OutputExceeded || !o.Truncated || out.Len() != 100_000 {
			t.Errorf("outcome %+v with %d bytes", o, out.Len())
		}
	})
	t.Run("files in and out", func(t *testing.T) {
		t.Parallel()
		s := program("import os\nos.makedirs('out/deep')\nopen('out/deep/b', 'w').write(open('in/a').read())\nopen('out/.hidden', 'w')\nopen('other', 'w')",
			Script{Left: []sandbox.File{{Path: "out/deep/b", Data: []byte("payload"), Mode: 0o644}, {Path: "out/.hidden"}, {Path: "other"}}})
		s.Files = []sandbox.File{{Path: "in/a", Data: []byte("payload")}, {Path: "in/empty"}}
		s.Collect = []string{"out"}
		o := mustRun(t, runner, s, sandbox.Streams{})
		want := []sandbox.File{{Path: "out/deep/b", Data: []byte("payload"), Mode: 0o644}}
		if diff := cmp.Diff(want, o.Files); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
		if len(o.Skipped) != 1 {
			t.Errorf("skipped: %q", o.Skipped)
		}
	})
	t.Run("wire", func(t *testing.T) {
		t.Parallel()
		wireCase(t, runner)
	})
	t.Run("port", func(t *testing.T) {
		t.Parallel()
		portCase(t, runner)
	})
	t.Run("upstream", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		s := program("import os, socket\ns = socket.socket(socket.AF_UNIX); s.connect(os.environ['ASSAY_UPSTREAM']); s.sendall(b'ping'); print(s.recv(4).decode(), end='')",
			Script{Ask: true})
		mustRun(t, runner, s, sandbox.Streams{Stdout: &out, Stderr: &out, Upstream: echo})
		if out.String() != "ping" {
			t.Errorf("got %q", &out)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		t.Parallel()
		near, far := wirePair(t)
		ctx, cancel := context.WithCancel(t.Context())
		out := &onFirst{do: cancel}
		_, err := runner.Run(ctx, program("import time; print('up'); time.sleep(1000)", Script{Stdout: "up\n", Hang: true}),
			sandbox.Streams{Stdout: out, Wire: far})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if n, err := near.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Error("the wire is still open")
		}
	})
	t.Run("wrong spec", func(t *testing.T) {
		t.Parallel()
		for name, change := range map[string]func(*sandbox.Spec){
			"no name":     func(s *sandbox.Spec) { s.Name = "" },
			"odd name":    func(s *sandbox.Spec) { s.Name = "a b/c" },
			"no program":  func(s *sandbox.Spec) { s.Argv = nil },
			"profile":     func(s *sandbox.Spec) { s.Profile = "windows" },
			"file leaves": func(s *sandbox.Spec) { s.Files = []sandbox.File{{Path: "../x"}} },
			"file twice":  func(s *sandbox.Spec) { s.Files = []sandbox.File{{Path: "x"}, {Path: "x"}} },
			"too large": func(s *sandbox.Spec) {
				s.Limits.Disk = 10
				s.Files = []sandbox.File{{Path: "x", Data: make([]byte, 11)}}
			},
			"collect leaves": func(s *sandbox.Spec) { s.Collect = []string{"../etc"} },
		} {
			s := program("pass", Script{})
			change(&s)
			near, far := wirePair(t)
			_, err := runner.Run(t.Context(), s, sandbox.Streams{Wire: far})
			if e := (*sandbox.EngineError)(nil); !errors.As(err, &e) || e.Kind != sandbox.EngineInternal {
				t.Errorf("%s: %v", name, err)
			}
			if n, err := near.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Errorf("%s: the wire is still open", name)
			}
		}
	})
	t.Run("a name again", func(t *testing.T) {
		t.Parallel()
		s := program("pass", Script{})
		for range 2 {
			mustRun(t, runner, s, sandbox.Streams{})
		}
	})
}

func wireCase(t *testing.T, runner Runner) {
	near, far := wirePair(t)
	s := program("import os, socket\ns = socket.socket(fileno=int(os.environ['ASSAY_WIRE']))\nwhile b := s.recv(65536): s.sendall(b)", Script{Echo: true})
	sent := sandbox.Dict{{Key: "nan", Value: math.Inf(-1)}, {Key: "array", Value: &sandbox.Array{DType: "<f8", Shape: []int64{2, 0}, Data: []byte{}}},
		{Key: "bytes", Value: bytes.Repeat([]byte{7}, 300_000)}, {Key: "list", Value: sandbox.List{int64(1), "é", nil, true, 0.5}}}
	got := make(chan error, 1)
	go func() {
		defer near.Close()
		go sandbox.WriteMessage(near, sent, sandbox.WireLimits{})
		v, err := sandbox.ReadMessage(near, sandbox.WireLimits{})
		if diff := cmp.Diff(any(sent), v); err == nil && diff != "" {
			err = fmt.Errorf("came back changed: %s", diff)
		}
		got <- err
	}()
	o := mustRun(t, runner, s, sandbox.Streams{Wire: far, Stderr: testLog{t}})
	if err := <-got; err != nil || !o.OK() {
		t.Errorf("echo: %v, outcome %+v", err, o)
	}
}

func portCase(t *testing.T, runner Runner) {
	const server = `
import socket, threading
def serve(c):
    while b := c.recv(65536): c.sendall(b)
    c.close()
l = socket.create_server(("127.0.0.1", 8000))
while True: threading.Thread(target=serve, args=(l.accept()[0],), daemon=True).start()
`
	s := program(server, Script{Listen: true})
	s.Port = 8000
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ready atomic.Int32
	failed := make(chan error, 1)
	_, err := runner.Run(ctx, s, sandbox.Streams{Stderr: testLog{t}, Ready: func(dial sandbox.Dial) {
		ready.Add(1)
		failed <- talk(ctx, dial)
		cancel()
	}})
	if !errors.Is(err, context.Canceled) || ready.Load() != 1 {
		t.Fatalf("error %v, ready %d times", err, ready.Load())
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

func talk(ctx context.Context, dial sandbox.Dial) error {
	var conns []net.Conn
	for range 3 {
		conn, err := dial(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	for i, conn := range conns {
		text := fmt.Sprintf("connection %d", i)
		go io.WriteString(conn, text)
		back := make([]byte, len(text))
		if _, err := io.ReadFull(conn, back); err != nil || string(back) != text {
			return fmt.Errorf("sent %q, got %q, %v", text, back, err)
		}
	}
	return nil
}

var count atomic.Int64

// program is a Spec for a little Python program, and for the Script that a Fake plays in its place.
func program(code string, script Script) sandbox.Spec {
	return sandbox.Spec{
		Name: fmt.Sprintf("test-%d-%d", os.Getpid(), count.Add(1)), Role: sandbox.RoleCandidate, Profile: sandbox.ProfileBare,
		Argv: []string{"python3", "-c", code}, Env: []string{script.Env()}, Wall: 60 * time.Second,
		Limits: assay.Limits{Memory: 128 << 20},
	}
}

func mustRun(t *testing.T, runner Runner, s sandbox.Spec, st sandbox.Streams) sandbox.Outcome {
	t.Helper()
	o, err := runner.Run(t.Context(), s, st)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func wirePair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	near, far, err := sandbox.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	return near, far
}

type onFirst struct{ do func() }

func (w *onFirst) Write(p []byte) (int, error) {
	w.do()
	return len(p), nil
}

type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", p)
	return len(p), nil
}
