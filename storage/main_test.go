package storage_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay"
	"assay/storage"
	"assay/storage/queue"
	"assay/storage/storagetest"
)

// TestMain lets the test binary also be a worker process, which tests start, feed and kill.
func TestMain(m *testing.M) {
	if url := os.Getenv("STORAGE_TEST_WORKER_URL"); url != "" {
		os.Exit(workerProcess(url, os.Getenv("STORAGE_TEST_WORKER_DOES")))
	}
	os.Exit(m.Run())
}

// workerProcess works until SIGTERM, or until it is killed. It prints what it does, one line each.
func workerProcess(url, does string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	db, err := storage.Open(ctx, storage.Config{URL: url})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	defer db.Close()
	grade := func(ctx context.Context, job assay.GradeJob) error {
		if _, _, err := db.StartAttempt(ctx, job, fmt.Sprint("process-", os.Getpid()), 1500*time.Millisecond); err != nil {
			return err
		}
		fmt.Println("started", job.Attempt)
		if does == "hang" {
			select {}
		}
		return db.FinishAttempt(ctx, job, storage.Finished{Verdict: assay.Accepted, Score: 1})
	}
	fmt.Println("ready")
	if err := db.Work(ctx, queue.Handlers{Grade: grade}, 2); err != nil {
		fmt.Println("error", err)
		return 1
	}
	return 0
}

type process struct {
	*exec.Cmd
	lines *bufio.Scanner
}

func startWorker(t *testing.T, url, does string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STORAGE_TEST_WORKER_URL="+url, "STORAGE_TEST_WORKER_DOES="+does)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	p := &process{cmd, bufio.NewScanner(out)}
	p.until(t, "ready")
	return p
}

// until reads the process's output up to a line that begins like this.
func (p *process) until(t *testing.T, prefix string) {
	t.Helper()
	for p.lines.Scan() {
		if strings.HasPrefix(p.lines.Text(), prefix) {
			return
		}
		t.Log(p.lines.Text())
	}
	t.Fatalf("the process ended before %q", prefix)
}

// stop ends the process in good order and fails the test if it complained.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for p.lines.Scan() {
		if strings.HasPrefix(p.lines.Text(), "error") {
			t.Error(p.lines.Text())
		}
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// work runs h in this process until the test ends.
func work(t *testing.T, db *storage.DB, h queue.Handlers, n int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- db.Work(ctx, h, n) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// accept grades everything as accepted.
func accept(db *storage.DB) queue.Handlers {
	return queue.Handlers{Grade: func(ctx context.Context, job assay.GradeJob) error {
		if _, _, err := db.StartAttempt(ctx, job, "test", time.Minute); err != nil {
			return err
		}
		return db.FinishAttempt(ctx, job, storage.Finished{Verdict: assay.Accepted, Score: 1})
	}}
}

// final waits for a submission's last row.
func final(t *testing.T, db *storage.DB, id assay.SubmissionID) assay.Submission {
	t.Helper()
	var last assay.Submission
	for sub, err := range db.Watch(t.Context(), id) {
		if err != nil {
			t.Fatal(err)
		}
		last = sub
	}
	return last
}

// raw opens the database behind the product's back.
func raw(t *testing.T, url string) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", url
	if file, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, dsn = "sqlite3", "file:"+file+"?_busy_timeout=10000&_txlock=immediate"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func onSQLite(url string) bool { return strings.HasPrefix(url, "sqlite:") }

func exec1(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func scalar[T any](t *testing.T, db *sql.DB, query string, args ...any) (v T) {
	t.Helper()
	if err := db.QueryRow(query, args...).Scan(&v); err != nil && err != io.EOF {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func wantCode(t *testing.T, what string, err error, want assay.Code) {
	t.Helper()
	if got := assay.ErrorCode(err); got != want {
		t.Errorf("%s: code %q, want %q (%v)", what, got, want, err)
	}
	if want != "" && want != assay.Internal && !strings.HasSuffix(assay.ErrorMessage(err), ".") {
		t.Errorf("%s: %q is not a sentence", what, assay.ErrorMessage(err))
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var system = storagetest.System
