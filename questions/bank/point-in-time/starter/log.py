"""Reads the public tables the way the grader hands them to you. You may read this file but not change it."""

import csv

import numpy as np


def read(path):
    """{column: array}: int64, and float64 where an empty field (a withdrawn amount, an unknown age) is NaN."""
    with open(path, newline="", encoding="utf-8") as f:
        rows = list(csv.reader(f))
    out = {}
    for name, column in zip(rows[0], zip(*rows[1:])):
        real = name in ("amount", "count", "total", "last_amount", "age")
        out[name] = np.array([float(v) if v else np.nan for v in column]) if real else np.array(column, dtype=np.int64)
    return out


def same(a, b):
    """Per value: equal to 1e-6 relative and absolute, NaN equal to NaN. The grader compares like this too."""
    return np.isclose(np.asarray(a, float), np.asarray(b, float), rtol=1e-6, atol=1e-6, equal_nan=True)
