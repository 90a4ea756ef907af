"""Leaves constant columns out: another shape, and the silent fault is still there."""

import numpy as np


def fit(x):
    return {"mean": x.mean(axis=0).tolist(), "std": x.std(axis=0).tolist()}


def transform(state, x):
    keep = np.array(state["std"]) > 0
    return (x[:, keep] - x[:, keep].mean(axis=0)) / np.array(state["std"])[keep]
