package storage

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"assay"
	"assay/storage/queue"
)

// Config says which database to use.
type Config struct {
	URL string // sqlite:/path/app.db or postgres://…
	Log *slog.Logger
	Now func() time.Time // nil: the clock
}

// DB is a database. All its methods may be called at once, and by several processes on the same database.
type DB struct {
	engine
	queue *queue.Queue
	log   *slog.Logger
	now   func() time.Time
	hub   hub
}

// engine is what differs between SQLite and PostgreSQL.
type engine interface {
	// read is where rows are read outside a transaction.
	read(ctx context.Context) *gorm.DB
	// transact runs f in one transaction; raw is what queue.InsertTx takes.
	transact(ctx context.Context, f func(g *gorm.DB, raw any) error) error
	// snapshot runs f in a transaction that only reads and sees one moment.
	snapshot(ctx context.Context, f func(g *gorm.DB) error) error
	// serialise makes other audited transactions wait until this one has ended.
	serialise(g *gorm.DB) error
	// migrate brings the tables up to date, queue included, safely when several processes start at once.
	migrate(ctx context.Context, q *queue.Queue) error
	ping(ctx context.Context) error
	close() error
}

// Open connects to the database; Migrate must have brought its tables up to date before it is used.
func Open(ctx context.Context, c Config) (*DB, error) {
	db := &DB{log: c.Log, now: c.Now}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	if db.now == nil {
		db.now = time.Now
	}
	cfg := &gorm.Config{NowFunc: db.Now, Logger: logger.Discard, SkipDefaultTransaction: true}

	var err error
	switch scheme, rest, _ := strings.Cut(c.URL, ":"); scheme {
	case "sqlite":
		db.engine, db.queue, err = openSQLite(ctx, rest, cfg, db.log)
	case "postgres", "postgresql":
		db.engine, db.queue, err = openPostgres(ctx, c.URL, cfg, db.log)
	default:
		err = assay.Errorf(assay.Invalid, "A database URL begins with sqlite: or postgres:, this one with %.20q.", scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", coded(err))
	}
	return db, nil
}

// Migrate brings the tables up to date. It may be called by any number of processes at once, and again at any time.
func (db *DB) Migrate(ctx context.Context) error {
	if err := db.migrate(ctx, db.queue); err != nil {
		return fmt.Errorf("migrate: %w", coded(err))
	}
	return nil
}

// Ping says whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return coded(db.ping(ctx)) }

// Close ends all connections. Work and Watch must have ended.
func (db *DB) Close() error { return db.close() }

// Now is the time by which deadlines are judged: UTC, in microseconds, as the database keeps it.
func (db *DB) Now() time.Time { return stamp(db.now()) }

func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// tx is one transaction.
type tx struct {
	*gorm.DB
	db    *DB
	ctx   context.Context
	raw   any
	actor assay.Actor
	now   time.Time
	after []func()
}

// write runs f in an audited transaction, one at a time on either engine, and then what f has asked to be done after it.
func (db *DB) write(ctx context.Context, actor assay.Actor, f func(t *tx) error) error {
	return db.transaction(ctx, actor, true, f)
}

// jot runs f in a transaction for what is not audited: drafts as they are typed, heartbeats, live events, sessions.
func (db *DB) jot(ctx context.Context, actor assay.Actor, f func(t *tx) error) error {
	return db.transaction(ctx, actor, false, f)
}

func (db *DB) transaction(ctx context.Context, actor assay.Actor, audited bool, f func(t *tx) error) error {
	t := &tx{db: db, ctx: ctx, actor: actor, now: db.Now()}
	err := db.transact(ctx, func(g *gorm.DB, raw any) error {
		t.DB, t.raw = g, raw
		if audited {
			if err := db.serialise(g); err != nil {
				return err
			}
		}
		return f(t)
	})
	if err != nil {
		return coded(err)
	}
	for _, f := range t.after {
		f()
	}
	return nil
}

// enqueue adds a job to the transaction; zero at means at once.
func (t *tx) enqueue(job queue.Job, at time.Time) error {
	t.after = append(t.after, func() { t.db.queue.Wake(job) })
	return t.db.queue.InsertTx(t.ctx, t.raw, job, at)
}

// changed wakes those who watch the submission, once the transaction has been committed.
func (t *tx) changed(id assay.SubmissionID) {
	t.after = append(t.after, func() { t.db.hub.wake(id) })
}

// insert adds a row.
func (t *tx) insert(row any) error { return t.Create(row).Error }

// set changes the columns of the rows that match and says how many there were. Values for JSON columns come from asJSON.
func (t *tx) set(model any, columns map[string]any, where string, args ...any) (int64, error) {
	for k, v := range columns {
		columns[k] = clean(v)
	}
	r := t.Model(model).Where(where, args...).Updates(columns)
	return r.RowsAffected, r.Error
}

// one reads the row that matches, or says NotFound: "No such <what>."
func one[T any](g *gorm.DB, what, where string, args ...any) (T, error) {
	var row T
	r := g.Where(where, args...).Limit(1).Find(&row)
	if r.Error != nil {
		return row, fmt.Errorf("read %s: %w", what, coded(r.Error))
	}
	if r.RowsAffected == 0 {
		return row, assay.Errorf(assay.NotFound, "No such %s.", what)
	}
	return row, nil
}

// many reads the rows that match; never nil.
func many[T any](g *gorm.DB, order, where string, args ...any) ([]T, error) {
	rows := []T{}
	if err := g.Where(where, args...).Order(order).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read rows: %w", coded(err))
	}
	return rows, nil
}

// exists says whether a row of model matches.
func exists(g *gorm.DB, model any, where string, args ...any) (bool, error) {
	n, err := count(g, model, where, args...)
	return n > 0, err
}

func count(g *gorm.DB, model any, where string, args ...any) (int, error) {
	var n int64
	err := g.Model(model).Where(where, args...).Count(&n).Error
	return int(n), coded(err)
}
