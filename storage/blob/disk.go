package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Disk is a Store in a folder: <dir>/ab/ab12…. Files are readable by their owner only.
type Disk struct{ dir string }

// NewDisk uses dir, which is made when it is not there.
func NewDisk(dir string) (*Disk, error) {
	if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o700); err != nil {
		return nil, fmt.Errorf("blob folder: %w", err)
	}
	return &Disk{dir: dir}, nil
}

// Put writes to a temporary file, flushes it to the disk and only then gives it its name.
func (d *Disk) Put(ctx context.Context, r io.Reader) (key string, size int64, err error) {
	tmp, err := os.CreateTemp(filepath.Join(d.dir, "tmp"), "put-*") // mode 0600
	if err != nil {
		return "", 0, fmt.Errorf("put blob: %w", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	sum := sha256.New()
	size, err = io.Copy(io.MultiWriter(tmp, sum), reader{ctx, r})
	if err != nil {
		return "", 0, fmt.Errorf("put blob: %w", err)
	}
	key = hex.EncodeToString(sum.Sum(nil))
	if d.holds(key, size) {
		return key, size, nil
	}
	if err := tmp.Sync(); err != nil {
		return "", 0, fmt.Errorf("put blob: %w", err)
	}
	name := d.name(key)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return "", 0, fmt.Errorf("put blob: %w", err)
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		return "", 0, fmt.Errorf("put blob: %w", err)
	}
	if err := errors.Join(syncDir(filepath.Dir(name)), syncDir(d.dir)); err != nil {
		return "", 0, fmt.Errorf("put blob: %w", err)
	}
	return key, size, nil
}

// Open checks the bytes while they are read: a damaged file is an error at its end, never silently other content.
func (d *Disk) Open(_ context.Context, key string) (io.ReadCloser, error) {
	if !valid(key) {
		return nil, fmt.Errorf("blob %.80q: %w", key, fs.ErrNotExist)
	}
	f, err := os.Open(d.name(key))
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", key, err)
	}
	return &checked{f: f, key: key, sum: sha256.New()}, nil
}

// Delete removes the blob.
func (d *Disk) Delete(_ context.Context, key string) error {
	if !valid(key) {
		return nil
	}
	if err := os.Remove(d.name(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob: %w", err)
	}
	return nil
}

// holds says whether the blob is there whole. A damaged one (cut short by a crash of the machine, or by hand) is written again.
func (d *Disk) holds(key string, size int64) bool {
	f, err := os.Open(d.name(key))
	if err != nil {
		return false
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return err == nil && n == size && hex.EncodeToString(sum.Sum(nil)) == key
}

func (d *Disk) name(key string) string { return filepath.Join(d.dir, key[:2], key) }

// valid also keeps a key from leaving the folder: 64 hex digits are no path.
func valid(key string) bool {
	b, err := hex.DecodeString(key)
	return err == nil && len(b) == sha256.Size && hex.EncodeToString(b) == key
}

// checked offers nothing of the file but reading from front to back: every shortcut would pass the check by.
type checked struct {
	f   *os.File
	key string
	sum hash.Hash
}

func (c *checked) Close() error { return c.f.Close() }

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.f.Read(p)
	c.sum.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(c.sum.Sum(nil)) != c.key {
		return n, fmt.Errorf("blob %s is damaged: its bytes are not those that were stored", c.key)
	}
	return n, err
}

// reader stops at the end of ctx.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
