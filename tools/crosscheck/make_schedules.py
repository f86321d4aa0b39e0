#!/usr/bin/env python3
"""Makes tests/golden/schedules.safetensors: learning rates of sixty steps by PyTorch's schedulers, in double precision.

    tools/crosscheck/make_schedules.py [--out tests/golden/schedules.safetensors]

    <case>    f64 [60]

With warm-up each is behind a LinearLR of 12 steps; schedules of steps and milestones, which count from the beginning,
are multiplied by it. tests/optim/schedule_test.cpp has the same cases.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch.optim import lr_scheduler as lrs

STEPS = 60
PEAK = 0.4
WARMUP = 12
FLOOR = 0.01


def rates(make, warmup=False, chained=False):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))], PEAK)
    if not warmup:
        schedule = make(optimizer, STEPS)
    else:
        rise = lrs.LinearLR(optimizer, 1 / (WARMUP + 1), 1.0, WARMUP)
        rest = make(optimizer, STEPS if chained else STEPS - WARMUP)
        schedule = lrs.ChainedScheduler([rise, rest]) if chained else lrs.SequentialLR(optimizer, [rise, rest], [WARMUP])
    result = []
    for _ in range(STEPS):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return np.array(result)


def one_cycle(optimizer, steps):
    total = STEPS + 1
    return lrs.OneCycleLR(optimizer, PEAK, total_steps=total, pct_start=(WARMUP + 1) / total, anneal_strategy="linear",
                          div_factor=WARMUP + 1, final_div_factor=PEAK / (WARMUP + 1) / FLOOR, cycle_momentum=False)


def per_epoch(make, steps_an_epoch):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))], PEAK)
    schedule = make(optimizer, STEPS // steps_an_epoch)
    result = []
    for step in range(STEPS):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (step + 1) % steps_an_epoch == 0:
            schedule.step()
    return np.array(result)


def cosine(optimizer, steps):
    return lrs.CosineAnnealingLR(optimizer, steps, FLOOR)


def restarts(optimizer, steps):
    return lrs.CosineAnnealingWarmRestarts(optimizer, steps // 3, 1, FLOOR)


def polynomial(optimizer, steps):
    return lrs.PolynomialLR(optimizer, steps, 2.0)


def steps(optimizer, _):
    return lrs.StepLR(optimizer, 15, 0.3)


def milestones(optimizer, _):
    return lrs.MultiStepLR(optimizer, [20, 45], 0.3)


def constant(optimizer, _):
    return lrs.ConstantLR(optimizer, 1.0, 0)


CASES = {
    "constant": rates(constant),
    "constant_warmup": rates(constant, True),
    "cosine": rates(cosine),
    "cosine_warmup": rates(cosine, True),
    "restarts": rates(restarts),
    "restarts_warmup": rates(restarts, True),
    "polynomial": rates(polynomial),
    "polynomial_warmup": rates(polynomial, True),
    "step": rates(steps),
    "step_warmup": rates(steps, True, chained=True),
    "multi-step": rates(milestones),
    "multi-step_warmup": rates(milestones, True, chained=True),
    "onecycle_warmup": rates(one_cycle),
    "cosine_epochs": per_epoch(cosine, 10),
    "step_epochs": per_epoch(lambda optimizer, _: lrs.StepLR(optimizer, 2, 0.3), 10),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("tests/golden/schedules.safetensors"))
    out = parser.parse_args().out
    save_file(CASES, out)
    print(f"{out}: {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
