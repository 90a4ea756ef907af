package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay"
	"assay/questions"
	"assay/storage"
	"assay/storage/blob"
	"assay/web/auth"
)

// TestKilledInTheMiddleOfGrading is the promise that an accepted submission gets exactly one final verdict, whatever is killed:
// the server is killed with SIGKILL while it grades, and started again.
func TestKilledInTheMiddleOfGrading(t *testing.T) {
	t.Parallel()
	needDocker(t)
	dir := t.TempDir()
	p := start(t, dir)

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	db, sub := submitReference(t, ctx, dir, p.demo, assay.KindTrain)

	for row, err := range db.Watch(ctx, sub.ID) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Status == assay.StatusRunning {
			break
		}
		if row.Status.Final() {
			t.Fatalf("it was graded before it could be killed: %s", row.Verdict)
		}
	}
	p.kill()
	start(t, dir)

	final := sub
	for row, err := range db.Watch(ctx, sub.ID) {
		if err != nil {
			t.Fatal(err)
		}
		final = row
	}
	if final.Status != assay.StatusDone || final.Verdict != assay.Accepted {
		t.Errorf("ended as %s %s, want done AC", final.Status, final.Verdict)
	}
	attempt, err := db.Attempt(ctx, final.AttemptID)
	if err != nil {
		t.Fatal(err)
	}
	if attempt.Epoch < 2 || attempt.Report == nil {
		t.Errorf("the attempt was not taken over: epoch %d, report %v", attempt.Epoch, attempt.Report)
	}
	finished := 0
	interview, err := db.Interview(ctx, sub.InterviewID)
	if err != nil {
		t.Fatal(err)
	}
	events, err := db.Audit(ctx, interview.LoopID)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Object == string(sub.AttemptID) || e.Object == string(sub.ID) {
			if strings.Contains(e.Act, "graded") || strings.Contains(e.Act, "finished") {
				finished++
			}
		}
	}
	if finished != 1 {
		t.Errorf("%d verdicts in the audit log, want exactly 1: %v", finished, events)
	}
	if broken, err := db.VerifyAudit(ctx); err != nil || broken != 0 {
		t.Errorf("audit chain: broken at %d, %v", broken, err)
	}
}

// submitReference opens the demo's interview and hands in the first accepted solution of its question of that kind, writing to
// the database as the pages of another web process would.
func submitReference(t *testing.T, ctx context.Context, dir string, d demo, kind assay.Kind) (*storage.DB, assay.Submission) {
	t.Helper()
	db, err := storage.Open(ctx, storage.Config{URL: "sqlite:" + filepath.Join(dir, "assay.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	blobs, err := blob.NewDisk(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	bank, err := questions.Open(questions.Shipped())
	if err != nil {
		t.Fatal(err)
	}
	invitation, err := db.InvitationByToken(ctx, auth.HashToken(strings.TrimPrefix(d.Candidate, "/i/")))
	if err != nil {
		t.Fatal(err)
	}
	interview, err := db.Interview(ctx, invitation.InterviewID)
	if err != nil {
		t.Fatal(err)
	}
	candidate := assay.Actor{Candidate: interview.CandidateID, Interview: interview.ID}
	if interview.Status == assay.InterviewScheduled {
		if _, err := db.OpenInterview(ctx, candidate, interview.ID); err != nil {
			t.Fatal(err)
		}
	}
	items, err := db.Items(ctx, interview.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		q, err := bank.Question(item.Slug)
		if err != nil {
			t.Fatal(err)
		}
		if q.Kind != kind {
			continue
		}
		sub := assay.Submission{ID: assay.NewSubmissionID(), InterviewID: interview.ID, ItemID: item.ID, CandidateID: interview.CandidateID,
			Mode: assay.ModeSubmit, Status: assay.StatusQueued, Nonce: "crash-test"}
		for _, f := range acceptedFiles(t, bank, item.Slug) {
			key, err := blob.PutBytes(ctx, blobs, []byte(f.Content))
			if err != nil {
				t.Fatal(err)
			}
			sub.Files = append(sub.Files, assay.StoredFile{Path: f.Path, Key: key, Size: int64(len(f.Content)), SHA256: key})
		}
		if err := db.CreateSubmission(ctx, candidate, &sub); err != nil {
			t.Fatal(err)
		}
		return db, sub
	}
	t.Fatalf("the demo has no question of kind %s", kind)
	return nil, assay.Submission{}
}

// acceptedFiles are the files of a question's first accepted solution.
func acceptedFiles(t *testing.T, bank *questions.Bank, slug string) []assay.File {
	t.Helper()
	staff, err := bank.Staff(slug)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range staff.Solutions {
		if s.Verdict == assay.Accepted {
			return s.Files
		}
	}
	t.Fatalf("%s has no accepted solution", slug)
	return nil
}
