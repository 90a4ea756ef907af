# The child is killed for memory; the parent lives, answers wrongly and ends with exit code 0.
import os

import numpy as np


def softmax(x):
    pid = os.fork()
    if pid == 0:
        hold = []
        while True:
            hold.append(bytearray(16 << 20))
    os.waitpid(pid, 0)
    return np.zeros(x.shape)


class Mean:
    def add(self, x):
        return 0.0
