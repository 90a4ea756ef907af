package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"assay"
)

// Bounds on what comes back from a container, whatever a Spec asks for.
const (
	maxCollectFiles = 1024
	maxSkipped      = 20
	collectTime     = 60 * time.Second
)

// collected takes in the files that a container sends. All of it is the word of a process that may want to harm us: names, sizes,
// counts and contents are checked here as if nothing had been checked inside, and nothing is ever written to this host's disk.
type collected struct {
	most  int64
	files []File
	seen  map[string]bool

	current *File
	missing int64 // bytes of current still to come
	dropped bool  // current is read but not kept

	skipped   []string
	truncated bool
}

func newCollected(most int64) *collected {
	return &collected{most: most, seen: map[string]bool{}}
}

// take handles one frame. done is true at the end of the files; an error means that the stream makes no sense.
func (c *collected) take(f frame) (done bool, err error) {
	switch f.kind {
	case frameFile:
		return false, c.begin(f.payload)
	case frameData:
		return false, c.data(f.payload)
	case frameEnd:
		return true, c.end(f.payload)
	}
	return false, fmt.Errorf("a frame %q among the files", f.kind)
}

func (c *collected) begin(payload []byte) error {
	var head struct {
		Path string
		Size int64
		Mode uint32
	}
	if c.missing > 0 {
		return errors.New("a file begins before the last one has ended")
	}
	if err := json.Unmarshal(payload, &head); err != nil || head.Size < 0 {
		return errors.New("a file without a readable head")
	}
	c.current = &File{Path: head.Path, Mode: fs.FileMode(head.Mode) & 0o777}
	c.missing, c.dropped = head.Size, true
	folded := strings.ToLower(head.Path)
	switch err := assay.ValidatePath(head.Path); {
	case err != nil:
		c.skip(err.Error())
	case c.seen[folded]:
		c.skip(fmt.Sprintf("%s came twice", head.Path))
	case len(c.files) >= maxCollectFiles:
		c.truncated = true
		c.skip(fmt.Sprintf("%s: more than %d files", head.Path, maxCollectFiles))
	case head.Size > c.most:
		c.truncated = true
		c.skip(fmt.Sprintf("%s does not fit into what may be brought back", head.Path))
	default:
		c.seen[folded] = true
		c.most -= head.Size
		c.dropped = false
	}
	if head.Size == 0 {
		c.finish()
	}
	return nil
}

func (c *collected) data(p []byte) error {
	if c.current == nil || len(p) == 0 || int64(len(p)) > c.missing {
		return errors.New("more data than a file was said to have")
	}
	c.missing -= int64(len(p))
	if !c.dropped {
		c.current.Data = append(c.current.Data, p...)
	}
	if c.missing == 0 {
		c.finish()
	}
	return nil
}

func (c *collected) finish() {
	if !c.dropped {
		c.files = append(c.files, *c.current)
	}
	c.current = nil
}

func (c *collected) end(payload []byte) error {
	var tail struct {
		Skipped   []string
		Truncated bool
	}
	if err := json.Unmarshal(payload, &tail); err != nil || c.missing > 0 {
		return errors.New("the files end in the middle")
	}
	for _, s := range tail.Skipped {
		c.skip(s)
	}
	c.truncated = c.truncated || tail.Truncated
	sort.Slice(c.files, func(i, j int) bool { return c.files[i].Path < c.files[j].Path })
	return nil
}

func (c *collected) skip(why string) {
	if len(c.skipped) < maxSkipped {
		c.skipped = append(c.skipped, clip(strings.ToValidUTF8(why, "\ufffd"), 400))
	}
}

// checkFiles refuses files that cannot be written below /workspace. They are ours to get right: statement data, a harness, or what a
// candidate handed in and assay.ValidateFiles has let through.
func checkFiles(files []File, disk int64) error {
	seen := map[string]bool{}
	var total int64
	for _, f := range files {
		if f.Path == "" || f.Path != path.Clean(f.Path) || path.IsAbs(f.Path) || f.Path == "." || f.Path == ".." ||
			strings.HasPrefix(f.Path, "../") || strings.ContainsRune(f.Path, 0) || !utf8.ValidString(f.Path) {
			return fmt.Errorf("the file name %q is not a clean relative path", f.Path)
		}
		if seen[f.Path] {
			return fmt.Errorf("the file %s is given twice", f.Path)
		}
		seen[f.Path] = true
		total += int64(len(f.Data))
	}
	if len(files) > maxFiles/2 {
		return fmt.Errorf("%d files are given; at most %d can be", len(files), maxFiles/2)
	}
	if total > disk {
		return fmt.Errorf("the files have %d bytes; the workspace has %d", total, disk)
	}
	return nil
}
