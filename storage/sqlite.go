package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/mattn/go-sqlite3"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"assay"
	"assay/storage/queue"
)

// sqliteEngine has one connection that writes and a pool that only reads: readers never wait for the writer, and the writer never
// starves in busy loops against its own process.
type sqliteEngine struct {
	path    string
	w, r    *gorm.DB
	wdb, db *sql.DB
}

const readers = 4

func openSQLite(ctx context.Context, path string, cfg *gorm.Config, log *slog.Logger) (engine, *queue.Queue, error) {
	path = strings.TrimPrefix(path, "//")
	if path == "" || strings.HasPrefix(path, ":") {
		return nil, nil, assay.Errorf(assay.Invalid, "The database URL must name a file: sqlite:/path/app.db.")
	}
	// The file holds people's records: nobody else's to read. SQLite gives its companions (-wal, -shm) the same mode.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil, assay.Errorf(assay.Invalid, "The folder %s for the database does not exist.", filepath.Dir(path))
		}
		if errors.Is(err, os.ErrPermission) {
			return nil, nil, assay.Errorf(assay.Invalid, "This program may not write the database %s.", path)
		}
		return nil, nil, err
	}
	f.Close()

	file := "file:" + (&url.URL{Path: path}).EscapedPath()
	e := &sqliteEngine{path: path}
	// Transactions take the write lock at their start: one that begins by reading could not wait for it later.
	e.wdb, err = sql.Open("sqlite3", file+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=10000&_txlock=immediate&_foreign_keys=on")
	if err != nil {
		return nil, nil, err
	}
	e.wdb.SetMaxOpenConns(1)
	if err := e.wdb.PingContext(ctx); err != nil {
		return nil, nil, errors.Join(err, e.wdb.Close())
	}
	e.db, err = sql.Open("sqlite3", file+"?mode=ro&_query_only=true&_busy_timeout=10000")
	if err != nil {
		return nil, nil, errors.Join(err, e.wdb.Close())
	}
	e.db.SetMaxOpenConns(readers)
	e.db.SetMaxIdleConns(readers)

	q, err := e.connect(cfg, log)
	if err != nil {
		return nil, nil, errors.Join(err, e.close())
	}
	return e, q, nil
}

func (e *sqliteEngine) connect(cfg *gorm.Config, log *slog.Logger) (*queue.Queue, error) {
	wcfg, rcfg := *cfg, *cfg // gorm keeps its state in the config it is given
	var err error
	if e.w, err = gorm.Open(sqlite.Dialector{DriverName: "sqlite3", Conn: e.wdb}, &wcfg); err != nil {
		return nil, err
	}
	if e.r, err = gorm.Open(sqlite.Dialector{DriverName: "sqlite3", Conn: e.db}, &rcfg); err != nil {
		return nil, err
	}
	if err := tidy(e.w); err != nil {
		return nil, err
	}
	return queue.SQLite(e.wdb, log)
}

func (e *sqliteEngine) read(ctx context.Context) *gorm.DB { return e.r.WithContext(ctx) }

// transact: inside f only g may be used, never the DB; the one connection that writes is taken.
func (e *sqliteEngine) transact(ctx context.Context, f func(g *gorm.DB, raw any) error) error {
	return e.w.WithContext(ctx).Transaction(func(g *gorm.DB) error {
		t, ok := g.Statement.ConnPool.(*sql.Tx)
		if !ok {
			return fmt.Errorf("not a transaction: %T", g.Statement.ConnPool)
		}
		return f(g, t)
	})
}

func (e *sqliteEngine) snapshot(ctx context.Context, f func(g *gorm.DB) error) error {
	return e.r.WithContext(ctx).Transaction(f)
}

// serialise has nothing to do: transactions take SQLite's one write lock when they begin.
func (e *sqliteEngine) serialise(*gorm.DB) error { return nil }

func (e *sqliteEngine) ping(ctx context.Context) error {
	return errors.Join(e.db.PingContext(ctx), e.wdb.PingContext(ctx))
}

func (e *sqliteEngine) close() error { return errors.Join(e.db.Close(), e.wdb.Close()) }
