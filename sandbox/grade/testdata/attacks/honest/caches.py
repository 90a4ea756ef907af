# Twin of the state keepers: a cache by content.
import numpy as np

seen = {}


def softmax(x):
    key = x.tobytes()
    if key not in seen:
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        seen[key] = e / e.sum(axis=-1, keepdims=True)
    return seen[key]


class Mean:
    def __init__(self):
        self.values = []

    def add(self, x):
        self.values.append(x)
        return float(np.mean(self.values))
