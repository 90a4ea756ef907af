import numpy as np


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Mean:
    def __init__(self):
        self.total, self.n = 0.0, 0

    def add(self, x):
        self.total, self.n = self.total + x, self.n + 1
        return self.total / self.n
