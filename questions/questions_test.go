package questions

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"assay"
)

var update = flag.Bool("update", false, "rewrite the expected files")

// golden compares got with a file, or rewrites the file with -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got), -update rewrites it:\n%s", path, diff)
	}
}

// example is a folder that New makes, as a map that a test may change.
func example(t *testing.T, kind assay.Kind) fstest.MapFS {
	t.Helper()
	dir := t.TempDir()
	if err := New(kind, "example", dir); err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if d.Name() == "question.yaml" {
			data = regexp.MustCompile("q_[0-9a-z]{26}").ReplaceAll(data, []byte(placeholderID)) // the same in every run
		}
		files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Each file of testdata/broken names one or more edits of the implement example and, below the line, the complaints they raise:
//
//	replace question.yaml: minutes: 30 => minutes: no
//	drop question.yaml: gate: true,
//	write starter/data/x.csv: text
//	remove rubric.md
func TestLintComplains(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/broken/*.txt")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			edits, _, _ := strings.Cut(string(text), "----\n")
			files := broken(t, edits)
			var out strings.Builder
			for _, finding := range Lint(files, "example") {
				out.WriteString(finding.String() + "\n")
			}
			if out.Len() == 0 {
				t.Error("nothing is complained of")
			}
			golden(t, path, []byte(edits+"----\n"+out.String()))
		})
	}
}

// broken applies a case's edits to an example of a new question.
func broken(t *testing.T, edits string) fstest.MapFS {
	t.Helper()
	kind := assay.KindImplement
	if first, rest, _ := strings.Cut(edits, "\n"); strings.HasPrefix(first, "kind ") {
		kind, edits = assay.Kind(strings.TrimPrefix(first, "kind ")), rest
	}
	files := example(t, kind)
	for _, line := range strings.Split(strings.TrimSpace(edits), "\n") {
		verb, rest, _ := strings.Cut(line, " ")
		name, arg, _ := strings.Cut(rest, ": ")
		name = "example/" + name
		unescape := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\x`, "\xff", `\0`, "\x00")
		arg = unescape.Replace(arg)
		switch verb {
		case "replace":
			from, to, ok := strings.Cut(arg, " => ")
			if !ok || !bytes.Contains(files[name].Data, []byte(from)) {
				t.Fatalf("%s: nothing to replace", line)
			}
			files[name] = &fstest.MapFile{Data: bytes.Replace(files[name].Data, []byte(from), []byte(to), 1)}
		case "drop":
			if !bytes.Contains(files[name].Data, []byte(arg)) {
				t.Fatalf("%s: nothing to drop", line)
			}
			files[name] = &fstest.MapFile{Data: bytes.Replace(files[name].Data, []byte(arg), nil, 1)}
		case "write":
			files[name] = &fstest.MapFile{Data: []byte(arg)}
		case "append":
			files[name] = &fstest.MapFile{Data: append(bytes.Clone(files[name].Data), arg...)}
		case "link":
			files[name] = &fstest.MapFile{Data: []byte(arg), Mode: fs.ModeSymlink}
		case "remove":
			if files[name] == nil {
				t.Fatalf("%s: nothing to remove", line)
			}
			delete(files, name)
		default:
			t.Fatalf("unknown edit %q", line)
		}
	}
	return files
}

func TestNewLintsClean(t *testing.T) {
	t.Parallel()
	for _, kind := range NewKinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			files := example(t, kind)
			for _, finding := range Lint(files, "example") {
				t.Error(finding)
			}
			if _, err := Open(files); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := New(assay.KindTrain, "twice", dir); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		kind assay.Kind
		slug string
		want assay.Code
	}{
		"there":    {assay.KindTrain, "twice", assay.Conflict},
		"up":       {assay.KindTrain, "../up", assay.Invalid},
		"capitals": {assay.KindTrain, "Churn", assay.Invalid},
		"kind":     {assay.KindDesign, "platform", assay.Invalid},
		"no kind":  {"", "platform", assay.Invalid},
	} {
		if got := assay.ErrorCode(New(c.kind, c.slug, dir)); got != c.want {
			t.Errorf("%s: code %q, want %q", name, got, c.want)
		}
	}
}

func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	got, err := makeSchema("question.yaml", questionFields)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "question.schema.json", got)
}

// The reader and the published schema agree on every document there is: shipped, made by New, broken.
func TestSchemaAgreesWithReader(t *testing.T) {
	t.Parallel()
	b, err := makeSchema("question.yaml", questionFields)
	if err != nil {
		t.Fatal(err)
	}
	var raw any
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("question.schema.json", raw); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("question.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	valid, invalid := 0, 0
	for name, text := range documents(t) {
		r := &reader{file: name}
		r.read(text, questionFields)
		var doc any
		if yaml.Unmarshal(text, &doc) != nil || hasTrap(r.traps) {
			continue // not YAML, or YAML that readers disagree about: there is no one document to validate
		}
		plain, err := json.Marshal(doc)
		if err != nil {
			continue
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		schemaErr := schema.Validate(instance)
		if (schemaErr == nil) != (len(r.faults) == 0) {
			t.Errorf("%s: the schema says %v, the reader %v", name, schemaErr, r.faults)
		}
		if schemaErr == nil {
			valid++
		} else {
			invalid++
		}
	}
	if valid < 5 || invalid < 8 {
		t.Errorf("only %d valid and %d invalid documents were compared", valid, invalid)
	}
}

func hasTrap(traps []Finding) bool {
	for _, f := range traps {
		if !strings.Contains(f.Mend, "it may be") { // a bound on a size; the document itself is plain
			return true
		}
	}
	return false
}

func documents(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	slugs, err := Slugs(Shipped())
	if err != nil {
		t.Fatal(err)
	}
	for _, slug := range slugs {
		if out[slug], err = fs.ReadFile(Shipped(), slug+"/question.yaml"); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range NewKinds {
		out["new "+string(kind)] = example(t, kind)["example/question.yaml"].Data
	}
	cases, _ := filepath.Glob("testdata/broken/*.txt")
	for _, path := range cases {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		edits, _, _ := strings.Cut(string(text), "----\n")
		if f := broken(t, edits)["example/question.yaml"]; f != nil {
			out[path] = f.Data
		}
	}
	return out
}
