# Twin of the early exits and last words: cleans up at the end, catches signals.
import atexit
import os
import signal
import tempfile

import numpy as np

scratch = tempfile.mkdtemp()
with open(os.path.join(scratch, "result.json"), "w") as f:
    f.write("{}")


@atexit.register
def tidy():
    print("tidied up")
    raise RuntimeError("even this is nobody's business")


signal.signal(signal.SIGTERM, lambda *a: None)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Mean:
    def __init__(self):
        self.total, self.n = 0.0, 0

    def add(self, x):
        self.total, self.n = self.total + x, self.n + 1
        return self.total / self.n
