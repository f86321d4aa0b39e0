#!/usr/bin/env python3
"""Makes tests/golden/optimizers.safetensors: twenty steps of each optimiser by PyTorch, in double precision.

    tools/crosscheck/make_optimizers.py [--out tests/golden/optimizers.safetensors]

    weight, bias         f32 [8, 9] and [8], before the first step
    grad.weight, ...     f32 [20, 8, 9] and [20, 8], one gradient a step
    <case>.weight, ...   f64, after the twentieth

PyTorch has no LAMB: that one is the algorithm of arXiv 1904.00962 in NumPy, with a trust ratio of 1 for what does not
decay. tests/optim/golden_test.cpp has the same cases.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

STEPS = 20
LR = 0.05
DECAY = 0.1
BETAS = (0.8, 0.95)
EPSILON = 1e-3  # large enough to be seen


def in_pytorch(make, decay_bias):
    """make(groups) -> optimizer; the bias is in a group of its own."""

    def run(start, grads):
        parameters = {name: torch.nn.Parameter(torch.from_numpy(value.copy())) for name, value in start.items()}
        groups = [{"params": [parameters["weight"]], "weight_decay": DECAY}]
        groups += [{"params": [parameters["bias"]], "weight_decay": DECAY if decay_bias else 0.0}]
        optimizer = make(groups)
        for step in range(STEPS):
            for name, parameter in parameters.items():
                parameter.grad = torch.from_numpy(grads[name][step].copy())
            optimizer.step()
        return {name: parameter.detach().numpy() for name, parameter in parameters.items()}

    return run


def lamb(start, grads):
    result = {}
    for name, weight in start.items():
        decay = DECAY if name == "weight" else 0.0
        weight, m, v = weight.copy(), np.zeros_like(weight), np.zeros_like(weight)
        for step, grad in enumerate(grads[name], 1):
            m = BETAS[0] * m + (1 - BETAS[0]) * grad
            v = BETAS[1] * v + (1 - BETAS[1]) * grad**2
            update = (m / (1 - BETAS[0] ** step)) / (np.sqrt(v / (1 - BETAS[1] ** step)) + EPSILON) + decay * weight
            trust = np.linalg.norm(weight) / np.linalg.norm(update) if decay else 1.0
            weight = weight - LR * trust * update
        result[name] = weight
    return result


def sgd(momentum, nesterov):
    return in_pytorch(lambda groups: torch.optim.SGD(groups, LR, momentum, nesterov=nesterov), decay_bias=True)


CASES = {
    "sgd": sgd(0, False),
    "momentum": sgd(0.9, False),
    "nesterov": sgd(0.9, True),
    "adam": in_pytorch(lambda groups: torch.optim.Adam(groups, LR, BETAS, EPSILON), decay_bias=False),
    "adamw": in_pytorch(lambda groups: torch.optim.AdamW(groups, LR, BETAS, EPSILON), decay_bias=False),
    "adamw_all": in_pytorch(lambda groups: torch.optim.AdamW(groups, LR, BETAS, EPSILON), decay_bias=True),
    "lamb": lamb,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("tests/golden/optimizers.safetensors"))
    out = parser.parse_args().out
    random = np.random.default_rng(20)
    shapes = {"weight": (8, 9), "bias": (8,)}
    start = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    # Sizes of a thousandth to a thousand times epsilon.
    grads = {
        name: (random.standard_normal((STEPS, *shape)) * 10.0 ** random.integers(-3, 2, shape)).astype(np.float32)
        for name, shape in shapes.items()
    }
    tensors = dict(start) | {f"grad.{name}": value for name, value in grads.items()}
    doubles = [{name: value.astype(np.float64) for name, value in some.items()} for some in (start, grads)]
    for case, run in CASES.items():
        tensors |= {f"{case}.{name}": np.ascontiguousarray(value) for name, value in run(*doubles).items()}
    save_file(tensors, out)
    print(f"{out}: {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
