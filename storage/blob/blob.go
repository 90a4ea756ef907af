// Package blob keeps files by their content: what candidates handed in, packed questions, built packets. A key is the SHA-256 of
// the bytes in hex, so the same bytes are stored once, and a blob never changes.
package blob

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// Store keeps blobs. All methods may be called at once, by several processes too.
type Store interface {
	// Put stores what r yields and returns its key and size. Putting the same bytes again is cheap and right. When it returns,
	// the blob survives a power cut.
	Put(ctx context.Context, r io.Reader) (key string, size int64, err error)
	// Open returns the blob. A key that is not there gives an error matching fs.ErrNotExist. Bytes that are not what the key
	// promises give an error no later than at the end of reading.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// Delete removes the blob; one that is not there is fine.
	Delete(ctx context.Context, key string) error
}

// PutBytes stores b.
func PutBytes(ctx context.Context, s Store, b []byte) (key string, err error) {
	key, _, err = s.Put(ctx, bytes.NewReader(b))
	return key, err
}

// ReadAll returns the whole blob, refusing one larger than max bytes.
func ReadAll(ctx context.Context, s Store, key string, max int64) ([]byte, error) {
	r, err := s.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, max+1))
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", key, err)
	}
	if int64(len(b)) > max {
		return nil, fmt.Errorf("blob %s has more than %d bytes", key, max)
	}
	return b, nil
}
