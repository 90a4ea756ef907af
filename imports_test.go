package assay_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "assay"

// house lists, for every package, the packages of ours that it may import.
// It is the drawing in docs/architecture.md; change both together.
var house = map[string][]string{
	"":                      {},
	"questions":             {""},
	"sandbox":               {""},
	"sandbox/sandboxtest":   {"", "sandbox"},
	"sandbox/grade":         {"", "questions", "sandbox", "storage", "storage/blob"},
	"storage/blob":          {},
	"storage/blob/blobtest": {"storage/blob"},
	"storage/queue":         {""},
	"storage":               {"", "storage/queue"},
	"storage/storagetest":   {"", "storage"},
	"web/static":            {},
	"web/view":              {"", "web/static"},
	"web/view/prose":        {},
	"web/auth":              {""},
	"web/packet":            {"", "storage", "storage/blob", "web/view", "web/view/prose"},
	"web":                   {"", "questions", "storage", "storage/blob", "web/auth", "web/packet", "web/static", "web/view", "web/view/prose"},
	"cmd/assay":             {"", "questions", "sandbox", "sandbox/grade", "storage", "storage/blob", "storage/queue", "web", "web/auth", "web/packet"},
}

// doors lists the only packages that may import each outside library.
var doors = map[string][]string{
	"github.com/gin-gonic/gin":    {"web"},
	"github.com/a-h/templ":        {"web/view"},
	"gorm.io/":                    {"storage"},
	"github.com/mattn/go-sqlite3": {"storage"},
	"github.com/jackc/pgx":        {"storage", "storage/queue"},
	"github.com/riverqueue/river": {"storage/queue"},
	"github.com/docker/docker":    {"sandbox"},
	"github.com/alecthomas/kong":  {"cmd/assay"},
}

// sealed lists functions that open what candidates must never see, and the only packages that may call them.
var sealed = map[string][]string{
	"questions.Unseal(": {"questions", "sandbox/grade"},
}

type listed struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "./...").Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func room(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		here := room(p.ImportPath)
		allowed, known := house[here]
		if !known {
			t.Errorf("%s has no line in the house table", p.ImportPath)
		}
		for _, imp := range p.Imports {
			if imp == module || strings.HasPrefix(imp, module+"/") {
				if !slices.Contains(allowed, room(imp)) {
					t.Errorf("%q may not import %q", here, room(imp))
				}
			}
			for lib, rooms := range doors {
				if strings.HasPrefix(imp, lib) && !slices.Contains(rooms, here) {
					t.Errorf("%q may not import %s; its door is %v", here, imp, rooms)
				}
			}
		}
	}
}

func TestSealedStaysSealed(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for call, rooms := range sealed {
			if slices.Contains(rooms, room(p.ImportPath)) {
				continue
			}
			for _, file := range p.GoFiles {
				if strings.Contains(read(t, p.Dir+"/"+file), call) {
					t.Errorf("%s/%s calls %s…); only %v may", room(p.ImportPath), file, call, rooms)
				}
			}
		}
	}
}
