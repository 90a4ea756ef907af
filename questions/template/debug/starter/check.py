"""Public check: run it here or on your laptop."""

import sys

import numpy as np

import scaler

x = np.random.default_rng(0).normal(3, 2, size=(100, 4))
out = scaler.transform(scaler.fit(x), x)
good = np.allclose(out.mean(axis=0), 0) and np.allclose(out.std(axis=0), 1)
print(f"check keeps {'pass' if good else 'fail'} mean {out.mean():.3f}, spread {out.std():.3f}")
sys.exit(0 if good else 1)
