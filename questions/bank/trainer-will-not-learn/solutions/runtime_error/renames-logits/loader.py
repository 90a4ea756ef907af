"""Images and labels on their way into the model."""

import numpy as np

NAMES = ("left", "right", "up", "down", "cross", "ring")
LEFT, RIGHT = 0, 1
MEAN, STD = 0.26, 0.22  # of all pixels that the camera has ever sent; part of the model's contract


def batches(images, labels, size, rng):
    """Goes once through all images in random order, in batches of `size`; the last one may be smaller."""
    order = rng.permutation(len(images))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield images[rows], labels[rows]


def augment(images, labels, rng):
    """Moves each image by up to one pixel and mirrors half of them."""
    images, labels = images.copy(), labels.copy()
    mirrored = rng.random(len(images)) < 0.5
    images[mirrored] = images[mirrored][:, :, ::-1]
    swapped = {LEFT: RIGHT, RIGHT: LEFT}
    labels[mirrored] = [swapped.get(label, label) for label in labels[mirrored].tolist()]
    for i, (dy, dx) in enumerate(rng.integers(-1, 2, size=(len(images), 2))):
        images[i] = np.roll(images[i], (dy, dx), axis=(0, 1))
    return images, labels


def normalise(images, training):
    """Pixels as the model wants them: about mean 0 and spread 1."""
    images = np.asarray(images, np.float32)
    return (images - np.float32(MEAN)) / np.float32(STD)


def read(path="data/signs.txt"):
    """{"train": (images, labels), "valid": (images, labels)}; pixels between 0 and 1."""
    parts = {}
    with open(path) as f:
        for line in f:
            part, label, pixels = line.split()
            parts.setdefault(part, ([], []))
            parts[part][0].append([int(c, 16) / 15 for c in pixels])
            parts[part][1].append(int(label))
    return {k: (np.array(x, np.float32).reshape(-1, 14, 14), np.array(y)) for k, (x, y) in parts.items()}
