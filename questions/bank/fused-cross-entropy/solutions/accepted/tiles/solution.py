"""Tiles of both tokens and words, with compensated merging of each row's statistics; float64 accumulators for the small parts."""

from dataclasses import dataclass, field

import numpy as np

IGNORE = -100
ROWS, WORDS = 192, 8192


@dataclass
class Rows:
    """What is known so far about the logits of some tokens."""

    n: int
    top: np.ndarray = field(init=False)
    mass: np.ndarray = field(init=False)
    sum: np.ndarray = field(init=False)

    def __post_init__(self):
        self.top, self.mass, self.sum = np.full(self.n, -np.inf), np.zeros(self.n), np.zeros(self.n)

    def add(self, s):
        top = np.maximum(self.top, s.max(axis=1))
        self.mass = self.mass * np.exp(self.top - top) + np.exp(s - top[:, None].astype(s.dtype)).sum(axis=1, dtype=float)
        self.top = top
        self.sum += s.sum(axis=1, dtype=float)


def tiles(length, size):
    return [slice(i, min(i + size, length)) for i in range(0, length, size)]


def loss_and_grads(hidden, weight, targets, token_weight=None, smoothing=0.0, z_coef=0.0):
    wide = np.float64 if hidden.dtype == np.float64 else np.float32
    valid = np.nonzero(targets != IGNORE)[0]
    counts = np.ones(len(valid)) if token_weight is None else np.asarray(token_weight, float)[valid]
    dh_out, dw = np.zeros_like(hidden, wide), np.zeros_like(weight, wide)
    dh_out[...] = 0
    if len(valid) == 0 or counts.sum() <= 0:
        return 0.0, np.zeros_like(hidden), np.zeros_like(weight)
    counts = counts / counts.sum()
    v = len(weight)
    terms = []
    for r in tiles(len(valid), ROWS):
        i, c = valid[r], counts[r]
        h, t = hidden[i].astype(wide), targets[i]
        known = Rows(len(i))
        for cols in tiles(v, WORDS):
            known.add(h @ weight[cols].astype(wide).T)
        target_logit = np.einsum("ij,ij->i", h, weight[t].astype(wide)).astype(float)
        log_mass = np.log(known.mass)
        z = known.top + log_mass
        cross = (1 - smoothing) * (known.top - target_logit) + smoothing * (known.top - known.sum / v)
        terms.append(c * (log_mass + cross + z_coef * z * z))
        slope = ((1 + 2 * z_coef * z) * c / known.mass).astype(wide)[:, None]
        flat = (smoothing / v * c).astype(wide)[:, None]
        for cols in tiles(v, WORDS):
            w = weight[cols].astype(wide)
            g = np.exp(h @ w.T - known.top.astype(wide)[:, None]) * slope - flat
            here = np.nonzero((t >= cols.start) & (t < cols.stop))[0]
            g[here, t[here] - cols.start] -= ((1 - smoothing) * c[here]).astype(wide)
            dh_out[i] += g @ w
            dw[cols] += g.T @ h
    return float(np.concatenate(terms).sum()), dh_out.astype(hidden.dtype), dw.astype(weight.dtype)
