"""Timing on the judge's side. A number of milliseconds is noise on a shared machine: compare two things side by side."""

import statistics
import time


def measure(fn, repeat=5):
    """Seconds of each of `repeat` calls."""
    out = []
    for _ in range(repeat):
        start = time.perf_counter()
        fn()
        out.append(time.perf_counter() - start)
    return out


def median_ratio(slow, fast, repeat=5, warm=1):
    """(median, ratios) of time(slow) / time(fast), measured in turns so that both meet the same neighbours."""
    for _ in range(warm):
        slow(), fast()
    ratios = []
    for i in range(repeat):
        if i % 2:
            b, a = measure(fast, 1)[0], measure(slow, 1)[0]
        else:
            a, b = measure(slow, 1)[0], measure(fast, 1)[0]
        ratios.append(a / max(b, 1e-9))
    return statistics.median(ratios), ratios


def scaling(fn, small, large, repeat=5):
    """(median, ratios) of time(fn(large)) / time(fn(small)): how cost grows, whatever the machine."""
    return median_ratio(lambda: fn(large), lambda: fn(small), repeat)
