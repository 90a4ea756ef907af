package storage_test

import (
	"database/sql"
	"strings"
	"sync"
	"testing"

	"assay"
	"assay/storage"
	"assay/storage/storagetest"
)

// thaw takes the triggers away, as someone with the database's password could.
func thaw(t *testing.T, url string, db *sql.DB) {
	t.Helper()
	if onSQLite(url) {
		exec1(t, db, "DROP TRIGGER audit_events_no_update")
		exec1(t, db, "DROP TRIGGER audit_events_no_delete")
		return
	}
	exec1(t, db, "DROP TRIGGER audit_events_frozen ON audit_events")
}

func TestAuditChain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, tamper string
		broken       int64
	}{
		{"untouched", "", 0},
		{"an actor", "UPDATE audit_events SET actor = 'usr_x' WHERE seq = 4", 4},
		{"a detail", "UPDATE audit_events SET details = '{\"reason\":\"other\"}' WHERE seq = 5", 5},
		{"a time", "UPDATE audit_events SET at = '2026-01-01 00:00:00+00:00' WHERE seq = 2", 2},
		{"a hash", "UPDATE audit_events SET hash = 'x' WHERE seq = 3", 3},
		{"a line gone", "DELETE FROM audit_events WHERE seq = 6", 6},
		{"the first gone", "DELETE FROM audit_events WHERE seq = 1", 1},
		{"two swapped", "UPDATE audit_events SET seq = CASE seq WHEN 3 THEN 1000 ELSE 3 END WHERE seq IN (3, 4)", 3},
		{"cut off before a packet", "DELETE FROM audit_events WHERE seq >= 7", 7},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			storagetest.EachURL(t, func(t *testing.T, url string) {
				db := storagetest.Connect(t, url, nil)
				loop := storagetest.NewLoop(t, db)
				ok(t, db.Note(t.Context(), loop.Recruiter, "page.seen", "x", loop.Loop.ID, map[string]string{"reason": "<ü> & \"quotes\" \u2028"}))
				ok(t, db.Note(t.Context(), assay.Actor{}, "page.seen", "a\x00b", "", nil))
				loop.Packet()
				if tc.tamper != "" {
					behind := raw(t, url)
					thaw(t, url, behind)
					exec1(t, behind, tc.tamper)
				}
				if got, err := db.VerifyAudit(t.Context()); err != nil || got != tc.broken {
					t.Errorf("broken at %d, want %d (%v)", got, tc.broken, err)
				}
			})
		})
	}
}

// TestAuditChainHasOneHead writes through several connections at once, as several processes would.
// TestSittingsCannotBeGuessed: extending the time twice by the same minutes leaves two lines whose details differ, so that nobody finds
// out what a withheld line says by hashing guesses.
func TestSittingsCannotBeGuessed(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t)
	loop := storagetest.NewLoop(t, db)
	for range 2 {
		ok(t, db.Note(t.Context(), loop.Recruiter, "interview.time_credited", "int_x", loop.Loop.ID, map[string]string{"minutes": "15"}))
		ok(t, db.Note(t.Context(), loop.Recruiter, "loop.seen", "x", loop.Loop.ID, nil))
	}
	lines, err := db.Audit(t.Context(), loop.Loop.ID)
	ok(t, err)
	salts := map[string]int{}
	for _, l := range lines {
		switch salt := l.Details["salt"]; l.Act {
		case "interview.time_credited":
			salts[salt]++
		case "loop.seen":
			if salt != "" {
				t.Error("a line that packets show has a salt")
			}
		}
	}
	if len(salts) != 2 || salts[""] != 0 {
		t.Errorf("salts: %v", salts)
	}
}

func TestAuditChainHasOneHead(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		dbs := []*storage.DB{storagetest.Connect(t, url, nil), storagetest.Connect(t, url, nil), storagetest.Connect(t, url, nil)}
		var wg sync.WaitGroup
		for n := range 12 {
			wg.Go(func() {
				for range 10 {
					if err := dbs[n%len(dbs)].Note(t.Context(), system, "test", "x", "", nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		lines, err := dbs[0].Audit(t.Context(), "")
		ok(t, err)
		if got, err := dbs[0].VerifyAudit(t.Context()); len(lines) != 120 || got != 0 || err != nil {
			t.Errorf("%d lines, broken at %d (%v)", len(lines), got, err)
		}
	})
}

// TestFrozen tries to rewrite history with plain SQL.
func TestFrozen(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		db := storagetest.Connect(t, url, nil)
		loop := storagetest.NewLoop(t, db)
		ada, carla := loop.User("Ada", assay.RoleInterviewer), loop.User("Carla", assay.RoleCommittee)
		loop.Committee(carla)
		i := loop.Interview(ada).Opened()
		i.Graded(assay.WrongAnswer, 0)
		ok(t, db.CreditTime(t.Context(), system, i.Interview.ID, 1e9, "queue"))
		card := i.Scorecard(ada, assay.Yes, 3)
		ok(t, db.AmendScorecard(t.Context(), ada, card.ID, assay.Amendment{Reason: "x"}))
		p := loop.Packet()
		loop.Vote(carla, p, assay.Hire)
		ok(t, db.RecordDecision(t.Context(), carla, &assay.Decision{LoopID: loop.Loop.ID, PacketID: p.ID, Outcome: assay.NoHire, Rationale: "x"}))
		behind := raw(t, url)
		queries := []string{
			"UPDATE audit_events SET actor = 'x'", "DELETE FROM audit_events", "UPDATE scorecards SET overall = 'strong_yes'", "DELETE FROM scorecards",
			"UPDATE amendments SET reason = 'y'", "DELETE FROM amendments", "UPDATE votes SET outcome = 'no_hire'", "DELETE FROM votes",
			"UPDATE decisions SET outcome = 'hire'", "DELETE FROM decisions", "UPDATE attempts SET verdict = 'AC'", "DELETE FROM attempts",
			"UPDATE credits SET amount_ns = 0", "DELETE FROM credits",
		}
		if !onSQLite(url) {
			queries = append(queries, "TRUNCATE audit_events", "TRUNCATE votes", "TRUNCATE decisions", "TRUNCATE amendments", "TRUNCATE scorecards CASCADE", "TRUNCATE attempts CASCADE")
		}
		for _, q := range queries {
			if _, err := behind.Exec(q); err == nil || !strings.Contains(err.Error(), "append-only") && !strings.Contains(err.Error(), "never change") {
				t.Errorf("%s: %v", q, err)
			}
		}
	})
}
