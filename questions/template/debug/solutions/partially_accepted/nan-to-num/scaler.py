"""Hides the symptom: NaN becomes 0, and the neighbours still matter."""

import numpy as np


def fit(x):
    return {"mean": x.mean(axis=0).tolist(), "std": x.std(axis=0).tolist()}


def transform(state, x):
    with np.errstate(all="ignore"):
        return np.nan_to_num((x - x.mean(axis=0)) / np.array(state["std"]))
