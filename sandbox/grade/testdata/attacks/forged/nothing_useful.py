# None, NaN, the input itself, a changed input, another dtype, a view: one after the other.
import numpy as np

turn = -1


def softmax(x):
    global turn
    turn += 1
    kinds = (
        lambda: None,
        lambda: np.full(x.shape, np.nan),
        lambda: x,
        lambda: x[::-1].T,
        lambda: np.full(x.shape, np.inf),
        lambda: x.astype(np.float16),
        lambda: [[0.2] * x.shape[1]] * x.shape[0],
    )
    return kinds[turn % len(kinds)]()


class Mean:
    def add(self, x):
        return float("nan")
