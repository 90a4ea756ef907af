"""Loss and gradients in float64 by blocks of tokens: what every answer is held against."""

import numpy as np

IGNORE = -100


def loss_and_grads(hidden, weight, targets, token_weight=None, smoothing=0.0, z_coef=0.0, block=256):
    h, w = hidden.astype(np.float64), weight.astype(np.float64)
    n, v = len(h), len(w)
    a = np.ones(n) if token_weight is None else np.asarray(token_weight, np.float64)
    keep = np.flatnonzero(targets != IGNORE)
    dh, dw = np.zeros_like(h), np.zeros_like(w)
    weights = float(a[keep].sum())
    if weights <= 0:
        return 0.0, dh, dw
    loss = 0.0
    for i in range(0, len(keep), block):
        rows = keep[i : i + block]
        s = h[rows] @ w.T
        top = s.max(1, keepdims=True)
        z = top[:, 0] + np.log(np.exp(s - top).sum(1))
        share = a[rows] / weights
        right = s[np.arange(len(rows)), targets[rows]]
        loss += float(share @ (z - (1 - smoothing) * right - smoothing / v * s.sum(1) + z_coef * z**2))
        g = np.exp(s - z[:, None]) * (1 + 2 * z_coef * z)[:, None] - smoothing / v
        g[np.arange(len(rows)), targets[rows]] -= 1 - smoothing
        g *= share[:, None]
        dh[rows] = g @ w
        dw += g.T @ h[rows]
    return loss, dh, dw


def loss(*args, **kwargs):
    return loss_and_grads(*args, **kwargs)[0]


def sample(hidden, weight, targets, rows, words, smoothing, z_coef, block=128):
    """Loss, d_hidden of some tokens and d_weight of some words of a large batch, without all logits. Unweighted tokens."""
    v, keep = len(weight), np.flatnonzero(targets != IGNORE)
    h, w = hidden.astype(np.float64), weight.astype(np.float64)
    z, sums = np.empty(len(h)), np.empty(len(h))
    for i in range(0, len(h), block):
        s = hidden[i : i + block] @ weight.T  # float32 is enough for a tolerance of 1e-4
        top = s.max(1, keepdims=True)
        sums[i : i + block] = s.sum(1, dtype=np.float64)
        z[i : i + block] = top[:, 0] + np.log(np.exp(s - top).sum(1, dtype=np.float64))
    right = (h[keep] * w[targets[keep]]).sum(1)
    loss = float((z[keep] - (1 - smoothing) * right - smoothing / v * sums[keep] + z_coef * z[keep] ** 2).mean())

    def slopes(i, at):
        g = np.exp(h[i] @ w[at].T - z[i, None]) * (1 + 2 * z_coef * z[i, None]) - smoothing / v
        g -= (1 - smoothing) * (targets[i, None] == at[None, :])
        return g / len(keep)

    return loss, slopes(rows, np.arange(v)) @ w, slopes(keep, words).T @ h[keep]
