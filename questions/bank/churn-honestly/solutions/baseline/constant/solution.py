"""The forecast that needs no model: everybody leaves at the average rate."""

import json
import pathlib

from tables import log_loss, metric, read_public


def train(public_dir, artifact_dir):
    snapshots, _, _ = read_public(public_dir)
    y = snapshots["churned"]
    rate = sum(y) / len(y)
    loss = log_loss(y, [rate] * len(y))
    metric("train", 0, loss)
    pathlib.Path(artifact_dir).mkdir(exist_ok=True)
    pathlib.Path(artifact_dir, "rate.json").write_text(json.dumps([rate, loss]))


def saved():
    return json.loads(pathlib.Path("artifact", "rate.json").read_text())


def predict(snapshots, usage):
    return [saved()[0]] * len(snapshots["city"])


def estimate():
    return saved()[1]
