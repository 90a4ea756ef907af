"""A container's first process. It waits for one program, starts it, and says how it ended.

It dials the engine over the unix socket in the folder that only this container has, says that it is ready, receives files, arguments,
environment and descriptors, forks, and lets the child become the program: a Python program runs in the interpreter that is already
up, anything else is executed. The parent stays, so that what the program wrote can be fetched and its port be reached.

Everything here runs as the same user as the program and can be killed, stopped or lied to by it. So nothing is trusted to it: limits,
times and verdicts are the engine's, and what it sends is read as if the program had sent it.

frame := u8 type | u32 length | payload
  to the engine:   R ready · S started · X ended {code, signal} · C connection (with a descriptor) or {"error"} ·
                   F file {path, size, mode} · D data · E end of files {skipped, truncated} · ! fault {kind, message}
  from the engine: G go (with descriptors) {argv, env, files: [[path, size, mode]…], wire} and then the files' bytes ·
                   C connect {port} · K collect {paths, max, count}
"""

import json
import os
import select
import signal
import socket
import stat
import struct
import sys

CONTROL = "/run/assay/control.sock"
WORKSPACE = "/workspace"
HEAD = struct.Struct("<cI")
CHUNK = 256 << 10
MAX_ENTRIES = 20_000

NO_SOCKET, NO_GPU = 97, 98


def main():
    try:
        control = Control()
    except OSError as e:
        os.write(2, b"the engine's socket cannot be reached from inside: %s\n" % str(e).encode())
        os._exit(NO_SOCKET)
    gpu = os.environ.pop("ASSAY_GPU", "")
    if gpu and not has_gpu(gpu):
        control.send(b"!", {"kind": "gpu", "message": "no GPU device is in the container"})
        os._exit(NO_GPU)
    control.send(b"R", {"python": sys.version.split()[0]})
    kind, payload, fds = control.receive()
    if kind != b"G":
        os._exit(1)
    order = json.loads(payload)
    try:
        write_files(control, order["files"])
    except OSError as e:
        control.send(b"!", {"kind": "files", "message": str(e)})
        os._exit(1)
    wake_r, wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as the first process we get only signals that have a handler; Python gives this one
    control.send(b"S", {})
    pid = os.fork()
    if pid == 0:
        code = 126
        try:
            os.close(wake_r)
            signal.set_wakeup_fd(-1)
            os.close(wake_w)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            control.close()
            code = become(order["argv"], order["env"], fds)
        finally:
            os._exit(code)
    for fd in fds:
        os.close(fd)
    Supervisor(control, pid, wake_r).run()


def has_gpu(path):
    if path != "nvidia":
        return os.path.exists(path)
    return any(n == "dxg" or n.startswith("nvidia") and n[6:7].isdigit() for n in os.listdir("/dev"))


