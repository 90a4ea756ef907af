package storage

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"golang.org/x/sys/unix"

	"assay"
	"assay/storage/queue"
)

//go:embed migrations
var migrations embed.FS

// migrate holds a lock on a file beside the database: goose has none of its own for SQLite.
func (e *sqliteEngine) migrate(ctx context.Context, q *queue.Queue) error {
	unlock, err := flock(ctx, e.path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if err := up(ctx, goose.DialectSQLite3, "migrations/sqlite", e.wdb); err != nil {
		return err
	}
	return q.Migrate(ctx)
}

// migrate holds a lock in the database; both goose's tables and River's change under it.
func (e *postgresEngine) migrate(ctx context.Context, q *queue.Queue) (err error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
	if err != nil {
		return err
	}
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := locker.SessionLock(ctx, conn); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, locker.SessionUnlock(context.WithoutCancel(ctx), conn)) }()
	if err := up(ctx, goose.DialectPostgres, "migrations/postgres", e.db); err != nil {
		return err
	}
	return q.Migrate(ctx)
}

func up(ctx context.Context, d goose.Dialect, dir string, db *sql.DB) error {
	files, err := fs.Sub(migrations, dir)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(d, db, files)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// MigrationsHash names what Migrate makes of an empty database: it changes with every migration, River's included.
func MigrationsHash() (string, error) {
	h := sha256.New()
	err := fs.WalkDir(migrations, "migrations", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := migrations.ReadFile(path)
		fmt.Fprintf(h, "%s %d %s", path, len(b), b)
		return err
	})
	fmt.Fprint(h, queue.Version)
	return hex.EncodeToString(h.Sum(nil)), err
}

// flock waits for the lock until ctx ends. The kernel releases it when the process dies, however it dies.
func flock(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock for migrations: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock for migrations: %w", err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, assay.Errorf(assay.Unavailable, "Another process is still migrating the database.")
		case <-time.After(20 * time.Millisecond):
		}
	}
}
