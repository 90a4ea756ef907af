package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/sandbox/grade"
)

// question runs “assay question …” on a bank of its own.
func question(t *testing.T, bank string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"question"}, args...), []string{"ASSAY_BANK=" + bank}, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestQuestionNewLintList(t *testing.T) {
	t.Parallel()
	bank := t.TempDir()
	if code, out, errs := question(t, bank, "new", "implement", "my-own"); code != 0 || !strings.Contains(out, filepath.Join(bank, "my-own")) {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	if code, _, errs := question(t, bank, "new", "implement", "my-own"); code != 1 || !strings.Contains(errs, "already there") {
		t.Errorf("a second time: %d %s", code, errs)
	}
	if code, _, errs := question(t, bank, "new", "essay", "other"); code != 1 || !strings.Contains(errs, "essay") {
		t.Errorf("no such kind: %d %s", code, errs)
	}
	if code, out, errs := question(t, bank, "lint"); code != 0 || out != "1 question in order.\n" {
		t.Errorf("lint: %d %s%s", code, out, errs)
	}
	if code, out, _ := question(t, bank, "list"); code != 0 || !strings.Contains(out, "my-own") {
		t.Errorf("list: %d %s", code, out)
	}
	if code, out, _ := question(t, bank, "list", "--kind", "serve", "--json"); code != 0 || strings.TrimSpace(out) != "[]" {
		t.Errorf("list of another kind: %d %s", code, out)
	}
	if code, _, errs := question(t, bank, "lint", "nothing"); code != 1 || !strings.Contains(errs, "my-own") {
		t.Errorf("no such question: %d %s", code, errs)
	}
}

func TestQuestionLintSaysEverythingAtOnce(t *testing.T) {
	t.Parallel()
	bank := t.TempDir()
	if code, _, errs := question(t, bank, "new", "implement", "broken"); code != 0 {
		t.Fatal(errs)
	}
	for _, name := range []string{"statement.md", "harness/grade.py"} {
		if err := os.Remove(filepath.Join(bank, "broken", name)); err != nil {
			t.Fatal(err)
		}
	}
	code, out, _ := question(t, bank, "lint", "broken")
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	for _, file := range []string{"statement.md", "harness/grade.py"} {
		if !strings.Contains(out, filepath.Join(bank, "broken", file)+":1: ") {
			t.Errorf("%s is not complained about in\n%s", file, out)
		}
	}
	var findings []map[string]any
	if _, out, _ := question(t, bank, "lint", "--json"); json.Unmarshal([]byte(out), &findings) != nil || len(findings) < 2 {
		t.Errorf("as JSON: %s", out)
	}
}

func TestQuestionVerifyNeedsAName(t *testing.T) {
	t.Parallel()
	if code, _, errs := question(t, t.TempDir(), "verify"); code != 1 || !strings.Contains(errs, "--all") {
		t.Errorf("%d %s", code, errs)
	}
}

func TestQuestionVerify(t *testing.T) {
	t.Parallel()
	needDocker(t)
	bank := t.TempDir()
	if code, _, errs := question(t, bank, "new", "implement", "little"); code != 0 {
		t.Fatal(errs)
	}
	code, out, errs := question(t, bank, "verify", "little", "--only", "accepted", "--only", "starter", "--json")
	var reports []grade.VerifyReport
	if err := json.Unmarshal([]byte(out), &reports); err != nil || code != 0 || len(reports) != 1 || len(reports[0].Rows) < 2 {
		t.Fatalf("%d %v %s%s", code, err, out, errs)
	}
	if !strings.Contains(errs, "ok   little accepted/") {
		t.Errorf("nothing is told while it runs: %s", errs)
	}

	// A solution that is filed wrongly is found, and the exit code says so.
	solutions := filepath.Join(bank, "little", "solutions")
	wrong, err := filepath.Glob(filepath.Join(solutions, "wrong_answer", "*", "solution.py"))
	if err != nil || len(wrong) == 0 {
		t.Fatal("the template has no wrong solution", err)
	}
	right, err := filepath.Glob(filepath.Join(solutions, "accepted", "*", "solution.py"))
	if err != nil || len(right) == 0 {
		t.Fatal("the template has no accepted solution", err)
	}
	text, err := os.ReadFile(right[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(wrong[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ = question(t, bank, "verify", "little", "--only", "wrong_answer")
	if code != 1 || !strings.Contains(out, "MISS") || !strings.Contains(out, "gets AC and not WA") {
		t.Errorf("%d %s", code, out)
	}
}
