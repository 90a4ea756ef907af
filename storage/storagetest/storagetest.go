// Package storagetest gives tests a fresh, migrated database in milliseconds, and builders that read like the domain:
//
//	loop := storagetest.NewLoop(t, db)
//	ada := loop.User("Ada", assay.RoleInterviewer)
//	sitting := loop.Interview(ada).Opened()
//	sub := sitting.Graded(assay.Accepted, 1)
//	sitting.Scorecard(ada, assay.Yes, 3)
package storagetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/storage"
)

// Open returns a fresh SQLite database, migrated, closed at the end of the test.
func Open(t testing.TB) *storage.DB {
	t.Helper()
	return OpenAt(t, nil)
}

// OpenAt is Open with a clock.
func OpenAt(t testing.TB, now func() time.Time) *storage.DB {
	t.Helper()
	return Connect(t, SQLite(t), now)
}

// Each runs f on a fresh SQLite database and on a fresh PostgreSQL one. The latter is skipped, with a sentence, unless
// ASSAY_TEST_POSTGRES holds the URL of a server on which databases may be created.
func Each(t *testing.T, f func(t *testing.T, db *storage.DB)) {
	t.Helper()
	EachURL(t, func(t *testing.T, url string) { f(t, Connect(t, url, nil)) })
}

// EachURL is Each for tests that open the database themselves, several times or in other processes.
func EachURL(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, Postgres(t))
	})
}

// Connect opens a database and closes it at the end of the test.
func Connect(t testing.TB, url string, now func() time.Time) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), storage.Config{URL: url, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// SQLite returns the URL of a fresh, migrated database file.
func SQLite(t testing.TB) string {
	t.Helper()
	content, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "app.db")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + file
}

// migrated is the content of a migrated file, made once per process.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "assay-storagetest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "app.db")
	if err := migrate("sqlite:" + file); err != nil {
		return nil, err
	}
	return os.ReadFile(file) // closing has written the log back into the file
})

func migrate(url string) error {
	ctx := context.Background()
	db, err := storage.Open(ctx, storage.Config{URL: url})
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx); err != nil {
		db.Close()
		return err
	}
	return db.Close()
}

// Postgres returns the URL of a fresh, migrated database, dropped at the end of the test.
func Postgres(t testing.TB) string {
	t.Helper()
	server := Server(t)
	template, err := template(server)
	if err != nil {
		t.Fatal(err)
	}
	return create(t, server, " TEMPLATE "+template)
}

// EmptyPostgres returns the URL of a fresh database without tables, dropped at the end of the test.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	return create(t, Server(t), "")
}

// Server is the PostgreSQL server for tests; without one the test is skipped.
func Server(t testing.TB) string {
	t.Helper()
	server := os.Getenv("ASSAY_TEST_POSTGRES")
	if server == "" {
		t.Skip("PostgreSQL is tested when ASSAY_TEST_POSTGRES holds the URL of a server")
	}
	return server
}

var made atomic.Int64

func create(t testing.TB, server, how string) string {
	t.Helper()
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	name := fmt.Sprintf("assay_test_%d_%d_%d", os.Getpid(), time.Now().UnixNano(), made.Add(1))
	if _, err := admin.Exec("CREATE DATABASE " + name + how); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		admin, err := sql.Open("pgx", server)
		if err != nil {
			t.Error(err)
			return
		}
		defer admin.Close()
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return on(server, name)
}

func on(server, database string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic(err)
	}
	u.Path = "/" + database
	return u.String()
}

// template makes the database that others are copied from. It stays on the server for the next run.
var template = func() func(string) (string, error) {
	var once sync.Once
	var name string
	var err error
	return func(server string) (string, error) {
		once.Do(func() { name, err = makeTemplate(server) })
		return name, err
	}
}()

func makeTemplate(server string) (string, error) {
	ctx := context.Background()
	admin, err := sql.Open("pgx", server)
	if err != nil {
		return "", err
	}
	defer admin.Close()
	conn, err := admin.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	// Several test binaries may be at it.
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(7361)"); err != nil {
		return "", err
	}
	defer conn.ExecContext(ctx, "SELECT pg_advisory_unlock(7361)")
	// The name changes with what the migrations would make, so that an old template is never taken for a new one.
	schema, err := storage.MigrationsHash()
	if err != nil {
		return "", err
	}
	name := "assay_template_" + schema[:16]
	var there bool
	if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil || there {
		return name, err
	}
	if _, err := conn.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+"_new"); err != nil {
		return "", err
	}
	if _, err := conn.ExecContext(ctx, "CREATE DATABASE "+name+"_new"); err != nil {
		return "", err
	}
	if err := migrate(on(server, name+"_new")); err != nil {
		return "", err
	}
	_, err = conn.ExecContext(ctx, "ALTER DATABASE "+name+"_new RENAME TO "+name)
	return name, err
}
