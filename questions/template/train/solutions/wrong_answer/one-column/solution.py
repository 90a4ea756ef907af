import pathlib

import numpy as np


def features(x):
    return np.column_stack([x[:, 1], np.ones(len(x))])


def train(public_dir, artifact_dir):
    rows = np.loadtxt(pathlib.Path(public_dir) / "rows.csv", delimiter=",", skiprows=1)
    weights = np.linalg.lstsq(features(rows[:, :2]), rows[:, 2], rcond=None)[0]
    folder = pathlib.Path(artifact_dir)
    folder.mkdir(exist_ok=True)
    np.savetxt(folder / "weights.txt", weights)


def predict(x):
    return features(x) @ np.atleast_1d(np.loadtxt("artifact/weights.txt"))
