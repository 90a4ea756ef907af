"""What hidden harnesses import.

    import kit

    def grade(job):
        f = job.candidate
        with job.check("shift") as chk:
            for rng in kit.cases(job.rng, 20):
                x = rng.normal(size=(4, 7))
                chk.close(f.call("softmax", x), f.call("softmax", x + 1000), "adding a constant to the logits changes nothing")

Everything here runs in the judge's container. What the candidate's side answers arrives as plain data: None, bool, int, float,
str, bytes, list, tuple, dict and numpy arrays, never as objects of its own.
"""

from .candidate import Candidate, CandidateError, Remote
from .compare import Mismatch, array, central_difference, close, gradient_error, numbers, record, shape_dtype
from .job import Check, HarnessError, Job
from .properties import arrays, cases, permutations, relative_spread, splits
from .serving import LoadResult, Response, Server
from .stats import accuracy, auc, bootstrap, brier, ece, logloss, reliability, rmse
from .timing import measure, median_ratio, scaling

__all__ = [
    "Candidate", "CandidateError", "Check", "HarnessError", "Job", "LoadResult", "Mismatch", "Remote", "Response", "Server",
    "accuracy", "array", "arrays", "auc", "bootstrap", "brier", "cases", "central_difference", "close", "ece", "gradient_error", "logloss",
    "measure", "median_ratio", "numbers", "permutations", "record", "relative_spread", "reliability", "rmse", "scaling", "shape_dtype", "splits",
]
