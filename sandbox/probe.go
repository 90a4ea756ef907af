package sandbox

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// Probe looks at everything that grading needs and says how to mend what is missing. It runs one tiny program in each image, so what
// it calls good does work. The GPU is reported but never a fault: only some workers have one.
func (d *Docker) Probe(ctx context.Context) []Finding {
	e, err := d.connect(ctx)
	if err != nil {
		return []Finding{{What: "Docker engine", Text: err.Error(), Mend: "Run docker/setup.sh engine, or start your Docker engine."}}
	}
	found := []Finding{{What: "Docker engine", OK: true, Text: fmt.Sprintf("%s at %s, API %s, %s, %d CPUs, %d MiB",
		e.info.ServerVersion, d.cli.DaemonHost(), d.cli.ClientVersion(), e.info.Driver, e.info.NCPU, e.info.MemTotal>>20)}}
	found = append(found, d.probeSeccomp(e), d.probeCgroups(e))
	for _, profile := range Profiles {
		found = append(found, d.probeImage(ctx, profile))
	}
	return append(found, probeGPU(e))
}

func (d *Docker) probeSeccomp(e *engine) Finding {
	for _, o := range e.info.SecurityOptions {
		if strings.Contains(o, "name=seccomp") {
			return Finding{What: "seccomp", OK: true, Text: "the engine filters system calls"}
		}
	}
	return Finding{What: "seccomp", Text: "the engine cannot filter system calls", Mend: "Use a kernel and an engine with seccomp; without it no candidate's code may run."}
}

func (d *Docker) probeCgroups(e *engine) Finding {
	f := Finding{What: "cgroups", Text: fmt.Sprintf("version %s, driver %s", e.info.CgroupVersion, e.info.CgroupDriver)}
	switch {
	case !e.info.MemoryLimit || !e.info.PidsLimit || !e.info.CPUCfsQuota:
		f.Mend = "The kernel lacks a limit for memory, processes or CPU; enable the cgroup controllers memory, pids and cpu."
	case !e.info.SwapLimit:
		f.OK, f.Text = true, f.Text+"; no swap limit, so turn swap off or boot with swapaccount=1"
	default:
		f.OK = true
	}
	return f
}

func (d *Docker) probeImage(ctx context.Context, profile string) Finding {
	f := Finding{What: "image " + d.cfg.Images[profile]}
	imports := map[string]string{
		ProfileBare: "import json", ProfileNumpy: "import numpy", ProfileFull: "import numpy, pandas, sklearn, torch", ProfileJudge: "import numpy, pandas, sklearn, torch",
	}
	var said strings.Builder
	began := time.Now()
	o, err := d.Run(ctx, Spec{
		Name: fmt.Sprintf("probe-%s-%d-%s", profile, os.Getpid(), randomHex(3)), Role: RoleSession, Profile: profile,
		Argv: []string{"python3", "-c", imports[profile] + "; import sys; print(sys.version.split()[0])"},
	}.withMemory(1<<30), Streams{Stdout: &said, Stderr: &said})
	took := time.Since(began).Round(time.Millisecond)
	switch {
	case err != nil:
		f.Text, f.Mend = err.Error(), "Run docker/setup.sh images."
	case !o.OK():
		f.Text = fmt.Sprintf("a first program ended with %d: %s", o.Exit, clip(strings.TrimSpace(said.String()), 300))
		f.Mend = "Build it again: ASSAY_REBUILD=1 docker/setup.sh images."
	default:
		f.OK, f.Text = true, fmt.Sprintf("Python %s, a first program took %s", strings.TrimSpace(said.String()), took)
		if o.PeakMemory == 0 {
			f.Text += "; memory and CPU time cannot be read from cgroups here"
		}
	}
	return f
}

func (s Spec) withMemory(bytes int64) Spec {
	s.Limits.Memory = bytes
	return s
}

func probeGPU(e *engine) Finding {
	f := Finding{What: "GPU", OK: true, Text: "none offered by the engine; questions that need one wait for a worker that has it"}
	if _, ok := e.info.Runtimes["nvidia"]; ok {
		f.Text = "the engine has the nvidia runtime"
	} else if len(e.info.CDISpecDirs) > 0 {
		f.Text = "the engine looks for CDI devices in " + strings.Join(e.info.CDISpecDirs, ", ")
	}
	return f
}
