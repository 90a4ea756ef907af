package storage

import (
	"context"
	"fmt"
)

// OwnRows are the rows without a type in package assay, for the drift test.
var OwnRows = []any{&session{}, &loginFailure{}}

var Coded = coded

// LimitPages lets the SQLite file grow by n pages at most.
func LimitPages(ctx context.Context, db *DB, n int) {
	e := db.engine.(*sqliteEngine)
	var now int
	if err := e.wdb.QueryRowContext(ctx, "PRAGMA page_count").Scan(&now); err != nil {
		panic(err)
	}
	if _, err := e.wdb.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", now+n)); err != nil {
		panic(err)
	}
}

// Reap is one round of what Work does every second.
func Reap(ctx context.Context, db *DB) error { return db.reap(ctx) }
