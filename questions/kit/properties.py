"""Drawing inputs for property tests. Everything comes from a generator, so a seed names a failure exactly."""

import numpy as np


def cases(rng, n):
    """n independent generators: a case stays the same when cases before it change."""
    return [np.random.default_rng(s) for s in np.random.SeedSequence(int(rng.integers(2**63))).spawn(n)]


def arrays(rng, *, dims=(1, 3), sides=(1, 8), scale=(0.1, 1.0, 30.0), dtype=np.float64):
    """A normal array whose number of dimensions, sides and scale are drawn."""
    shape = tuple(int(s) for s in rng.integers(sides[0], sides[1] + 1, size=rng.integers(dims[0], dims[1] + 1)))
    return (rng.normal(size=shape) * rng.choice(scale)).astype(dtype)


def permutations(rng, n, times):
    return [rng.permutation(n) for _ in range(times)]


def splits(rng, n, parts):
    """A random division of range(n) into `parts` runs in order; some may be empty."""
    cuts = np.sort(rng.integers(0, n + 1, parts - 1))
    return np.split(np.arange(n), cuts)


def relative_spread(values):
    """(largest - smallest) / largest absolute value: 0 when all agree."""
    values = np.asarray(values, np.float64)
    top = np.abs(values).max(initial=0.0)
    return float((values.max() - values.min()) / top) if top else 0.0
