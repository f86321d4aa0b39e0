#!/usr/bin/env python3
"""Carries weights between Satsuma and torchvision or timm, both ways, and compares what models make of images.

    tools/crosscheck/pretrained.py --build build

Run it with a Python that has PyTorch, torchvision, timm and safetensors. Nothing is downloaded: weights are random, with
norms, running statistics and biases moved away from the ones and zeros that hide errors. For each model:

    theirs   their state_dict, saved as safetensors, in Satsuma; ViTs at other resolutions, too, where timm's positions are
             resampled; some under the prefixes that wrappers leave behind
    ours     the file of `satsuma train --epochs 0` in their model, load_state_dict(strict=True)

Their side computes in double precision. The error is that of the largest logit of a file: max |ours - theirs| over
max |theirs|; tolerance 1e-4. Exit code 0 when all agree, 1 when something does not.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file
from timm.layers import resample_abs_pos_embed

from satsuma_cli import Satsuma

TOLERANCE = 1e-4
IMAGES = 3
CLASSES = 12
MODELS = ("resnet18", "resnet34", "resnet50", "resnet101", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg16_bn",
          "vgg19_bn", "vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224")
PREFIXES = {"resnet34": "module.", "vgg11": "state_dict.", "vit_tiny_patch16_224": "state_dict.model."}
OTHER_SIZES = {"vit_tiny_patch16_224": (32, 96, 384), "vit_small_patch16_224": (160,)}


def theirs(name, pixels=224):
    """Their model with `CLASSES` outputs, in double, for evaluation."""
    if name.startswith("vit"):
        model = timm.create_model(name, num_classes=CLASSES, img_size=pixels)
    else:
        model = torchvision.models.get_model(name, weights=None, num_classes=CLASSES)
    return model.double().eval()


def disturb(model):
    """Moves what starts as ones, zeros or near zero, and rounds all to the f32 that the file will hold."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if not tensor.is_floating_point():
                continue
            if name.endswith("running_var"):
                tensor.mul_(1 + 0.5 * torch.rand_like(tensor))
            elif tensor.dim() == 1:
                tensor.add_(0.1 * torch.randn_like(tensor))
            elif name in ("cls_token", "pos_embed"):
                tensor.add_(0.5 * torch.randn_like(tensor))
            tensor.copy_(tensor.float())
    return model


def logits_of(model, images):
    with torch.no_grad():
        return model(images.double())


class Ours:
    def __init__(self, build, folder):
        self.program, self.folder = build / "tests" / "logits", folder
        self.satsuma = Satsuma(build / "tools" / "satsuma")

    def logits(self, name, weights, images):
        """Logits, and what was done to the weights."""
        save_file({"images": images}, self.folder / "images.safetensors")
        out = self.folder / "logits.safetensors"
        command = [self.program, name, "imagenet", CLASSES, 1, weights, self.folder / "images.safetensors", out]
        done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=True)
        return load_file(out)["logits"].double(), done.stdout.split("\n")[:-1]

    def begin(self, name):
        """The file of a run that has not begun."""
        run = self.folder / "run"
        self.satsuma("train", "--model", name, "--stem", "imagenet", "--data", "synthetic", "--input", "3x224x224",
                     "--classes", CLASSES, "--limit-train", 8, "--batch-size", 8, "--epochs", 0, "--seed", 3, "--out", run,
                     "--overwrite", "--quiet")
        return run / "init.safetensors"


def error(ours, theirs):
    return float((ours - theirs).abs().max() / theirs.abs().max())


def crosscheck(name, ours, folder):
    """Yields lines of the report: what, error, note."""
    images = torch.randn(IMAGES, 3, 224, 224)
    model = disturb(theirs(name))
    prefix = PREFIXES.get(name, "")
    state = {prefix + key: value.float() if value.is_floating_point() else value
             for key, value in model.state_dict().items()}
    weights = folder / "theirs.safetensors"
    save_file({key: value.contiguous() for key, value in state.items()}, weights)
    logits, notes = ours.logits(name, weights, images)
    yield "theirs", error(logits, logits_of(model, images)), "; ".join(notes)

    for pixels in OTHER_SIZES.get(name, ()):
        other = theirs(name, pixels)
        resized = dict(model.state_dict())
        resized["pos_embed"] = resample_abs_pos_embed(resized["pos_embed"].float(), (pixels // 16, pixels // 16)).double()
        other.load_state_dict(resized)
        some = torch.randn(IMAGES, 3, pixels, pixels)
        logits, notes = ours.logits(name, weights, some)
        yield f"theirs at {pixels}", error(logits, logits_of(other, some)), "; ".join(notes)

    del state
    weights.unlink()
    weights = ours.begin(name)
    loaded = load_file(weights)
    model.load_state_dict({key: value.double() if value.is_floating_point() else value for key, value in loaded.items()},
                          strict=True)
    logits, notes = ours.logits(name, weights, images)
    yield "ours", error(logits, logits_of(model, images)), "; ".join(notes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"), metavar="DIR", help="build folder")
    parser.add_argument("--models", default=",".join(MODELS))
    args = parser.parse_args()
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, timm {timm.__version__}")
    failed = 0
    for name in args.models.split(","):
        torch.manual_seed(0)
        with tempfile.TemporaryDirectory(prefix="satsuma-pretrained-") as folder:
            for what, share, note in crosscheck(name, Ours(args.build, Path(folder)), Path(folder)):
                ok = share <= TOLERANCE
                failed += not ok
                print(f"{name:22} {what:13} {share:8.1e}  {'ok' if ok else 'FAILED'}  {note}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
