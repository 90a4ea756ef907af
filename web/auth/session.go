// Package auth answers who is calling: passwords, sessions, invitation tokens, and how often somebody may try. What the caller may
// do is assay.May's business. It knows no pages and no tables; where it needs memory it is handed a Store or a Ledger.
package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"assay"

	"github.com/alexedwards/scs/v2"
)

const (
	// StaffLifetime is how long a sign-in lasts.
	StaffLifetime = 12 * time.Hour
	// CandidateLifetime is how long a browser stays let in by an invitation; opening the link again starts anew.
	CandidateLifetime = 14 * 24 * time.Hour
)

const (
	keyUser  = "user"
	keyMark  = "user_mark"
	keyUntil = "user_until"
	keySeat  = "seat:"
)

// NewSessions makes the session manager. The cookie holds a random token; the store sees it and keeps only its hash.
func NewSessions(store scs.CtxStore, secure bool) *scs.SessionManager {
	m := scs.New()
	m.Store = store
	m.Lifetime = CandidateLifetime
	m.Cookie.Name = "assay"
	if secure {
		m.Cookie.Name = "__Host-assay"
	}
	m.Cookie.Path = "/"
	m.Cookie.HttpOnly = true
	m.Cookie.Secure = secure
	m.Cookie.SameSite = http.SameSiteLaxMode
	return m
}

// SignIn binds the session to an account, under a new token so that one planted earlier is worthless.
func SignIn(ctx context.Context, m *scs.SessionManager, user assay.User, now time.Time) error {
	if err := m.RenewToken(ctx); err != nil {
		return err
	}
	m.Put(ctx, keyUser, string(user.ID))
	m.Put(ctx, keyMark, Mark(user.PasswordHash))
	m.Put(ctx, keyUntil, now.Add(StaffLifetime).Unix())
	return nil
}

// SignedIn is the account that the session belongs to, and the mark of the password it was opened with; "" when nobody is signed in.
func SignedIn(ctx context.Context, m *scs.SessionManager, now time.Time) (assay.UserID, string) {
	if now.Unix() >= m.GetInt64(ctx, keyUntil) {
		return "", ""
	}
	return assay.UserID(m.GetString(ctx, keyUser)), m.GetString(ctx, keyMark)
}

// SignOut forgets the account; seats in interviews stay.
func SignOut(ctx context.Context, m *scs.SessionManager) error {
	for _, k := range []string{keyUser, keyMark, keyUntil} {
		m.Remove(ctx, k)
	}
	return m.RenewToken(ctx)
}

// Mark is a short fingerprint of a password hash. A session carries the one it was opened with, so that changing the password
// ends every other session.
func Mark(passwordHash string) string {
	sum := sha256.Sum256([]byte("session\x00" + passwordHash))
	return hex.EncodeToString(sum[:8])
}

// Seat is what an invitation gave a browser: a place in one interview.
type Seat struct {
	Interview  assay.InterviewID
	Invitation assay.InvitationID
	Candidate  assay.CandidateID
}

// TakeSeat lets the session into an interview, under a new token. A session may hold seats in several interviews.
func TakeSeat(ctx context.Context, m *scs.SessionManager, seat Seat) error {
	if err := m.RenewToken(ctx); err != nil {
		return err
	}
	m.Put(ctx, keySeat+string(seat.Interview), string(seat.Invitation)+" "+string(seat.Candidate))
	return nil
}

// SeatIn is the session's seat in an interview; false when it has none.
func SeatIn(ctx context.Context, m *scs.SessionManager, interview assay.InterviewID) (Seat, bool) {
	inv, cand, ok := cut(m.GetString(ctx, keySeat+string(interview)))
	return Seat{Interview: interview, Invitation: assay.InvitationID(inv), Candidate: assay.CandidateID(cand)}, ok
}

// LeaveSeat forgets a seat, for an invitation that was withdrawn.
func LeaveSeat(ctx context.Context, m *scs.SessionManager, interview assay.InterviewID) {
	m.Remove(ctx, keySeat+string(interview))
}

func cut(v string) (a, b string, ok bool) {
	for i := range v {
		if v[i] == ' ' {
			return v[:i], v[i+1:], true
		}
	}
	return "", "", false
}
