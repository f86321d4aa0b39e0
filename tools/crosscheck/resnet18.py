#!/usr/bin/env python3
"""Trains ResNet-18 for a few steps in Satsuma and in PyTorch and compares every tensor.

    tools/crosscheck/resnet18.py --satsuma build/tools/satsuma

Run it with a Python that has PyTorch and safetensors. Satsuma is driven through its command line alone; PyTorch
computes in double precision from the same weights on the same batches, with masks made by nm.py. For each stem and
method:

    layers       `satsuma info` and PyTorch agree on which layers are sparse and on the multiply-adds of each pass
    step 1 2 3   steps at lr 0.05, each started in PyTorch from the weights and velocities that Satsuma had before it
    steps 1-3    three steps at lr 5e-4 in one go from the initial weights

What is compared is each tensor's error as a share of the distance that it has travelled; docs/crosscheck.md says why,
and where the tolerances come from. Exit code 0 when all agree, 1 when something does not.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from models import ResNet18
from nm import INPUT_CHANNELS, OUTPUT_CHANNELS, Pattern, contractions, nm_mask, train_sparse
from satsuma_cli import Checkpoint, Satsuma, model_input, write_dataset
from sgd import ONE_STEP, THREE_STEPS, state_of, train, travel_shares

STEPS = 3
MASKS_MAY_DIFFER = 1e-4  # share of all groups, when both sides have gone their own way for several steps


@dataclass
class Result:
    """One line of the report. Shares are of travelled distance, root mean square over a tensor."""

    stem: str
    method: str
    what: str
    ok: bool
    note: str = ""
    worst: float = 0.0
    worst_tensor: str = ""
    median: float = 0.0
    pytorch_fp32: float = 0.0  # worst share of PyTorch's own single precision (channels_last)
    tolerance: float = 0.0


class Side:
    """PyTorch's half of one comparison: the network of one stem and method, and the batches."""

    def __init__(self, stem, pattern, batches):
        self.stem, self.pattern, self.batches = stem, pattern, batches

    def model(self, state):
        model = ResNet18(in_channels=1, classes=10, stem=self.stem).double()
        expected = {name for name, value in model.state_dict().items() if value.is_floating_point()}
        if difference := sorted(expected ^ state.keys()):
            raise SystemExit(f"crosscheck: tensors of one side only: {' '.join(difference[:5])}")
        model.load_state_dict(state, strict=False)
        return train_sparse(model, self.pattern) if self.pattern else model

    def run(self, start, recipe, first, dtype=torch.float64):
        """State after `recipe`, from a checkpoint, on the batches from `first` on."""
        model = self.model(start.state).to(dtype)
        if dtype == torch.float32:
            model = model.to(memory_format=torch.channels_last)
        batches = [(images.to(dtype), labels) for images, labels in self.batches[first:]]
        velocity = {name: value.to(dtype) for name, value in start.velocity.items()}
        train(model, recipe, batches, velocity)
        return state_of(model)

    def masks(self, state):
        """All masks that the next step would use."""
        if self.pattern:
            for _, layer in contractions(self.model(state)):
                if layer.pattern:
                    yield nm_mask(layer.weight, INPUT_CHANNELS, self.pattern)
                    yield nm_mask(layer.weight, OUTPUT_CHANNELS, self.pattern)

    def compare(self, what, recipe, start, end, first=0):
        truth = self.run(start, recipe, first)
        single = self.run(start, recipe, first, torch.float32)
        shares = travel_shares(end.state, truth, start.state, recipe.steps, norm="rms")
        peer = travel_shares(single, truth, start.state, recipe.steps, norm="rms")
        ranked = sorted(shares, key=shares.get, reverse=True)
        values = [shares[name] for name in ranked]
        fields = {"worst": values[0], "worst_tensor": ranked[0], "median": values[len(values) // 2]}
        fields |= {"pytorch_fp32": max(peer.values()), "tolerance": recipe.tolerance}
        return Result("", "", what, values[0] <= recipe.tolerance, **fields), truth


def compare_layers(side, info, state, image_shape):
    """Which layers are sparse, and the multiply-adds of FF, BP and WU, against `satsuma info --json`."""
    model, pixels = side.model(state), {}
    layers = contractions(model)
    for name, layer in layers:
        layer.register_forward_hook(lambda _, __, y, name=name: pixels.update({name: y[0, 0].numel()}))
    model.eval()(torch.zeros(1, *image_shape, dtype=torch.float64))
    told = {layer["name"]: layer for layer in info["layers"]}
    for number, (name, layer) in enumerate(layers):
        weight, pattern = layer.weight, layer.pattern
        kept = {axis: int(nm_mask(weight, axis, pattern).sum()) if pattern else weight.numel()
                for axis in (INPUT_CHANNELS, OUTPUT_CHANNELS)}
        macs = {"ff_macs": kept[INPUT_CHANNELS], "bp_macs": kept[OUTPUT_CHANNELS], "wu_macs": weight.numel()}
        if number == 0:
            macs["bp_macs"] = 0  # nobody asks for the gradient of an image
        expected = {key: value * pixels[name] for key, value in macs.items()} | {"sparse": pattern is not None}
        got = {key: told.get(name, {}).get(key) for key in expected}
        if got != expected:
            return Result("", "", "layers", False, f"{name}: satsuma info has {got}, expected {expected}")
    sparse = sum(1 for _, layer in layers if layer.pattern)
    return Result("", "", "layers", True, f"{len(layers)} layers, {sparse} of them sparse")


class Runs:
    """Satsuma's half: checkpoints of short runs from one set of initial weights."""

    def __init__(self, satsuma, stem, args, data, folder):
        self.satsuma, self.args, self.folder = satsuma, args, folder
        self.common = ["--model", "resnet18", "--stem", stem, "--data", "fashion-mnist", "--data-dir", data]
        self.common += ["--batch-size", args.batch_size, "--augment", "none", "--val-share", 0, "--no-shuffle", "--seed", 0]
        self.common += ["--threads", args.threads, "--quiet"]
        satsuma("train", *self.common, "--epochs", 0, "--out", folder / "init")
        self.init = folder / "init" / "init.safetensors"

    def after(self, steps, recipe, method):
        """Checkpoint after `steps` steps at the recipe's learning rate."""
        if steps == 0:
            return Checkpoint(self.init)
        out = self.folder / f"{method}-{recipe.lr}-{steps}"
        options = ["--init", self.init, "--epochs", 1, "--steps", steps, "--method", method, "--nm", self.args.nm]
        options += ["--sr-ste", 0, "--device", self.args.device, "--schedule", "constant", "--warmup", 0]
        options += ["--lr", recipe.lr, "--momentum", recipe.momentum, "--weight-decay", recipe.weight_decay]
        options += ["--label-smoothing", recipe.label_smoothing, "--out", out]
        self.satsuma("train", *self.common, *options)
        return Checkpoint(out / "last.safetensors")


def compare_method(side, runs, method, info, image_shape):
    yield compare_layers(side, info, runs.after(0, None, method).state, image_shape)

    states = [runs.after(steps, ONE_STEP, method) for steps in range(STEPS + 1)]
    for step in range(STEPS):
        what = f"step {step + 1} at lr {ONE_STEP.lr:g}"
        yield side.compare(what, ONE_STEP, states[step], states[step + 1], first=step)[0]

    end = runs.after(STEPS, THREE_STEPS, method)
    result, truth = side.compare(f"steps 1-{STEPS} at lr {THREE_STEPS.lr:g}", THREE_STEPS, states[0], end)
    if side.pattern:
        pairs = list(zip(side.masks(end.state), side.masks(truth)))
        differ = sum(int((ours != theirs).sum()) for ours, theirs in pairs) // 2
        groups = sum(ours.numel() for ours, _ in pairs) // side.pattern.m
        result.note = f"masks differ in {differ} of {groups} groups"
        # Past a mask that differs both sides train different networks: no error, as long as it is a rare accident.
        result.ok = result.ok or 0 < differ <= MASKS_MAY_DIFFER * groups
    yield result


def crosscheck(args, folder):
    satsuma = Satsuma(args.satsuma)
    images, labels = write_dataset(folder / "data", STEPS * args.batch_size)
    images = model_input(images, satsuma.json("datasets", "fashion-mnist"))
    labels = torch.from_numpy(labels.astype("int64"))
    batches = list(zip(images.split(args.batch_size), labels.split(args.batch_size)))
    shape = "x".join(map(str, images.shape[1:]))
    for stem in args.stems.split(","):
        runs = Runs(satsuma, stem, args, folder / "data", folder / stem)
        for method in args.methods.split(","):
            side = Side(stem, Pattern.parse(args.nm) if method == "bdwp" else None, batches)
            info = satsuma.json("info", "--model", "resnet18", "--stem", stem, "--input", shape, "--method", method,
                                "--nm", args.nm)
            for result in compare_method(side, runs, method, info, images.shape[1:]):
                result.stem, result.method = stem, method if method == "dense" else f"{method} {args.nm}"
                yield result


def print_result(r):
    numbers = f"{'':41}"
    if r.worst_tensor:
        numbers = f"{r.worst:9.2%} {r.median:9.2%} {r.tolerance:9.0%} {r.pytorch_fp32:10.2%}"
    print(f"{r.stem:9} {r.method:9} {r.what:22} {numbers}  {'ok ' if r.ok else 'FAILED'}  "
          f"{'  '.join(filter(None, (r.worst_tensor, r.note)))}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--satsuma", default="build/tools/satsuma", metavar="PATH")
    parser.add_argument("--stems", default="cifar,imagenet")
    parser.add_argument("--methods", default="dense,bdwp")
    parser.add_argument("--nm", default="2:8")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where runs and data are kept (default: a temporary folder)")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output instead of a table")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if not args.json:
        print(f"{'stem':9} {'method':9} {'':22} {'worst':>9} {'median':>9} {'tolerance':>9} {'torch fp32':>10}")
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        for result in crosscheck(args, args.folder or Path(temporary)):
            results.append(result)
            if not args.json:
                print_result(result)
    ok = all(result.ok for result in results)
    if args.json:
        print(json.dumps({"ok": ok, "torch": torch.__version__, "results": [asdict(r) for r in results]}, indent=1))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
