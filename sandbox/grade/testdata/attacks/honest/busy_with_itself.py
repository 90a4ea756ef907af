# Twin of the patched timers and the frame hunters: seeds, warnings, garbage collection and introspection, all of its own.
import gc
import inspect
import os
import random
import subprocess
import sys
import time
import warnings

import numpy as np

random.seed(1)
np.random.seed(1)
np.seterr(all="ignore")
np.set_printoptions(precision=3)
warnings.filterwarnings("ignore")
gc.disable()
sys.setrecursionlimit(5000)
started = time.perf_counter()
assert inspect.currentframe() is not None
pid = os.fork()
if pid == 0:
    os._exit(3)
os.waitpid(pid, 0)
subprocess.run([sys.executable, "-c", "print('a child')"], check=True)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Mean:
    def __init__(self):
        self.total, self.n = 0.0, 0

    def add(self, x):
        self.total, self.n = self.total + x, self.n + 1
        return self.total / self.n
