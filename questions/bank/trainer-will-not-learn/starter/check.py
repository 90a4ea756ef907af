"""Public checks: what must go on working, and a training run on the public signs. `python3 check.py`, a few seconds."""

import sys
import traceback

import numpy as np

import loader
import service

CONVOLUTIONS = {"conv1.weight": (10, 1, 3, 3), "conv1.bias": (10,), "conv2.weight": (20, 10, 3, 3), "conv2.bias": (20,)}
SHAPES = CONVOLUTIONS | {"head.weight": (6, 180), "head.bias": (6,)}


def kept():
    train, valid = read()
    few = train[0][:96], train[1][:96]
    ends = []
    for _ in range(2):
        run = service.Run(3)
        h = run.fit(*few, *few, epochs=2)
        assert set(h) == {"lr", "train_loss", "valid_loss", "valid_accuracy"}, f"the history has {sorted(h)}"
        assert all(len(v) == 2 for v in h.values()), "the history has not one entry for each epoch"
        ends.append(run.parameters())
    a, b = ends
    assert {k: v.shape for k, v in a.items()} == SHAPES, "the checkpoint has other names or shapes"
    assert all((a[k] == b[k]).all() for k in a), "two runs of one seed differ"
    return "history, checkpoint and repeatability are as they were"


def accuracy():
    train, valid = read()
    run = service.Run(0)
    run.fit(*train, *valid)
    got = run.evaluate(*valid)["accuracy"]
    assert got >= 0.94, f"{got:.3f} on the validation signs; chance is {1 / 6:.3f}, the old team reports more than 0.94"
    return f"{got:.3f} on the validation signs"


def read():
    parts = loader.read()
    return parts["train"], parts["valid"]


def main():
    good = True
    for check in (kept, accuracy):
        try:
            print(f"check {check.__name__} pass {check()}", flush=True)
        except Exception as e:
            good = False
            if not isinstance(e, AssertionError):
                traceback.print_exc()
            print(f"check {check.__name__} fail {str(e) or type(e).__name__}", flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
