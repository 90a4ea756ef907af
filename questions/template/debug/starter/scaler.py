"""Standardises columns: fit on training rows, transform any rows."""

import numpy as np


def fit(x):
    return {"mean": x.mean(axis=0).tolist(), "std": x.std(axis=0).tolist()}


def transform(state, x):
    return (x - x.mean(axis=0)) / np.array(state["std"])
