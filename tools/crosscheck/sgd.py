"""The training step that both sides run, and how two results of it are compared."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Recipe:
    """A few SGD steps at a constant learning rate, and the largest error that is accepted after them."""

    name: str
    steps: int
    lr: float
    tolerance: float  # share of travelled distance
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1


# Rounding is amplified from step to step, the more the larger the learning rate (docs/crosscheck.md): one step at a
# normal rate shows errors of a pass, three at a small one show errors of momentum, weight decay and statistics.
ONE_STEP = Recipe("one step at lr 0.05", steps=1, lr=0.05, tolerance=0.02)
THREE_STEPS = Recipe("three steps at lr 5e-4", steps=3, lr=5e-4, tolerance=0.05)


def train(model, recipe, batches):
    """Runs the recipe on the first batches; returns the losses."""
    optimizer = torch.optim.SGD(model.parameters(), recipe.lr, recipe.momentum, weight_decay=recipe.weight_decay)
    model.train()
    losses = []
    for images, labels in batches[: recipe.steps]:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels, label_smoothing=recipe.label_smoothing)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def state_of(model):
    """Parameters and running statistics by name, as f64 copies."""
    return {name: value.double().clone() for name, value in model.state_dict().items() if value.is_floating_point()}


def travel_shares(actual, expected, start):
    """Per tensor: max |actual - expected| / max |expected - start|."""
    shares = {}
    for name, truth in expected.items():
        error = (actual[name].double() - truth).abs().max()
        travelled = (truth - start[name].double()).abs().max()
        shares[name] = (error / travelled).item() if travelled > 0 else (0.0 if error == 0 else float("inf"))
    return shares
