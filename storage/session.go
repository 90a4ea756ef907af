package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"gorm.io/gorm/clause"

	"assay"
)

// session is a signed-in browser. Only the hash of its token is kept: whoever reads the database cannot sign in with it.
type session struct {
	TokenHash string `gorm:"primaryKey"`
	Data      []byte
	ExpiresAt time.Time
}

// SessionStore keeps sessions for the web's session manager.
type SessionStore struct{ db *DB }

func (db *DB) Sessions() *SessionStore { return &SessionStore{db} }

// FindCtx returns a session's data; found is false for an unknown or expired token.
func (s *SessionStore) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	rows, err := many[session](s.db.read(ctx), "token_hash", "token_hash = ? AND expires_at > ?", hashToken(token), s.db.Now())
	if err != nil || len(rows) == 0 {
		return nil, false, err
	}
	return rows[0].Data, true, nil
}

// CommitCtx writes a session.
func (s *SessionStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return s.db.jot(ctx, assay.Actor{}, func(t *tx) error {
		return t.Clauses(clause.OnConflict{UpdateAll: true}).Create(&session{TokenHash: hashToken(token), Data: data, ExpiresAt: expiry}).Error
	})
}

// DeleteCtx ends a session, and sweeps out expired ones on the way.
func (s *SessionStore) DeleteCtx(ctx context.Context, token string) error {
	return s.db.jot(ctx, assay.Actor{}, func(t *tx) error {
		return t.Where("token_hash = ? OR expires_at < ?", hashToken(token), t.now).Delete(&session{}).Error
	})
}

func (s *SessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s *SessionStore) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s *SessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
