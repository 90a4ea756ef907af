package storage_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"

	"assay"
	"assay/storage"
	"assay/storage/storagetest"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		admin := storagetest.User(t, db, "Anna", assay.RoleAdmin)
		u := assay.User{Email: " Ada@Example.com ", Name: "Ada", PasswordHash: "h", Roles: []assay.Role{assay.RoleInterviewer}}
		ok(t, db.CreateUser(ctx, admin, &u))
		again := assay.User{Email: "ada@example.COM", Name: "Other"}
		err := db.CreateUser(ctx, admin, &again)
		wantCode(t, "address taken", err, assay.Conflict)
		if assay.ErrorFields(err)["email"] == "" {
			t.Error("the field is not named")
		}
		wantCode(t, "nonsense", db.CreateUser(ctx, admin, &assay.User{Email: "x", Roles: []assay.Role{"king"}}), assay.Invalid)
		got, err := db.UserByEmail(ctx, "ADA@example.com")
		ok(t, err)
		if got.ID != u.ID || !got.Has(assay.RoleInterviewer) {
			t.Errorf("%+v", got)
		}
		self := assay.Actor{User: u.ID, Roles: u.Roles}
		ok(t, db.SetPassword(ctx, self, u.ID, "h2", false))
		wantCode(t, "another's password", db.SetPassword(ctx, self, admin.User, "h2", false), assay.Forbidden)
		wantCode(t, "roles for oneself", db.SetRoles(ctx, self, u.ID, assay.Roles), assay.Forbidden)
		wantCode(t, "the last admin", db.SetRoles(ctx, admin, admin.User, nil), assay.Conflict)
		wantCode(t, "disable oneself", db.DisableUser(ctx, admin, admin.User), assay.Conflict)
		wantCode(t, "nobody", db.DisableUser(ctx, admin, "usr_nobody"), assay.NotFound)
		ok(t, db.SetRoles(ctx, admin, u.ID, []assay.Role{assay.RoleRecruiter}))
		ok(t, db.DisableUser(ctx, admin, u.ID))
		if got, err = db.User(ctx, u.ID); err != nil || got.DisabledAt == nil || !got.Has(assay.RoleRecruiter) || got.PasswordHash != "h2" {
			t.Errorf("%+v %v", got, err)
		}
		if all, err := db.Users(ctx); err != nil || len(all) != 2 {
			t.Errorf("%+v %v", all, err)
		}
		if _, err = db.User(ctx, "usr_\x00"); err == nil || assay.ErrorCode(err) == assay.Internal {
			t.Errorf("an id with a zero byte: %v", err)
		}
		_, err = db.User(ctx, "usr_nobody")
		wantCode(t, "nobody", err, assay.NotFound)
	})
}

func TestLoginFailures(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		for _, ip := range []string{"10.0.0.1", "10.0.0.1", "10.0.0.2"} {
			ok(t, db.LoginFailed(ctx, "Ada@example.com", ip))
		}
		ok(t, db.LoginFailed(ctx, "ben@example.com", "10.0.0.1"))
		ago := db.Now().Add(-time.Minute)
		for _, tc := range []struct {
			email, ip string
			want      int
		}{{"ada@example.com", "10.0.0.1", 2}, {"ada@example.com", "", 3}, {"", "10.0.0.1", 3}, {"", "", 4}} {
			if n, err := db.LoginFailures(ctx, tc.email, tc.ip, ago); err != nil || n != tc.want {
				t.Errorf("%+v: %d %v", tc, n, err)
			}
		}
		if n, err := db.LoginFailures(ctx, "", "", db.Now().Add(time.Minute)); err != nil || n != 0 {
			t.Errorf("%d %v", n, err)
		}
		ok(t, db.LoginSucceeded(ctx, assay.Actor{User: "usr_ada"}, "ADA@example.com", "10.0.0.1"))
		if n, err := db.LoginFailures(ctx, "ada@example.com", "", ago); err != nil || n != 1 {
			t.Errorf("%d %v", n, err)
		}
	})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		db := storagetest.Connect(t, url, nil)
		s, ctx := db.Sessions(), t.Context()
		if _, found, err := s.FindCtx(ctx, "secret-token"); found || err != nil {
			t.Error(found, err)
		}
		ok(t, s.CommitCtx(ctx, "secret-token", []byte("one"), db.Now().Add(time.Hour)))
		ok(t, s.CommitCtx(ctx, "secret-token", []byte{0, 255}, db.Now().Add(time.Hour)))
		if data, found, err := s.FindCtx(ctx, "secret-token"); !found || err != nil || !bytes.Equal(data, []byte{0, 255}) {
			t.Error(data, found, err)
		}
		if kept := scalar[string](t, raw(t, url), "SELECT token_hash FROM sessions"); strings.Contains(kept, "secret") || len(kept) != 64 {
			t.Errorf("kept %q", kept)
		}
		ok(t, s.CommitCtx(ctx, "old", []byte("x"), db.Now().Add(-time.Second)))
		if _, found, err := s.FindCtx(ctx, "old"); found || err != nil {
			t.Error(found, err)
		}
		ok(t, s.DeleteCtx(ctx, "secret-token"))
		if n := scalar[int](t, raw(t, url), "SELECT COUNT(*) FROM sessions"); n != 0 {
			t.Errorf("%d sessions left", n)
		}
	})
}

