"""A server under test: requests, raw sockets and load. The candidate's is reached through $ASSAY_UPSTREAM, a unix socket."""

import collections
import concurrent.futures
import http.client
import json
import os
import pathlib
import queue
import socket
import subprocess
import sys
import threading
import time

from .candidate import CandidateError

Response = collections.namedtuple("Response", "status body ms headers")
Response.json = lambda self: json.loads(self.body)
LIMIT = 16 << 20  # bytes of one answer


class LoadResult:
    """What a load run saw. latencies are milliseconds from the moment a request was due, so a stalled server cannot hide."""

    def __init__(self, seconds, results):
        self.seconds = seconds
        self.responses = [r for r in results if isinstance(r[1], Response)]
        self.failures = [r for r in results if not isinstance(r[1], Response)]
        self.latencies = sorted(r[2] for r in self.responses if r[1].status < 500)
        self.errors = len(self.failures) + sum(r[1].status >= 500 for r in self.responses)
        self.sent = len(results)
        self.throughput = len(self.latencies) / seconds if seconds else 0.0

    def percentile(self, q):
        """The q-th percentile (0 to 100) of latency in ms; infinite when nothing was answered."""
        if not self.latencies:
            return float("inf")
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * q / 100))]


class Server:
    """A server that speaks HTTP/1.1. Use it in a with block."""

    def __init__(self, address, process=None, name="the server"):
        self._address, self._process, self._name = address, process, name

    @classmethod
    def upstream(cls):
        return cls(os.environ["ASSAY_UPSTREAM"])

    @classmethod
    def start(cls, path, *args, wait=20.0):
        """Starts `python3 path *args` with $PORT set, and waits until it listens."""
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        env = {**os.environ, "PORT": str(port)}
        env.pop("ASSAY_WIRE", None)
        process = subprocess.Popen([sys.executable, str(path), *map(str, args)], env=env, cwd=pathlib.Path(path).parent, stdin=subprocess.DEVNULL)
        server = cls(("127.0.0.1", port), process, pathlib.Path(path).name)
        end = time.monotonic() + wait
        while True:
            try:
                server.connect(1.0).close()
                return server
            except CandidateError:
                if process.poll() is not None or time.monotonic() > end:
                    server.close()
                    raise RuntimeError(f"{server._name} did not start to listen (exit {process.poll()})") from None
                time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def connect(self, timeout=5.0):
        """A raw stream socket to the server."""
        try:
            if isinstance(self._address, str):
                s = socket.socket(socket.AF_UNIX)
                s.settimeout(timeout)
                s.connect(self._address)
            else:
                s = socket.create_connection(self._address, timeout)
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return s
        except OSError as e:
            raise CandidateError("died", f"{self._name} does not accept connections: {e}") from None

    def request(self, method, path, *, json=None, body=None, headers=None, timeout=5.0):
        """One request on a connection of its own. CandidateError when there is no proper answer in time."""
        connection = _Connection(self, timeout)
        try:
            return _exchange(connection, self._name, method, path, json, body, headers, timeout)
        finally:
            connection.close()

    def session(self):
        """A connection that is kept open: session().request(…), again and again."""
        return Session(self)

    def load(self, *, make, rate=None, seconds=3.0, workers=8, timeout=5.0, keep=True):
        """Sends what make(i) -> (method, path, json) makes for `seconds`.

        With rate, requests are due at a steady pace whatever the answers (open loop), and latency counts from then. Without, each
        of `workers` sends its next request when it has its answer. LoadResult.responses has (i, Response, ms) for checking answers.
        """
        due = queue.SimpleQueue()
        results, lock = [], threading.Lock()
        start = time.perf_counter()
        if rate:
            for i in range(int(rate * seconds)):
                due.put((i, start + i / rate))
        counter = iter(range(1 << 60))

        def work():
            session = Session(self)
            while True:
                now = time.perf_counter()
                if rate:
                    try:
                        i, at = due.get_nowait()
                    except queue.Empty:
                        break
                    if at > now:
                        time.sleep(at - now)
                    elif now > start + seconds + timeout:
                        with lock:
                            results.append((i, "not sent in time", (now - at) * 1e3))
                        continue
                else:
                    if now > start + seconds:
                        break
                    with lock:
                        i = next(counter)
                    at = now
                method, path, data = make(i)
                try:
                    answer = session.request(method, path, json=data, timeout=timeout)
                except CandidateError as e:
                    answer = e.message
                    session.close()
                    session = Session(self)
                with lock:
                    results.append((i, answer, (time.perf_counter() - at) * 1e3))
                if not keep:
                    session.close()
                    session = Session(self)
            session.close()

        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for f in [pool.submit(work) for _ in range(workers)]:
                f.result()
        return LoadResult(time.perf_counter() - start, results)


class Session:
    """One kept connection to a server. It reconnects when the server closed it between two requests."""

    def __init__(self, server):
        self._server, self._connection, self._used = server, None, False

    def request(self, method, path, *, json=None, body=None, headers=None, timeout=5.0):
        if self._connection is None:
            self._connection, self._used = _Connection(self._server, timeout), False
        try:
            answer = _exchange(self._connection, self._server._name, method, path, json, body, headers, timeout)
        except CandidateError as e:
            self.close()
            if self._used and e.kind == "died":
                return self.request(method, path, json=json, body=body, headers=headers, timeout=timeout)
            raise
        self._used = True
        if (answer.headers.get("connection") or "").lower() == "close":
            self.close()
        return answer

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Connection(http.client.HTTPConnection):
    def __init__(self, server, timeout):
        super().__init__("candidate", timeout=timeout)
        self._server = server

    def connect(self):
        self.sock = self._server.connect(self.timeout)


def _exchange(connection, name, method, path, data, body, headers, timeout):
    headers = dict(headers or {})
    if data is not None:
        body = json.dumps(data).encode()
        headers.setdefault("Content-Type", "application/json")
    start = time.perf_counter()
    try:
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        connection.request(method, path, body=body, headers=headers)
        connection.sock.settimeout(timeout)
        answer = connection.getresponse()
        content = answer.read(LIMIT + 1)
        if len(content) > LIMIT:
            raise CandidateError("protocol", f"{name} sent more than {LIMIT} bytes")
    except TimeoutError:
        raise CandidateError("timeout", f"{method} {path}: no answer within {timeout:g} s") from None
    except http.client.RemoteDisconnected:
        raise CandidateError("died", f"{method} {path}: {name} closed the connection without an answer") from None
    except (ConnectionError, BrokenPipeError) as e:
        raise CandidateError("died", f"{method} {path}: {e}") from None
    except (http.client.HTTPException, ValueError) as e:
        raise CandidateError("protocol", f"{method} {path}: not HTTP: {type(e).__name__}: {e}") from None
    except OSError as e:
        raise CandidateError("died", f"{method} {path}: {e}") from None
    lower = {k.lower(): v for k, v in answer.getheaders()}
    return Response(answer.status, content, (time.perf_counter() - start) * 1e3, lower)
