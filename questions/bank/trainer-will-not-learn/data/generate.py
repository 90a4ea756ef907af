"""Draws signs: generate(seed, out_dir) writes public/signs.txt (for the candidate) and hidden/signs.npz (to judge by)."""

import pathlib

import numpy as np

SIDE = 14
NAMES = ("left", "right", "up", "down", "cross", "ring")
LEFT, RIGHT = 0, 1


def templates():
    """One clean 9 x 9 sign of each class."""
    left = np.zeros((9, 9))
    for k in range(5):
        left[4 - k, k] = left[4 + k, k] = 1
    left[4, :] = 1
    y, x = np.mgrid[-4:5, -4:5]
    cross = ((abs(x) == abs(y)) * 1.0)
    ring = ((abs(np.hypot(x, y) - 3.5) < 0.7) * 1.0)
    return np.stack([left, left[:, ::-1], left.T, left.T[::-1], cross, ring])


def draw(rng, labels):
    """Signs at random places and of random brightness, on a noisy ground."""
    glyphs = templates()
    images = np.zeros((len(labels), SIDE, SIDE))
    for i, label in enumerate(labels):
        y, x = rng.integers(0, SIDE - 9 + 1, 2)
        images[i, y : y + 9, x : x + 9] += glyphs[label] * rng.uniform(0.4, 0.8) * (rng.random((9, 9)) > 0.12)
    images += rng.normal(0.2, 0.14, images.shape)
    return np.round(np.clip(images, 0, 1) * 15) / 15


def balanced(rng, n):
    return rng.permutation(np.arange(n) % len(NAMES))


def generate(seed, out_dir):
    out = pathlib.Path(out_dir)
    for k, name in enumerate(("public", "hidden")):
        (out / name).mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([seed, k])
        if name == "hidden":
            labels = balanced(rng, 600)
            np.savez(out / name / "signs.npz", images=draw(rng, labels).astype(np.float32), labels=labels)
            continue
        lines = []
        for part, n in (("train", 900), ("valid", 240)):
            labels = balanced(rng, n)
            for image, label in zip(draw(rng, labels), labels):
                lines.append(f"{part} {label} " + "".join("%x" % int(round(15 * v)) for v in image.ravel()))
        (out / name / "signs.txt").write_text("\n".join(lines) + "\n")
