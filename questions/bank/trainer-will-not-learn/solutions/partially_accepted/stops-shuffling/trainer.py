"""Training and evaluation. Every run of the same seed gives the same weights."""

import numpy as np
import torch
import torch.nn.functional as F

import loader
from model import Net

# What the team agreed on. The budget of a run is part of the contract.
CONFIG = {"epochs": 8, "batch": 32, "learning_rate": 0.05, "momentum": 0.9, "halve_every": 3}


class Trainer:
    def __init__(self, seed=0):
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.model = Net()
        self.optimizer = torch.optim.SGD(self.model.parameters(), CONFIG["learning_rate"], momentum=CONFIG["momentum"])
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimizer, CONFIG["halve_every"], gamma=0.5)
        self.best = None

    def fit(self, images, labels, valid_images, valid_labels, epochs=None):
        """Trains, keeps the weights of the epoch with the lowest validation loss, and returns the history, a list for each name."""
        history = {"lr": [], "train_loss": [], "valid_loss": [], "valid_accuracy": []}
        for epoch in range(epochs or CONFIG["epochs"]):
            history["lr"].append(self.optimizer.param_groups[0]["lr"])
            losses = []
            for x, y in loader.batches(images, labels, CONFIG["batch"], self.rng):
                x, y = loader.augment(x, y, self.rng)
                losses.append(self.step(x, y))
            self.schedule.step()
            valid = self.evaluate(valid_images, valid_labels)
            if not history["valid_loss"] or valid["loss"] < min(history["valid_loss"]):
                self.remember()
            history["train_loss"].append(float(np.mean(losses)))
            history["valid_loss"].append(valid["loss"])
            history["valid_accuracy"].append(valid["accuracy"])
            print(f"metric train_loss {epoch} {history['train_loss'][-1]:.4f}", flush=True)
            print(f"metric valid_loss {epoch} {valid['loss']:.4f}", flush=True)
            print(f"metric valid_accuracy {epoch} {valid['accuracy']:.4f}", flush=True)
        self.restore()
        return history

    def step(self, images, labels):
        """One step of the optimiser on the gradient of this batch alone. Returns the batch's loss before the step."""
        self.model.train()
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(tensor(images, training=True)), torch.as_tensor(labels))
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    @torch.no_grad()
    def logits(self, images):
        """What the model says about images as they come from the camera. The same image always gets the same answer."""
        self.model.eval()
        out = self.model(tensor(images, training=False))
        self.model.train()
        return out

    def evaluate(self, images, labels):
        logits, labels = self.logits(images), torch.as_tensor(labels)
        return {"loss": float(F.cross_entropy(logits, labels)), "accuracy": float((logits.argmax(dim=1) == labels).float().mean())}

    def remember(self):
        """Keeps the weights as they are now."""
        self.best = {k: v.clone() for k, v in self.model.state_dict().items()}

    def restore(self):
        """Puts the remembered weights back."""
        if self.best is not None:
            self.model.load_state_dict(self.best)


def tensor(images, training):
    return torch.tensor(loader.normalise(images, training))[:, None]
