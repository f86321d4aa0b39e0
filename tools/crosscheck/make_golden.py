#!/usr/bin/env python3
"""Makes tests/golden/*.safetensors: a few training steps of small networks, computed by PyTorch in double precision.

    tools/crosscheck/make_golden.py [--out tests/golden]

A file holds one network:

    init.<name>            parameters and running statistics before the first step, f16 (num_batches_tracked: i64); the
                           few bits make ties of magnitude common, so that their rule counts
    images, labels         u8 [steps, N, C, H, W] and i64 [steps, N]; the network gets images / 64 - 2
    <run>.travel.<name>    f32, value after the run minus value before it, of every stride-th element in row-major order
                           (`sampled`)
    <run>.losses           f32 [steps]

with <run> = `<method>_<N>_<M>.<steps>`. tests/models/crosscheck_test.cpp repeats the runs. Whether they can agree at
all depends on the seed: where a pre-activation or the gap between two weights of a group comes within rounding of zero,
the smallest error grows to a finite one. Seeds for which injected rounding noise does so are passed over.
"""

import argparse
import copy
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from models import ResNet9, ResNet18, ResNet20, ResNet50, Vgg19Bn, VitCifar
from nm import Conv2d, Linear, Pattern, train_sparse
from sgd import ONE_STEP, THREE_STEPS, state_of, train, travel_shares

SAMPLES = 256  # per tensor; an error of a pass is in all of its elements
TOLERANCE = 2e-4  # of crosscheck_test.cpp
NOISE = 3e-7  # relative, on every layer's output: several times what single precision leaves
TRIALS = 6


@dataclass(frozen=True)
class Golden:
    name: str
    model: type
    width: float
    input: tuple
    batch_size: int
    patterns: tuple  # None is dense


CASES = (
    Golden("resnet18", ResNet18, 0.125, (3, 16, 16), 8, (None, Pattern(2, 4), Pattern(2, 8))),
    Golden("resnet9", ResNet9, 0.125, (3, 16, 16), 8, (None, Pattern(1, 4), Pattern(2, 8))),
    Golden("resnet20", ResNet20, 0.5, (1, 8, 8), 20, (None, Pattern(2, 8), Pattern(2, 5))),
    Golden("resnet50", ResNet50, 0.0625, (3, 8, 8), 20, (None, Pattern(2, 4), Pattern(2, 8))),
    Golden("vgg19_bn", Vgg19Bn, 0.0625, (3, 32, 32), 4, (None, Pattern(2, 4), Pattern(2, 8))),
    Golden("vit_cifar", VitCifar, 0.125, (3, 16, 16), 8, (None, Pattern(2, 4), Pattern(2, 8))),
)


def sampled(tensor):
    """Every stride-th element, all of a small tensor. The stride is odd, so that all channels come up."""
    return tensor.flatten()[:: (tensor.numel() // SAMPLES) | 1]


def initial(case, seed):
    torch.manual_seed(seed)
    model = case.model(in_channels=case.input[0], classes=10, width=case.width)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1 and "fc" not in name:  # norms: away from the ones and zeros that hide errors
                parameter.add_(0.2 * torch.randn_like(parameter))
            parameter.copy_(parameter.half())
    images = torch.randint(0, 256, (THREE_STEPS.steps, case.batch_size, *case.input), dtype=torch.uint8)
    labels = torch.randint(0, 10, (THREE_STEPS.steps, case.batch_size))
    return model, images, labels


def add_rounding_noise(model):
    """Every layer's output and every updated weight is off as if it had been computed in a poor single precision."""

    def disturb(layer, inputs, output):
        return output * (1 + NOISE * torch.randn_like(output))

    def disturb_weight(parameter):
        with torch.no_grad():
            parameter.mul_(1 + 2.0**-24 * (2 * torch.rand_like(parameter) - 1))

    for layer in model.modules():
        if isinstance(layer, (Conv2d, Linear, torch.nn.BatchNorm2d, torch.nn.LayerNorm)):
            layer.register_forward_hook(disturb)
    return lambda: [disturb_weight(p) for p in model.parameters()]


def run(start, pattern, recipe, images, labels, dtype=torch.float64, noise=False):
    model = copy.deepcopy(start).to(dtype)
    if pattern:
        train_sparse(model, pattern)
    after_step = add_rounding_noise(model) if noise else None
    batches = [(x.to(dtype) / 64 - 2, y) for x, y in zip(images, labels)]
    losses = train(model, recipe, batches, after_step=after_step)
    return state_of(model), losses


def robust_share(start, pattern, recipe, images, labels, truth):
    """Largest share of travelled distance by which noisy runs miss the true one."""
    worst = 0.0
    for trial in range(TRIALS):
        torch.manual_seed(trial)
        noisy, _ = run(start, pattern, recipe, images, labels, noise=True)
        worst = max(worst, *travel_shares(noisy, truth, state_of(start), recipe.steps, norm="max").values())
        if worst > TOLERANCE / 2:
            break
    return worst


def attempt(case, seed):
    """Tensors of the golden file, or None where the seed is near a discontinuity."""
    start, images, labels = initial(case, seed)
    state = start.state_dict().items()
    tensors = {f"init.{name}": value.half() if value.is_floating_point() else value for name, value in state}
    tensors |= {"images": images, "labels": labels}
    for pattern in case.patterns:
        for recipe in (ONE_STEP, THREE_STEPS):
            truth, losses = run(start, pattern, recipe, images, labels)
            share = robust_share(start, pattern, recipe, images, labels, truth)
            if share > TOLERANCE / 2:
                return None
            method = f"bdwp_{pattern.n}_{pattern.m}" if pattern else "dense_1_1"
            prefix = f"{method}.{recipe.steps}"
            tensors[f"{prefix}.losses"] = torch.tensor(losses)
            for name, value in truth.items():
                tensors[f"{prefix}.travel.{name}"] = sampled(value - state_of(start)[name]).float()
            print(f"  {case.name} {prefix}: noise of {NOISE:g} leaves {share:.1e} of the travelled distance")
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "tests" / "golden")
    parser.add_argument("--only", choices=[case.name for case in CASES])
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # the same bits wherever it runs
    for case in CASES:
        if args.only not in (None, case.name):
            continue
        for seed in range(1000):
            print(f"{case.name}: seed {seed}", flush=True)
            if tensors := attempt(case, seed):
                path = args.out / f"{case.name}.safetensors"
                tensors = {name: value.contiguous() for name, value in tensors.items()}
                save_file(tensors, path, {"made_by": f"make_golden.py, seed {seed}, PyTorch {torch.__version__}"})
                path.chmod(0o644)
                print(f"{path}: {path.stat().st_size} bytes")
                break
        else:
            sys.exit(f"{case.name}: no seed is far enough from all discontinuities")


if __name__ == "__main__":
    main()
