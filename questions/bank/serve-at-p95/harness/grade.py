"""Serve it at p95: right alone and in a crowd, several times as fast as the server they were given, and unmoved by bad clients.

Speed is always a ratio to that server, started here and loaded in turns with theirs. Neighbours on the machine can only make a turn
look worse, so a server that has not yet shown full speed gets a few turns more. Throughput is the median of the ratios; the tail, which
neighbours hurt most, is that or the ratio of the two best turns, whichever is better.
"""

import json
import statistics

import numpy as np

from crowd import crowd
from kit import CandidateError
from naive import Model

MOST_TURNS = 9
ENOUGH = {"throughput": 3.5, "crowd": 2.2}  # full marks, as in question.yaml: no need to go on
SKIPPED = ("parity", "throughput", "crowd", "alone", "malformed", "not-a-number", "oversized", "bad-clients")


def grade(job):
    model = Model(job.public / "model.json")
    traffic = Traffic(model, np.load(job.hidden / "traffic.npz")["x"], float(job.constants["tolerance"]))
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
    """Requests that do not repeat within a turn, and what the right answer to each is."""

    def __init__(self, model, x, tolerance):
        self.model, self.x, self.tolerance, self.rows = model, x, tolerance, x.tolist()
        self.raw = [wire(json.dumps(self.request(i)[2]).encode()) for i in range(len(self.rows))]

    def bytes(self, i):
        return self.raw[i % len(self.raw)]

    def request(self, i):
        i %= len(self.rows)
        return "POST", "/predict", {"id": f"r{i}", "x": self.rows[i]}

    def wrong(self, i, response, truth=None):
        """What is wrong with an answer of 200, or nothing."""
        i %= len(self.rows)
        truth = self.model.scores(self.x[i]) if truth is None else truth
        try:
            answer = json.loads(response.body)
            if answer["id"] != f"r{i}":
                return "the id of another request"
            scores = np.array(answer["scores"], dtype=float)
            if scores.shape != truth.shape:
                return f"scores of shape {scores.shape}"
            off = float(np.max(np.abs(scores - truth)))
            return "" if off <= self.tolerance else f"scores that are off by {off:.2g}"
        except (ValueError, KeyError, TypeError):
            return "no JSON object with id and scores"


def wire(body):
    head = b"POST /predict HTTP/1.1\r\nHost: candidate\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


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
    clients, seconds, turns = int(job.constants["clients"]), float(job.constants["slice"]), int(job.constants["turns"])
    rates, tails, seen = Ratio(), Ratio(), Seen(traffic)
    base = 0

    def load(server, keep):
        nonlocal base
        result = crowd(server, traffic.bytes, base, clients, seconds)
        base += result.sent + 1
        if keep:
            seen.add(result)
        return result

    for turn in range(MOST_TURNS):
        if turn >= turns and (rates.median() >= ENOUGH["throughput"] and tails.kindest() >= ENOUGH["crowd"] or rates.median() < float(job.constants["least_gain"])):
            break
        first, second = (theirs, naive) if turn % 2 else (naive, theirs)
        a, b = load(first, first is theirs), load(second, second is theirs)
        mine, reference = (a, b) if first is theirs else (b, a)
        rates.add(mine.rate, reference.rate)
        tails.add(1 / mine.percentile(95), 1 / reference.percentile(95))
        job.note(f"turn {turn}: theirs {mine.rate:.0f}/s p95 {mine.percentile(95):.1f} ms; naive {reference.rate:.0f}/s p95 {reference.percentile(95):.1f} ms")
        if turn == 0:
            job.series("latency in a crowd", range(1, 100), [mine.percentile(q) for q in range(1, 100)], unit="ms")
    with job.check("parity") as chk:
        seen.judge(chk, job.rng)
    gain, tail = rates.median(), tails.kindest()
    job.metric("throughput", gain, samples=rates.pairs, reference=1.0, message=f"{gain:.1f} times the requests of the server you were given, in {len(rates.pairs)} turns.")
    job.metric("crowd", tail, samples=tails.pairs, reference=1.0, message=f"Its p95 over yours: {tail:.1f}, in {len(tails.pairs)} turns of {clients} clients.")
    with job.check("alone") as chk:
        if gain < float(job.constants["least_gain"]):
            chk.skip("Not scored: the server is about as fast as the one you were given.")
        mine, reference = alone(theirs, traffic), alone(naive, traffic)
        chk.value, chk.reference = mine / reference, 1.0
        allowed = 2 * reference + 30
        chk.expect(mine <= allowed, f"One client alone waits {mine:.0f} ms; the server you were given needs {reference:.0f} ms.")


class Ratio:
    """How many times better one thing is than another, measured in turns."""

    def __init__(self):
        self.pairs, self.best = [], [0.0, 0.0]

    def add(self, mine, reference):
        self.pairs.append(mine / max(reference, 1e-9))
        self.best = [max(self.best[0], mine), max(self.best[1], reference)]

    def median(self):
        return statistics.median(self.pairs)

    def kindest(self):
        return max(self.median(), self.best[0] / max(self.best[1], 1e-9))


def alone(server, traffic, count=20):
    """Milliseconds of one client that asks, waits, and asks again: the lower quartile, since neighbours only add."""
    session, times = server.session(), []
    for i in range(count):
        method, path, body = traffic.request(4000 + i)
        try:
            times.append(session.request(method, path, json=body, timeout=5).ms)
        except CandidateError:
            times.append(5000.0)
    session.close()
    return statistics.quantiles(times, n=4)[0]


class Seen:
    """Every answer given under load; a large sample of them is held against the truth."""

    SAMPLE = 3000

    def __init__(self, traffic):
        self.traffic, self.total, self.unanswered, self.example, self.answers = traffic, 0, 0, "", []

    def add(self, result):
        self.total += result.sent
        bad = result.failures + [f"status {a.status}" for a in result.answers if a.status != 200]
        self.unanswered += len(bad)
        self.example = self.example or (bad[0] if bad else "")
        self.answers += [(a.i, a) for a in result.answers if a.status == 200]

    def judge(self, chk, rng):
        sample = [self.answers[k] for k in rng.permutation(len(self.answers))[: self.SAMPLE]]
        wrong, example = 0, ""
        for part in range(0, len(sample), 250):
            block = sample[part : part + 250]
            rows = self.traffic.x[[i % len(self.traffic.x) for i, _ in block]]
            for (i, response), truth in zip(block, self.traffic.model.scores(rows, np.float32)):
                what = self.traffic.wrong(i, response, truth)
                wrong, example = wrong + bool(what), example or what
        chk.value = wrong + self.unanswered
        chk.expect(wrong == 0, f"Under load {wrong} of {len(sample)} answers were wrong, for example {example}.")
        chk.expect(self.unanswered <= 0.005 * self.total, f"Under load {self.unanswered} of {self.total} good requests were not answered with 200, for example: {self.example}.")
        chk.message = f"{self.total} requests under load, {len(sample)} answers compared, all right."


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
    for i in range(5100, 5103):
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
    whole = wire(body)
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
