import pathlib

import numpy as np


def train(public_dir, artifact_dir):
    rows = np.loadtxt(pathlib.Path(public_dir) / "rows.csv", delimiter=",", skiprows=1)
    folder = pathlib.Path(artifact_dir)
    folder.mkdir(exist_ok=True)
    np.savetxt(folder / "mean.txt", [rows[:, 2].mean()])


def predict(x):
    return np.full(len(x), float(np.loadtxt("artifact/mean.txt")))
