"""The candidate's side of a grading: holds their module and the objects it made, and answers one question at a time.

argv: the entry file below the working folder. The first frame out is {"id": "hello", "ok": None}, or an "error" when the entry does
not import. Then, for each question in:

    {"op": "call",   "id": i, "fn": name, "args": (…), "kwargs": {…}}      a function of the entry module; dotted names reach inside
    {"op": "new",    "id": i, "fn": name, "args": (…), "kwargs": {…}}      makes an object and keeps it; answers with its handle
    {"op": "method", "id": i, "obj": handle, "fn": name, "args", "kwargs"}
    {"op": "get",    "id": i, "obj": handle or None, "fn": attribute}
    {"op": "drop",   "id": i, "obj": handle}

    → {"id": i, "ok": value}  or  {"id": i, "error": {"kind": "raised" | "protocol", "message": text}}

{"$obj": handle} anywhere among the arguments stands for a kept object. What candidates' code prints goes to stdout and stderr, which
are logs and nothing else; frames travel on a descriptor of their own.
"""

import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import wire  # noqa: E402

# A candidate's own module may be called wire.
sys.modules["_assay_wire"] = sys.modules.pop("wire")
sys.path[:] = [p for p in sys.path if p != HERE]

MAX_MESSAGE = 8000


def main():
    channel = wire.connect()
    entry = sys.argv[1]
    try:
        module = load(entry)
    except BaseException as e:
        answer(channel, "hello", error=explain(e, entry))
        return 1
    answer(channel, "hello", ok=None)
    serve(channel, Objects(module), entry)
    return 0


def load(entry):
    """Imports the entry file under its own name, as `import solution` would."""
    import importlib.util

    path = os.path.abspath(entry)
    sys.path[:] = [os.path.dirname(path)] + [p for p in sys.path if p != os.path.dirname(path)]
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise ImportError("%s is not a Python file" % entry)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def serve(channel, objects, entry):
    while True:
        try:
            question = channel.recv()
        except EOFError:
            return
        ident = question.get("id")
        try:
            value = objects.do(question)
        except BaseException as e:
            answer(channel, ident, error=explain(e, entry))
            continue
        try:
            answer(channel, ident, ok=value)
        except wire.WireError as e:
            answer(channel, ident, error={"kind": "protocol", "message": str(e)})
        except BaseException as e:  # a value whose own code runs while it is being read
            answer(channel, ident, error=explain(e, entry))
        flush()


class Objects:
    """The entry module and what was made from it. Handles are never used twice."""

    def __init__(self, module):
        self.module, self.kept, self.count = module, {}, 0

    def do(self, q):
        op = q.get("op")
        if op in ("call", "new", "method"):
            home = self.kept_object(q["obj"]) if op == "method" else self.module
            args = [self.resolve(a) for a in q.get("args") or ()]
            kwargs = {k: self.resolve(v) for k, v in (q.get("kwargs") or {}).items()}
            value = attribute(home, q["fn"])(*args, **kwargs)
            return self.keep(value) if op == "new" else value
        if op == "get":
            obj = q.get("obj")
            return attribute(self.module if obj is None else self.kept_object(obj), q["fn"])
        if op == "drop":
            self.kept.pop(q.get("obj"), None)
            return None
        raise wire.WireError("unknown question %r" % (op,))

    def keep(self, value):
        self.count += 1
        self.kept[self.count] = value
        return self.count

    def kept_object(self, handle):
        try:
            return self.kept[handle]
        except (KeyError, TypeError):
            raise wire.WireError("no object has the handle %r" % (handle,)) from None

    def resolve(self, v):
        if type(v) is dict:
            if len(v) == 1 and "$obj" in v:
                return self.kept_object(v["$obj"])
            return {k: self.resolve(x) for k, x in v.items()}
        if type(v) in (list, tuple):
            return type(v)(self.resolve(x) for x in v)
        return v


def attribute(home, dotted):
    for part in dotted.split("."):
        home = getattr(home, part)
    return home


def answer(channel, ident, ok=None, error=None):
    channel.send({"id": ident, "error": error} if error else {"id": ident, "ok": ok})


def explain(e, entry):
    """The traceback as its author may read it: their own frames, none of ours."""
    if isinstance(e, wire.WireError):
        return {"kind": "protocol", "message": clip(str(e))}
    try:
        tb = e.__traceback__
        while tb is not None and ours(tb):
            tb = tb.tb_next
        text = "".join(traceback.format_exception(type(e), e, tb, limit=-12))
    except BaseException:
        text = type(e).__name__
    return {"kind": "raised", "message": clip(text)}


def ours(tb):
    name = tb.tb_frame.f_code.co_filename
    return name == __file__ or name.startswith("<frozen importlib")


def clip(text):
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE // 4] + "\n…\n" + text[-MAX_MESSAGE * 3 // 4 :]


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass


if __name__ == "__main__":
    sys.exit(main())
