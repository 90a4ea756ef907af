# Twin of the forged prints: a chatty program that logs as it likes.
import json
import sys

import numpy as np

for i in range(2000):
    print(json.dumps({"step": i, "checks": [], "score": 0.1, "report": "none yet"}))
print("metric loss 1 nan")
print("check something fail")
print("\x1b[31mcoloured\x1b[0m", file=sys.stderr)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Mean:
    def __init__(self):
        self.total, self.n = 0.0, 0

    def add(self, x):
        self.total, self.n = self.total + x, self.n + 1
        return self.total / self.n
