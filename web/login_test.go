package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"assay"
	"assay/storage/storagetest"
	"assay/web/auth"
)

func (s *site) account(email, password string, mustChange bool, roles ...assay.Role) assay.User {
	s.t.Helper()
	hash, err := auth.HashPassword(password)
	if err != nil {
		s.t.Fatal(err)
	}
	u := assay.User{Name: "Ada Author", Email: email, PasswordHash: hash, MustChange: mustChange, Roles: roles}
	if err := s.DB.CreateUser(s.t.Context(), storagetest.System, &u); err != nil {
		s.t.Fatal(err)
	}
	return u
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.account("ada@example.org", "seven tall green doors", false, assay.RoleInterviewer)
	b := s.browser()
	login := func(email, password, next string) answer {
		return b.post("/login", url.Values{"email": {email}, "password": {password}, "next": {next}})
	}

	b.get("/login").want(http.StatusOK, "Sign in")
	login("ada@example.org", "wrong password here", "").want(http.StatusUnauthorized, "do not belong together", `value="ada@example.org"`)
	login("nobody@example.org", "wrong password here", "").want(http.StatusUnauthorized, "do not belong together")
	login("not a mail", "", "").want(http.StatusUnprocessableEntity, "does not look like a mail address", "Please fill this in.")

	before := b.cookie()
	login("Ada@Example.org", "seven tall green doors", "/help").wantTo("/help")
	if after := b.cookie(); after == "" || after == before {
		t.Error("the session kept its token when somebody signed in")
	}
	b.get("/help").want(http.StatusOK, "Ada Author")
	b.post("/logout", nil).wantTo("/login")
	if b.get("/password").status == http.StatusOK {
		t.Error("still signed in after signing out")
	}
	for _, evil := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "javascript:alert(1)"} {
		if a := login("ada@example.org", "seven tall green doors", evil); strings.Contains(a.location, "evil") || strings.Contains(a.location, "script") {
			t.Errorf("sent on to %q", a.location)
		}
	}
}

func TestGuessingIsSlowedDownEverywhere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.account("ada@example.org", "seven tall green doors", false)
	form := url.Values{"email": {"ada@example.org"}, "password": {"wrong password here"}}
	b := s.browser()
	var last answer
	for range 12 {
		if last = b.post("/login", form); last.status == http.StatusTooManyRequests {
			break
		}
	}
	last.want(http.StatusTooManyRequests, "too many tries")
	form.Set("password", "seven tall green doors")
	b.post("/login", form).want(http.StatusTooManyRequests)
	// Another process, with nothing in memory, knows of the failures too.
	other := &Server{DB: s.DB, Blobs: s.Blobs, Now: s.Now, Log: s.Log}
	other.setup()
	if _, err := other.door.Enter(t.Context(), "ada@example.org", "seven tall green doors", "127.0.0.1"); assay.ErrorCode(err) != assay.RateLimited {
		t.Errorf("another process let the guesser in: %v", err)
	}
	s.clock.advance(16 * time.Minute)
	b.post("/login", form).want(http.StatusSeeOther)
}

func TestAOneTimePasswordMustBeChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one := auth.OneTimePassword()
	s.account("new@example.org", one, true, assay.RoleRecruiter)
	b, elsewhere := s.browser(), s.browser()
	in := url.Values{"email": {"new@example.org"}, "password": {one}}
	elsewhere.post("/login", in).wantTo("/password")
	b.post("/login", in).wantTo("/password")
	b.get("/").wantTo("/password")
	for _, rt := range s.routes() {
		if rt.rule.kind == ruleAct && rt.method == "GET" {
			b.get(filled(rt)).wantTo("/password")
		}
	}
	change := func(current, chosen, again string) answer {
		return b.post("/password", url.Values{"current": {current}, "chosen": {chosen}, "again": {again}})
	}
	change("wrong", "short", "other").want(http.StatusUnprocessableEntity, "not the password you signed in with", "At least 12 characters", "do not match")
	change(one, one, one).want(http.StatusUnprocessableEntity, "have already")
	if a := change(one, "four quiet river stones", "four quiet river stones"); a.status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := b.get("/password"); a.status != http.StatusOK {
		t.Errorf("the session that changed it ended: %d", a.status)
	}
	if a := elsewhere.get("/password"); a.status == http.StatusOK {
		t.Error("a session opened with the old password goes on")
	}
}

func TestADisabledAccountIsOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	u := s.account("gone@example.org", "seven tall green doors", false)
	b := s.browser()
	in := url.Values{"email": {"gone@example.org"}, "password": {"seven tall green doors"}}
	b.post("/login", in).want(http.StatusSeeOther)
	if err := s.DB.DisableUser(t.Context(), storagetest.System, u.ID); err != nil {
		t.Fatal(err)
	}
	if b.get("/password").status == http.StatusOK {
		t.Error("a disabled account is still let in")
	}
	b.post("/login", in).want(http.StatusUnauthorized)
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	b.post("/preferences", url.Values{"theme": {"dark"}, "text": {"large"}, "back": {"/help"}}).wantTo("/help")
	b.get("/help").want(http.StatusOK, `data-theme="dark"`, `data-text="large"`)
	b.post("/preferences", url.Values{"theme": {`"><script>`}, "back": {"//evil.example"}}).wantTo("/")
	if a := b.get("/help"); strings.Contains(a.body, "data-theme") {
		t.Error("an unknown theme was kept")
	}
}

func (b *browser) cookie() string {
	u, _ := url.Parse(b.site.http.URL)
	for _, c := range b.c.Jar.Cookies(u) {
		if c.Name == "assay" {
			return c.Value
		}
	}
	return ""
}
