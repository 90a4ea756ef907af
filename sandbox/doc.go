// Package sandbox runs what candidates wrote, and the harnesses that judge it, in Docker containers.
//
// It takes a Spec, plain data, and returns an Outcome, plain data. It knows no questions, verdicts or scores; those are next door, in
// sandbox/grade. A program that crashes, loops, floods, forks or lies is an Outcome; only a failure of ours is an error.
//
// # How a run goes
//
// Each Run makes a container, uses it once and throws it away. The container's first process is runtime/boot.py. It dials out over a
// unix socket in a folder that only this container has mounted, and waits. Files, arguments, environment and descriptors are sent to
// it; it forks, and the child becomes the program. stdout and stderr are pipes of ours, the wire is a socket of ours: neither the
// engine nor a log driver stands in between. When the program ends, the runtime kills whatever else lives in the container, says how it
// ended and hands out the files that were asked for. We read clocks, CPU time, peak memory and memory kills from outside, return, and
// remove the container in the background.
//
// Nothing above Docker.Run knows when a container was made. obtain makes one on the spot; a pool of waiting ones can take its place.
//
// # Whom we do not trust
//
// The candidate's program, and with it everything in its container, the runtime included: they share a user, and the program may
// take over its supervisor (though not kill it: it is the first process of its namespace). So the supervisor is trusted with nothing. Limits and kills are ours; every frame it sends is
// bounded and checked as if the program had written it; exit code and files are the candidate's word, and no score may come from them.
// A judge's container runs our harness and never a byte of a candidate's. The two meet only in Relay, which reads, checks and writes
// anew every frame, and answers with a clock of its own.
//
// # What holds them
//
// The same for every container, whatever its Spec says (hostconfig.go, golden in testdata): no network but loopback; all capabilities
// dropped; no new privileges; our seccomp profile (no io_uring, ptrace, netlink, vsock, memfd_secret, new namespaces or 32-bit calls);
// read-only root; /workspace and /tmp in memory with limits of size and inodes; memory without swap, CPU quota, process limit, limits
// of file size, descriptors and core files; private IPC with a small /dev/shm; no log driver; an init that reaps; and a user id that
// no other container has. Mounted from the host are the runtime and the container's own socket folder, both read-only.
//
// What remains: the host's kernel is shared. A hole in it is a hole in the sandbox, unless Config.Runtime names a runtime with a kernel
// of its own, such as runsc. Timing seen by two containers on one busy host is not private. docs/security.md has the operator's side.
package sandbox
