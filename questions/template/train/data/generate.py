"""Rows of a noisy line: generate(seed, out_dir) writes public/rows.csv and hidden/rows.csv."""

import pathlib

import numpy as np


def generate(seed, out_dir):
    out = pathlib.Path(out_dir)
    for k, (name, n) in enumerate((("public", 200), ("hidden", 400))):
        rng = np.random.default_rng([seed, k])
        a, b = rng.normal(size=n), rng.normal(size=n)
        y = 2 * a - b + 0.5 + rng.normal(0, 0.5, n)
        (out / name).mkdir(parents=True, exist_ok=True)
        lines = ["a,b,y", *(f"{p:.4f},{q:.4f},{r:.4f}" for p, q, r in zip(a, b, y))]
        (out / name / "rows.csv").write_text("\n".join(lines) + "\n")
