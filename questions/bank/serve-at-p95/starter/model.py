"""The ranker. It is right, and you may not change it; your server may compute the same thing in any way it likes."""

import json

import numpy as np


class Ranker:
    def __init__(self, path="data/model.json"):
        with open(path, encoding="utf-8") as f:
            m = json.load(f)
        self.version, self.inputs, self.outputs = m["version"], m["inputs"], m["outputs"]
        rng = np.random.default_rng(m["frozen_seed"])
        sizes = [m["inputs"]] + [m["width"]] * m["layers"]
        self.layers = [rng.standard_normal((a, b)) * np.sqrt(1.5 / a) for a, b in zip(sizes, sizes[1:])]
        self.head, self.bias = np.array(m["head"]), np.array(m["bias"])

    def __call__(self, x):
        """Scores for one row (inputs,) or a batch (n, inputs), float64."""
        for w in self.layers:
            x = np.tanh(x @ w)
        return x @ self.head + self.bias
