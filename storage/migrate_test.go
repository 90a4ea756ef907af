package storage_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"

	"assay"
	"assay/storage"
	"assay/storage/storagetest"
)

// empty runs f with the URL of a database without tables, on both engines.
func empty(t *testing.T, f func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, "sqlite:"+filepath.Join(t.TempDir(), "new.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, storagetest.EmptyPostgres(t))
	})
}

func TestMigrateFromEmptyAndAgain(t *testing.T) {
	t.Parallel()
	empty(t, func(t *testing.T, url string) {
		db := storagetest.Connect(t, url, nil)
		for range 3 {
			ok(t, db.Migrate(t.Context()))
		}
		storagetest.NewLoop(t, db)
	})
}

func TestFourProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	empty(t, func(t *testing.T, url string) {
		var wg sync.WaitGroup
		for range 4 {
			db := storagetest.Connect(t, url, nil)
			wg.Go(func() {
				if err := db.Migrate(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := scalar[int](t, raw(t, url), "SELECT COUNT(*) FROM goose_db_version WHERE version_id = 1"); n != 1 {
			t.Errorf("the first migration ran %d times", n)
		}
	})
}

var rows = append([]any{&assay.User{}, &assay.Candidate{}, &assay.Opening{}, &assay.Kit{}, &assay.Loop{}, &assay.Interview{}, &assay.Item{},
	&assay.Panelist{}, &assay.Invitation{}, &assay.Credit{}, &assay.Draft{}, &assay.QuestionRevision{}, &assay.Submission{}, &assay.Attempt{},
	&assay.Event{}, &assay.Comment{}, &assay.Scorecard{}, &assay.Amendment{}, &assay.Packet{}, &assay.Vote{}, &assay.Decision{}, &assay.AuditEvent{}},
	storage.OwnRows...)

// TestDrift compares the structs with the real columns, both ways, and the list of structs with the real tables.
func TestDrift(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		var dialector gorm.Dialector = postgres.Open(url)
		tables := "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
		if onSQLite(url) {
			dialector = sqlite.Dialector{DriverName: "sqlite3", Conn: raw(t, url)}
			tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
		}
		g, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard})
		ok(t, err)
		var left []string
		ok(t, g.Raw(tables).Scan(&left).Error)
		for _, row := range rows {
			s, err := schema.Parse(row, &sync.Map{}, g.NamingStrategy)
			ok(t, err)
			left = slices.DeleteFunc(left, func(name string) bool { return name == s.Table })
			columns, err := g.Migrator().ColumnTypes(row)
			ok(t, err)
			have := map[string]bool{}
			for _, c := range columns {
				have[c.Name()] = true
			}
			for _, f := range s.Fields {
				if f.DBName != "" && !have[f.DBName] {
					t.Errorf("no column for %s.%s", s.Table, f.DBName)
				}
				delete(have, f.DBName)
			}
			for name := range have {
				t.Errorf("no field for %s.%s", s.Table, name)
			}
		}
		for _, name := range left {
			if !strings.HasPrefix(name, "river_") && !strings.HasPrefix(name, "goose_") && !strings.HasPrefix(name, "sqlite_") {
				t.Errorf("no struct for table %s", name)
			}
		}
		if d, err := g.DB(); err == nil {
			d.Close()
		}
	})
}

var update = flag.Bool("update", false, "write testdata/v1.sqlite.gz anew; only ever before the first release")

// TestOldFile takes a database as the first version wrote it forward, with its contents. The fixture is never written anew once
// a second migration exists; later ones get fixtures of their own beside it.
func TestOldFile(t *testing.T) {
	t.Parallel()
	const fixture = "testdata/v1.sqlite.gz"
	if *update {
		url := storagetest.SQLite(t)
		db := storagetest.Connect(t, url, nil)
		loop := storagetest.NewLoop(t, db)
		ada := loop.User("Ada", assay.RoleInterviewer)
		carla := loop.User("Carla", assay.RoleCommittee)
		loop.Committee(carla)
		i := loop.Interview(ada).Opened()
		i.Graded(assay.PartiallyAccepted, 0.5)
		i.Scorecard(ada, assay.Yes, 3)
		loop.Vote(carla, loop.Packet(), assay.Hire)
		ok(t, db.Close())
		exec1(t, raw(t, url), "VACUUM")
		content, err := os.ReadFile(strings.TrimPrefix(url, "sqlite:"))
		ok(t, err)
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err = z.Write(content)
		ok(t, errors.Join(err, z.Close()))
		ok(t, os.WriteFile(fixture, packed.Bytes(), 0o644))
	}
	packed, err := os.Open(fixture)
	ok(t, err)
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	ok(t, err)
	content, err := io.ReadAll(z)
	ok(t, err)
	file := filepath.Join(t.TempDir(), "old.db")
	ok(t, os.WriteFile(file, content, 0o600))
	db := storagetest.Connect(t, "sqlite:"+file, nil)
	ok(t, db.Migrate(t.Context()))

	if seq, err := db.VerifyAudit(t.Context()); err != nil || seq != 0 {
		t.Errorf("audit chain broken at %d: %v", seq, err)
	}
	loops, err := db.Loops(t.Context(), storage.LoopFilter{})
	ok(t, err)
	if len(loops) != 1 || loops[0].Candidate.Name != "Casey Quill" {
		t.Fatalf("loops: %+v", loops)
	}
	cards, err := db.Scorecards(t.Context(), system, loops[0].Loop.ID)
	ok(t, err)
	if len(cards) != 1 || cards[0].Ratings[0].Score != 3 {
		t.Errorf("scorecards: %+v", cards)
	}
	subs, err := db.Submissions(t.Context(), storage.SubmissionFilter{})
	ok(t, err)
	if len(subs) != 1 || subs[0].Verdict != assay.PartiallyAccepted {
		t.Fatalf("submissions: %+v", subs)
	}
	if n := scalar[int](t, raw(t, "sqlite:"+file), "SELECT COUNT(*) FROM river_job"); n != 2 {
		t.Errorf("%d jobs, want 2", n)
	}
	// It is a working database, not only a readable one.
	ok(t, db.Regrade(t.Context(), system, subs[0].ID))
	work(t, db, accept(db), 1)
	if sub := final(t, db, subs[0].ID); sub.Verdict != assay.Accepted {
		t.Errorf("verdict %q", sub.Verdict)
	}
}
