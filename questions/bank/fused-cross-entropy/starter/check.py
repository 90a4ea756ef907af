"""Public checks. Run `python3 check.py` here or on your laptop; it needs NumPy and nothing else."""

import sys
import traceback
import tracemalloc

import numpy as np

import definition
import solution

OPTIONS = [
    {},
    {"smoothing": 0.1},
    {"z_coef": 1e-2},
    {"smoothing": 0.2, "z_coef": 1e-3, "token_weight": True},
]


def batch(rng, n, v, d, ignored=0.2):
    hidden, weight = rng.normal(size=(n, d)), rng.normal(size=(v, d))
    targets = rng.integers(0, v, n)
    targets[rng.random(n) < ignored] = definition.IGNORE
    return hidden, weight, targets


def options(rng, n):
    for o in OPTIONS:
        yield {**o, **({"token_weight": rng.random(n)} if "token_weight" in o else {})}


def contract():
    rng = np.random.default_rng(1)
    for dtype in (np.float64, np.float32):
        hidden, weight, targets = batch(rng, 6, 5, 4)
        hidden, weight = hidden.astype(dtype), weight.astype(dtype)
        before = hidden.copy(), weight.copy(), targets.copy()
        loss, dh, dw = solution.loss_and_grads(hidden, weight, targets)
        assert isinstance(loss, float), f"the loss is a {type(loss).__name__}, not a float"
        for name, got, like in (("d_hidden", dh, hidden), ("d_weight", dw, weight)):
            assert isinstance(got, np.ndarray) and got.shape == like.shape, f"{name} has not the shape {like.shape}"
            assert got.dtype == like.dtype, f"{name} has dtype {got.dtype}, not {like.dtype}"
        assert all((a == b).all() for a, b in zip(before, (hidden, weight, targets))), "an input was changed"
    return "a float and two arrays like their inputs"


def value():
    rng = np.random.default_rng(2)
    worst = 0.0
    for o in options(rng, 37):
        hidden, weight, targets = batch(rng, 37, 23, 8)
        got = solution.loss_and_grads(hidden, weight, targets, **o)[0]
        want = definition.loss(hidden, weight, targets, **o)
        worst = max(worst, abs(got - want) / abs(want))
        assert worst < 1e-9, f"with {sorted(o) or 'no options'}: loss {got:.6f}, defined {want:.6f}"
    return f"largest relative error {worst:.1e}"


def gradient():
    rng = np.random.default_rng(3)
    worst, step = 0.0, 1e-5
    for o in options(rng, 11):
        hidden, weight, targets = batch(rng, 11, 7, 5)
        _, dh, dw = solution.loss_and_grads(hidden, weight, targets, **o)
        for _ in range(4):
            a, b = rng.normal(size=hidden.shape), rng.normal(size=weight.shape)
            up = definition.loss(hidden + step * a, weight + step * b, targets, **o)
            down = definition.loss(hidden - step * a, weight - step * b, targets, **o)
            want, got = (up - down) / (2 * step), (dh * a).sum() + (dw * b).sum()
            worst = max(worst, abs(got - want) / max(1e-3, abs(want)))
        assert worst < 1e-5, f"with {sorted(o) or 'no options'}: slope {got:.6f}, by differences {want:.6f}"
    return f"largest relative error {worst:.1e}"


def memory():
    rng = np.random.default_rng(4)
    n, v, d = 1024, 16384, 16
    hidden, weight, targets = (x.astype(np.float32) if x.dtype == float else x for x in batch(rng, n, v, d))
    tracemalloc.start()
    solution.loss_and_grads(hidden, weight, targets)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    logits = 4 * n * v / 2**20
    print(f"metric peak_mib 0 {peak:.2f}")
    assert peak < logits / 2, f"{peak:.1f} MiB at the peak; the logits alone are {logits:.0f} MiB"
    return f"{peak:.1f} MiB at the peak; the logits alone are {logits:.0f} MiB"


def main():
    good = True
    for check in (contract, value, gradient, memory):
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
