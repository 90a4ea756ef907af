"""One token at a time in float64, as the formula reads: exact, small, and far too slow for a whole batch."""

import numpy as np

IGNORE = -100


def loss_and_grads(hidden, weight, targets, token_weight=None, smoothing=0.0, z_coef=0.0):
    kind = np.dtype(np.float64)
    n, v = len(hidden), len(weight)
    w = weight.astype(kind)
    dh, dw = np.zeros(hidden.shape, kind), np.zeros(weight.shape, kind)
    a = np.ones(n) if token_weight is None else np.asarray(token_weight, float)
    keep = np.flatnonzero(targets != IGNORE)
    total, loss = a[keep].sum(), 0.0
    for i in keep if total > 0 else ():
        h = hidden[i].astype(kind)
        s = w @ h
        top = float(s.max())
        p = np.exp(s - top)
        mass = float(p.sum(dtype=float))
        z = top + np.log(mass)
        q = np.full(v, smoothing / v)
        q[targets[i]] += 1 - smoothing
        below = s.astype(float) - top
        loss += a[i] / total * (np.log(mass) - float((q * below).sum()) + z_coef * z**2)
        g = (a[i] / total * (p / mass * (1 + 2 * z_coef * z) - q)).astype(kind)
        dh[i] = g @ w
        dw += np.outer(g, h)
    return float(loss), dh.astype(hidden.dtype), dw.astype(weight.dtype)
