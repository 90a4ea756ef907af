"""The loss exactly as the statement defines it: one token at a time, in float64, all logits of the token at once. No gradients."""

import numpy as np

IGNORE = -100


def loss(hidden, weight, targets, token_weight=None, smoothing=0.0, z_coef=0.0):
    hidden, weight = np.asarray(hidden, np.float64), np.asarray(weight, np.float64)
    total = weights = 0.0
    for i, target in enumerate(targets):
        if target == IGNORE:
            continue
        a = 1.0 if token_weight is None else float(token_weight[i])
        s = weight @ hidden[i]
        z = s.max() + np.log(np.exp(s - s.max()).sum())
        q = np.full(len(s), smoothing / len(s))
        q[target] += 1 - smoothing
        total += a * (-(q * (s - z)).sum() + z_coef * z**2)
        weights += a
    return float(total / weights) if weights > 0 else 0.0
