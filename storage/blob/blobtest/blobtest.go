// Package blobtest holds what every blob.Store must do.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"assay/storage/blob"
)

// Conformance tests a store that is empty.
func Conformance(t *testing.T, s blob.Store) {
	ctx := t.Context()
	key := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }

	t.Run("round_trip", func(t *testing.T) {
		for _, b := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte{0, 1, 2, 255}, 300_000)} {
			k, n, err := s.Put(ctx, bytes.NewReader(b))
			if err != nil || k != key(b) || n != int64(len(b)) {
				t.Fatalf("Put: %s %d %v", k, n, err)
			}
			got, err := blob.ReadAll(ctx, s, k, int64(len(b)))
			if err != nil || !bytes.Equal(got, b) {
				t.Fatalf("ReadAll: %d bytes, %v", len(got), err)
			}
		}
	})
	t.Run("too_large", func(t *testing.T) {
		k, err := blob.PutBytes(ctx, s, []byte("four"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := blob.ReadAll(ctx, s, k, 3); err == nil {
			t.Error("read more than was asked for")
		}
	})
	t.Run("missing", func(t *testing.T) {
		for _, k := range []string{key([]byte("never stored")), "", "x", "../../etc/passwd", strings.Repeat("../", 21) + "a", strings.Repeat("A", 64)} {
			if _, err := s.Open(ctx, k); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Open(%.20q): %v", k, err)
			}
			if err := s.Delete(ctx, k); err != nil {
				t.Errorf("Delete(%.20q): %v", k, err)
			}
		}
	})
	t.Run("delete", func(t *testing.T) {
		k, err := blob.PutBytes(ctx, s, []byte("soon gone"))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Delete(ctx, k); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Open(ctx, k); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if again, err := blob.PutBytes(ctx, s, []byte("soon gone")); err != nil || again != k {
			t.Errorf("%s %v", again, err)
		}
	})
	t.Run("all_at_once", func(t *testing.T) {
		b := bytes.Repeat([]byte("same"), 10_000)
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				k, err := blob.PutBytes(ctx, s, b)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := blob.ReadAll(ctx, s, k, 1<<20); err != nil || !bytes.Equal(got, b) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			})
		}
		wg.Wait()
	})
	t.Run("source_fails", func(t *testing.T) {
		broken := errors.New("the line went dead")
		if _, _, err := s.Put(ctx, io.MultiReader(strings.NewReader("half"), failing{broken})); !errors.Is(err, broken) {
			t.Error(err)
		}
		if _, err := s.Open(ctx, key([]byte("half"))); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("half a blob was kept: %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if _, _, err := s.Put(gone, strings.NewReader("x")); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
