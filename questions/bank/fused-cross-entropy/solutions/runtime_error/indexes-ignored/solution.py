"""Looks up the logit of target -100 before it masks: an index error for small vocabularies."""

import numpy as np

IGNORE = -100
BLOCK_BYTES = 8 << 20  # fits a cache level or two; the loop's overhead is already lost in the matmul


def loss_and_grads(hidden, weight, targets, token_weight=None, smoothing=0.0, z_coef=0.0):
    kind = np.promote_types(hidden.dtype, np.float32)  # float16 is for storage
    n, v = len(hidden), len(weight)
    d_hidden, d_weight = np.zeros(hidden.shape, kind), np.zeros(weight.shape, kind)
    w = weight.astype(kind, copy=False)
    a = np.ones(n) if token_weight is None else np.asarray(token_weight, float)
    keep = np.arange(n)
    a = a * (targets != IGNORE)
    total = a[keep].sum()
    if not total > 0:
        return 0.0, d_hidden.astype(hidden.dtype), d_weight.astype(weight.dtype)

    loss = 0.0
    block = max(1, BLOCK_BYTES // (kind.itemsize * v))
    for start in range(0, len(keep), block):
        rows = keep[start : start + block]
        h, t, share = hidden[rows].astype(kind), targets[rows], a[rows] / total
        at = np.arange(len(rows)), t
        s = h @ w.T
        top = s.max(axis=1, keepdims=True)
        right, mean = (s[at] - top[:, 0]).astype(float), s.mean(axis=1, dtype=float) - top[:, 0]
        s -= top
        np.exp(s, out=s)
        mass = s.sum(axis=1, dtype=float)
        z = top[:, 0] + np.log(mass)
        # log p of the target and of the average word, relative to the block's top: no large numbers cancel
        loss += share @ (np.log(mass) - (1 - smoothing) * right - smoothing * mean + z_coef * z**2)
        s *= ((1 + 2 * z_coef * z) / mass)[:, None].astype(kind)
        s -= kind.type(smoothing / v)
        s[at] -= 1 - smoothing
        s *= share[:, None].astype(kind)
        d_hidden[rows] = s @ w
        d_weight += s.T @ h
    return float(loss), d_hidden.astype(hidden.dtype, copy=False), d_weight.astype(weight.dtype, copy=False)
