#!/usr/bin/env python3
"""Makes tests/golden/training.safetensors: ten steps of a small network by PyTorch, in double precision.

    tools/crosscheck/make_training.py [--out tests/golden/training.safetensors]

    conv1.weight, fc.weight, fc.bias    f32, before the first step
    images, labels, targets             f32 [10, 12, 2, 5, 5], i64 [10, 12], f32 [10, 12, 4]: twelve images a step
    <case>.<name>                       f64, weights after the tenth
    <case>.ema.<name>                   f64, their average

Each step is one batch of twelve; Satsuma takes it in parts, of 5, 5 and 2 images. Clipping by norm and value and the
average are PyTorch's own; adaptive clipping is timm's formula. tests/train/golden_test.cpp has the same cases.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

STEPS, BATCH, CLASSES = 10, 12, 4
WEIGHTS = [1.0, 2.0, 0.5, 1.5]


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(2, 6, 3, padding=1, bias=False)
        self.fc = torch.nn.Linear(6, CLASSES)

    def forward(self, x):
        return self.fc(F.relu(self.conv1(x)).mean((2, 3)))


def lengths(x):
    return x.norm() if x.ndim <= 1 else torch.linalg.vector_norm(x, dim=tuple(range(1, x.ndim)), keepdim=True)


def clip_adaptively(parameters, factor, eps=1e-3):
    """timm.utils.agc.adaptive_clip_grad."""
    for p in parameters:
        longest = lengths(p.detach()).clamp(min=eps) * factor
        length = lengths(p.grad)
        p.grad = torch.where(length < longest, p.grad, p.grad * (longest / length.clamp(min=1e-6)))


def run(start, images, labels, targets, clip, soft=False, weighted=False, smoothing=0.0, optimizer="adamw"):
    model = Net().double()
    model.load_state_dict({name: torch.from_numpy(value).double() for name, value in start.items()})
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.8), use_buffers=True)
    average.update_parameters(model)  # the first update copies
    if optimizer == "adamw":
        groups = [{"params": [model.conv1.weight, model.fc.weight], "weight_decay": 0.1}]
        groups += [{"params": [model.fc.bias], "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, 0.02, (0.8, 0.95), 1e-3)
    else:
        optimizer = torch.optim.SGD(model.parameters(), 0.2, 0.9, weight_decay=0.01)
    weight = torch.tensor(WEIGHTS, dtype=torch.float64) if weighted else None
    for step in range(STEPS):
        optimizer.zero_grad()
        wanted = torch.from_numpy(targets[step]).double() if soft else torch.from_numpy(labels[step])
        logits = model(torch.from_numpy(images[step]).double())
        F.cross_entropy(logits, wanted, weight, label_smoothing=smoothing).backward()
        clip(model)
        optimizer.step()
        average.update_parameters(model)
    result = {name: value.numpy() for name, value in model.state_dict().items()}
    return result | {f"ema.{name}": value.numpy() for name, value in average.module.state_dict().items()}


def norm(limit):
    return lambda model: torch.nn.utils.clip_grad_norm_(model.parameters(), limit)


def value(limit):
    return lambda model: torch.nn.utils.clip_grad_value_(model.parameters(), limit)


def adaptive(factor):
    return lambda model: clip_adaptively([model.conv1.weight], factor)  # without the classifier


CASES = {
    "norm": {"clip": norm(0.3)},
    "value": {"clip": value(0.02), "smoothing": 0.1},
    "agc": {"clip": adaptive(0.02)},
    "agc_sgd": {"clip": adaptive(0.02), "optimizer": "sgd"},
    "norm_sgd": {"clip": norm(0.3), "optimizer": "sgd"},
    "weighted": {"clip": norm(0.3), "weighted": True, "smoothing": 0.1},
    "soft": {"clip": norm(0.3), "soft": True, "smoothing": 0.1},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("tests/golden/training.safetensors"))
    out = parser.parse_args().out
    random = np.random.default_rng(14)
    shapes = {"conv1.weight": (6, 2, 3, 3), "fc.weight": (CLASSES, 6), "fc.bias": (CLASSES,)}
    start = {name: (0.5 * random.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    images = random.standard_normal((STEPS, BATCH, 2, 5, 5)).astype(np.float32)
    labels = random.integers(0, CLASSES, (STEPS, BATCH))
    targets = random.random((STEPS, BATCH, CLASSES)).astype(np.float32)
    targets /= targets.sum(2, keepdims=True)
    tensors = dict(start) | {"images": images, "labels": labels, "targets": targets}
    for case, settings in CASES.items():
        after = run(start, images, labels, targets, **settings)
        tensors |= {f"{case}.{name}": np.ascontiguousarray(tensor) for name, tensor in after.items()}
    save_file(tensors, out)
    print(f"{out}: {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
