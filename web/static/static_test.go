package static_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"assay/web/static"
)

func get(path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.Header = header
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, r)
	return w
}

func TestFilesAreKeptForGood(t *testing.T) {
	t.Parallel()
	url := static.Stylesheet()
	if !regexp.MustCompile(`^/static/app-[0-9a-f]{12}\.css$`).MatchString(url) {
		t.Fatalf("style sheet at %q", url)
	}
	w := get(url, http.Header{})
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := get(url, http.Header{"If-None-Match": {w.Header().Get("ETag")}}); w.Code != http.StatusNotModified {
		t.Errorf("asked again: %d", w.Code)
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"/static/", "/static/css/00-tokens.css", "/static/dist/", "/static/dist/manifest.json", "/static/dist/.gitkeep", "/static/dist/server/math.js", "/static/../static.go"} {
		if w := get(p, http.Header{}); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", p, w.Code)
		}
	}
}

// TestTokensAreTheDesign holds the sheet against the palette whose contrasts were computed.
func TestTokensAreTheDesign(t *testing.T) {
	t.Parallel()
	css := get(static.Stylesheet(), http.Header{}).Body.String()
	for _, line := range []string{"--fg: light-dark(#1a1f29, #e8ebf0)", "--fg-faint: light-dark(#636c7c, #8e98a8)", "--accent: light-dark(#3b4fd8, #8b9bff)", "--danger: light-dark(#b42025, #ff8f8a)",
		"--score-1: light-dark(#8f2f0b, #f4a27a)", "--score-4: light-dark(#0b4877, #5aa9e6)", "--chart-1: light-dark(#0072b2, #56b4e9)", "forced-colors", "prefers-reduced-motion", "@media print"} {
		if !strings.Contains(css, line) {
			t.Errorf("the sheet has no %q", line)
		}
	}
}
