"""Job: what a harness is given, and what it reports."""

import contextlib
import json
import math
import pathlib
import traceback

import numpy as np

from .candidate import CandidateError
from .compare import Mismatch, close

MESSAGE = 2000  # bytes of a message, for candidates and for staff
NOTES = 60_000
SAMPLES = 2000
POINTS = 2000


class HarnessError(Exception):
    """The harness is wrong: an unknown check id, a check reported twice, a value that is no number."""


class Job:
    """One grading of one submission.

    seed, seeds   whole numbers; everything random in a grading comes from them
    rng           numpy Generator of the first seed
    constants     dict, the question's constants with their types
    hidden        pathlib.Path of the hidden data of the first seed; hiddens has one for each seed
    static        pathlib.Path of data/static/hidden
    public        pathlib.Path of the public data
    files         dict path -> bytes, the candidate's files as data; never execute or import one
    collected     pathlib.Path of what came back from the candidate's container (train: collected/artifact)
    run           how the candidate's own step went (train, files): a Run, else None; train_result is the same
    candidate     asks the candidate's side; see Candidate
    """

    def __init__(self, spec, root, candidate=None):
        self._spec = spec
        self.root = pathlib.Path(root)
        self.question = spec["question"]
        self.seeds = [int(s) for s in spec["seeds"]]
        self.seed = self.seeds[0]
        self.rng = np.random.default_rng(self.seed)
        self.constants = dict(spec["constants"])
        self.public_seed = spec.get("public_seed", 0)
        self.interface = spec["interface"]
        self.entry = spec["entry"]
        self.public = self.root / "public"
        self.static = self.root / "static"
        self.collected = self.root / "collected"
        self.hiddens = [self.root / "generated" / str(i) / "hidden" for i in range(len(self.seeds))]
        self.hidden = self.hiddens[0]
        self.files = _read(self.root / "candidate")
        self.run = Run(spec["run"]) if spec.get("run") else None
        self.train_result = self.run
        self.candidate = candidate
        self._specs = {c["id"]: c for c in spec["checks"]}
        self._checks = {}
        self._series = []
        self._notes = []

    @contextlib.contextmanager
    def check(self, id):
        """Decides one check of question.yaml.

            with job.check("stable") as chk:
                chk.expect(loss < 1, "the loss is finite and small", staff=f"{loss=}")

        Leaving the block normally is a pass. AssertionError and chk.fail are a fail, CandidateError an error that carries the
        candidate's own traceback; any other exception is the harness's fault and ends the grading with JE.
        """
        chk = Check(self._declared(id))
        try:
            yield chk
        except Stop:
            pass
        except CandidateError as e:
            chk._error(e)
        except (Mismatch, AssertionError) as e:
            chk._fail(str(e) or "an assertion failed", staff=getattr(e, "staff", "") or _where(e))
        self._checks[id] = chk

    def metric(self, id, value, *, samples=(), reference=None, message="", staff=""):
        """Reports a check that question.yaml maps from zero to full. value may be NaN or infinite: it earns nothing."""
        chk = Check(self._declared(id))
        if not chk._mapped:
            raise HarnessError(f"check {id} has no zero and full in question.yaml; use job.check")
        chk.value, chk.samples, chk.reference = value, samples, reference
        chk.message, chk.staff = message, staff
        self._checks[id] = chk
        return chk

    def skip(self, id, message):
        """Reports a check that could not be tried. It earns nothing, and a skipped gate is shut."""
        chk = Check(self._declared(id))
        chk.status, chk.message = "skip", message
        self._checks[id] = chk

    def series(self, name, xs, ys, unit=""):
        """Adds a curve to the report. Long ones are thinned to every n-th point; ys may hold NaN and infinities."""
        xs, ys = [float(x) for x in xs], [float(y) for y in ys]
        if len(xs) != len(ys) or not all(map(math.isfinite, xs)):
            raise HarnessError(f"series {name}: as many finite x as y")
        step = max(1, -(-len(xs) // POINTS))
        self._series.append({"name": str(name)[:80], "x": xs[::step], "y": ys[::step], "unit": str(unit)[:40]})

    def note(self, text):
        """Adds a line for staff. Candidates never see it."""
        self._notes.append(str(text))

    def serve(self):
        """The candidate's running server (serve): `with job.serve() as s: s.request("GET", "/ready")`."""
        from .serving import Server
        return Server.upstream()

    def reference_server(self, path, *args):
        """Starts a server of the harness in this container, for a ratio measured side by side; same interface as serve()."""
        from .serving import Server
        return Server.start(self.root / "harness" / path, *args)

    def report(self):
        """What goes to the engine. A declared check that was never reported is the harness's fault."""
        missing = [id for id in self._specs if id not in self._checks]
        if missing:
            raise HarnessError("the harness reported nothing for " + ", ".join(missing))
        checks = [self._checks[id]._plain() for id in self._specs]
        return {"format": 1, "checks": checks, "series": self._series, "notes": clip("\n".join(self._notes), NOTES)}

    def _declared(self, id):
        if id not in self._specs:
            raise HarnessError(f"check {id!r} is not in question.yaml; it has {', '.join(self._specs)}")
        if id in self._checks:
            raise HarnessError(f"check {id} is reported twice")
        return self._specs[id]


class Stop(Exception):
    """Ends a check's block after chk.fail or chk.skip."""


class Check:
    """One check while it is being decided.

    value, reference, samples, unit   what was measured, for the page; value alone earns the points of a scale
    message, staff                    what the candidate, and what staff may read
    """

    def __init__(self, spec):
        self.id = spec["id"]
        self._mapped = spec.get("zero") is not None and spec.get("full") is not None
        self.status = None
        self.value = self.reference = None
        self.samples = ()
        self.unit = spec.get("unit") or ""
        self.message = self.staff = self.cause = ""
        self._fraction = None

    def expect(self, condition, message, staff=""):
        """Fails the check, and leaves its block, unless condition holds. message says what was expected of the candidate."""
        if not bool(condition):
            self.fail(message, staff)

    def close(self, got, want, message="", **how):
        """Fails the check unless got is close to want; see kit.close for rtol, atol, dtype and NaN rules."""
        try:
            close(got, want, **how)
        except Mismatch as e:
            self.fail(f"{message}: {e}" if message else str(e), staff=e.staff)

    def fail(self, message, staff=""):
        """Fails the check and leaves its block."""
        self._fail(message, staff)
        raise Stop

    def skip(self, message):
        """Reports that the check could not be tried, and leaves its block."""
        self.status, self.message = "skip", message
        raise Stop

    def fraction(self, part):
        """Gives a part of the points, 0 to 1, unless the check fails later."""
        part = float(part)
        if not 0 <= part <= 1:
            raise HarnessError(f"check {self.id}: the fraction {part} is not between 0 and 1")
        self._fraction = part

    def tally(self, passed, total, message=""):
        """Gives passed/total of the points; none at all is a fail."""
        self.fraction(passed / total)
        self.message = message or f"{passed} of {total}"

    def _fail(self, message, staff=""):
        self.status, self.message = "fail", message
        self.staff = self.staff + ("\n" if self.staff and staff else "") + staff

    def _error(self, e):
        text = str(e.message)
        if len(text) > MESSAGE // 2:  # of a long traceback, the end says what happened
            text = "…" + text[-MESSAGE // 2 :]
        self.status, self.cause, self.message = "error", e.kind, text

    def _plain(self):
        status, fraction = self.status, None
        value = number(self.value, f"check {self.id}: value")
        if status is None and self._mapped:
            if value is None:
                raise HarnessError(f"check {self.id} has a scale but no value")
            # NaN earns nothing whatever the scale, and a report says so plainly.
            status, fraction = ("fail", 0.0) if value != value else ("partial", self._fraction)
        elif status is None:
            fraction = 1.0 if self._fraction is None else self._fraction
            status = "pass" if fraction == 1 else "fail" if fraction == 0 else "partial"
        else:
            fraction = 0.0
        return {
            "id": self.id, "status": status, "fraction": fraction, "value": value,
            "reference": number(self.reference, f"check {self.id}: reference"), "unit": str(self.unit)[:40],
            "samples": [number(s, f"check {self.id}: sample") for s in list(self.samples)[:SAMPLES]],
            "message": clip(str(self.message), MESSAGE), "staff_message": clip(str(self.staff), MESSAGE), "error": self.cause,
        }


class Run:
    """How the candidate's own step went, measured from outside: exit, signal, timed_out, oom, wall_s, cpu_s, peak_bytes.

    series (name -> list of (x, y)) and output are what its program printed: a claim, never a measurement.
    """

    def __init__(self, spec):
        self.exit, self.signal = spec["exit"], spec["signal"]
        self.timed_out, self.oom = spec["timed_out"], spec["oom"]
        self.wall_s, self.cpu_s, self.peak_bytes = spec["wall_s"], spec["cpu_s"], spec["peak_bytes"]
        self.wall, self.cpu = self.wall_s, self.cpu_s
        self.output = spec.get("output") or ""
        self.series = {s["name"]: list(zip(s["x"], map(float, s["y"]))) for s in spec.get("series") or []}

    @property
    def ok(self):
        return self.exit == 0 and self.signal == 0 and not self.timed_out and not self.oom


def number(v, what):
    if v is None:
        return None
    try:
        return float(v)
    except (TypeError, ValueError) as e:
        raise HarnessError(f"{what} is not a number: {v!r}") from e


def clip(text, size):
    raw = text.encode("utf-8", "replace")
    if len(raw) <= size:
        return raw.decode("utf-8")
    return raw[: size - 3].decode("utf-8", "ignore") + "…"


def load(root):
    """The job of a workspace."""
    root = pathlib.Path(root)
    return json.loads((root / "job.json").read_text(encoding="utf-8")), root


def _read(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()} if folder.is_dir() else {}


def _where(e):
    """The last line of the harness that led here, for staff."""
    frames = traceback.extract_tb(e.__traceback__)
    return f"{pathlib.Path(frames[-1].filename).name}:{frames[-1].lineno}: {frames[-1].line}" if frames else ""
