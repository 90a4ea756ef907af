package sandbox

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestContainerConfigGolden(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Spec{
		"candidate": {Name: "a", Role: RoleCandidate, Profile: ProfileNumpy, Argv: []string{"python3", "x.py"}, Env: []string{"SECRET=never in the config"}},
		"judge_gpu": {Name: "b", Role: RoleJudge, Profile: ProfileJudge, Argv: []string{"python3"}, Wall: time.Minute, GPU: "cdi:nvidia.com/gpu=0",
			Limits: assay.Limits{CPUs: 1.5, Memory: 2 << 30, Disk: 4 << 30, Pids: 64}},
	} {
		s = s.withDefaults()
		config, host, err := containerConfig(s, place{image: "sha256:0", uid: 1234567, socketDir: "/run/assay/i/b", runtimeDir: "/run/assay/i/runtime",
			cgroupParent: "/assay/i/b", cpus: s.Limits.CPUs, labels: map[string]string{"assay.role": s.Role}})
		if err != nil {
			t.Fatal(err)
		}
		host.SecurityOpt[1] = "seccomp=(seccomp.json)"
		got, err := json.MarshalIndent(map[string]any{"Config": config, "HostConfig": host}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		path := "testdata/" + name + ".golden.json"
		if *update {
			if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestSeccomp reads the profile as the engine would.
func TestSeccomp(t *testing.T) {
	t.Parallel()
	var profile struct {
		DefaultAction string
		ArchMap       []struct{ SubArchitectures []string }
		Syscalls      []struct {
			Names  []string
			Action string
			Args   []struct{ Value uint64 }
		}
	}
	if err := json.Unmarshal([]byte(compactSeccomp()), &profile); err != nil {
		t.Fatal(err)
	}
	if profile.DefaultAction != "SCMP_ACT_ERRNO" {
		t.Errorf("what is not listed gets %s", profile.DefaultAction)
	}
	for _, a := range profile.ArchMap {
		if len(a.SubArchitectures) > 0 {
			t.Error("32-bit calls pass, and with them socketcall")
		}
	}
	denied := []string{"io_uring_setup", "io_uring_enter", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "memfd_secret", "userfaultfd",
		"bpf", "perf_event_open", "keyctl", "mount", "unshare", "setns", "clone3", "open_by_handle_at", "socketcall"}
	sockets := map[uint64]bool{}
	for _, rule := range profile.Syscalls {
		if rule.Action != "SCMP_ACT_ALLOW" {
			continue
		}
		for _, name := range denied {
			if slices.Contains(rule.Names, name) {
				t.Errorf("%s is allowed", name)
			}
		}
		if slices.Contains(rule.Names, "socket") {
			if len(rule.Args) != 1 {
				t.Error("every socket is allowed")
				continue
			}
			sockets[rule.Args[0].Value] = true
		}
	}
	if diff := cmp.Diff(map[uint64]bool{1: true, 2: true, 10: true}, sockets); diff != "" {
		t.Errorf("socket families: %s", diff)
	}
}

func TestGPURequest(t *testing.T) {
	t.Parallel()
	for gpu, want := range map[string]string{"GPU-1": "nvidia", "0": "nvidia", "cdi:nvidia.com/gpu=0": "nvidia", "cdi:x.com/y=1": "", "device:/dev/zero": "/dev/zero",
		"device:/dev/zero:/dev/fake": "/dev/fake"} {
		if got := gpuProbePath(gpu); got != want {
			t.Errorf("%s is looked for at %q, not %q", gpu, got, want)
		}
		if _, _, err := gpuRequest(gpu); err != nil {
			t.Errorf("%s: %v", gpu, err)
		}
	}
	if _, _, err := gpuRequest("device:/etc/passwd"); err == nil {
		t.Error("a path outside of /dev is a device")
	}
}
