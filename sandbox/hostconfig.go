package sandbox

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/go-units"
)

//go:embed seccomp.json
var seccompProfile []byte

// place is where on this host a container of ours runs: everything about it that its Spec does not say.
type place struct {
	image        string
	uid          int    // of this container alone
	socketDir    string // on the host; holds the sockets that the container's runtime dials
	runtimeDir   string // on the host; boot.py and its neighbours
	cgroupParent string // "" for the engine's default
	runtime      string // OCI runtime; "" for the engine's default
	cpus         float64
	labels       map[string]string
}

// Where things are inside.
const (
	insideWorkspace = "/workspace"
	insideRuntime   = "/assay"
	insideSockets   = "/run/assay"
	insideControl   = insideSockets + "/control.sock"
	insideUpstream  = insideSockets + "/upstream.sock"
)

// Bounds that no question can change.
const (
	tmpSize  = 64 << 20
	shmSize  = 64 << 20
	maxFiles = 16384 // inodes of /workspace
	maxTmp   = 4096  // inodes of /tmp
)

// containerConfig turns a Spec into what Docker is asked to create. It is the whole of the isolation, the same for every role, and
// nothing in a Spec can loosen it. The program itself, its files, arguments and environment are not in it: they are sent to the
// runtime inside when it is up, so no size or content of theirs can make Docker refuse a container.
func containerConfig(s Spec, p place) (*container.Config, *container.HostConfig, error) {
	devices, requests, err := gpuRequest(s.GPU)
	if err != nil {
		return nil, nil, err
	}
	uid := strconv.Itoa(p.uid)
	owner := fmt.Sprintf("uid=%s,gid=%s", uid, uid)
	disk := min(s.Limits.Disk, s.Limits.Memory) // a tmpfs counts as memory
	pids := int64(s.Limits.Pids)
	no := false
	config := &container.Config{
		Image:           p.image,
		User:            uid + ":" + uid,
		WorkingDir:      "/",
		Hostname:        "sandbox",
		Entrypoint:      []string{"python3", "-I", "-B", insideRuntime + "/boot.py"},
		Cmd:             []string{},
		Env:             environment(s),
		Labels:          p.labels,
		NetworkDisabled: true,
		StopSignal:      "SIGKILL",
		Healthcheck:     &container.HealthConfig{Test: []string{"NONE"}},
	}
	host := &container.HostConfig{
		NetworkMode:    "none",
		CapDrop:        []string{"ALL"},
		SecurityOpt:    []string{"no-new-privileges", "seccomp=" + compactSeccomp()},
		ReadonlyRootfs: true,
		Tmpfs: map[string]string{
			insideWorkspace: fmt.Sprintf("rw,exec,nosuid,nodev,size=%d,nr_inodes=%d,mode=0700,%s", disk, maxFiles, owner),
			"/tmp":          fmt.Sprintf("rw,noexec,nosuid,nodev,size=%d,nr_inodes=%d,mode=0700,%s", min(disk, tmpSize), maxTmp, owner),
		},
		Mounts: []mount.Mount{
			{Type: mount.TypeBind, Source: p.runtimeDir, Target: insideRuntime, ReadOnly: true},
			{Type: mount.TypeBind, Source: p.socketDir, Target: insideSockets, ReadOnly: true},
		},
		IpcMode:   container.IPCModePrivate,
		ShmSize:   min(shmSize, s.Limits.Memory),
		LogConfig: container.LogConfig{Type: "none"},
		Init:      &no, // the supervisor itself is process 1: it reaps, and nothing inside can kill it
		Runtime:   p.runtime,
		Resources: container.Resources{
			Memory:         s.Limits.Memory,
			MemorySwap:     s.Limits.Memory, // memory and swap together: no swap
			NanoCPUs:       int64(p.cpus * 1e9),
			PidsLimit:      &pids,
			CgroupParent:   p.cgroupParent,
			Devices:        devices,
			DeviceRequests: requests,
			Ulimits: []*units.Ulimit{
				{Name: "core", Soft: 0, Hard: 0},
				{Name: "fsize", Soft: disk, Hard: disk},
				{Name: "nofile", Soft: 1024, Hard: 1024},
			},
		},
	}
	return config, host, nil
}

// environment is what every process inside finds; a Spec's own Env is added by the runtime. Thread pools are as wide as the CPU
// quota and wait without spinning: two spinning threads on a busy machine turn half a second into forty.
func environment(s Spec) []string {
	threads := strconv.Itoa(max(1, int(math.Ceil(s.Limits.CPUs))))
	env := []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + insideWorkspace, "TMPDIR=/tmp", "LANG=C.UTF-8",
		"USER=candidate", "LOGNAME=candidate",
		"OMP_NUM_THREADS=" + threads, "OPENBLAS_NUM_THREADS=" + threads, "MKL_NUM_THREADS=" + threads, "NUMEXPR_NUM_THREADS=" + threads,
		"OMP_WAIT_POLICY=passive", "GOMP_SPINCOUNT=0",
		"PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", "MPLBACKEND=Agg", "MPLCONFIGDIR=/tmp", "TOKENIZERS_PARALLELISM=false",
	}
	if s.GPU != "" {
		env = append(env, "ASSAY_GPU="+gpuProbePath(s.GPU))
	}
	return env
}

// compactSeccomp is the profile as the engine wants it: the JSON itself, on one line.
func compactSeccomp() string {
	var b bytes.Buffer
	if err := json.Compact(&b, seccompProfile); err != nil {
		panic("sandbox: the embedded seccomp profile is broken: " + err.Error())
	}
	return b.String()
}
