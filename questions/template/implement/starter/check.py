"""Public check: run it here or on your laptop."""

import sys

import numpy as np

from solution import softmax

p = np.asarray(softmax(np.array([[0.0, np.log(3.0)]])))
good = p.shape == (1, 2) and np.allclose(p, [[0.25, 0.75]])
print(f"check shape {'pass' if good else 'fail'} {p}")
sys.exit(0 if good else 1)
