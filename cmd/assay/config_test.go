package main

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"
)

func TestEveryComplaintIsHeardAtOnce(t *testing.T) {
	t.Parallel()
	env := []string{"ASSAY_LISTEN=nowhere", "ASSAY_DATABASE=mysql://x", "ASSAY_WORKERS=many", "ASSAY_GPU=maybe", "ASSAY_LOG_LEVEL=loud",
		"ASSAY_LOG_FORMAT=xml", "ASSAY_BASE_URL=ftp://x", "ASSAY_BANK=/no/such/folder", "ASSAY_LISTN=typo", "ASSAY_TEST_DOCKER=1", "HOME=/root"}
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"config"}, env, nil, &out, &errs); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	for _, name := range []string{"ASSAY_LISTEN", "ASSAY_DATABASE", "ASSAY_WORKERS", "ASSAY_GPU", "ASSAY_LOG_LEVEL", "ASSAY_LOG_FORMAT",
		"ASSAY_BASE_URL", "ASSAY_BANK", "ASSAY_LISTN is not a setting"} {
		if !strings.Contains(errs.String(), name) {
			t.Errorf("no complaint about %s in:\n%s", name, errs.String())
		}
	}
	if strings.Contains(errs.String(), "ASSAY_TEST_DOCKER is not") || out.Len() > 0 {
		t.Errorf("unexpected output:\n%s%s", out.String(), errs.String())
	}
}

func TestFlagsOverrideVariables(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	code := run(context.Background(), []string{"config", "--listen", "127.0.0.1:9"}, []string{"ASSAY_LISTEN=127.0.0.1:8", "ASSAY_WORKERS=3"}, nil, &out, &errs)
	if code != 0 || !strings.Contains(out.String(), "127.0.0.1:9\n") || !strings.Contains(out.String(), "workers      3\n") {
		t.Errorf("code %d:\n%s%s", code, out.String(), errs.String())
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	run(context.Background(), []string{"config"}, []string{"ASSAY_DATABASE=postgres://assay:hunter2@db/assay"}, nil, &out, &errs)
	if strings.Contains(out.String(), "hunter2") || !strings.Contains(out.String(), "postgres://assay:") {
		t.Errorf("printed:\n%s", out.String())
	}
}

// TestEverySettingHasItsVariable keeps flags, their help and the list of known variables together.
func TestEverySettingHasItsVariable(t *testing.T) {
	t.Parallel()
	fields := reflect.TypeFor[settings]()
	if fields.NumField() != len(knownVariables) {
		t.Errorf("%d settings, %d variables", fields.NumField(), len(knownVariables))
	}
	for i := range fields.NumField() {
		help := fields.Field(i).Tag.Get("help")
		named := false
		for _, v := range knownVariables {
			named = named || strings.Contains(help, "["+v+",") || strings.Contains(help, "["+v+"]")
		}
		if !named {
			t.Errorf("the help of %s names no variable: %q", fields.Field(i).Name, help)
		}
	}
}

func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"srve"}, {"serve", "--nope"}, {"serve", "--only", "half"}, {"packet"}} {
		var out, errs bytes.Buffer
		if code := run(context.Background(), args, nil, nil, &out, &errs); code != 2 {
			t.Errorf("%v: exit code %d, want 2\n%s", args, code, errs.String())
		}
		if !strings.HasPrefix(errs.String(), "assay: ") {
			t.Errorf("%v: %q", args, errs.String())
		}
	}
	var out, errs bytes.Buffer
	if code := run(context.Background(), nil, nil, nil, &out, &errs); code != 0 || !strings.Contains(out.String(), "doctor") {
		t.Errorf("no arguments should print help; got %d %q", code, out.String())
	}
}
