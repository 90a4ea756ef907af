package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func head(path string, size int64) frame {
	b, _ := json.Marshal(map[string]any{"path": path, "size": size, "mode": 0o6755})
	return frame{kind: frameFile, payload: b}
}

func data(s string) frame { return frame{kind: frameData, payload: []byte(s)} }

var end = frame{kind: frameEnd, payload: []byte(`{"skipped":["x is a pipe"],"truncated":false}`)}

func TestCollectedKeepsWhatIsSound(t *testing.T) {
	t.Parallel()
	c := newCollected(10)
	for _, f := range []frame{head("b", 2), data("x"), data("y"), head("a/c", 0), head("../up", 1), data("z"), head("/abs", 0), head("B", 1), data("q"),
		head("big", 100), data(strings.Repeat("w", 100)), head(".git/config", 0), head("last", 8), data("12345678"), head("over", 1), data("!"), end} {
		if _, err := c.take(f); err != nil {
			t.Fatal(err)
		}
	}
	got := fmt.Sprint(len(c.files), c.files[0].Path, c.files[1].Path, string(c.files[1].Data), c.files[1].Mode, c.files[2].Path, len(c.skipped), c.truncated)
	if want := fmt.Sprint(3, "a/c", "b", "xy", "-rwxr-xr-x", "last", 7, true); got != want {
		t.Errorf("got %s, want %s\n%q", got, want, c.skipped)
	}
}

func TestCollectedRefusesNonsense(t *testing.T) {
	t.Parallel()
	for name, frames := range map[string][]frame{
		"data without a file": {data("x")},
		"too much data":       {head("a", 1), data("xx")},
		"empty data":          {head("a", 1), data("")},
		"file within a file":  {head("a", 2), data("x"), head("b", 1)},
		"negative size":       {head("a", -1)},
		"end within a file":   {head("a", 2), end},
		"no head":             {{kind: frameFile, payload: []byte("[]")}},
		"another frame":       {{kind: frameReady}},
	} {
		c, failed := newCollected(10), false
		for _, f := range frames {
			if _, err := c.take(f); err != nil {
				failed = true
			}
		}
		if !failed {
			t.Errorf("%s passed", name)
		}
	}
	c := newCollected(1 << 40)
	for i := range maxCollectFiles + 5 {
		c.take(head(fmt.Sprint("f", i), 0))
	}
	if len(c.files) != maxCollectFiles || !c.truncated {
		t.Errorf("%d files", len(c.files))
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMeterVersion2(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	c := newCgroups("30 24 0:26 / "+root+" rw - cgroup2 cgroup2 rw,nsdelegate\n", "systemd")
	if !c.v2 || c.parent("i", "b") != "" {
		t.Fatalf("%+v", c)
	}
	scope := root + "/system.slice/docker-1.scope/"
	write(t, scope+"cpu.stat", "usage_usec 1500\nuser_usec 1\n")
	write(t, scope+"memory.peak", "4096\n")
	write(t, scope+"memory.events", "low 0\noom 2\noom_kill 1\n")
	m, err := c.meterFrom("0::/system.slice/docker-1.scope\n", "")
	if err != nil {
		t.Fatal(err)
	}
	if u, err := m.read(); err != nil || u != (usage{1500 * time.Microsecond, 4096, 1}) {
		t.Errorf("%+v %v", u, err)
	}
	// The container is gone: what was seen last stays.
	if err := os.RemoveAll(scope); err != nil {
		t.Fatal(err)
	}
	if u, err := m.read(); err == nil || u.peak != 4096 || u.kills != 1 {
		t.Errorf("%+v %v", u, err)
	}
}

func TestMeterVersion1WithParent(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	c := newCgroups(fmt.Sprintf("1 0 0:1 / %[1]s/memory rw - cgroup cgroup rw,memory\n2 0 0:2 / %[1]s/cpu rw - cgroup cgroup rw,cpu,cpuacct\n", root), "cgroupfs")
	for _, dir := range []string{"memory", "cpu"} {
		if err := os.MkdirAll(root+"/"+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.ownParent = true
	parent := c.parent("inst", "box")
	write(t, root+"/memory/assay/inst/box/c1/memory.oom_control", "oom_kill_disable 0\noom_kill 2\n")
	write(t, root+"/memory/assay/inst/box/memory.max_usage_in_bytes", "777\n")
	write(t, root+"/cpu/assay/inst/box/cpuacct.usage", "5000\n")
	m, err := c.meterFrom("5:cpu,cpuacct:/assay/inst/box/c1\n4:memory:/assay/inst/box/c1\n", parent)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(root + "/memory/assay/inst/box/c1"); err != nil {
		t.Fatal(err)
	}
	if u, err := m.read(); err != nil || u != (usage{5 * time.Microsecond, 777, 2}) {
		t.Errorf("%+v %v", u, err)
	}
	if _, err := c.meterFrom("4:memory:/elsewhere\n", ""); err == nil {
		t.Error("a cgroup that is not there was read")
	}
}
