# Twin of the lingering processes: threads and a pool of its own, which it leaves running.
import concurrent.futures
import threading
import time

import numpy as np

pool = concurrent.futures.ThreadPoolExecutor(2)
threading.Thread(target=lambda: [time.sleep(0.01) for _ in iter(int, 1)], daemon=True).start()


def rows(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def softmax(x):
    return np.stack(list(pool.map(rows, x)))


class Mean:
    def __init__(self):
        self.total, self.n = 0.0, 0

    def add(self, x):
        self.total, self.n = self.total + x, self.n + 1
        return self.total / self.n
