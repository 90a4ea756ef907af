package sandbox

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"golang.org/x/sys/unix"
)

// Labels that every container of ours carries, beside the Spec's own.
const (
	labelRole     = "assay.role"
	labelOwner    = "assay.owner"    // the lock file that its process holds as long as it lives
	labelInstance = "assay.instance" // of that process
	labelUntil    = "assay.until"    // Unix time from which nobody can still need it
)

// Sweep removes what processes that died have left on this host: containers, socket folders, cgroups. What a living process owns,
// ours or another's, is never touched: each holds a lock for as long as it lives. It is for start-up and a timer, and safe at any time.
func (d *Docker) Sweep(ctx context.Context) error {
	e, err := d.connect(ctx)
	if err != nil {
		return err
	}
	list, err := d.cli.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", labelOwner))})
	if err != nil {
		return d.engineError("list containers", err)
	}
	for _, c := range list {
		if !orphaned(c.Labels, d.instance) {
			continue
		}
		if err := d.remove(c.ID); err != nil {
			return d.engineError("remove a container that was left behind", err)
		}
		e.cgroups.remove(c.Labels[labelInstance], "")
		d.log.Info("removed a container that a dead worker left", "container", strings.Join(c.Names, " "), "attempt", c.Labels["attempt"])
	}
	return d.sweepFolders(e)
}

// orphaned says whether the process that made a container is dead. A lock file that is not there belongs to a process that was
// killed together with its folder, or to one in another mount namespace: then the container's own time decides.
func orphaned(labels map[string]string, instance string) bool {
	if labels[labelInstance] == instance {
		return false
	}
	switch held, err := locked(labels[labelOwner]); {
	case err == nil:
		return !held
	case os.IsNotExist(err):
		until, err := strconv.ParseInt(labels[labelUntil], 10, 64)
		return err != nil || time.Now().Unix() > until
	default:
		return false // not for us to judge
	}
}

// locked says whether a living process holds the lock.
func locked(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == unix.EWOULDBLOCK {
		return true, nil
	} else if err != nil {
		return false, fmt.Errorf("lock %s: %w", path, err)
	}
	return false, nil
}

// sweepFolders removes the folders and cgroups of dead processes. Containers that still used them are gone by now.
func (d *Docker) sweepFolders(e *engine) error {
	entries, err := os.ReadDir(d.cfg.Dir)
	if err != nil {
		return &EngineError{Kind: EngineInternal, Message: "The sandbox's folder cannot be read.", Err: err}
	}
	for _, entry := range entries {
		dir := filepath.Join(d.cfg.Dir, entry.Name())
		if !entry.IsDir() || entry.Name() == d.instance || !ours(entry) {
			continue
		}
		if held, err := locked(filepath.Join(dir, "lock")); err != nil || held {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			d.log.Warn("a dead worker's folder could not be removed", "dir", dir, "error", err)
			continue
		}
		e.cgroups.remove(entry.Name(), "")
	}
	return nil
}

// ours says whether the folder is named like an instance, eight hex digits.
func ours(entry fs.DirEntry) bool {
	return len(entry.Name()) == 8 && strings.Trim(entry.Name(), "0123456789abcdef") == ""
}
