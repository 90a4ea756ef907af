"""Candidate: questions to the candidate's side, which runs in another container. Plain data goes over and comes back."""

import keyword

TIMEOUT = 10.0


class CandidateError(Exception):
    """The candidate's side gave no value. kind is raised, timeout, died or protocol; message is for the candidate to read."""

    def __init__(self, kind, message):
        super().__init__(f"{kind}: {message}")
        self.kind, self.message = kind, message


class Candidate:
    """The candidate's entry module, on the other side of the wire.

    timeout is the number of seconds that one question may take unless it names another; the engine keeps the clock.
    seconds is how long the last question took on the candidate's side, as the engine measured it; total is the sum of all.
    """

    def __init__(self, channel, timeout=TIMEOUT):
        self._channel = channel
        self._next = 0
        self.timeout = timeout
        self.seconds = self.total = 0.0

    def call(self, fn, *args, timeout=None, **kwargs):
        """Calls a function of the entry module."""
        return self._ask("call", None, fn, args, kwargs, timeout)

    def new(self, cls, *args, timeout=None, **kwargs):
        """Makes an object: a class of the entry module, or any function of it, also "Class.from_bytes". The object stays over
        there; what comes back is a Remote."""
        return Remote(self, self._ask("new", None, cls, args, kwargs, timeout), cls)

    def get(self, name, timeout=None):
        """Reads an attribute of the entry module."""
        return self._ask("get", None, name, (), {}, timeout)

    def has(self, name, timeout=None):
        """Whether the entry module has an attribute that can be read over the wire or called."""
        try:
            self.get(name, timeout)
        except CandidateError as e:
            if e.kind == "raised":
                return "AttributeError" not in e.message
            if e.kind != "protocol":
                raise
        return True

    def _ask(self, op, obj, name, args, kwargs, timeout):
        if not isinstance(name, str) or not all(p.isidentifier() and not keyword.iskeyword(p) for p in name.split(".")):
            raise ValueError(f"not a name: {name!r}")
        self._next += 1
        question = {"op": op, "id": self._next, "fn": name, "timeout": float(timeout or self.timeout)}
        if obj is not None or op == "get":
            question["obj"] = obj
        if op != "get":
            question["args"] = tuple(_outgoing(a) for a in args)
            question["kwargs"] = {k: _outgoing(v) for k, v in kwargs.items()}
        answer = self._channel.ask(question)
        self.seconds = float(answer.get("seconds", 0.0))
        self.total += self.seconds
        if answer.get("id") != self._next:
            raise RuntimeError(f"the engine answered question {answer.get('id')!r}, not {self._next}")
        if "error" in answer:
            e = answer["error"]
            raise CandidateError(e["kind"], e["message"])
        return answer["ok"]


class Remote:
    """An object in the candidate's process: o.method(args) calls, o.get("name") reads an attribute. As an argument of another
    question it stands for the object itself."""

    def __init__(self, candidate, handle, name):
        self._candidate, self._handle, self._name = candidate, handle, name

    def get(self, name, timeout=None):
        return self._candidate._ask("get", self._handle, name, (), {}, timeout)

    def call(self, method, *args, timeout=None, **kwargs):
        return self._candidate._ask("method", self._handle, method, args, kwargs, timeout)

    def __getattr__(self, method):
        if method.startswith("__"):
            raise AttributeError(method)
        return lambda *args, timeout=None, **kwargs: self.call(method, *args, timeout=timeout, **kwargs)

    def __repr__(self):
        return f"<the candidate's {self._name}>"


def _outgoing(v):
    if isinstance(v, Remote):
        return {"$obj": v._handle}
    if isinstance(v, list):
        return [_outgoing(x) for x in v]
    if isinstance(v, tuple):
        return tuple(_outgoing(x) for x in v)
    if isinstance(v, dict):
        return {k: _outgoing(x) for k, x in v.items()}
    return v
