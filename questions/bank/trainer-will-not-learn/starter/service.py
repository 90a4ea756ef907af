"""What the training platform calls. Plain data in, plain data out. Read-only: everything wrong is in the files that it uses."""

import numpy as np
import torch

import loader
import trainer

torch.set_num_threads(1)


def config():
    return dict(trainer.CONFIG)


def batches(images, labels, size, seed):
    """All batches of one epoch."""
    return [(np.asarray(x), np.asarray(y)) for x, y in loader.batches(images, labels, size, np.random.default_rng(seed))]


def augment(images, labels, seed):
    x, y = loader.augment(images, labels, np.random.default_rng(seed))
    return np.asarray(x), np.asarray(y)


def inputs(images, training):
    """What the model is fed for these images."""
    return np.asarray(loader.normalise(images, training))


class Run:
    """One training run."""

    def __init__(self, seed):
        self.trainer = trainer.Trainer(seed)

    def fit(self, images, labels, valid_images, valid_labels, epochs=None):
        return self.trainer.fit(images, labels, valid_images, valid_labels, epochs)

    def step(self, images, labels, seed):
        torch.manual_seed(seed)
        return float(self.trainer.step(images, labels))

    def evaluate(self, images, labels):
        return {k: float(v) for k, v in self.trainer.evaluate(images, labels).items()}

    def probabilities(self, images):
        return torch.softmax(self.trainer.logits(images), dim=1).numpy()

    def parameters(self):
        return {k: v.numpy().copy() for k, v in self.trainer.model.state_dict().items()}

    def load(self, parameters):
        self.trainer.model.load_state_dict({k: torch.tensor(np.asarray(v)) for k, v in parameters.items()})

    def remember(self):
        self.trainer.remember()

    def restore(self):
        self.trainer.restore()