def write_files(control, files):
    for path, size, mode in files:
        full = os.path.join(WORKSPACE, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        fd = os.open(full, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        left = size
        while left:
            data = control.read(min(left, CHUNK))
            left -= len(data)
            while data:
                data = data[os.write(fd, data):]
        os.fchmod(fd, mode)
        os.close(fd)


class Control:
    """The engine's end of things."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(CONTROL)

    def close(self):
        self.sock.close()

    def send(self, kind, message, fds=()):
        self.send_bytes(kind, json.dumps(message).encode(), fds)

    def send_bytes(self, kind, payload, fds=()):
        frame = HEAD.pack(kind, len(payload)) + payload
        if fds:
            sent = socket.send_fds(self.sock, [frame], fds)
            frame = frame[sent:]
        self.sock.sendall(frame)

    def receive(self):
        """The next frame; descriptors come with its first byte."""
        data, fds, _, _ = socket.recv_fds(self.sock, HEAD.size, 8)
        if not data:
            raise EOFError
        data += self.read(HEAD.size - len(data))
        kind, n = HEAD.unpack(data)
        return kind, self.read(n), fds

    def read(self, n):
        data = bytearray(n)
        view, got = memoryview(data), 0
        while got < n:
            k = self.sock.recv_into(view[got:])
            if not k:
                raise EOFError
            got += k
        return data


class Supervisor:
    """Waits for the program and serves the engine meanwhile and afterwards. Ends when the engine hangs up."""

    def __init__(self, control, pid, wake):
        self.control, self.pid, self.wake, self.ended = control, pid, wake, False

    def run(self):
        poll = select.poll()
        poll.register(self.control.sock, select.POLLIN)
        poll.register(self.wake, select.POLLIN)
        try:
            while True:
                for fd, _ in poll.poll():
                    if fd == self.wake:
                        os.read(self.wake, 4096)
                        self.reap()
                    else:
                        self.obey()
        except (EOFError, OSError):
            os._exit(0)

    def reap(self):
        while not self.ended:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.pid:
                self.ended = True
                # Whoever the program left behind goes now: output ends, files stay as they are.
                for _ in range(2):
                    try:
                        os.kill(-1, signal.SIGKILL)
                    except OSError:
                        break
                code = os.waitstatus_to_exitcode(status)
                self.control.send(b"X", {"code": code if code >= 0 else 128 - code, "signal": max(0, -code)})

    def obey(self):
        kind, payload, fds = self.control.receive()
        for fd in fds:
            os.close(fd)
        order = json.loads(payload)
        if kind == b"C":
            self.connect(order["port"])
        elif kind == b"K" and self.ended:
            Collector(self.control, order["max"], order["count"]).run(order["paths"])

    def connect(self, port):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            s.settimeout(2)
            s.connect(("127.0.0.1", port))
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.control.send(b"C", {}, [s.fileno()])
        except OSError as e:
            self.control.send(b"C", {"error": str(e)})
        finally:
            s.close()


class Collector:
    """Sends back what the program left: regular files, in the order of their names, up to a total size and count."""

    def __init__(self, control, most, count):
        self.control, self.left, self.count = control, most, count
        self.skipped, self.truncated, self.entries = [], False, 0

    def run(self, paths):
        for path in paths:
            self.visit(WORKSPACE if path == "." else os.path.join(WORKSPACE, path))
        self.control.send(b"E", {"skipped": self.skipped[:20], "truncated": self.truncated})

    def visit(self, full):
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            if not self.truncated:
                self.skip("", "there are more than %d files" % MAX_ENTRIES)
            self.truncated = True
            return
        name = os.path.relpath(full, WORKSPACE)
        try:
            info = os.lstat(full)
            if stat.S_ISDIR(info.st_mode):
                for child in sorted(os.listdir(full)):
                    self.visit(os.path.join(full, child))
            elif not stat.S_ISREG(info.st_mode):
                self.skip(name, "is not a regular file")
            else:
                self.file(full, name)
        except RecursionError:
            self.skip(name, "is nested too deep")
        except OSError as e:
            self.skip(name, "cannot be read: %s" % e.strerror)

    def file(self, full, name):
        fd = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            info = os.fstat(fd)
            if not stat.S_ISREG(info.st_mode):
                return self.skip(name, "is not a regular file")
            if info.st_size > self.left or self.count <= 0:
                self.truncated = True
                return self.skip(name, "does not fit into what may be brought back")
            try:
                name.encode()
            except UnicodeEncodeError:
                return self.skip(name.encode("ascii", "backslashreplace").decode(), "has a name that is not UTF-8")
            self.left -= info.st_size
            self.count -= 1
            self.control.send(b"F", {"path": name, "size": info.st_size, "mode": info.st_mode & 0o777})
            left = info.st_size
            while left:
                data = os.read(fd, min(left, CHUNK)) or bytes(min(left, CHUNK))
                left -= len(data)
                self.control.send_bytes(b"D", data)
        finally:
            os.close(fd)

    def skip(self, name, why):
        if len(self.skipped) < 20:
            self.skipped.append(("%s %s" % (name[:200], why)).strip())


def become(argv, env, fds):
    """In the child: turns into the program. Returns an exit code when the program was Python, or could not be started."""
    os.setsid()
    with open("/proc/self/oom_score_adj", "w") as f:
        f.write("1000")  # when memory runs out, the program goes before its supervisor and before anything of the host
    place_descriptors(fds)
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.__stdout__, sys.__stderr__, sys.__stdin__ = sys.stdout, sys.stderr, sys.stdin
    os.chdir(WORKSPACE)
    try:
        for pair in env:
            key, _, value = pair.partition("=")
            os.environ[key] = value
        if len(fds) > 3:
            os.environ["ASSAY_WIRE"] = "3"
        program = python_program(argv, env)
        if program is None:
            os.execvp(argv[0], argv)
    except FileNotFoundError:
        sys.stderr.write("%s: command not found\n" % argv[0][:200])
        return 127
    except (OSError, ValueError) as e:
        sys.stderr.write("%s: cannot be started: %s\n" % (argv[0][:200], getattr(e, "strerror", None) or e))
        return 126
    return run_python(program)


def place_descriptors(fds):
    """stdin, stdout, stderr and the wire become 0, 1, 2, 3; nothing else stays open."""
    high = [os.dup2(fd, 40 + i) for i, fd in enumerate(fds)]
    for i, fd in enumerate(high):
        os.dup2(fd, i, inheritable=True)
        os.set_blocking(i, True)
    os.closerange(len(fds), 1024)


def python_program(argv, env):
    """(kind, name, arguments) when argv is something that this interpreter can run as python3 would, else None."""
    if argv[0] not in ("python3", "python", "/usr/bin/python3", "/usr/bin/python"):
        return None
    if any(e.startswith("PYTHON") and e.partition("=")[0] not in ("PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE") for e in env):
        return None
    rest = list(argv[1:])
    while rest and rest[0] in ("-u", "-B"):
        rest.pop(0)
    if len(rest) >= 2 and rest[0] in ("-c", "-m"):
        return rest[0], rest[1], rest[2:]
    if rest and not rest[0].startswith("-") and os.path.isfile(rest[0]):
        return "file", rest[0], rest[1:]
    return None


def run_python(program):
    """Runs a program in this interpreter as its own, fresh __main__, with the tracebacks and the exit code of python3."""
    import builtins
    import types

    kind, name, args = program
    main_module = types.ModuleType("__main__")
    main_module.__dict__.update(__builtins__=builtins, __doc__=None, __annotations__={})
    sys.modules["__main__"] = main_module
    path = [p for p in os.environ.get("PYTHONPATH", "").split(":") if p]
    try:
        if kind == "file":
            sys.argv = [name, *args]
            sys.path[:0] = [os.path.dirname(os.path.realpath(name)), *path]
            main_module.__file__ = os.path.abspath(name)
            with open(name, "rb") as f:
                code = compile(f.read(), os.path.abspath(name), "exec")
            exec(code, main_module.__dict__)
        elif kind == "-c":
            sys.argv = ["-c", *args]
            sys.path[:0] = ["", *path]
            exec(compile(name, "<string>", "exec"), main_module.__dict__)
        else:
            import runpy

            sys.argv = ["-m", *args]
            sys.path[:0] = [os.getcwd(), *path]
            runpy._run_module_as_main(name)
        code = 0
    except SystemExit as e:
        code = exit_code(e)
    except BaseException as e:
        tb = e.__traceback__
        while tb is not None and tb.tb_frame.f_code.co_filename == __file__:
            tb = tb.tb_next
        try:
            sys.excepthook(type(e), e.with_traceback(tb), tb)
        except BaseException:
            pass
        code = 130 if isinstance(e, KeyboardInterrupt) else 1
    return finish(code)


def exit_code(e):
    if e.code is None:
        return 0
    if isinstance(e.code, int):
        return e.code & 0xFF
    try:
        sys.stderr.write("%s\n" % (e.code,))
    except Exception:
        pass
    return 1


def finish(code):
    """What an interpreter does at its end, without the slow part: threads, atexit, flush."""
    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
        import atexit

        atexit._run_exitfuncs()
    except SystemExit as e:
        code = exit_code(e)
    except BaseException:
        pass
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass
    return code


if __name__ == "__main__":
    main()
