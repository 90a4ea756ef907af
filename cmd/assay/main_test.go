package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this test binary be the program: with ASSAY_TEST_RUN it runs the command line it was given. So tests can start
// the whole program in a process of its own, and kill it.
func TestMain(m *testing.M) {
	if os.Getenv("ASSAY_TEST_RUN") == "1" {
		main()
	}
	os.Exit(m.Run())
}

// program is Assay running in a process of its own.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	base string // http://127.0.0.1:PORT
	dir  string
	demo demo

	mu     sync.Mutex
	output bytes.Buffer
	ended  chan struct{}
}

// needDocker skips, or fails when the surroundings promise an engine.
func needDocker(t *testing.T) {
	t.Helper()
	if os.Getenv("ASSAY_TEST_DOCKER") != "1" {
		t.Skip("needs a Docker engine with the sandbox images: set ASSAY_TEST_DOCKER=1")
	}
}

// start runs “assay serve --demo” on a free port with its data in dir, and returns once it serves.
func start(t *testing.T, dir string, env ...string) *program {
	t.Helper()
	p := &program{t: t, dir: dir, ended: make(chan struct{})}
	p.cmd = exec.Command(os.Args[0], "serve", "--demo")
	p.cmd.Env = append(os.Environ(), append([]string{"ASSAY_TEST_RUN=1", "ASSAY_DATA=" + dir, "ASSAY_LISTEN=127.0.0.1:0"}, env...)...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = writerFunc(p.note)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serving := make(chan string, 1)
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			p.note([]byte(lines.Text() + "\n"))
			if base, ok := strings.CutPrefix(lines.Text(), "Assay is serving on "); ok {
				serving <- base
			}
		}
		p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("the program said:\n%s", p.said())
		}
	})
	select {
	case p.base = <-serving:
	case <-p.ended:
		t.Fatalf("the program ended before it served:\n%s", p.said())
	case <-time.After(2 * time.Minute):
		t.Fatalf("the program does not serve:\n%s", p.said())
	}
	b, err := os.ReadFile(filepath.Join(dir, "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &p.demo); err != nil {
		t.Fatal(err)
	}
	return p
}

// stop asks the program to end and waits for it.
func (p *program) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		p.t.Error("the program did not stop within a minute of SIGTERM")
		p.kill()
	}
}

// kill is kill -9.
func (p *program) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

func (p *program) note(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

func (p *program) get(path string) (int, string) {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := (&http.Client{Jar: jar}).Get(p.base + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// in runs a subcommand in this process, with its data in dir.
func in(dir string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), args, []string{"ASSAY_DATA=" + dir}, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestServesAndStops(t *testing.T) {
	t.Parallel()
	needDocker(t)
	dir := t.TempDir()
	p := start(t, dir)
	for _, path := range []string{"/login", p.demo.Candidate} {
		if code, body := p.get(path); code != http.StatusOK || !strings.Contains(body, "</html>") {
			t.Errorf("GET %s: %d\n%.300s", path, code, body)
		}
	}
	if code, body := p.get("/no-such-page"); code != http.StatusNotFound || !strings.Contains(body, "</html>") {
		t.Errorf("a missing page: %d\n%.300s", code, body)
	}
	for _, person := range p.demo.People {
		if !strings.Contains(p.said(), person.Password) {
			t.Errorf("the one-time password of %s was not printed", person.Email)
		}
	}
	p.stop()
	if p.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("exit code %d after SIGTERM", p.cmd.ProcessState.ExitCode())
	}

	again := start(t, dir)
	if again.demo.Candidate != p.demo.Candidate || !strings.Contains(again.said(), p.demo.Candidate) {
		t.Error("a second start does not print the same candidate link")
	}
}

func TestUserCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if code, out, errs := in(dir, "user", "add", "Eva@Example.org", "Eva Lund", "author", "admin"); code != 0 || !strings.Contains(out, "eva@example.org") {
		t.Fatalf("add: %d %s%s", code, out, errs)
	}
	if code, _, errs := in(dir, "user", "add", "eva@example.org", "Eva Again", "author"); code != 1 || errs == "" {
		t.Errorf("the same address twice: %d %s", code, errs)
	}
	if code, _, errs := in(dir, "user", "add", "x@example.org", "X", "wizard"); code != 1 || !strings.Contains(errs, "wizard") {
		t.Errorf("an unknown role: %d %s", code, errs)
	}
	if code, out, _ := in(dir, "user", "list"); code != 0 || !strings.Contains(out, "author,admin") {
		t.Errorf("list: %d %s", code, out)
	}
	if code, out, _ := in(dir, "user", "password", "eva@example.org"); code != 0 || !strings.Contains(out, "eva@example.org") {
		t.Errorf("password: %d %s", code, out)
	}
	if code, _, errs := in(dir, "user", "password", "nobody@example.org"); code != 1 || errs == "" {
		t.Errorf("password of nobody: %d %s", code, errs)
	}
	if code, out, _ := in(dir, "audit"); code != 0 || !strings.Contains(out, "whole") {
		t.Errorf("audit: %d %s", code, out)
	}
}

func TestDoctorFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	env := []string{"ASSAY_DATA=" + t.TempDir(), "ASSAY_DOCKER_HOST=unix:///no/such/engine.sock"}
	code := run(context.Background(), []string{"doctor"}, env, nil, &out, &errs)
	if code != 1 || !strings.Contains(out.String(), "BROKEN") || !strings.Contains(out.String(), "mend:") {
		t.Errorf("exit %d:\n%s%s", code, out.String(), errs.String())
	}
	for _, what := range []string{"database", "bank", "disk"} {
		if !strings.Contains(out.String(), what) {
			t.Errorf("the doctor did not look at the %s:\n%s", what, out.String())
		}
	}
}

func TestDoctorIsContent(t *testing.T) {
	t.Parallel()
	needDocker(t)
	code, out, errs := in(t.TempDir(), "doctor")
	if code != 0 || strings.Contains(out, "BROKEN") {
		t.Errorf("exit %d:\n%s%s", code, out, errs)
	}
}
