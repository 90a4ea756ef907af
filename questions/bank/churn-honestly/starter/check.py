"""Public checks: does it run, does it answer in the right shape? Run `python3 check.py` here or on your laptop.

They say nothing about how good the model is. That is rather the point of this question.
"""

import math
import os
import pathlib
import sys
import time

import solution
from tables import read_public

DATA = pathlib.Path("data")


def main():
    os.makedirs("artifact", exist_ok=True)
    start = time.process_time()
    solution.train(str(DATA), "artifact")
    report("trains", True, f"{time.process_time() - start:.1f} CPU seconds")

    _, usage, live = read_public(DATA)
    p = [float(v) for v in solution.predict(live, usage)]
    good = len(p) == len(live["city"]) and all(math.isfinite(v) and 0 <= v <= 1 for v in p)
    report("predicts", good, f"{len(p)} probabilities for {len(live['city'])} live rows, mean {sum(p) / max(len(p), 1):.3f}")

    value = float(solution.estimate())
    report("promises", 0 < value < 3, f"you promise a log loss of {value:.4f} for next quarter")


def report(name, good, message):
    print(f"check {name} {'pass' if good else 'fail'} {message}", flush=True)
    if not good:
        sys.exit(1)


if __name__ == "__main__":
    main()
