package packet_test

import (
	"bytes"
	"strings"
	"testing"

	"assay"
	"assay/storage"
	"assay/storage/blob"
	"assay/storage/storagetest"
	"assay/web/packet"
)

// TestHandle runs the real way: a loop in a database, files in a blob store, a job, and a packet that verifies.
func TestHandle(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		blobs, err := blob.NewDisk(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		l := storagetest.NewLoop(t, db)
		ana, ben := l.User("Annika", assay.RoleInterviewer), l.User("Bertram", assay.RoleInterviewer)
		in := l.Interview(ana, ben).Opened()
		code := "def softmax(x):\n    return x  # Casey Quill\n"
		key, err := blob.PutBytes(ctx, blobs, []byte(code))
		if err != nil {
			t.Fatal(err)
		}
		sub := in.New(assay.ModeSubmit)
		sub.Files = []assay.StoredFile{{Path: "solution.py", Key: key, Size: int64(len(code)), SHA256: key}}
		if err := db.CreateSubmission(ctx, in.Actor, &sub); err != nil {
			t.Fatal(err)
		}
		in.Scorecard(ana, assay.Yes, 3)
		builder := &packet.Builder{DB: db, Blobs: blobs, Key: signingKey(), Build: "test"}

		for _, level := range []assay.BlindLevel{assay.BlindNothing, assay.BlindCandidate, assay.BlindInterviewers, assay.BlindQuestions} {
			p, err := db.RequestPacket(ctx, l.Recruiter, l.Loop.ID, level)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // a job may be delivered twice
				if err := builder.Handle(ctx, assay.PacketJob{Packet: p.ID}); err != nil {
					t.Fatal(err)
				}
			}
			if p, err = db.Packet(ctx, storagetest.System, p.ID); err != nil || p.Status != assay.PacketReady {
				t.Fatalf("%+v, %v", p, err)
			}
			zip, err := blob.ReadAll(ctx, blobs, p.ZipKey, 64<<20)
			if err != nil {
				t.Fatal(err)
			}
			res := verified(t, zip, signingKey())
			if res.State != packet.Intact || res.Digest != p.Digest || res.ChainHead != p.ChainHead || res.Packet != string(p.ID) {
				t.Errorf("%s: %+v, row %+v", level, res, p)
			}
			page, err := blob.ReadAll(ctx, blobs, p.HTMLKey, 64<<20)
			if err != nil {
				t.Fatal(err)
			}
			if named := bytes.Contains(page, []byte("Casey")); named != (level == assay.BlindNothing) {
				t.Errorf("%s: the candidate is named: %v", level, named)
			}
			if !bytes.Contains(page, []byte("1 scorecard has not been handed in")) {
				t.Errorf("%s: the missing scorecard is not stated", level)
			}
			if bytes.Contains(zip, []byte("Reminds me of myself")) {
				t.Errorf("%s: a private note", level)
			}
		}
		if broken, err := db.VerifyAudit(ctx); broken != 0 || err != nil {
			t.Errorf("the log breaks at %d: %v", broken, err)
		}
	})
}

// TestHandleMissingFile: a packet that would not be whole fails with a sentence, and is not tried for ever.
func TestHandleMissingFile(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t)
	blobs, err := blob.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := storagetest.NewLoop(t, db)
	in := l.Interview(l.User("Annika", assay.RoleInterviewer)).Opened()
	in.Graded(assay.Accepted, 1) // its blob was never stored
	p, err := db.RequestPacket(t.Context(), l.Recruiter, l.Loop.ID, assay.BlindNothing)
	if err != nil {
		t.Fatal(err)
	}
	builder := &packet.Builder{DB: db, Blobs: blobs, Key: signingKey(), Build: "test"}
	if err := builder.Handle(t.Context(), assay.PacketJob{Packet: p.ID}); err != nil {
		t.Fatal(err)
	}
	if p, err = db.Packet(t.Context(), storagetest.System, p.ID); err != nil || p.Status != assay.PacketFailed || !strings.Contains(p.Failure, "solution.py") {
		t.Errorf("%+v, %v", p, err)
	}
	if p.ZipKey != "" {
		t.Error("a failed packet has a zip")
	}
}
