package questions

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The kit's own tests, in the image that harnesses run in. The files travel on standard input, so that any engine will do.
func TestKit(t *testing.T) {
	t.Parallel()
	if os.Getenv("ASSAY_TEST_DOCKER") != "1" {
		t.Skip("the kit's tests need the judge's image; set ASSAY_TEST_DOCKER=1 to run them")
	}
	var pack bytes.Buffer
	w := tar.NewWriter(&pack)
	for pattern, into := range map[string]string{"kit/*.py": "kit", "kit/tests/*.py": "kit/tests", "../sandbox/runtime/*.py": "runtime"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: no files (%v)", pattern, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			err = w.WriteHeader(&tar.Header{Name: into + "/" + filepath.Base(name), Mode: 0o644, Size: int64(len(data))})
			if err == nil {
				_, err = w.Write(data)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const script = `cd /tmp && python3 -c "import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode='r|').extractall('.', filter='data')" ` +
		`&& PYTHONPATH=/tmp:/tmp/runtime python3 kit/tests/test_kit.py`
	cmd := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--cap-drop", "ALL", "--user", "65534:65534",
		"assay/sandbox-judge:dev", "sh", "-c", script)
	cmd.Stdin = &pack
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "\nOK") {
		t.Errorf("%v\n%s", err, out)
	}
}
