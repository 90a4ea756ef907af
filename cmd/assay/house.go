package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"assay/questions"
	"assay/sandbox"
	"assay/storage"
	"assay/storage/blob"
)

// openStorage connects to the database and brings its schema up to date; the data folder is made when it is missing.
func (a *app) openStorage() (*storage.DB, error) {
	if path, ok := strings.CutPrefix(a.cfg.Database, "sqlite:"); ok {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("make the database's folder: %w", err)
		}
	}
	db, err := storage.Open(a.ctx, storage.Config{URL: a.cfg.Database, Log: a.log})
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := db.Migrate(a.ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate the database: %w", err), db.Close())
	}
	return db, nil
}

func (a *app) openBlobs() (blob.Store, error) {
	return blob.NewDisk(filepath.Join(a.cfg.Data, "blobs"))
}

// openBank reads the bank that the configuration names, or the shipped one.
func (a *app) openBank() (*questions.Bank, error) {
	fsys := questions.Shipped()
	if a.cfg.Bank != "" {
		fsys = os.DirFS(a.cfg.Bank)
	}
	bank, err := questions.Open(fsys)
	if err != nil {
		return nil, fmt.Errorf("read the question bank:\n%w", err)
	}
	return bank, nil
}

func (a *app) openSandbox(ctx context.Context) (*sandbox.Docker, error) {
	return sandbox.Open(ctx, sandbox.Config{Host: a.cfg.DockerHost, Images: a.cfg.Images, Runtime: a.cfg.Runtime, Log: a.log})
}

// keyPath is where the packets' signing key lies.
func (a *app) keyPath() string { return filepath.Join(a.cfg.Data, "packet.key") }
