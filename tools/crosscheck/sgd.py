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


# Rounding is amplified from step to step, the more the larger the learning rate (docs/crosscheck.md): hence one step at
# a normal rate, or three at a small one. The tolerances are those of networks of full size.
ONE_STEP = Recipe("one step at lr 0.05", steps=1, lr=0.05, tolerance=0.02)
THREE_STEPS = Recipe("three steps at lr 5e-4", steps=3, lr=5e-4, tolerance=0.15)


def train(model, recipe, batches, velocity=None, after_step=None):
    """Runs the recipe on the first batches, from `velocity` by parameter name where given; returns the losses."""
    optimizer = torch.optim.SGD(model.parameters(), recipe.lr, recipe.momentum, weight_decay=recipe.weight_decay)
    for name, parameter in model.named_parameters():
        if velocity:
            optimizer.state[parameter]["momentum_buffer"] = velocity[name].reshape(parameter.shape).clone()
    model.train()
    losses = []
    for images, labels in batches[: recipe.steps]:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels, label_smoothing=recipe.label_smoothing)
        loss.backward()
        optimizer.step()
        if after_step:
            after_step()
        losses.append(loss.item())
    return losses


def state_of(model):
    """Parameters and running statistics by name, as f64 copies."""
    return {name: value.double().clone() for name, value in model.state_dict().items() if value.is_floating_point()}


def travel_shares(actual, expected, start, steps, norm):
    """Per tensor: |actual - expected| / |expected - start|, in the norm `max` or `rms`.

    What storing a weight in f32 costs is no error: half a unit in the last place a step is taken off. The bias of a
    convolution is measured by the distance of its weight where that is larger: batch normalisation behind it leaves
    nothing of its gradient but rounding.
    """
    size = {"max": lambda x: x.abs().max(), "rms": lambda x: x.square().mean().sqrt()}[norm]
    shares = {}
    for name, truth in expected.items():
        storage = steps * 2.0**-24 * size(truth)
        error = max((size(actual[name].double() - truth) - storage).item(), 0.0)
        travelled = size(truth - start[name].double()).item()
        weight = name.removesuffix("bias") + "weight"
        if name.endswith(".bias") and expected[weight].dim() == 4:
            travelled = max(travelled, size(expected[weight] - start[weight].double()).item())
        shares[name] = error / travelled if travelled > 0 else (0.0 if error == 0 else float("inf"))
    return shares
