"""Draws the model file and the hidden traffic: generate(seed, out_dir) writes public/model.json and hidden/traffic.npz.

The frozen layers are not stored: they are redrawn from a number in the file. The trained head is. Traffic has hot spots, with
neighbours a hair apart whose scores differ, so that an answer remembered from a similar request is a wrong answer.
"""

import json
import pathlib

import numpy as np

INPUTS, WIDTH, LAYERS, OUTPUTS = 96, 2048, 3, 8
REQUESTS = 6000


def generate(seed, out_dir):
    out = pathlib.Path(out_dir)
    (out / "public").mkdir(parents=True, exist_ok=True)
    (out / "hidden").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([20281, int(seed)])
    head = np.round(rng.normal(0, 1.5 / np.sqrt(WIDTH), (WIDTH, OUTPUTS)), 5)
    model = {
        "version": f"ranker-{int(seed)}",
        "inputs": INPUTS,
        "width": WIDTH,
        "layers": LAYERS,
        "outputs": OUTPUTS,
        "frozen_seed": int(rng.integers(1, 2**31)),
        "head": head.tolist(),
        "bias": np.round(rng.normal(0, 0.1, OUTPUTS), 5).tolist(),
    }
    (out / "public" / "model.json").write_text(json.dumps(model), encoding="utf-8")

    rng = np.random.default_rng([20282, int(seed)])
    x = rng.normal(0, 1, (REQUESTS, INPUTS))
    spots = rng.normal(0, 1, (40, INPUTS))
    near = rng.random(REQUESTS) < 0.4
    x[near] = spots[rng.integers(0, 40, near.sum())] + rng.normal(0, 0.01, (near.sum(), INPUTS))
    np.savez(out / "hidden" / "traffic.npz", x=np.round(x, 3))