func TestErrorsHaveCodes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want assay.Code
	}{
		{sqlite3.Error{Code: sqlite3.ErrBusy}, assay.Unavailable},
		{sqlite3.Error{Code: sqlite3.ErrLocked}, assay.Unavailable},
		{sqlite3.Error{Code: sqlite3.ErrFull}, assay.Unavailable},
		{sqlite3.Error{Code: sqlite3.ErrIoErr}, assay.Unavailable},
		{sqlite3.Error{Code: sqlite3.ErrConstraint, ExtendedCode: sqlite3.ErrConstraintUnique}, assay.Conflict},
		{sqlite3.Error{Code: sqlite3.ErrConstraint, ExtendedCode: sqlite3.ErrConstraintForeignKey}, assay.Invalid},
		{sqlite3.Error{Code: sqlite3.ErrConstraint, ExtendedCode: sqlite3.ErrConstraintTrigger}, assay.Internal},
		{&pgconn.PgError{Code: "23505"}, assay.Conflict},
		{&pgconn.PgError{Code: "40P01"}, assay.Unavailable},
		{&pgconn.PgError{Code: "53100"}, assay.Unavailable},
		{&pgconn.PgError{Code: "57P01"}, assay.Unavailable},
		{&pgconn.PgError{Code: "42601"}, assay.Internal},
	} {
		wantCode(t, tc.err.Error(), storage.Coded(tc.err), tc.want)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "mysql://x", "sqlite:", "sqlite::memory:", "sqlite:" + filepath.Join(t.TempDir(), "no", "such", "folder.db"),
		"postgres://user:secret@[bad"} {
		_, err := storage.Open(t.Context(), storage.Config{URL: url})
		wantCode(t, url, err, assay.Invalid)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("a password in %v", err)
		}
	}
	_, err := storage.Open(t.Context(), storage.Config{URL: "postgres://user:secret@127.0.0.1:1/x?connect_timeout=2"})
	wantCode(t, "a server that is not there", err, assay.Unavailable)
	if err != nil && strings.Contains(err.Error(), "secret") {
		t.Errorf("a password in %v", err)
	}
	// Odd but fine: characters that mean something in a URL.
	db := storagetest.Connect(t, "sqlite:"+filepath.Join(t.TempDir(), "a b?c#d%41.db"), nil)
	ok(t, db.Migrate(t.Context()))
	ok(t, db.Ping(t.Context()))
}

// TestFullDisk fills the database up to a limit: what cannot be saved says so, and what was saved stays.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t)
	i := storagetest.NewLoop(t, db).Interview().Opened()
	storage.LimitPages(t.Context(), db, 10)
	_, err := db.SaveDraft(t.Context(), i.Actor, i.Item.ID, 0, []assay.File{{Path: "solution.py", Content: strings.Repeat("x", 90_000)}})
	wantCode(t, "a full disk", err, assay.Unavailable)
	if !strings.Contains(assay.ErrorMessage(err), "disk is full") {
		t.Error(assay.ErrorMessage(err))
	}
	storage.LimitPages(t.Context(), db, 100_000)
	_, err = db.SaveDraft(t.Context(), i.Actor, i.Item.ID, 0, []assay.File{{Path: "solution.py", Content: strings.Repeat("x", 90_000)}})
	ok(t, err)
}
