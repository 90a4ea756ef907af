"""Starts a harness in the judge's container: reads job.json, generates hidden data, calls grade(job), sends the report."""

import importlib.util
import os
import pathlib
import sys
import traceback

from . import job as jobs
from .candidate import Candidate
from .channel import Channel


def run(root=None):
    """Never returns: exits with 0 after a report, with 1 after a fault of the harness."""
    root = pathlib.Path(root or os.getcwd())
    channel = Channel.from_environment()
    try:
        spec, root = jobs.load(root)
        report = grade(spec, root, Candidate(channel))
    except BaseException as e:  # whatever happens here is ours, also SystemExit
        trace = traceback.format_exc()
        print(trace, file=sys.stderr, flush=True)
        channel.send({"fault": jobs.clip(f"{type(e).__name__}: {e}\n\n{trace}", 16_000)})
        leave(1)
    channel.send({"report": report})
    leave(0)


def grade(spec, root, candidate):
    """Runs the harness below root and returns its report."""
    root = pathlib.Path(root)
    if spec["format"] != 1:
        raise jobs.HarnessError(f"job.json has format {spec['format']}; this kit reads 1")
    if spec.get("generator"):
        generate(root, [int(s) for s in spec["seeds"]])
    job = jobs.Job(spec, root, candidate)
    sys.path.insert(0, str(root / "harness"))
    load("grade", root / "harness" / "grade.py").grade(job)
    return job.report()


def generate(root, seeds):
    """Makes generated/<i>/{public,hidden} for each seed."""
    module = load("generate", root / "data" / "generate.py")
    for i, seed in enumerate(seeds):
        out = root / "generated" / str(i)
        for name in ("public", "hidden"):
            (out / name).mkdir(parents=True, exist_ok=True)
        module.generate(seed, out)


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def leave(code):
    """Ends at once: a thread that a harness left behind must not keep a finished grading waiting."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
