"""Serve it at p95: right alone and in a crowd, several times as fast as the server they were given, and unmoved by bad clients.

Speed is always a ratio to that server, started here and loaded in turns with theirs; the median of several turns decides.
"""

import json
import statistics

import numpy as np

from kit import CandidateError
from naive import Model

SKIPPED = ("parity", "throughput", "crowd", "alone", "malformed", "not-a-number", "oversized", "bad-clients")


def grade(job):
    model = Model(job.public / "model.json")
    x = np.load(job.hidden / "traffic.npz")["x"]
    truth = model.scores(x)
    traffic = Traffic(x, truth, float(job.constants["tolerance"]))
    with job.serve() as theirs:
        ok = contract(job, theirs, traffic)
        if not ok:
            for name in SKIPPED:
                job.skip(name, "Not tried: the server does not answer as described.")
            return
        with job.reference_server("naive.py", job.public / "model.json") as naive:
            speed(job, theirs, naive, traffic)
        manners(job, theirs, traffic)


class Traffic:
    """Requests that never repeat, and what the right answer to each is."""

    def __init__(self, x, truth, tolerance):
        self.x, self.truth, self.tolerance, self.rows = x, truth, tolerance, x.tolist()

    def request(self, i):
        i %= len(self.rows)
        return "POST", "/predict", {"id": f"r{i}", "x": self.rows[i]}

    def wrong(self, i, response):
        """What is wrong with an answer of 200, or nothing."""
        i %= len(self.rows)
        try:
            answer = json.loads(response.body)
            if answer["id"] != f"r{i}":
                return "the id of another request"
            scores = np.array(answer["scores"], dtype=float)
            if scores.shape != self.truth[i].shape:
                return f"scores of shape {scores.shape}"
            off = float(np.max(np.abs(scores - self.truth[i])))
            return "" if off <= self.tolerance else f"scores that are off by {off:.2g}"
        except (ValueError, KeyError, TypeError):
            return "no JSON object with id and scores"


def contract(job, server, traffic):
    done = False
    with job.check("contract") as chk:
        health = server.request("GET", "/health", timeout=20)
        chk.expect(health.status == 200, f"GET /health answered {health.status}.")
        for i in range(-12, 0):
            method, path, body = traffic.request(i)
            r = server.request(method, path, json=body, timeout=10)
            chk.expect(r.status == 200, f"A good request was answered with {r.status}.")
            wrong = traffic.wrong(i, r)
            chk.expect(not wrong, f"A single request got {wrong}.")
        done = True
    return done


def speed(job, theirs, naive, traffic):
    crowd, seconds, turns = int(job.constants["clients"]), float(job.constants["slice"]), int(job.constants["turns"])
    rates, tails, seen = [], [], Seen(traffic)
    base = 0

    def load(server, keep):
        nonlocal base
        start = base
        result = server.load(make=lambda i: traffic.request(start + i), seconds=seconds, workers=crowd, timeout=10.0)
        base += result.sent + 1
        if keep:
            seen.add(start, result)
        return result

    for turn in range(turns):
        first, second = (theirs, naive) if turn % 2 else (naive, theirs)
        a, b = load(first, first is theirs), load(second, second is theirs)
        mine, reference = (a, b) if first is theirs else (b, a)
        rates.append(good_rate(mine) / max(good_rate(reference), 1e-9))
        tails.append(reference.percentile(95) / mine.percentile(95))
        job.note(f"turn {turn}: theirs {good_rate(mine):.0f}/s p95 {mine.percentile(95):.1f} ms; naive {good_rate(reference):.0f}/s p95 {reference.percentile(95):.1f} ms")
        if turn == 0:
            job.series("latency in a crowd", range(1, 100), [mine.percentile(q) for q in range(1, 100)], unit="ms")
    with job.check("parity") as chk:
        seen.judge(chk)
    gain = statistics.median(rates)
    job.metric("throughput", gain, samples=rates, reference=1.0, message=f"{gain:.1f} times the requests of the server you were given, median of {turns}.")
    tail = statistics.median(tails)
    job.metric("crowd", tail, samples=tails, reference=1.0, message=f"Its p95 over yours: {tail:.1f}, median of {turns}, {crowd} clients.")
    with job.check("alone") as chk:
        if gain < float(job.constants["least_gain"]):
            chk.skip("Not scored: the server is about as fast as the one you were given.")
        mine, reference = alone(theirs, traffic), alone(naive, traffic)
        chk.value, chk.reference = mine / reference, 1.0
        allowed = 1.5 * reference + 15
        chk.expect(mine <= allowed, f"One client alone waits {mine:.0f} ms; the server you were given needs {reference:.0f} ms.")


def good_rate(result):
    return sum(r[1].status == 200 for r in result.responses) / result.seconds


def alone(server, traffic, count=30):
    """Median milliseconds of one client that asks, waits, and asks again."""
    session, times = server.session(), []
    for i in range(count):
        method, path, body = traffic.request(4000 + i)
        try:
            times.append(session.request(method, path, json=body, timeout=5).ms)
        except CandidateError:
            times.append(5000.0)
    session.close()
    return statistics.median(times)


