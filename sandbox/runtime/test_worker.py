import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import unittest

import wire

HERE = os.path.dirname(os.path.abspath(__file__))


class Worker:
    """A real worker.py with a candidate's module, and our end of its wire."""

    def __init__(self, source, name="solution.py"):
        self.dir = tempfile.mkdtemp(dir=os.environ.get("HOME"))
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(textwrap.dedent(source))
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "worker.py"), name], cwd=self.dir, pass_fds=[theirs.fileno()],
            env={**os.environ, "ASSAY_WIRE": str(theirs.fileno())}, stdout=open(os.path.join(self.dir, "out"), "wb"), stderr=subprocess.DEVNULL)
        theirs.close()
        self.channel, self.n = wire.Channel(ours), 0
        self.hello = self.channel.recv()

    def ask(self, op, **q):
        self.n += 1
        self.channel.send({"op": op, "id": self.n, **q})
        answer = self.channel.recv()
        assert answer["id"] == self.n, answer
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()
        self.process.wait(timeout=30)
        with open(os.path.join(self.dir, "out"), "rb") as f:
            self.out = f.read()


class Calls(unittest.TestCase):
    def test_calls_objects_and_handles(self):
        with Worker("""
            import math
            VALUE = 7
            def add(a, b=1): return a + b
            class Counter:
                def __init__(self, n): self.n = n
                def up(self, by): self.n += by; return self.n
                def same(self, other): return other is self
            def total(counters): return sum(c.n for c in counters)
        """) as w:
            self.assertEqual(w.hello, {"id": "hello", "ok": None})
            self.assertEqual(w.ask("call", fn="add", args=(2,), kwargs={"b": 3})["ok"], 5)
            self.assertEqual(w.ask("call", fn="math.sqrt", args=(4.0,), kwargs={})["ok"], 2.0)
            h = w.ask("new", fn="Counter", args=(1,), kwargs={})["ok"]
            self.assertEqual(w.ask("method", obj=h, fn="up", args=(4,), kwargs={})["ok"], 5)
            self.assertEqual(w.ask("get", obj=h, fn="n")["ok"], 5)
            self.assertEqual(w.ask("get", obj=None, fn="VALUE")["ok"], 7)
            self.assertIs(w.ask("method", obj=h, fn="same", args=({"$obj": h},), kwargs={})["ok"], True)
            self.assertEqual(w.ask("call", fn="total", args=([{"$obj": h}],), kwargs={})["ok"], 5)
            self.assertEqual(w.ask("drop", obj=h)["ok"], None)
            self.assertEqual(w.ask("get", obj=h, fn="n")["error"]["kind"], "protocol")

    def test_errors_show_the_candidates_frames_only(self):
        with Worker("""
            def inner(): return 1 / 0
            def outer(): return inner()
            def leave(): raise SystemExit(3)
            def odd(): return {1, 2}
            class Evil(Exception):
                def __str__(self): raise RuntimeError("no")
            def evil(): raise Evil()
        """) as w:
            e = w.ask("call", fn="outer", args=(), kwargs={})["error"]
            self.assertEqual(e["kind"], "raised")
            self.assertIn("ZeroDivisionError", e["message"])
            self.assertIn("in inner", e["message"])
            self.assertNotIn("worker.py", e["message"])
            self.assertEqual(w.ask("call", fn="nothing", args=(), kwargs={})["error"]["kind"], "raised")
            self.assertEqual(w.ask("call", fn="leave", args=(), kwargs={})["error"]["kind"], "raised")
            self.assertEqual(w.ask("call", fn="odd", args=(), kwargs={})["error"]["kind"], "protocol")
            self.assertEqual(w.ask("call", fn="evil", args=(), kwargs={})["error"]["kind"], "raised")
            self.assertEqual(w.ask("dance", fn="x")["error"]["kind"], "protocol")

    def test_an_entry_that_does_not_import(self):
        for source, sign in (("def f(:", "SyntaxError"), ("import nothing_like_it", "ModuleNotFoundError"), ("raise SystemExit(0)", "SystemExit")):
            with Worker(source) as w:
                self.assertEqual(w.hello["error"]["kind"], "raised")
                self.assertIn(sign, w.hello["error"]["message"])
                self.assertNotIn("worker.py", w.hello["error"]["message"])
            self.assertEqual(w.process.returncode, 1)

    def test_printing_cannot_reach_the_wire(self):
        with Worker("""
            import os, sys
            def f():
                print("x" * 100000); sys.stderr.write("e"); os.write(1, b"ASYW" * 100)
                return 1
        """) as w:
            self.assertEqual(w.ask("call", fn="f", args=(), kwargs={})["ok"], 1)
        self.assertIn(b"x" * 100000, w.out)

    def test_a_module_may_have_any_name(self):
        with Worker("def f(): import wire; return wire.__file__ == __file__", "wire.py") as w:
            self.assertIs(w.ask("call", fn="f", args=(), kwargs={})["ok"], True)


if __name__ == "__main__":
    unittest.main()
