package blob_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/storage/blob"
	"assay/storage/blob/blobtest"
)

func TestDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := blob.NewDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	blobtest.Conformance(t, d)
	left, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil || len(left) != 0 {
		t.Errorf("%d temporary files left (%v)", len(left), err)
	}
	err = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDiskNoticesDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := blob.NewDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	key, err := blob.PutBytes(ctx, d, []byte("what was stored"))
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []string{"what was storeD", "what was", "what was stored, and more", ""} {
		if err := os.WriteFile(filepath.Join(dir, key[:2], key), []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := blob.ReadAll(ctx, d, key, 1000); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%q: %v", damage, err)
		}
		// io.Copy takes a shortcut where a file offers one.
		r, err := d.Open(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err == nil {
			t.Errorf("%q: copied", damage)
		}
		r.Close()
	}
	// Storing the bytes again mends it.
	if _, err := blob.PutBytes(ctx, d, []byte("what was stored")); err != nil {
		t.Fatal(err)
	}
	if got, err := blob.ReadAll(ctx, d, key, 1000); err != nil || string(got) != "what was stored" {
		t.Errorf("%q %v", got, err)
	}
}

func TestNewDiskRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.NewDisk(file); err == nil {
		t.Error("a file passed for a folder")
	}
}
