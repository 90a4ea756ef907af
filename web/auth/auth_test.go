package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"assay"
	"assay/web/auth"
)

func TestPasswords(t *testing.T) {
	t.Parallel()
	hash, err := auth.HashPassword("pässwörd with accents")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored as %q", hash)
	}
	if !auth.CheckPassword("pässwörd with accents", hash) {
		t.Error("the right password was refused")
	}
	for _, p := range []string{"", "passwörd with accents", strings.Repeat("x", 5000)} {
		if auth.CheckPassword(p, hash) {
			t.Errorf("%.20q was let in", p)
		}
	}
	if auth.CheckPassword("anything", "not a hash") || auth.CheckPassword("", "") {
		t.Error("a broken hash lets people in")
	}
}

func TestChosenPasswords(t *testing.T) {
	t.Parallel()
	u := assay.User{Email: "ada.lovelace@example.org"}
	for p, fine := range map[string]bool{
		"four quiet river stones": true, "短い日本語の文でも十二文字": true, "elevenchars": false, "aaaaaaaaaaaaaaaa": false, "correct horse battery staple": false,
		"my ada.lovelace password": false, strings.Repeat("ab", 200): false, "": false,
	} {
		if got := auth.JudgePassword(p, u); (got == "") != fine {
			t.Errorf("%.30q: %q", p, got)
		}
	}
}

func TestSecretsAreLongAndDifferent(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		token, hash := auth.NewToken()
		if !auth.TokenForm(token) || len(hash) != 64 || hash != auth.HashToken(token) || strings.Contains(hash, token) {
			t.Fatalf("token %q, hash %q", token, hash)
		}
		one := auth.OneTimePassword()
		if len(one) != 23 || auth.JudgePassword(one, assay.User{}) != "" {
			t.Fatalf("one-time password %q", one)
		}
		if seen[token] || seen[one] {
			t.Fatal("a secret came twice")
		}
		seen[token], seen[one] = true, true
	}
	for _, s := range []string{"", "short", strings.Repeat("a", 42), strings.Repeat("a", 44), strings.Repeat("a", 42) + "/"} {
		if auth.TokenForm(s) {
			t.Errorf("%q passes for a token", s)
		}
	}
}

// ledger is what every process sees, here a slice.
type ledger struct {
	user     assay.User
	failures []time.Time
	now      func() time.Time
	down     error
}

func (l *ledger) UserByEmail(_ context.Context, email string) (assay.User, error) {
	if email != l.user.Email {
		return assay.User{}, assay.Errorf(assay.NotFound, "nobody")
	}
	return l.user, nil
}
func (l *ledger) LoginFailed(context.Context, string, string) error {
	l.failures = append(l.failures, l.now())
	return nil
}
func (l *ledger) LoginFailures(_ context.Context, _, _ string, since time.Time) (int, error) {
	n := 0
	for _, f := range l.failures {
		if f.After(since) {
			n++
		}
	}
	return n, l.down
}
func (l *ledger) LoginSucceeded(context.Context, assay.Actor, string, string) error { return nil }

func TestTheDoor(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	hash, err := auth.HashPassword("four quiet river stones")
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{user: assay.User{ID: "usr_1", Email: "a@example.org", PasswordHash: hash}, now: clock}
	d := &auth.Door{Ledger: l, Log: slog.New(slog.DiscardHandler), Now: clock}
	enter := func(email, password string) assay.Code {
		_, err := d.Enter(t.Context(), email, password, "10.0.0.1")
		return assay.ErrorCode(err)
	}
	if got := enter("a@example.org", "four quiet river stones"); got != "" {
		t.Fatalf("the right password: %s", got)
	}
	if a, b := enter("a@example.org", "wrong"), enter("b@example.org", "wrong"); a != assay.Unauthenticated || a != b {
		t.Errorf("an unknown account answers %s, a known one %s", b, a)
	}
	now = now.Add(time.Minute)
	for range 6 {
		enter("a@example.org", "wrong")
	}
	if got := enter("a@example.org", "four quiet river stones"); got != assay.RateLimited {
		t.Errorf("after eight failures: %q, want rate_limited", got)
	}
	now = now.Add(20 * time.Minute)
	if got := enter("a@example.org", "four quiet river stones"); got != "" {
		t.Errorf("a quarter of an hour later: %s", got)
	}
	l.down = errors.New("database is locked")
	if got := enter("a@example.org", "four quiet river stones"); got != assay.Internal {
		t.Errorf("while the database is down: %q, want internal", got)
	}
	disabled := now
	l.down, l.user.DisabledAt = nil, &disabled
	if got := enter("a@example.org", "four quiet river stones"); got != assay.Unauthenticated {
		t.Errorf("a disabled account: %q", got)
	}
}

func TestTriesComeBackWithTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	d := &auth.Door{Now: func() time.Time { return now }}
	n := 0
	for range 20 {
		if d.Allow("window", "x", "10.0.0.1") {
			n++
		}
	}
	if n != 10 {
		t.Errorf("%d of 20 at once, want 10", n)
	}
	if !d.Allow("window", "x", "10.0.0.2") {
		t.Error("another address pays for it")
	}
	now = now.Add(7 * time.Second)
	if !d.Allow("window", "x", "10.0.0.1") {
		t.Error("nothing came back")
	}
	for i := range 25_000 { // the memory is bounded
		d.Allow("login", string(rune('a'+i%26))+time.Duration(i).String(), "10.0.0.3")
	}
}
