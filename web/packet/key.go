package packet

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
)

// LoadOrCreateKey reads the ed25519 key that packets are signed with, or makes one in a file that its owner alone may read. A file
// that is there but no such key, or that others may read, is an error: a signing key is never replaced in silence.
func LoadOrCreateKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("packet key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("packet key: %s can be read by others (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("packet key: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("packet key: %s is not a PEM private key", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("packet key: %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("packet key: %s holds a %T, not an ed25519 key", path, parsed)
	}
	return key, nil
}

// createKey writes the file whole or not at all. Of two processes that start at once, one makes the key and both use it.
func createKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("packet key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("packet key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("packet key: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".packet-key-*") // created with mode 0600
	if err != nil {
		return nil, fmt.Errorf("packet key: %w", err)
	}
	defer os.Remove(tmp.Name())
	err = pem.Encode(tmp, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return nil, fmt.Errorf("packet key: %w", err)
	}
	if err := os.Link(tmp.Name(), path); errors.Is(err, fs.ErrExist) {
		return LoadOrCreateKey(path)
	} else if err != nil {
		return nil, fmt.Errorf("packet key: %w", err)
	}
	return key, nil
}

// Fingerprint is how people compare keys: "sha256:" and the hash of the 32 bytes of the public key.
func Fingerprint(key ed25519.PrivateKey) string {
	return FingerprintOf(key.Public().(ed25519.PublicKey))
}

// FingerprintOf is Fingerprint for whoever has only the public half.
func FingerprintOf(pub ed25519.PublicKey) string {
	sum := sha256.Sum256(pub)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// PublicPEM is the public half as openssl reads it.
func PublicPEM(pub ed25519.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		panic(fmt.Sprintf("an ed25519 key that does not marshal: %v", err))
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// WellKnownPath is where a server publishes the keys that its packets are signed with.
const WellKnownPath = "/.well-known/assay-packet-key"

// WellKnown answers WellKnownPath: the fingerprint, then the key. Everybody may read it.
func WellKnown(key ed25519.PrivateKey) http.HandlerFunc {
	pub := key.Public().(ed25519.PublicKey)
	body := append([]byte("# "+FingerprintOf(pub)+"\n"), PublicPEM(pub)...)
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, _ = w.Write(body)
	}
}

// signer is the key as the envelope's library wants it.
type signer struct{ key ed25519.PrivateKey }

func (s signer) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(s.key, data), nil
}
func (s signer) KeyID() (string, error) { return Fingerprint(s.key), nil }

// checker is a public key as the envelope's library wants it.
type checker struct{ pub ed25519.PublicKey }

func (c checker) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(c.pub, data, sig) {
		return errors.New("the signature does not fit")
	}
	return nil
}
func (c checker) KeyID() (string, error)   { return FingerprintOf(c.pub), nil }
func (c checker) Public() crypto.PublicKey { return c.pub }
