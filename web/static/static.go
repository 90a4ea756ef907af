// Package static holds what pages load besides themselves: the style sheet, written by hand, and the scripts, bundled from web/src
// by web/build.sh into dist. Everything is embedded and served under names that carry a hash of the content, so browsers keep
// them for good and never see a stale one.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed css
var sheets embed.FS

//go:embed all:dist
var dist embed.FS

// Stylesheet is the address of the one style sheet.
func Stylesheet() string { return load().sheet }

// Script is the address of a bundled script by its name in web/src ("app", "workspace"); "" when the scripts were not built.
func Script(name string) string { return load().scripts[name] }

// ScriptStyle is the address of the style sheet that came out of a script's imports, "" when there is none.
func ScriptStyle(name string) string { return load().styles[name] }

// Built says whether the scripts are there. Pages work without them, and say so.
func Built() bool { return len(load().scripts) > 0 }

// Source reads a file of dist, such as the formula renderer that the server itself runs: fs.ErrNotExist when it was not built.
func Source(name string) ([]byte, error) { return dist.ReadFile("dist/" + name) }

// Handler serves /static/… with far-future caching. An unknown name is 404.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := load().files[r.URL.Path]
		if !ok || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.mime)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("ETag", f.etag)
		if r.Header.Get("If-None-Match") == f.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(f.data)
	})
}

type file struct {
	data []byte
	mime string
	etag string
}

type assets struct {
	files   map[string]file
	sheet   string
	scripts map[string]string
	styles  map[string]string
}

var load = sync.OnceValue(func() *assets {
	a := &assets{files: map[string]file{}, scripts: map[string]string{}, styles: map[string]string{}}

	// The sheets are joined in the order of their names.
	var css bytes.Buffer
	names, _ := fs.Glob(sheets, "css/*.css")
	slices.Sort(names)
	for _, n := range names {
		b, _ := sheets.ReadFile(n)
		css.Write(b)
		css.WriteByte('\n')
	}
	a.sheet = "/static/app-" + short(css.Bytes()) + ".css"
	a.add(a.sheet, css.Bytes())

	_ = fs.WalkDir(dist, "dist", func(p string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(p, "dist/")
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(p), ".") || path.Ext(p) == ".json" || strings.HasPrefix(name, "server/") {
			return err
		}
		b, err := dist.ReadFile(p)
		if err == nil {
			a.add("/static/dist/"+name, b)
		}
		return err
	})
	a.manifest()
	return a
})

func (a *assets) add(url string, b []byte) {
	kind := mime.TypeByExtension(path.Ext(url))
	switch path.Ext(url) { // what the machine's own tables say varies
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".woff2":
		kind = "font/woff2"
	case ".map":
		kind = "application/json"
	case ".txt":
		kind = "text/plain; charset=utf-8"
	case "":
		kind = "application/octet-stream"
	}
	a.files[url] = file{data: b, mime: kind, etag: `"` + short(b) + `"`}
}

// manifest reads what esbuild wrote about its outputs.
func (a *assets) manifest() {
	b, err := dist.ReadFile("dist/manifest.json")
	if err != nil {
		return
	}
	var m struct {
		Outputs map[string]struct {
			EntryPoint string
			CSSBundle  string `json:"cssBundle"`
		}
	}
	if json.Unmarshal(b, &m) != nil {
		return
	}
	for out, o := range m.Outputs {
		if o.EntryPoint == "" || path.Ext(out) != ".js" {
			continue
		}
		name := strings.TrimSuffix(path.Base(o.EntryPoint), path.Ext(o.EntryPoint))
		a.scripts[name] = "/static/dist/" + path.Base(out)
		if o.CSSBundle != "" {
			a.styles[name] = "/static/dist/" + path.Base(o.CSSBundle)
		}
	}
}

func short(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}
