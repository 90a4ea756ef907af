# Twin of the lying objects: defines equality for its own types and works on subclasses inside.
import functools

import numpy as np


@functools.total_ordering
class Always:
    def __eq__(self, other):
        return True

    def __lt__(self, other):
        return False

    def __hash__(self):
        return 1


class Named(np.ndarray):
    pass


def softmax(x):
    assert Always() == 3
    x = np.asarray(x).view(Named)
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Mean:
    def __init__(self):
        self.total, self.n = 0.0, 0

    def add(self, x):
        self.total, self.n = self.total + x, self.n + 1
        return self.total / self.n
