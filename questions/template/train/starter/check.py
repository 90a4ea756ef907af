"""Public check: trains, predicts the training rows, prints the error."""

import sys

import numpy as np

import solution

solution.train("data", "artifact")
rows = np.loadtxt("data/rows.csv", delimiter=",", skiprows=1)
p = np.asarray(solution.predict(rows[:, :2]))
good = p.shape == (len(rows),) and bool(np.isfinite(p).all())
print(f"metric rmse 0 {np.sqrt(((p - rows[:, 2]) ** 2).mean()):.4f}")
print(f"check contract {'pass' if good else 'fail'} {len(p)} predictions")
sys.exit(0 if good else 1)
