"""What a model that knows nothing would lose; no gradient."""

import numpy as np


def loss_and_grads(hidden, weight, targets, token_weight=None, smoothing=0.0, z_coef=0.0):
    return float(np.log(len(weight))), np.zeros_like(hidden), np.zeros_like(weight)
