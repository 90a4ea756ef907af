package storage

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"assay"
	"assay/storage/queue"
)

// postgresEngine has one pool for gorm and River. A transaction is a pgx.Tx that both write in.
type postgresEngine struct {
	pool *pgxpool.Pool
	db   *sql.DB
	g    *gorm.DB
}

func openPostgres(ctx context.Context, url string, cfg *gorm.Config, log *slog.Logger) (engine, *queue.Queue, error) {
	pc, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The parser's own words may repeat the URL with its password.
		return nil, nil, assay.Errorf(assay.Invalid, "The database URL is not one that PostgreSQL understands.")
	}
	if !strings.Contains(url, "pool_max_conns") {
		pc.MaxConns = max(pc.MaxConns, 16)
	}
	pc.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		c.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, nil, err
	}
	e := &postgresEngine{pool: pool, db: stdlib.OpenDBFromPool(pool)}
	if err := pool.Ping(ctx); err != nil {
		return nil, nil, errors.Join(err, e.close())
	}
	gcfg := *cfg
	if e.g, err = gorm.Open(postgres.New(postgres.Config{Conn: e.db}), &gcfg); err != nil {
		return nil, nil, errors.Join(err, e.close())
	}
	if err := tidy(e.g); err != nil {
		return nil, nil, errors.Join(err, e.close())
	}
	q, err := queue.Postgres(pool, log)
	if err != nil {
		return nil, nil, errors.Join(err, e.close())
	}
	return e, q, nil
}

func (e *postgresEngine) read(ctx context.Context) *gorm.DB { return e.g.WithContext(ctx) }

// transact opens a pgx.Tx on one connection and lets gorm run on that same connection.
func (e *postgresEngine) transact(ctx context.Context, f func(g *gorm.DB, raw any) error) (err error) {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var ptx pgx.Tx
	err = conn.Raw(func(dc any) (err error) {
		ptx, err = dc.(*stdlib.Conn).Conn().Begin(ctx)
		return err
	})
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done { // an error, or a panic on its way up
			err = errors.Join(err, ptx.Rollback(context.WithoutCancel(ctx)))
		}
	}()
	g := e.g.Session(&gorm.Session{NewDB: true, Context: ctx})
	g.Statement.ConnPool = pgPool{conn, ptx, ctx}
	if err := f(g, ptx); err != nil {
		return err
	}
	done = true
	return ptx.Commit(ctx)
}

func (e *postgresEngine) snapshot(ctx context.Context, f func(g *gorm.DB) error) error {
	return e.g.WithContext(ctx).Transaction(f, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
}

// auditLock is the key of the advisory lock that audited transactions hold until they end.
const auditLock = 0x61737361790001 // "assay", 1

// serialise takes the lock as a transaction's first statement, so all later ones see what earlier transactions committed: the
// audit chain has one head, and checks made before a write still hold when it happens. It is dear only to those who would write
// hundreds of audited rows a second.
func (e *postgresEngine) serialise(g *gorm.DB) error {
	return g.Exec("SELECT pg_advisory_xact_lock(?)", auditLock).Error
}

func (e *postgresEngine) ping(ctx context.Context) error { return e.pool.Ping(ctx) }

func (e *postgresEngine) close() error {
	err := e.db.Close()
	e.pool.Close()
	return err
}

// pgPool is one connection inside a pgx.Tx. It is a gorm.TxCommitter but no gorm.ConnPoolBeginner, so a nested gorm transaction
// becomes a savepoint and can never commit the outer one.
type pgPool struct {
	c   *sql.Conn
	tx  pgx.Tx
	ctx context.Context
}

func (p pgPool) PrepareContext(ctx context.Context, q string) (*sql.Stmt, error) {
	return p.c.PrepareContext(ctx, q)
}
func (p pgPool) ExecContext(ctx context.Context, q string, a ...any) (sql.Result, error) {
	return p.c.ExecContext(ctx, q, a...)
}
func (p pgPool) QueryContext(ctx context.Context, q string, a ...any) (*sql.Rows, error) {
	return p.c.QueryContext(ctx, q, a...)
}
func (p pgPool) QueryRowContext(ctx context.Context, q string, a ...any) *sql.Row {
	return p.c.QueryRowContext(ctx, q, a...)
}
func (p pgPool) Commit() error   { return p.tx.Commit(p.ctx) }
func (p pgPool) Rollback() error { return p.tx.Rollback(p.ctx) }