class Seen:
    """Every answer given under load, held against the truth."""

    def __init__(self, traffic):
        self.traffic, self.total, self.unanswered, self.wrong, self.example = traffic, 0, 0, 0, ""

    def add(self, start, result):
        self.total += result.sent
        self.unanswered += len(result.failures) + sum(r[1].status != 200 for r in result.responses)
        if not self.example and self.unanswered:
            self.example = next((str(r[1]) for r in result.failures), "") or next((f"status {r[1].status}" for r in result.responses if r[1].status != 200), "")
        for i, response, _ in result.responses:
            if response.status == 200:
                what = self.traffic.wrong(start + i, response)
                if what:
                    self.wrong += 1
                    self.example = what

    def judge(self, chk):
        chk.value = self.wrong + self.unanswered
        chk.expect(self.wrong == 0, f"Under load {self.wrong} of {self.total} answers were wrong, for example {self.example}.")
        chk.expect(self.unanswered <= 0.005 * self.total, f"Under load {self.unanswered} of {self.total} good requests were not answered with 200, for example: {self.example}.")
        chk.message = f"{self.total} answers under load, all of them right." if not self.unanswered else f"{self.unanswered} of {self.total} not answered."


def manners(job, server, traffic):
    good = json.dumps(traffic.request(5000)[2])
    row = traffic.rows[5000]
    head = good.index("[")

    with job.check("malformed") as chk:
        bodies = {
            "half an object": good[: len(good) // 2], "no JSON": "scores, please", "a list": "[1, 2, 3]", "no x": '{"id": "a"}', "nothing": "",
            "too few numbers": json.dumps({"id": "a", "x": row[:-1]}), "too many numbers": json.dumps({"id": "a", "x": row + [0.0]}),
            "a text among the numbers": json.dumps({"id": "a", "x": row[:-1] + ["1"]}), "null among the numbers": json.dumps({"id": "a", "x": row[:-1] + [None]}),
            "lists in the list": json.dumps({"id": "a", "x": [[v] for v in row]}), "x is a text": json.dumps({"id": "a", "x": "1" * len(row)}),
            "bytes that are not UTF-8": b"\xff\xfe\x00{", "very deep lists": "[" * 5000,
        }
        refused(chk, server, traffic, bodies)
        for method, path, status in (("GET", "/no/such/path", (404,)), ("GET", "/predict", (404, 405))):
            r = answered(server, method, path)
            chk.expect(r in status, f"{method} {path} was answered with {r}.")
    with job.check("not-a-number") as chk:
        put = lambda v: good[: head + 1] + v + good[good.index(",", head):]
        refused(chk, server, traffic, {v: put(v) for v in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999")})
    with job.check("oversized") as chk:
        for size in (10_000_000, 4_000_000_000):
            status = announced(server, size)
            chk.expect(status in (400, 413), f"A body announced with {size} bytes: {status or 'no answer before it was sent'}; expected 413 at once.")
        alive(chk, server, traffic, 5.0)
    with job.check("bad-clients") as chk:
        bad_clients(chk, server, traffic)


def refused(chk, server, traffic, bodies):
    for name, body in bodies.items():
        body = body.encode() if isinstance(body, str) else body
        status = answered(server, "POST", "/predict", body)
        chk.expect(isinstance(status, int) and 400 <= status < 500, f"{name}: {status if isinstance(status, int) else 'no answer'}; expected a status from 400 to 499.", staff=str(status))
    alive(chk, server, traffic, 5.0)


def answered(server, method, path, body=None):
    try:
        return server.request(method, path, body=body, headers={"Content-Type": "application/json"}, timeout=4).status
    except CandidateError as e:
        return e.message


def alive(chk, server, traffic, timeout):
    for i in range(5100, 5105):
        method, path, body = traffic.request(i)
        try:
            r = server.request(method, path, json=body, timeout=timeout)
        except CandidateError as e:
            chk.fail(f"After that a good request failed: {e.message}")
        chk.expect(r.status == 200 and not traffic.wrong(i, r), "After that a good request was not answered well.")


def announced(server, size):
    """The status that a head alone gets, when it announces a body of this size."""
    try:
        s = server.connect(5.0)
    except CandidateError:
        return None
    with s:
        s.settimeout(4.0)
        try:
            s.sendall(b"POST /predict HTTP/1.1\r\nHost: candidate\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % size)
            line = s.recv(64).split(b" ")
            return int(line[1]) if len(line) > 1 and line[1].isdigit() else None
        except OSError:
            return None


def bad_clients(chk, server, traffic):
    """Clients that stop in the middle, and clients that leave in the middle, harm nobody but themselves."""
    body = json.dumps(traffic.request(5200)[2]).encode()
    whole = b"POST /predict HTTP/1.1\r\nHost: candidate\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    waiting = []
    try:
        for i in range(16):
            s = server.connect(5.0)
            s.sendall(whole[: 40 + 100 * (i % 8)])
            waiting.append(s)
        alive(chk, server, traffic, 4.0)
        for i in range(40):
            s = server.connect(5.0)
            s.sendall(whole if i % 2 else whole[:300])
            if i % 4 >= 2:
                s.shutdown(1)
            s.close()
        alive(chk, server, traffic, 4.0)
    except (OSError, CandidateError) as e:
        chk.fail(f"The server does not take connections while others are slow: {e}")
    finally:
        for s in waiting:
            s.close()
    alive(chk, server, traffic, 4.0)
