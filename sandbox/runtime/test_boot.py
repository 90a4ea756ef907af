import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

import boot

HERE = os.path.dirname(os.path.abspath(__file__))


def both(*argv, files=None, env=()):
    """Runs argv in a forked interpreter as boot does, and for real; returns (exit, stdout, stderr) of each."""
    folder = tempfile.mkdtemp(dir=os.environ.get("HOME"))
    for name, text in (files or {}).items():
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        with open(os.path.join(folder, name), "w") as f:
            f.write(textwrap.dedent(text))
    environ = {**os.environ, "PYTHONPATH": "", **dict(e.split("=", 1) for e in env)}
    real = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, stdin=subprocess.DEVNULL)
    stub = (
        "import sys, os; sys.path.insert(0, %r); import boot; sys.path.pop(0)\n"
        "boot.WORKSPACE = %r; os.setsid = lambda: None\n"
        "boot.place_descriptors = lambda fds: None\n"
        "os._exit(boot.become(%r, %r, []))\n" % (HERE, folder, list(argv), list(env)))
    ours = subprocess.run([sys.executable, "-I", "-B", "-c", stub], cwd=folder, capture_output=True, stdin=subprocess.DEVNULL)
    return [(p.returncode, p.stdout.decode(), p.stderr.decode().replace(folder, "W")) for p in (ours, real)]


class LikePython(unittest.TestCase):
    maxDiff = None

    def same(self, *argv, **more):
        ours, real = both(*argv, **more)
        self.assertEqual(ours, real)
        return ours

    def test_a_script(self):
        self.same("python3", "main.py", "a", "b", files={
            "main.py": "import sys, helper\nprint(sys.argv, __name__, helper.x, len(sys.path[0]) > 1)\nprint('to err', file=sys.stderr)",
            "helper.py": "x = 1"})

    def test_module_and_code(self):
        self.same("python3", "-m", "pkg.tool", "z", files={"pkg/__init__.py": "", "pkg/tool.py": "import sys; print(sys.argv[1:], __name__, __spec__.name)"})
        self.same("python3", "-c", "import sys; print(sys.argv, __name__)", "x")
        self.same("python3", "-u", "-c", "print(1)")

    def test_exit_codes(self):
        for code in ("import sys; sys.exit()", "import sys; sys.exit(7)", "import sys; sys.exit('bad')", "import sys; sys.exit(256)", "raise KeyError('x')",
                     "import os; os._exit(9)", "import os; os.kill(os.getpid(), 9)"):
            self.same("python3", "main.py", files={"main.py": code})

    def test_tracebacks_show_the_program_only(self):
        _, _, err = both("python3", "main.py", files={"main.py": "def f():\n    return 1 / 0\nf()\n"})[0]
        self.assertIn("ZeroDivisionError", err)
        self.assertNotIn("boot.py", err)
        code, _, err = both("python3", "main.py", files={"main.py": "def f(:\n"})[0]
        self.assertEqual(code, 1)
        self.assertIn("SyntaxError", err)
        self.assertNotIn("boot.py", err)

    def test_the_end_of_a_program(self):
        self.same("python3", "main.py", files={"main.py": """
            import atexit, threading, time
            atexit.register(print, "at exit")
            threading.Thread(target=lambda: (time.sleep(0.1), print("thread"))).start()
            print("main", end="")
        """})

    def test_pickle_and_processes_find_main(self):
        self.same("python3", "main.py", files={"main.py": """
            import multiprocessing, pickle
            class C: pass
            def f(x): return x + 1
            if __name__ == "__main__":
                print(type(pickle.loads(pickle.dumps(C()))).__name__)
                with multiprocessing.get_context("spawn").Pool(1) as p: print(p.map(f, [1, 2]))
        """})

    def test_pythonpath_and_environment(self):
        self.same("python3", "-c", "import os, m; print(m.x, os.environ['K'])", files={"lib/m.py": "x = 3"}, env=["PYTHONPATH=lib", "K=v=w"])
        self.same("python3", "-c", "import sys; print(sys.flags.optimize)", env=["PYTHONOPTIMIZE=1"])

    def test_what_is_not_there(self):
        self.assertEqual(both_codes("no-such-program"), 127)
        self.assertEqual(both_codes("/etc/passwd"), 126)
        self.same("python3", "missing.py")


def both_codes(*argv):
    stub = "import sys, os; sys.path.insert(0, %r); import boot; boot.WORKSPACE = '/'; os.setsid = lambda: None; boot.place_descriptors = lambda f: None; os._exit(boot.become(%r, [], []))"
    return subprocess.run([sys.executable, "-I", "-B", "-c", stub % (HERE, list(argv))], capture_output=True).returncode


class Files(unittest.TestCase):
    def test_collector_takes_regular_files_only(self):
        folder = tempfile.mkdtemp(dir=os.environ.get("HOME"))
        os.mkdir(os.path.join(folder, "out"))
        for name, size in (("out/a", 3), ("out/b", 100), ("out/c", 2)):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(b"x" * size)
        os.symlink("/etc/passwd", os.path.join(folder, "out/link"))
        os.mkfifo(os.path.join(folder, "out/pipe"))
        sent = []

        class Control:
            send = staticmethod(lambda kind, message, fds=(): sent.append((kind, message)))
            send_bytes = staticmethod(lambda kind, data: sent.append((kind, len(data))))

        before, boot.WORKSPACE = boot.WORKSPACE, folder
        try:
            boot.Collector(Control, 10, 10).run(["out", "missing"])
        finally:
            boot.WORKSPACE = before
        self.assertEqual([m["path"] for k, m in sent if k == b"F"], ["out/a", "out/c"])
        end = sent[-1][1]
        self.assertTrue(end["truncated"])
        self.assertEqual(len(end["skipped"]), 4)


if __name__ == "__main__":
    unittest.main()
