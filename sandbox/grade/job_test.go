package grade

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"assay"
	"assay/questions"
	"assay/sandbox"
	"assay/storage"
	"assay/storage/blob"
	"assay/storage/storagetest"
)

// stage is a database with an open interview on a question of the bank's own template, and a Grader over scripted containers.
type stage struct {
	t         *testing.T
	db        *storage.DB
	grader    *Grader
	interview assay.Interview
	item      assay.Item
	candidate assay.Actor
	nonce     int
	log       *bytes.Buffer
}

func newStage(t *testing.T, runner Runner, edit ...string) *stage {
	t.Helper()
	db := storagetest.Open(t)
	blobs, err := blob.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := questions.New(assay.KindImplement, "little", dir); err != nil {
		t.Fatal(err)
	}
	yaml := filepath.Join(dir, "little", "question.yaml")
	text, err := os.ReadFile(yaml)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(yaml, []byte(strings.NewReplacer(edit...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	sealed, findings, err := questions.Pack(os.DirFS(dir), "little")
	if err != nil || len(findings) > 0 {
		t.Fatal(err, findings)
	}
	p, err := questions.Unseal(sealed.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key, err := blob.PutBytes(t.Context(), blobs, sealed.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	loop := storagetest.NewLoop(t, db)
	now := db.Now()
	s := &stage{t: t, db: db, log: &bytes.Buffer{}}
	s.interview = assay.Interview{LoopID: loop.Loop.ID, KitID: loop.Kit.ID, WindowStart: now.Add(-time.Hour), WindowEnd: now.Add(24 * time.Hour)}
	items := []assay.Item{{Slug: "little", Revision: sealed.Revision, Seed: "s3cret", Minutes: 45, Title: "Little"}}
	revision := assay.QuestionRevision{Slug: "little", Revision: sealed.Revision, Public: p.Public, PackKey: key}
	if err := db.CreateInterview(t.Context(), loop.Recruiter, &s.interview, items, []assay.QuestionRevision{revision}); err != nil {
		t.Fatal(err)
	}
	s.item = items[0]
	s.candidate = assay.Actor{Candidate: loop.Candidate.ID, Interview: s.interview.ID, Roles: []assay.Role{assay.RoleCandidate}}
	if _, err := db.OpenInterview(t.Context(), s.candidate, s.interview.ID); err != nil {
		t.Fatal(err)
	}
	s.grader = &Grader{DB: db, Blobs: blobs, Runner: runner, Log: slog.New(slog.DiscardHandler), Worker: "w1", Build: "test"}
	return s
}

func (s *stage) submit(mode assay.Mode) (assay.Submission, assay.GradeJob) {
	s.t.Helper()
	s.nonce++
	const content = "def softmax(x):\n    return x\n"
	key, err := blob.PutBytes(s.t.Context(), s.grader.Blobs, []byte(content))
	if err != nil {
		s.t.Fatal(err)
	}
	sub := assay.Submission{ItemID: s.item.ID, Mode: mode, Nonce: strings.Repeat("n", s.nonce),
		Files: []assay.StoredFile{{Path: "solution.py", Key: key, Size: int64(len(content)), SHA256: key}}}
	if err := s.db.CreateSubmission(s.t.Context(), s.candidate, &sub); err != nil {
		s.t.Fatal(err)
	}
	return sub, storagetest.Job(sub)
}

func (s *stage) state(id assay.SubmissionID) (assay.Submission, assay.Attempt) {
	s.t.Helper()
	sub, err := s.db.Submission(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	attempt, err := s.db.Attempt(s.t.Context(), sub.AttemptID)
	if err != nil {
		s.t.Fatal(err)
	}
	return sub, attempt
}

// passAll is a judge that passes every check in its job.json without asking anything.
func passAll(t *testing.T, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) sandbox.Outcome {
	var job struct{ Checks []struct{ ID string } }
	for _, f := range spec.Files {
		if f.Path == "job.json" {
			if err := json.Unmarshal(f.Data, &job); err != nil {
				t.Error(err)
			}
		}
	}
	var checks []sandbox.Value
	for _, c := range job.Checks {
		checks = append(checks, check(c.ID, assay.CheckPass))
	}
	send(wire, report(checks...))
	return sandbox.Outcome{}
}

func passing(t *testing.T) *fake {
	return &fake{t: t, judge: passAll, candidate: worker(doubles, sandbox.Outcome{})}
}

func TestHandleGrades(t *testing.T) {
	t.Parallel()
	f := passing(t)
	s := newStage(t, f)
	sub, job := s.submit(assay.ModeSubmit)
	if err := s.grader.Handle(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	got, attempt := s.state(sub.ID)
	if got.Status != assay.StatusDone || got.Verdict != assay.Accepted || got.Score != 1 {
		t.Errorf("%s %s %v", got.Status, got.Verdict, got.Score)
	}
	if r := attempt.Report; r == nil || r.Revision != s.item.Revision || r.Seed != "s3cret" || r.Grader.Engine != "test" || len(r.Checks) == 0 {
		t.Errorf("report %+v", attempt.Report)
	}
	if attempt.PublicLog != "imported\n" {
		t.Errorf("public log %q", attempt.PublicLog)
	}
	events, err := s.db.Events(t.Context(), attempt.ID, 0, 100)
	if err != nil || len(events) == 0 {
		t.Errorf("%d events, %v", len(events), err)
	}
	if name := f.spec("candidate").Name; name != string(job.Attempt)+"-1-candidate" {
		t.Errorf("the container's name %q does not carry attempt and epoch", name)
	}
}

func TestHandleRunsPublicChecks(t *testing.T) {
	t.Parallel()
	s := newStage(t, &fake{t: t, candidate: func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, st sandbox.Streams) (sandbox.Outcome, error) {
		st.Stdout.Write([]byte("check mine fail not yet\n"))
		return sandbox.Outcome{Exit: 1}, nil
	}})
	sub, job := s.submit(assay.ModeRun)
	if err := s.grader.Handle(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	got, attempt := s.state(sub.ID)
	if got.Status != assay.StatusDone || got.Verdict != "" || got.Score != 0 || len(attempt.Report.Checks) != 1 {
		t.Errorf("%+v %+v", got, attempt.Report)
	}
}

func TestHandleDropsGhosts(t *testing.T) {
	t.Parallel()
	f := passing(t)
	s := newStage(t, f)
	_, job := s.submit(assay.ModeSubmit)
	for range 3 { // the queue may deliver a job again and again
		if err := s.grader.Handle(t.Context(), job); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.specs) != 2 {
		t.Errorf("%d containers for one grading", len(f.specs))
	}
	job.Attempt = assay.NewAttemptID()
	if err := s.grader.Handle(t.Context(), job); err != nil {
		t.Errorf("a job for nothing: %v", err)
	}
}

func TestHandleRetriesOurFaultsAndThenSaysSo(t *testing.T) {
	t.Parallel()
	f := &fake{t: t, judge: passAll, candidate: func(*testing.T, context.Context, net.Conn, sandbox.Spec, sandbox.Streams) (sandbox.Outcome, error) {
		return sandbox.Outcome{}, &sandbox.EngineError{Kind: sandbox.EngineImage, Message: "the image is gone"}
	}}
	s := newStage(t, f)
	sub, job := s.submit(assay.ModeSubmit)
	for n := 1; n <= 5; n++ {
		if err := s.grader.Handle(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		got, attempt := s.state(sub.ID)
		if attempt.Failures != n || !strings.Contains(attempt.LastFailure, "the image is gone") {
			t.Fatalf("after failure %d: %+v", n, attempt)
		}
		if n < 5 && (got.Status != assay.StatusQueued || got.Verdict != "") {
			t.Fatalf("after failure %d the submission is %s %s", n, got.Status, got.Verdict)
		}
		if n == 5 && (got.Status != assay.StatusDone || got.Verdict != assay.JudgeError) {
			t.Fatalf("at last it is %s %s", got.Status, got.Verdict)
		}
		job.Epoch++
	}
}

func TestHandleTellsTheHarnessesTrace(t *testing.T) {
	t.Parallel()
	f := passing(t)
	f.judge = func(t *testing.T, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) sandbox.Outcome {
		send(wire, dict("fault", "ZeroDivisionError in grade.py"))
		return sandbox.Outcome{Exit: 1}
	}
	s := newStage(t, f)
	sub, job := s.submit(assay.ModeSubmit)
	if err := s.grader.Handle(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	got, attempt := s.state(sub.ID)
	if got.Status != assay.StatusQueued || !strings.Contains(attempt.LastFailure, "ZeroDivisionError") || strings.Contains(attempt.PublicLog, "Zero") {
		t.Errorf("%s, %q, %q", got.Status, attempt.LastFailure, attempt.PublicLog)
	}
}

// blocked is a candidate's container that runs until it is stopped, and says when it started.
func blocked(started chan<- struct{}) func(*testing.T, context.Context, net.Conn, sandbox.Spec, sandbox.Streams) (sandbox.Outcome, error) {
	return func(t *testing.T, ctx context.Context, wire net.Conn, spec sandbox.Spec, s sandbox.Streams) (sandbox.Outcome, error) {
		started <- struct{}{}
		<-ctx.Done()
		return sandbox.Outcome{Signal: 9, Exit: 137}, ctx.Err()
	}
}

func TestHandleGivesBackAtShutdown(t *testing.T) {
	t.Parallel()
	started := make(chan struct{}, 1)
	s := newStage(t, &fake{t: t, judge: passAll, candidate: blocked(started)})
	sub, job := s.submit(assay.ModeSubmit)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.grader.Handle(ctx, job) }()
	<-started
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	got, attempt := s.state(sub.ID)
	if got.Status != assay.StatusQueued || attempt.Epoch != 2 || attempt.Failures != 0 || got.Waiting == "" {
		t.Errorf("%+v %+v", got, attempt)
	}
	job.Epoch = 2
	s.grader.Runner = passing(t)
	if err := s.grader.Handle(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.state(sub.ID); got.Verdict != assay.Accepted {
		t.Errorf("the next worker got %s", got.Verdict)
	}
}

func TestHandleStopsWhenTheAttemptIsLost(t *testing.T) {
	t.Parallel()
	started := make(chan struct{}, 1)
	s := newStage(t, &fake{t: t, judge: passAll, candidate: blocked(started)})
	s.grader.Lease = 200 * time.Millisecond
	sub, job := s.submit(assay.ModeSubmit)
	done := make(chan error)
	go func() { done <- s.grader.Handle(t.Context(), job) }()
	<-started
	if err := s.db.CancelSubmission(t.Context(), storagetest.System, sub.ID); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil { // the heartbeat notices
		t.Fatal(err)
	}
	if got, attempt := s.state(sub.ID); got.Status != assay.StatusCancelled || got.Verdict != "" || attempt.Report != nil || attempt.Failures != 0 {
		t.Errorf("%+v %+v", got, attempt)
	}
}

func TestHandleParksWhatNeedsAGPU(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	f := passing(t)
	s := newStage(t, f, "environment: {image: numpy", "environment: {gpu: required, image: numpy")
	sub, job := s.submit(assay.ModeSubmit)
	if err := s.grader.Handle(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	got, attempt := s.state(sub.ID)
	if got.Status != assay.StatusQueued || got.Waiting != "needs a GPU worker" || attempt.Failures != 0 || len(f.specs) != 0 {
		t.Errorf("%+v %+v", got, attempt)
	}
	// A worker that thought it had one parks it as well.
	s.grader.GPU = true
	f.candidate = func(_ *testing.T, _ context.Context, _ net.Conn, spec sandbox.Spec, _ sandbox.Streams) (sandbox.Outcome, error) {
		runs.Add(1)
		if spec.GPU == "" {
			t.Error("no GPU was asked for")
		}
		return sandbox.Outcome{}, &sandbox.EngineError{Kind: sandbox.EngineGPU, Message: "none here"}
	}
	job.Epoch = attempt.Epoch
	if err := s.grader.Handle(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if got, attempt = s.state(sub.ID); got.Status != assay.StatusQueued || attempt.Failures != 0 || runs.Load() == 0 {
		t.Errorf("%+v %+v after %d runs", got, attempt, runs.Load())
	}
}

func TestHandleRefusesAPackOfAnotherRevision(t *testing.T) {
	t.Parallel()
	s := newStage(t, passing(t))
	_, err := s.grader.pack(t.Context(), "little", strings.Repeat("0", 64))
	if err == nil {
		t.Error("a revision that was never pinned was graded")
	}
	p, err := s.grader.pack(t.Context(), "little", s.item.Revision)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := s.grader.pack(t.Context(), "little", s.item.Revision); again != p {
		t.Error("the pack was opened twice")
	}
	if errors.Is(ours(&sandbox.EngineError{Kind: sandbox.EngineImage}), errNeedsGPU) {
		t.Error("a missing image is no missing GPU")
	}
}
