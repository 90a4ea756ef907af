package storage_test

import (
	"testing"

	"assay"
	"assay/storage"
	"assay/storage/storagetest"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		loop := storagetest.NewLoop(t, db)
		ada := loop.User("Ada", assay.RoleInterviewer)
		bob := loop.User("Bob", assay.RoleCommittee)
		loop.Committee(bob)
		i := loop.Interview(ada).Opened()
		sub := i.Graded(assay.Accepted, 1)
		t.Log(sub)
		i.Scorecard(ada, assay.Yes, 3)
		p := loop.Packet()
		loop.Vote(bob, p, assay.Hire)
		if seq, err := db.VerifyAudit(t.Context()); seq != 0 || err != nil {
			t.Fatal(seq, err)
		}
		t.Log(loop.Acts())
	})
}
