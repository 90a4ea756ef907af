"""Standardises columns: fit on training rows, transform any rows."""

import numpy as np


def fit(x):
    std = x.std(axis=0)
    return {"mean": x.mean(axis=0).tolist(), "std": np.where(std > 1e-12, std, 1.0).tolist()}


def transform(state, x):
    return (x - np.array(state["mean"])) / np.array(state["std"])
