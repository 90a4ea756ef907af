"""Blocks of words, in two passes: a running log-sum-exp first, then the gradients from the finished normaliser.

The second pass computes the logits again. A backward pass of its own would do just that, keeping only one number per token.
"""

import numpy as np

IGNORE = -100


def loss_and_grads(hidden, weight, targets, token_weight=None, smoothing=0.0, z_coef=0.0):
    kind = np.promote_types(hidden.dtype, np.float32)
    n, v = len(hidden), len(weight)
    a = np.ones(n) if token_weight is None else np.asarray(token_weight, float)
    keep = np.flatnonzero(targets != IGNORE)
    total = a[keep].sum()
    d_hidden, d_weight = np.zeros(hidden.shape, hidden.dtype), np.zeros(weight.shape, weight.dtype)
    if not total > 0:
        return 0.0, d_hidden, d_weight

    h, t, share = hidden[keep].astype(kind), targets[keep], a[keep] / total
    m = len(keep)
    step = max(1, (1 << 21) // m)
    top, mass, right, sums = np.full(m, -np.inf), np.zeros(m), np.zeros(m), np.zeros(m)
    for j in range(0, v, step):
        s = h @ weight[j : j + step].astype(kind).T
        new = np.maximum(top, s.max(axis=1))
        mass *= np.exp(top - new)
        mass += np.exp(s - new[:, None].astype(kind)).sum(axis=1, dtype=float)
        top = new
        sums += s.sum(axis=1, dtype=float)
        mine = (t >= j) & (t < j + step)
        right[mine] = s[mine, t[mine] - j]
    z = top + np.log(mass)
    loss = share @ (np.log(mass) - (1 - smoothing) * (right - top) - smoothing * (sums / v - top) + z_coef * z**2)

    dh = np.zeros(h.shape, kind)
    pull = ((1 + 2 * z_coef * z) * share / mass)[:, None].astype(kind)
    push = (smoothing / v * share)[:, None].astype(kind)
    for j in range(0, v, step):
        w = weight[j : j + step].astype(kind)
        g = h @ w.T
        g -= top[:, None].astype(kind)
        np.exp(g, out=g)
        g *= pull
        g -= push
        mine = np.flatnonzero((t >= j) & (t < j + step))
        g[mine, t[mine] - j] -= (1 - smoothing) * share[mine]
        dh += g @ w
        d_weight[j : j + step] = g.T @ h
    d_hidden[keep] = dh
    return float(loss), d_hidden, d_weight
