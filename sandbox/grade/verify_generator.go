package grade

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay"
	"assay/questions"
	"assay/sandbox"
)

// generate.py is run four times, each in an interpreter of its own with another hash seed.
const generateScript = `
import os, subprocess, sys
child = "import sys; sys.path.insert(0, 'data'); import generate; generate.generate(int(sys.argv[1]), __import__('pathlib').Path(sys.argv[2]))"
for i, (name, seed) in enumerate(p.split("=") for p in sys.argv[1:]):
    for part in ("public", "hidden"):
        os.makedirs("out/%s/%s" % (name, part))
    subprocess.run([sys.executable, "-c", child, seed, "out/" + name], check=True, env={**os.environ, "PYTHONHASHSEED": str(i)})
`

// generator proves that the same seed gives the same bytes, that another gives others, and that the public data of the folder are
// what the generator makes of public_seed.
func (o VerifyOptions) generator(ctx context.Context) (VerifyRow, error) {
	row := VerifyRow{Expected: "deterministic", Got: "deterministic"}
	miss := func(format string, args ...any) {
		row.Got = "broken"
		row.Misses = append(row.Misses, fmt.Sprintf(format, args...))
	}
	g := newGrading(ctx, o.Runner, Job{Package: o.Package, Name: "verify-" + token()})
	defer g.close()
	argv := []string{"python3", "-c", generateScript}
	for _, p := range [][2]string{{"again", "11"}, {"first", "11"}, {"other", "12"}, {"public", strconv.FormatInt(o.Package.PublicSeed, 10)}} {
		argv = append(argv, p[0]+"="+p[1])
	}
	spec := g.judgeSpec("generator", argv, []questions.BinFile{{Path: "data/generate.py", Data: []byte(o.Package.Generator)}})
	spec.Wall, spec.Collect, spec.CollectMax = 2*time.Minute, []string{"out"}, 4*maxCollected
	s := g.launch(spec, sandbox.Streams{Stdout: judgeWriter{g}, Stderr: judgeWriter{g}})
	<-s.done
	if err := s.failure(); err != nil {
		return row, err
	}
	row.CPU = s.outcome.CPU
	if !s.outcome.OK() {
		miss("generate.py failed (exit %d): %s", s.outcome.Exit, g.judgeText())
		return row, nil
	}
	out := map[string]map[string][]byte{"first": {}, "again": {}, "other": {}, "public": {}}
	for _, f := range s.outcome.Files {
		if parts := strings.SplitN(f.Path, "/", 3); len(parts) == 3 && out[parts[1]] != nil {
			out[parts[1]][parts[2]] = f.Data
		}
	}
	if s.outcome.Truncated {
		miss("generate.py makes more than %d MiB in four runs", spec.CollectMax>>20)
	}
	if len(out["first"]) == 0 {
		miss("generate.py makes no file")
		return row, nil
	}
	for _, path := range differ(out["first"], out["again"]) {
		miss("%s differs between two runs with one seed", path)
	}
	if len(differ(out["first"], out["other"])) == 0 {
		miss("two seeds give the same data")
	}
	made := map[string][]byte{}
	for path, data := range out["public"] {
		if name, ok := strings.CutPrefix(path, "public/"); ok {
			made["data/"+name] = data
		}
	}
	for _, path := range differ(made, publicData(o.Package.Public.Data)) {
		miss("%s is not what generate.py makes of public_seed %d", path, o.Package.PublicSeed)
	}
	row.Passed, row.Checks = 0, 1
	if row.OK() {
		row.Passed = 1
	}
	return row, nil
}

func publicData(files []assay.File) map[string][]byte {
	out := map[string][]byte{}
	for _, f := range files {
		out[f.Path] = []byte(f.Content)
	}
	return out
}

// differ lists the names whose bytes are not the same in both, or that only one has.
func differ(a, b map[string][]byte) []string {
	names := map[string]bool{}
	for name := range maps.Keys(a) {
		names[name] = true
	}
	for name := range maps.Keys(b) {
		names[name] = true
	}
	var out []string
	for name := range names {
		da, inA := a[name]
		db, inB := b[name]
		if inA != inB || !bytes.Equal(da, db) {
			out = append(out, name)
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}
