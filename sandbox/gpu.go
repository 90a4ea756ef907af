package sandbox

import (
	"errors"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
)

// gpuRequest turns Spec.GPU into what the engine is asked for. A generic device takes the same road as a GPU, so that leasing and
// failing can be tested on any machine.
func gpuRequest(gpu string) ([]container.DeviceMapping, []container.DeviceRequest, error) {
	kind, rest, found := strings.Cut(gpu, ":")
	switch {
	case gpu == "":
		return nil, nil, nil
	case found && kind == "device":
		outside, inside, _ := strings.Cut(rest, ":")
		if inside == "" {
			inside = outside
		}
		if !strings.HasPrefix(outside, "/dev/") || !strings.HasPrefix(inside, "/dev/") {
			return nil, nil, &EngineError{Kind: EngineInternal, Message: "A device must be below /dev: " + gpu + "."}
		}
		return []container.DeviceMapping{{PathOnHost: outside, PathInContainer: inside, CgroupPermissions: "rw"}}, nil, nil
	case found && kind == "cdi":
		return nil, []container.DeviceRequest{{Driver: "cdi", DeviceIDs: []string{rest}}}, nil
	default:
		return nil, []container.DeviceRequest{{
			Driver: "nvidia", DeviceIDs: []string{gpu}, Capabilities: [][]string{{"gpu", "compute", "utility"}},
		}}, nil
	}
}

// gpuProbePath is what the runtime looks for before it says that it is ready: some engines start a container that asked for a GPU
// without giving it one. A folder-less word means "any device of that vendor".
func gpuProbePath(gpu string) string {
	kind, rest, _ := strings.Cut(gpu, ":")
	if kind == "device" {
		outside, inside, _ := strings.Cut(rest, ":")
		if inside == "" {
			return outside
		}
		return inside
	}
	if kind == "cdi" && !strings.HasPrefix(rest, "nvidia.com/") {
		return "" // any CDI device at all; the engine itself refuses one it does not know
	}
	return "nvidia"
}

// isGPUError says whether creating or starting a container failed because this host lacks the device that gpu names. A container
// without a GPU never fails for one. Engines word it in their own way, so the class of the error narrows it down where there is one.
func isGPUError(gpu string, err error) bool {
	if gpu == "" || err == nil {
		return false
	}
	if errdefs.IsNotFound(err) && strings.Contains(err.Error(), "No such image") {
		return false
	}
	text := strings.ToLower(err.Error())
	for _, sign := range []string{
		"could not select device driver",                               // no toolkit, or an engine too old for CDI
		"unknown runtime specified", "unknown or invalid runtime name", // no nvidia runtime
		"error gathering device information",               // no such device node
		"cdi device injection failed", "unresolvable cdi ", // no such CDI device
		"nvidia-container-cli", // toolkit without driver
	} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// errNoGPU is what the runtime's own probe found.
var errNoGPU = errors.New("the container started, but no GPU is in it")

func gpuError(gpu string, err error) *EngineError {
	return &EngineError{Kind: EngineGPU, Message: "This host cannot give a container the GPU \"" + gpu + "\"; it needs a GPU worker.", Err: err}
}
