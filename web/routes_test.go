package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"assay"

	"github.com/gin-gonic/gin"
)

var param = regexp.MustCompile(`[:*][a-z]+`)

// filled is a route's path with ids that name nothing.
func filled(rt route) string { return param.ReplaceAllString(rt.path, "1") }

func TestARouteWithoutARuleDoesNotStart(t *testing.T) {
	t.Parallel()
	ok := func(*gin.Context) error { return nil }
	for name, rt := range map[string]route{
		"no rule":     {method: "GET", path: "/x", handle: ok},
		"no handler":  {method: "GET", path: "/x", rule: public},
		"unknown act": {method: "GET", path: "/x", rule: may("fly"), handle: ok},
		"no facts":    {method: "GET", path: "/x", rule: mayOn(assay.ActSeeLoop, nil), handle: ok},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it started")
				}
			}()
			checkRoutes([]route{rt})
		})
	}
}

func TestStrangersReachOnlyPublicRoutes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	for _, rt := range s.routes() {
		if rt.rule.kind == rulePublic {
			continue
		}
		name := rt.method + " " + rt.path
		a := b.do(rt.method, filled(rt), nil, nil)
		switch {
		case rt.rule.kind == ruleCandidate || rt.method != "GET":
			if a.status != http.StatusUnauthorized {
				t.Errorf("%s: %d for a stranger, want 401", name, a.status)
			}
		case a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/login?next="):
			t.Errorf("%s: %d %q for a stranger, want the sign-in page", name, a.status, a.location)
		}
		if a := b.script(rt.method, filled(rt), "application/json", "{}"); a.status != http.StatusUnauthorized || !strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s: %d %s for a stranger's script, want 401 as a problem", name, a.status, a.header.Get("Content-Type"))
		}
	}
}

func TestNobodyWithoutARoleDoesAnything(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as()
	for _, rt := range s.routes() {
		if rt.rule.kind != ruleAct {
			continue
		}
		if a := b.do(rt.method, filled(rt), nil, nil); a.status != http.StatusForbidden && a.status != http.StatusNotFound {
			t.Errorf("%s %s: %d for a person without roles", rt.method, rt.path, a.status)
		}
	}
}

func TestCandidatesReachOnlyTheirOwnInterview(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	mine, other := s.newSitting(nil), s.newSitting(nil)
	b := mine.sit(true)
	staff := s.as(assay.Roles...)
	for _, rt := range s.routes() {
		name := rt.method + " " + rt.path
		switch rt.rule.kind {
		case ruleCandidate:
			path := strings.Replace(filled(rt), "/sit/1", "/sit/"+string(other.Interview.ID), 1)
			if a := b.do(rt.method, path, nil, nil); a.status != http.StatusUnauthorized {
				t.Errorf("%s: %d in another candidate's interview, want 401", name, a.status)
			}
			if a := staff.do(rt.method, path, nil, nil); a.status != http.StatusUnauthorized {
				t.Errorf("%s: %d for staff, who hold no invitation, want 401", name, a.status)
			}
		case ruleAct, ruleSignedIn:
			if a := b.do(rt.method, filled(rt), nil, nil); a.status != http.StatusSeeOther && a.status != http.StatusUnauthorized {
				t.Errorf("%s: %d for a candidate", name, a.status)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.browser().get("/").want(http.StatusOK)
	csp := a.header.Get("Content-Security-Policy")
	nonce := regexp.MustCompile(`script-src 'nonce-([A-Z0-9]+)'`).FindStringSubmatch(csp)
	if nonce == nil || !strings.HasPrefix(csp, "default-src 'none';") || strings.Contains(csp, "unsafe") {
		t.Errorf("content policy %q", csp)
	}
	a.find("script").Each(func(_ int, sc *selection) {
		if v, _ := sc.Attr("nonce"); v != nonce[1] || sc.Text() != "" {
			t.Error("a script without the page's nonce, or inline")
		}
	})
	if n := a.find("[style], [onclick], style").Length(); n != 0 {
		t.Errorf("%d inline styles or handlers", n)
	}
	for k, v := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "same-origin"} {
		if a.header.Get(k) != v {
			t.Errorf("%s: %q, want %q", k, a.header.Get(k), v)
		}
	}
	if again := s.browser().get("/").header.Get("Content-Security-Policy"); again == csp {
		t.Error("the nonce was used twice")
	}
}

func TestRequestsFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	for name, c := range map[string]struct {
		header map[string]string
		want   int
	}{
		"cross-site":  {map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden},
		"same-site":   {map[string]string{"Sec-Fetch-Site": "same-site"}, http.StatusForbidden},
		"bad origin":  {map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
		"our own":     {map[string]string{"Sec-Fetch-Site": "same-origin"}, http.StatusSeeOther},
		"our origin":  {map[string]string{"Origin": s.http.URL}, http.StatusSeeOther},
		"old browser": {nil, http.StatusSeeOther},
	} {
		if a := b.do("POST", "/logout", nil, c.header); a.status != c.want {
			t.Errorf("%s: %d, want %d", name, a.status, c.want)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.browser().post("/login", url.Values{"email": {"a@example.org"}, "password": {strings.Repeat("x", defaultBody+1)}})
	a.want(http.StatusRequestEntityTooLarge, "256 KiB", "Reference")
}

func TestErrorPagesSayWhatToDo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.browser().get("/nowhere").want(http.StatusNotFound, "There is no such page.", "Reference", "people@example.org")
	if n := a.find("h1").Length(); n != 1 {
		t.Errorf("%d h1", n)
	}
	s.browser().script("GET", "/nowhere", "", "").want(http.StatusNotFound, `"code":"not_found"`, `"reference":"`)
}
