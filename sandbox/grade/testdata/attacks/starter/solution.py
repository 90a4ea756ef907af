import numpy as np


def softmax(x):
    """Row-wise softmax of a 2-D array, as float64."""
    return np.zeros(x.shape)


class Mean:
    """Running mean: add(x) returns the mean of all that was added so far."""

    def add(self, x):
        return 0.0
