"""Tests of the kit. They run inside the judge's image: python3 kit/tests/test_kit.py, with the kit and the runtime on the path."""

import http.server
import json
import math
import pathlib
import socket
import sys
import tempfile
import threading
import unittest
import warnings

import numpy as np

import kit
from kit import compare, job as jobs, main, serving, stats
from kit.candidate import Candidate, CandidateError
from kit.channel import Channel, runtime


def spec(**more):
    check = {"title": "", "type": "unit", "stage": 1, "points": 10, "gate": False, "show": "public", "unit": "", "better": "", "zero": None, "full": None}
    return {"format": 1, "question": "q", "revision": "r", "attempt": "a", "seed": "s", "seeds": [7, 8], "public_seed": 1, "interface": "call",
            "entry": "solution.py", "constants": {"k": 3}, "generator": False, "run": None,
            "checks": [{**check, "id": "a"}, {**check, "id": "m", "zero": 1.0, "full": 0.0}], **more}


class Answers:
    """Stands for the wire: answers from a list, keeps the questions."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def ask(self, question):
        self.asked.append(question)
        return {"id": question["id"], "seconds": 0.25, **self.answers.pop(0)}


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def job(self, *answers, **more):
        self.wire = Answers(*answers)
        return jobs.Job(spec(**more), self.root, Candidate(self.wire))


class Checks(Case):
    def done(self, job, **metric):
        job.metric("m", **{"value": 0.5, **metric})
        return {c["id"]: c for c in job.report()["checks"]}

    def test_pass(self):
        job = self.job()
        with job.check("a") as chk:
            chk.expect(True, "no")
            chk.value = np.float32(2)
        got = self.done(job)["a"]
        self.assertEqual((got["status"], got["fraction"], got["value"], got["error"]), ("pass", 1.0, 2.0, ""))

    def test_expect_leaves_the_block(self):
        job = self.job()
        with job.check("a") as chk:
            chk.expect(np.bool_(False), "too small", staff="0.1 < 0.2")
            raise AssertionError("never here")
        got = self.done(job)["a"]
        self.assertEqual((got["status"], got["message"], got["staff_message"]), ("fail", "too small", "0.1 < 0.2"))

    def test_assertion_is_a_fail(self):
        job = self.job()
        with job.check("a"):
            assert 1 > 2, "one is less"
        got = self.done(job)["a"]
        self.assertEqual((got["status"], got["message"]), ("fail", "one is less"))
        self.assertIn("test_kit.py", got["staff_message"])

    def test_candidates_error(self):
        job = self.job({"error": {"kind": "raised", "message": "ValueError: no"}})
        with job.check("a"):
            job.candidate.call("f", 1)
        got = self.done(job)["a"]
        self.assertEqual((got["status"], got["error"], got["message"]), ("error", "raised", "ValueError: no"))

    def test_other_exceptions_are_ours(self):
        job = self.job()
        with self.assertRaises(ZeroDivisionError):
            with job.check("a"):
                1 / 0

    def test_fraction(self):
        for part, status in ((0, "fail"), (0.6, "partial"), (1, "pass")):
            job = self.job()
            with job.check("a") as chk:
                chk.tally(part * 10, 10)
            got = self.done(job)["a"]
            self.assertEqual((got["status"], got["fraction"]), (status, part))
        with self.assertRaises(jobs.HarnessError):
            kit.Check(spec()["checks"][0]).fraction(1.5)

    def test_metric(self):
        job = self.job()
        job.skip("a", "not tried")
        got = {c["id"]: c for c in (job.metric("m", np.float64(0.4), samples=np.arange(3)), job.report())[1]["checks"]}
        self.assertEqual((got["m"]["status"], got["m"]["fraction"], got["m"]["value"]), ("partial", None, 0.4))
        self.assertEqual(got["m"]["samples"], [0.0, 1.0, 2.0])
        self.assertEqual(got["a"]["status"], "skip")

    def test_metric_that_is_nan_fails(self):
        job = self.job()
        job.skip("a", "")
        got = self.done(job, value=float("nan"))["m"]
        self.assertEqual((got["status"], got["fraction"]), ("fail", 0.0))

    def test_missing_twice_and_unknown_are_ours(self):
        with self.assertRaisesRegex(jobs.HarnessError, "nothing for a, m"):
            self.job().report()
        job = self.job()
        job.skip("a", "")
        for bad in (lambda: job.skip("a", ""), lambda: job.skip("b", ""), lambda: self.job().metric("a", 1)):
            with self.assertRaises(jobs.HarnessError):
                bad()

    def test_messages_are_bounded(self):
        job = self.job()
        with job.check("a") as chk:
            chk.fail("é" * 5000, staff="x" * 9000)
        got = self.done(job)["a"]
        self.assertLessEqual(len(got["message"].encode()), 2000)
        self.assertLessEqual(len(got["staff_message"]), 2000)

    def test_series(self):
        job = self.job()
        job.series("loss", range(10_000), [float("nan")] * 10_000, "nats")
        got = job._series[0]
        self.assertEqual(got["x"][:3], [0.0, 5.0, 10.0])
        with self.assertRaises(jobs.HarnessError):
            job.series("loss", [float("inf")], [1])

    def test_files_are_data(self):
        (self.root / "candidate" / "sub").mkdir(parents=True)
        (self.root / "candidate" / "sub" / "x.py").write_bytes(b"raise SystemExit")
        self.assertEqual(self.job().files, {"sub/x.py": b"raise SystemExit"})


class Asking(Case):
    def test_call(self):
        job = self.job({"ok": 3})
        self.assertEqual(job.candidate.call("f", 1, timeout=2, k=[np.ones(2)]), 3)
        q = self.wire.asked[0]
        self.assertEqual((q["op"], q["fn"], q["args"], q["timeout"]), ("call", "f", (1,), 2.0))
        self.assertEqual((job.candidate.seconds, job.candidate.total), (0.25, 0.25))

    def test_objects(self):
        job = self.job({"ok": 5}, {"ok": "m"}, {"ok": 1}, {"ok": None})
        o = job.candidate.new("Box", 1)
        self.assertEqual(o.method(2, timeout=1), "m")
        self.assertEqual(o.get("size"), 1)
        job.candidate.call("merge", [o], {"with": o})
        self.assertEqual([(q["op"], q.get("obj")) for q in self.wire.asked], [("new", None), ("method", 5), ("get", 5), ("call", None)])
        self.assertEqual(self.wire.asked[3]["args"], ([{"$obj": 5}], {"with": {"$obj": 5}}))

    def test_names(self):
        job = self.job({"ok": 1})
        job.candidate.call("Box.from_bytes", b"")
        for bad in ("", "f()", "import", "a..b", None):
            with self.assertRaises(ValueError):
                job.candidate.call(bad)

    def test_foreign_answer_is_ours(self):
        job = self.job({"id": 99, "ok": 1})
        with self.assertRaises(RuntimeError):
            job.candidate.call("f")


class Comparing(unittest.TestCase):
    def differs(self, pattern, got, want, **how):
        with self.assertRaisesRegex(compare.Mismatch, pattern):
            kit.close(got, want, **how)

    def test_equal(self):
        for got, want in ((1, 1.0), ([1, 2], np.array([1.0, 2.0])), (float("nan"), float("nan")), (float("inf"), float("inf")),
                          (np.float32(0.1), 0.1 + 1e-9), (True, True), (np.zeros((0, 3)), np.zeros((0, 3)))):
            kit.close(got, want)

    def test_differences(self):
        self.differs("shape", [1.0, 2.0], 1.0)
        self.differs("dtype float64, expected float32", np.ones(2), np.ones(2), dtype=np.float32)
        self.differs(r"NaN at \[1\]; 1 of 2", np.array([1.0, np.nan]), np.ones(2))
        self.differs("infinite", np.inf, 1.0)
        self.differs("off", np.inf, -np.inf)
        self.differs("off", 1.0, np.inf)
        self.differs("NaN|off", np.nan, np.nan, nan_equal=False)
        self.differs("None, expected numbers", None, 1.0)
        self.differs("a text", "1", 1.0)
        self.differs("ragged", [[1], [1, 2]], np.ones((2, 2)))
        self.differs("off", 1.1, 1.0)

    def test_forms(self):
        self.assertEqual(kit.array([[1, 2]], (None, 2)).tolist(), [[1.0, 2.0]])
        self.assertEqual(kit.numbers((1, True), 2), [1.0, 1.0])
        self.assertEqual(kit.record({"a": 1, "b": 2}, ["a"]), {"a": 1, "b": 2})
        for bad in (lambda: kit.array([1, 2], (None, 2)), lambda: kit.array([1, 2], (3,)), lambda: kit.array("ab"), lambda: kit.array({}),
                    lambda: kit.array([1j]), lambda: kit.numbers(3), lambda: kit.record([], ["a"]), lambda: kit.record({}, ["a"]),
                    lambda: kit.array([None]), lambda: kit.array([["x"]]), lambda: kit.array([10**400])):
            with self.assertRaises(compare.Mismatch):
                bad()

    def test_no_warnings(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            kit.close(np.array([np.inf, np.nan, 1e308]), np.array([np.inf, np.nan, 1e308]))
            self.differs("2 of 3", np.array([-np.inf, np.nan, -1e308]), np.array([np.inf, np.nan, 1e308]))

    def test_gradients(self):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(3, 4))
        f = lambda v: float((v**3).sum())
        self.assertLess(kit.gradient_error(f, x, 3 * x**2, rng=rng), 1e-6)
        self.assertGreater(kit.gradient_error(f, x, 3.3 * x**2, rng=rng), 1e-2)
        self.assertEqual(kit.gradient_error(f, x, x[0], rng=rng), math.inf)
        self.assertEqual(kit.gradient_error(f, x, np.full_like(x, np.nan), rng=rng), math.inf)
        np.testing.assert_allclose(kit.central_difference(f, x), 3 * x**2, rtol=1e-5)


class Statistics(unittest.TestCase):
    def test_auc(self):
        rng = np.random.default_rng(1)
        y, s = rng.random(300) < 0.4, np.round(rng.normal(size=300), 1)
        pairs = [(a > b) + (a == b) / 2 for a in s[y] for b in s[~y]]
        self.assertAlmostEqual(kit.auc(y, s), np.mean(pairs), places=12)
        self.assertTrue(math.isnan(kit.auc(np.ones(3), np.arange(3.0))))

    def test_losses(self):
        y, p = np.array([0, 1]), np.array([0.2, 0.9])
        self.assertAlmostEqual(kit.logloss(y, p), -(np.log(0.8) + np.log(0.9)) / 2)
        self.assertAlmostEqual(kit.logloss(np.array([0, 2]), np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])), -(np.log(0.5) + np.log(0.8)) / 2)
        self.assertAlmostEqual(kit.brier(y, p), (0.04 + 0.01) / 2)
        self.assertTrue(np.isfinite(kit.logloss(y, np.array([1.0, 0.0]))))
        self.assertAlmostEqual(kit.ece(np.array([0, 1, 1, 1]), np.full(4, 0.75)), 0.0)

    def test_what_is_no_prediction(self):
        for bad in ([0.1, np.nan], [0.1, 1.2], [0.1], "no", None, [[0.1, 0.2]]):
            with self.assertRaises(compare.Mismatch):
                kit.logloss(np.array([0, 1]), bad)

    def test_bootstrap(self):
        x = np.random.default_rng(2).normal(size=400)
        value, low, high = kit.bootstrap(np.mean, x, rng=np.random.default_rng(3))
        self.assertTrue(low < value < high and 0.1 < high - low < 0.3)
        self.assertEqual(kit.bootstrap(np.mean, x, rng=np.random.default_rng(3)), (value, low, high))

    def test_cases_do_not_depend_on_each_other(self):
        a = [r.normal() for r in kit.cases(np.random.default_rng(4), 5)]
        b = [r.normal() for r in kit.cases(np.random.default_rng(4), 5)]
        self.assertEqual(a, b)
        self.assertEqual(len(set(a)), 5)

    def test_splits(self):
        parts = kit.splits(np.random.default_rng(5), 20, 4)
        self.assertEqual([i for p in parts for i in p], list(range(20)))


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b'"drop"':
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(500 if body == b'"fail"' else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Serving(unittest.TestCase):
    def setUp(self):
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.addCleanup(self.http.server_close)
        self.addCleanup(self.http.shutdown)
        self.server = serving.Server(self.http.server_address)

    def test_request(self):
        got = self.server.request("POST", "/", json={"a": 1})
        self.assertEqual((got.status, got.json(), got.ms > 0), (200, {"a": 1}, True))

    def test_failures_are_the_candidates(self):
        with self.assertRaises(CandidateError) as e:
            self.server.request("POST", "/", json="drop")
        self.assertEqual(e.exception.kind, "died")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            for address, kind, timeout in ((s.getsockname(), "timeout", 0.1), (("127.0.0.1", 1), "died", 1)):
                with self.assertRaises(CandidateError) as e:
                    serving.Server(address).request("GET", "/", timeout=timeout)
                self.assertEqual(e.exception.kind, kind)

    def test_not_http(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()

            def answer():
                c, _ = s.accept()
                c.recv(1000)
                c.sendall(b"hello there\r\n\r\n")
                c.close()

            t = threading.Thread(target=answer)
            t.start()
            with self.assertRaises(CandidateError) as e:
                serving.Server(s.getsockname()).request("GET", "/")
            t.join()
            self.assertEqual(e.exception.kind, "protocol")

    def test_load(self):
        for how in ({"rate": 100}, {}):
            got = self.server.load(make=lambda i: ("POST", "/", "fail" if i == 3 else i), seconds=0.3, workers=3, **how)
            self.assertGreater(got.sent, 10)
            self.assertEqual(got.errors, 1)
            self.assertTrue(all(r.json() == i for i, r, _ in got.responses if i != 3))
            self.assertLess(got.percentile(50), got.percentile(100) + 1e-9)

    def test_reference_server(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "ref.py"
            path.write_text("import http.server, os\nhttp.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), "
                            "http.server.SimpleHTTPRequestHandler).serve_forever()\n")
            with serving.Server.start(path) as s:
                self.assertEqual(s.request("GET", "/").status, 200)
            broken = pathlib.Path(folder) / "broken.py"
            broken.write_text("raise SystemExit(3)\n")
            with self.assertRaisesRegex(RuntimeError, "did not start"):
                serving.Server.start(broken)


class Grading(Case):
    """The whole of main.grade on a small harness, and the frames of the real wire."""

    def write(self, harness, generator=None):
        (self.root / "harness").mkdir()
        (self.root / "harness" / "grade.py").write_text(harness)
        (self.root / "harness" / "near_by.py").write_text("VALUE = 4\n")
        if generator:
            (self.root / "data").mkdir()
            (self.root / "data" / "generate.py").write_text(generator)
        self.addCleanup(lambda: [sys.modules.pop(m, None) for m in ("grade", "near_by", "generate")])
        self.addCleanup(lambda: sys.path.remove(str(self.root / "harness")) if str(self.root / "harness") in sys.path else None)

    def test_report(self):
        self.write("import near_by\ndef grade(job):\n    with job.check('a') as chk:\n        chk.expect(near_by.VALUE == 4, 'no')\n"
                   "    job.metric('m', float((job.hiddens[1] / 'n.txt').read_text()))\n    job.note('done')\n",
                   "def generate(seed, out_dir):\n    (out_dir / 'hidden' / 'n.txt').write_text(str(seed / 10))\n")
        report = main.grade(spec(generator=True), self.root, Candidate(Answers()))
        self.assertEqual([(c["id"], c["status"], c["value"]) for c in report["checks"]], [("a", "pass", None), ("m", "partial", 0.8)])
        self.assertEqual((report["format"], report["notes"]), (1, "done"))
        self.assertTrue((self.root / "generated" / "0" / "hidden" / "n.txt").exists())

    def test_report_travels(self):
        near, far = socket.socketpair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        job = self.job()
        with job.check("a") as chk:
            chk.samples = [float("nan"), float("inf"), 1]
        job.metric("m", -math.inf)
        wire = runtime()
        Channel(wire.Channel(near)).send({"report": job.report()})
        got = wire.Channel(far).recv()["report"]["checks"]
        self.assertTrue(math.isnan(got[0]["samples"][0]))
        self.assertEqual(got[1]["value"], -math.inf)

    def test_fault(self):
        self.write("def grade(job):\n    raise SystemExit('sorry')\n")
        with self.assertRaises(SystemExit):
            main.grade(spec(), self.root, Candidate(Answers()))


if __name__ == "__main__":
    unittest.main()
