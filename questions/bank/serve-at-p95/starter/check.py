"""Public checks: starts your server, asks it a few things, and lets a small crowd in. Run `python3 check.py` here or on your laptop.

The numbers are for you alone: they depend on the machine. Grading compares your server with the one you were given, in turns.
"""

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time

from model import Ranker

PORT = int(os.environ.get("PORT", 8000))
CLIENTS, SECONDS = 32, 3.0


def main():
    server = subprocess.Popen([sys.executable, "server.py"], env={**os.environ, "PORT": str(PORT)})
    try:
        report("starts", listens(server), f"answers GET /health on port {PORT}")
        ranker, rng = Ranker(), random.Random(7)
        rows = [[round(rng.gauss(0, 1), 3) for _ in range(ranker.inputs)] for _ in range(400)]
        want = ranker(rows).tolist()
        report("right", all(right(ask(i, rows), want[i]) for i in range(5)), "single answers agree with the model")
        crowd(rows, want)
    finally:
        server.kill()


def listens(server):
    for _ in range(200):
        if server.poll() is not None:
            return False
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            time.sleep(0.05)
    return False


def ask(i, rows, connection=None):
    connection = connection or http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    connection.request("POST", "/predict", json.dumps({"id": f"r{i}", "x": rows[i]}), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    return json.loads(body) if answer.status == 200 else None


def right(answer, want):
    return bool(answer) and max(abs(a - b) for a, b in zip(answer["scores"], want)) < 1e-4


def crowd(rows, want):
    """CLIENTS clients that ask again as soon as they have their answer."""
    times, wrong, end = [], [], time.monotonic() + SECONDS

    def client(i):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
        while time.monotonic() < end:
            i = (i + CLIENTS) % len(rows)
            start = time.monotonic()
            try:
                answer = ask(i, rows, connection)
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
                answer = None
            times.append(time.monotonic() - start)
            if not right(answer, want[i]):
                wrong.append(i)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    times.sort()
    for percent in (50, 90, 95, 99):
        print(f"metric latency_ms {percent} {1e3 * times[int(len(times) * percent / 100)]:.2f}", flush=True)
    report("crowd", not wrong, f"{len(times) / SECONDS:.0f} requests/s from {CLIENTS} clients, p95 {1e3 * times[int(len(times) * 0.95)]:.0f} ms, {len(wrong)} bad answers")


def report(name, good, message):
    print(f"check {name} {'pass' if good else 'fail'} {message}", flush=True)
    if not good:
        sys.exit(1)


if __name__ == "__main__":
    main()
