"""Metrics on plain arrays. Scores come from the candidate's side: each function says in words what is wrong with them."""

import numpy as np

from .compare import Mismatch, as_array


def scores(p, n, name="the predictions", low=None, high=None):
    """A float64 vector of n finite numbers, or Mismatch. low and high bound them."""
    p = as_array(p, name)
    if p.shape == (n, 1):
        p = p[:, 0]
    if p.shape != (n,):
        raise Mismatch(f"{name} have shape {p.shape}, expected {(n,)}")
    p = p.astype(np.float64)
    if not np.isfinite(p).all():
        raise Mismatch(f"{name} hold {int((~np.isfinite(p)).sum())} values that are not finite, the first at {int(np.argmin(np.isfinite(p)))}")
    if low is not None and p.min(initial=low) < low or high is not None and p.max(initial=high) > high:
        raise Mismatch(f"{name} lie outside [{low}, {high}]: {p.min():.4g} to {p.max():.4g}")
    return p


def accuracy(y, predicted):
    y = np.asarray(y)
    return float((scores(predicted, len(y)) == y).mean())


def auc(y, score, weight=None):
    """Area under the ROC curve; ties count half. NaN when one class is missing."""
    y = np.asarray(y).astype(bool)
    score = scores(score, len(y), "the scores")
    w = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64)
    _, place = np.unique(score, return_inverse=True)
    pos = np.bincount(place, w * y)
    neg = np.bincount(place, w * ~y)
    if pos.sum() == 0 or neg.sum() == 0:
        return float("nan")
    below = np.cumsum(neg) - neg
    return float((pos * (below + neg / 2)).sum() / (pos.sum() * neg.sum()))


def logloss(y, p, eps=1e-15, weight=None):
    """Mean negative log-likelihood of binary y, or of class indices when p has two dimensions. p is clipped to [eps, 1 - eps]."""
    y = np.asarray(y)
    if np.ndim(p) == 2:
        p = as_array(p, "the probabilities").astype(np.float64)
        if len(p) != len(y) or not np.isfinite(p).all():
            raise Mismatch(f"the probabilities have shape {p.shape} for {len(y)} rows, or are not finite")
        each = -np.log(np.clip(p[np.arange(len(y)), y.astype(int)], eps, 1))
    else:
        p = np.clip(scores(p, len(y), "the probabilities", 0, 1), eps, 1 - eps)
        each = -np.where(y.astype(bool), np.log(p), np.log1p(-p))
    return float(np.average(each, weights=weight))


def brier(y, p):
    y = np.asarray(y, np.float64)
    return float(((scores(p, len(y), "the probabilities", 0, 1) - y) ** 2).mean())


def rmse(y, p):
    y = np.asarray(y, np.float64)
    return float(np.sqrt(((scores(p, len(y)) - y) ** 2).mean()))


def reliability(y, p, bins=10):
    """(mean prediction, observed rate, count) for each bin of equal width that has rows."""
    y = np.asarray(y, np.float64)
    p = scores(p, len(y), "the probabilities", 0, 1)
    place = np.minimum((p * bins).astype(int), bins - 1)
    n = np.bincount(place, minlength=bins)
    used = n > 0
    return np.bincount(place, p, bins)[used] / n[used], np.bincount(place, y, bins)[used] / n[used], n[used]


def ece(y, p, bins=10):
    """Expected calibration error over bins of equal width."""
    mean, rate, n = reliability(y, p, bins)
    return float((n * np.abs(mean - rate)).sum() / n.sum())


def bootstrap(statistic, *columns, rng, times=200, level=0.95):
    """(value, low, high): the statistic on all rows and its percentile interval over resampled rows."""
    columns = [np.asarray(c) for c in columns]
    n = len(columns[0])
    value = statistic(*columns)
    drawn = []
    for _ in range(times):
        i = rng.integers(0, n, n)
        drawn.append(statistic(*(c[i] for c in columns)))
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(value), float(low), float(high)
