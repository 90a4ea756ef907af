package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cgroups reads CPU time, peak memory and memory kills of containers from the kernel, in 50 µs where the engine's own statistics take
// up to seconds. Each run gets a parent cgroup of ours, which still tells when the container is gone; where the engine leaves that
// to systemd, or we may not remove what would be left, the container's own is read while it lives.
type cgroups struct {
	v2        bool
	memory    string   // mount point of the memory controller, or of the unified tree
	cpu       string   // mount point of cpuacct, or of the unified tree
	all       []string // every mount point, for removal
	ownParent bool     // containers get a parent cgroup of ours
}

// usage is what a container has used so far.
type usage struct {
	cpu   time.Duration
	peak  int64
	kills int64 // processes that the kernel killed for memory
}

var errNoCgroup = errors.New("the container's cgroup cannot be read from here")

// newCgroups looks at what is mounted where.
func newCgroups(mountinfo string, driver string) *cgroups {
	c := &cgroups{}
	var unified string
	for line := range strings.Lines(mountinfo) {
		left, right, ok := strings.Cut(line, " - ")
		fields, tail := strings.Fields(left), strings.Fields(right)
		if !ok || len(fields) < 5 || len(tail) < 3 {
			continue
		}
		point := fields[4]
		switch tail[0] {
		case "cgroup2":
			unified = point
		case "cgroup":
			c.all = append(c.all, point)
			for _, option := range strings.Split(tail[2], ",") {
				switch option {
				case "memory":
					c.memory = point
				case "cpuacct":
					c.cpu = point
				}
			}
		}
	}
	if c.memory == "" && unified != "" {
		c.v2, c.memory, c.cpu, c.all = true, unified, unified, []string{unified}
	} else if unified != "" {
		c.all = append(c.all, unified)
	}
	c.ownParent = c.memory != "" && driver == "cgroupfs" && unix.Access(c.memory, unix.W_OK) == nil
	return c
}

const cgroupRoot = "assay"

// parent is the CgroupParent of one run, "" when the engine's default is used.
func (c *cgroups) parent(instance, box string) string {
	if !c.ownParent {
		return ""
	}
	return "/" + filepath.Join(cgroupRoot, instance, box)
}

// meter reads one container's usage.
type meter struct {
	v2               bool
	ownMem, ownCPU   string // the container's
	parMem, parCPU   string // its parent of ours; "" when there is none
	lastPeak, killed int64
}

// meter finds the cgroup of the container to which the process with this pid belongs.
func (c *cgroups) meter(pid int, parent string) (*meter, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil || c.memory == "" {
		return nil, errNoCgroup
	}
	return c.meterFrom(string(data), parent)
}

// meterFrom finds it in what the kernel says of one of its processes.
func (c *cgroups) meterFrom(membership, parent string) (*meter, error) {
	m := &meter{v2: c.v2}
	for line := range strings.Lines(membership) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		if c.v2 && parts[0] == "0" {
			m.ownMem = filepath.Join(c.memory, parts[2])
			m.ownCPU = m.ownMem
		}
		for _, controller := range strings.Split(parts[1], ",") {
			switch {
			case c.v2:
			case controller == "memory":
				m.ownMem = filepath.Join(c.memory, parts[2])
			case controller == "cpuacct":
				m.ownCPU = filepath.Join(c.cpu, parts[2])
			}
		}
	}
	if m.ownMem == "" || m.ownCPU == "" {
		return nil, errNoCgroup
	}
	if parent != "" && strings.Contains(m.ownMem, parent+"/") {
		m.parMem, m.parCPU = filepath.Dir(m.ownMem), filepath.Dir(m.ownCPU)
	}
	if _, err := m.read(); err != nil {
		return nil, errNoCgroup
	}
	return m, nil
}

// read returns what is known now. After the container is gone it answers only when there is a parent.
func (m *meter) read() (usage, error) {
	var u usage
	// Kills are counted where the victim was; the parent sums them up only in the newer tree.
	if n, err := m.kills(m.ownMem); err == nil {
		m.killed = max(m.killed, n)
	}
	if m.v2 && m.parMem != "" {
		if n, err := m.kills(m.parMem); err == nil {
			m.killed = max(m.killed, n)
		}
	}
	u.kills = m.killed
	cpuDir, memDir := m.ownCPU, m.ownMem
	if m.parMem != "" {
		cpuDir, memDir = m.parCPU, m.parMem
	}
	var err error
	if m.v2 {
		var usec int64
		usec, err = readField(filepath.Join(cpuDir, "cpu.stat"), "usage_usec")
		u.cpu = time.Duration(usec) * time.Microsecond
		peak, perr := readNumber(filepath.Join(memDir, "memory.peak"))
		if perr != nil { // a kernel before 5.19
			peak, _ = readNumber(filepath.Join(memDir, "memory.current"))
		}
		m.lastPeak = max(m.lastPeak, peak)
	} else {
		var nsec int64
		nsec, err = readNumber(filepath.Join(cpuDir, "cpuacct.usage"))
		u.cpu = time.Duration(nsec)
		peak, _ := readNumber(filepath.Join(memDir, "memory.max_usage_in_bytes"))
		m.lastPeak = max(m.lastPeak, peak)
	}
	u.peak = m.lastPeak
	return u, err
}

func (m *meter) kills(dir string) (int64, error) {
	if m.v2 {
		return readField(filepath.Join(dir, "memory.events"), "oom_kill")
	}
	return readField(filepath.Join(dir, "memory.oom_control"), "oom_kill")
}

// remove takes away the parent cgroup of one run, or with box "" all of an instance. What is still in use stays for the next sweep.
func (c *cgroups) remove(instance, box string) {
	if !c.ownParent {
		return
	}
	for _, root := range c.all {
		dir := filepath.Join(root, cgroupRoot, instance, box)
		if box == "" {
			entries, _ := os.ReadDir(dir)
			for _, e := range entries {
				if e.IsDir() {
					unix.Rmdir(filepath.Join(dir, e.Name()))
				}
			}
		}
		unix.Rmdir(dir)
	}
}

func readNumber(path string) (int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
}

func readField(path, name string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), " "); ok && key == name {
			return strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}
