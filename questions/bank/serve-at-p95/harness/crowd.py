"""A crowd of clients in one thread: each asks again as soon as it has its answer. It costs the judge a tenth of what threads and
http.client would, so that what is measured is the server and not the crowd."""

import collections
import selectors
import time

from kit import CandidateError

Answer = collections.namedtuple("Answer", "i status body")


class Result:
    """All answers and failures; those numbered first to last - 1 came while the clock ran."""

    def __init__(self):
        self.answers, self.failures, self.latencies, self.seconds, self.sent = [], [], [], 0.0, 0
        self.first = self.last = 0

    @property
    def rate(self):
        """Answers of 200 per second."""
        return sum(a.status == 200 for a in self.answers[self.first : self.last]) / self.seconds if self.seconds else 0.0

    def percentile(self, q):
        """Milliseconds; infinite when nothing was answered."""
        times = sorted(self.latencies[self.first : self.last])
        return 1e3 * times[min(len(times) - 1, int(len(times) * q / 100))] if times else float("inf")


def crowd(server, request, start, clients, seconds, least=200, timeout=10.0):
    """Keeps `clients` asking request(i), the bytes of a whole request, for i = start, start + 1, …

    The clock starts when every client has had its first answer, so that connecting is not measured, and runs for `seconds`, on a
    slow day up to four times as long until there are `least` answers. Then the last answers are waited for, unmeasured.
    """
    result, selector = Result(), selectors.DefaultSelector()
    numbers = iter(range(start, start + 10**9))
    everyone = [Client(server, request, selector, result) for _ in range(clients)]
    for c in everyone:
        c.ask(next(numbers))
    began = ended = None
    while any(c.busy for c in everyone):
        for key, _ in selector.select(0.05):
            key.data.hear()
        now = time.perf_counter()
        if began is None and all(c.turns for c in everyone):
            began, result.first = now, len(result.answers)
        if began is not None and ended is None:
            enough = len(result.answers) - result.first >= least
            if now - began >= seconds * (1 if enough else 4):
                ended, result.last = now, len(result.answers)
        for c in everyone:
            if c.busy and now - c.asked > timeout:
                c.failed(f"no answer within {timeout:g} s")
            if not c.busy and ended is None:
                c.ask(next(numbers))
    result.seconds = ended - began
    for c in everyone:
        c.close()
    selector.close()
    return result


class Client:
    def __init__(self, server, request, selector, result):
        self.server, self.request, self.selector, self.result = server, request, selector, result
        self.socket, self.busy, self.i, self.asked, self.data, self.used, self.turns = None, False, 0, 0.0, b"", False, 0

    def ask(self, i, again=False):
        if not again:
            self.i, self.asked = i, time.perf_counter()
            self.result.sent += 1
        self.busy, self.data = True, b""
        try:
            if self.socket is None:
                self.socket, self.used = self.server.connect(5.0), False
                self.selector.register(self.socket, selectors.EVENT_READ, self)
            self.socket.sendall(self.request(i))
        except (OSError, CandidateError) as e:
            self.cut(str(e))

    def hear(self):
        try:
            part = self.socket.recv(65536)
        except OSError as e:
            return self.cut(str(e))
        if not self.busy:
            return self.close()  # the server ends a connection on which nothing was asked
        self.data += part
        answer = parse(self.data, not part)
        if answer is not None:
            status, body, keep = answer
            self.busy, self.used, self.turns = False, True, self.turns + 1
            self.result.latencies.append(time.perf_counter() - self.asked)
            self.result.answers.append(Answer(self.i, status, body))
            if not keep:
                self.close()
        elif not part or len(self.data) > 1 << 20:
            self.cut("the connection was closed without an answer" if not self.data else "what came is not HTTP")

    def cut(self, why):
        """A kept connection may have been closed just before it was used again: that is tried once more."""
        used = self.used and not self.data
        self.close()
        if used:
            self.ask(self.i, again=True)
        else:
            self.failed(why)

    def failed(self, why):
        self.busy, self.turns = False, self.turns + 1
        self.close()
        self.result.failures.append(why)

    def close(self):
        if self.socket is not None:
            self.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None


def parse(data, ended):
    """(status, body, whether the connection is kept) once the answer is whole, else None."""
    head, gap, body = data.partition(b"\r\n\r\n")
    if not gap:
        return None
    lines = head.split(b"\r\n")
    first = lines[0].split(b" ")
    if len(first) < 2 or not first[0].startswith(b"HTTP/") or not first[1].isdigit():
        return None
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    keep = first[0] == b"HTTP/1.1" and fields.get(b"connection", b"").lower() != b"close"
    length = fields.get(b"content-length", b"")
    if length.isdigit():
        return (int(first[1]), body[: int(length)], keep) if len(body) >= int(length) else None
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        whole = unchunk(body)
        return (int(first[1]), whole, keep) if whole is not None else None
    return (int(first[1]), body, False) if ended else None


def unchunk(body):
    out = b""
    while True:
        size, gap, rest = body.partition(b"\r\n")
        try:
            n = int(size.split(b";")[0], 16)
        except ValueError:
            return None
        if not gap or len(rest) < n + 2:
            return None
        if n == 0:
            return out
        out, body = out + rest[:n], rest[n + 2 :]
