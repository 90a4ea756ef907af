package packet_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay"
	"assay/web/packet"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func made(t *testing.T, s packet.Snapshot) packet.Made {
	t.Helper()
	m, err := packet.Make(s, signingKey())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (run with -update when that is meant):\n%s", name, d)
	}
}

func TestGolden(t *testing.T) {
	m := made(t, decided(assay.BlindNothing))
	golden(t, "files.golden", []byte(strings.Join(m.Files, "\n")+"\n"))
	golden(t, "packet.golden.json", m.JSON)
	golden(t, "packet.golden.html", m.HTML)
	blind := made(t, seeded(assay.BlindCandidate))
	golden(t, "blind.golden.json", blind.JSON)
}
