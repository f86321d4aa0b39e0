#!/usr/bin/env python3
"""Makes tests/golden/transforms.safetensors: pictures changed by torchvision's transforms (PIL backend).

    tools/crosscheck/make_transforms.py [--out tests/golden/transforms.safetensors]

    <picture>                    u8 [H, W, C]: rgb and grey
    <picture>/<change>:<numbers> u8, the picture after the change
    magnitude/<policy>/<extent>  f64 [14, 31], what TrivialAugmentWide's or RandAugment's magnitudes stand for on pictures
                                 of extent x extent

tests/data/transforms_test.cpp does the same changes and expects the same bytes.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file
from torchvision.transforms import InterpolationMode, RandAugment, TrivialAugmentWide
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import _apply_op

OPS = ["Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast",
       "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize"]
MAGNITUDES = {"ShearX": [0.3, -0.99], "ShearY": [0.66, -0.165], "TranslateX": [5.9, -32.0], "TranslateY": [7.2, -3.0],
              "Rotate": [4.5, -30.0, 90.0, 135.0], "Brightness": [0.4, -0.99], "Color": [0.9, -0.5],
              "Contrast": [0.95, -0.7], "Sharpness": [0.99, -0.6], "Posterize": [2, 5, 8], "Solarize": [0.0, 100.3, 255.0]}


def pictures():
    """Smooth colours with some noise, saturated places, and a grey patch; values that leave both ends free in one."""
    rng = np.random.default_rng(3)
    height, width = 21, 27
    y, x = np.mgrid[0:height, 0:width]
    planes = [128 + 120 * np.sin(x / 5 + y / 9), 255 * x / width, 255 * (y / height) ** 2]
    rgb = np.stack(planes, axis=-1) + rng.normal(0, 12, (height, width, 3))
    rgb[3:9, 4:12] = rgb[3:9, 4:12].mean(axis=-1, keepdims=True)
    rgb[12:15, 2:6] = [255, 0, 0]
    grey = 60 + 90 * np.cos(x / 4) * np.sin(y / 3) + rng.normal(0, 8, (height, width))
    return {"rgb": np.clip(rgb, 0, 255).astype(np.uint8), "grey": np.clip(grey, 20, 200).astype(np.uint8)[..., None]}


def to_pil(array):
    return Image.fromarray(array if array.shape[2] == 3 else array[..., 0])


def to_array(image):
    array = np.asarray(image)
    return np.ascontiguousarray(array if array.ndim == 3 else array[..., None])


def changed(image):
    """(name, picture) of every change."""
    nearest, bilinear = InterpolationMode.NEAREST, InterpolationMode.BILINEAR
    for op in OPS:
        for magnitude in MAGNITUDES.get(op, [0.0]):
            yield f"{OPS.index(op)}:{magnitude}", _apply_op(image, op, magnitude, nearest, None)
    for height, width in [(9, 11), (40, 33), (21, 50), (6, 27), (1, 1), (22, 28)]:
        yield f"resize:{height},{width}", F.resize(image, [height, width], bilinear)
    for side in [8, 21, 36]:
        yield f"shorter:{side}", F.resize(image, side, bilinear)
    for box in [(2, 3, 9, 13, 8, 8), (0, 0, 21, 5, 12, 12), (20, 26, 1, 1, 3, 3), (5, 1, 4, 20, 16, 16)]:
        yield f"resized-crop:{','.join(map(str, box))}", F.resized_crop(image, *box[:4], list(box[4:]), bilinear)
    for height, width in [(8, 8), (7, 10), (30, 30), (10, 40)]:
        yield f"centre:{height},{width}", F.center_crop(image, [height, width])
    yield "flip:", F.hflip(image)
    for top, left in [(0, 0), (3, 8)]:
        yield f"pad-crop:{top},{left}", F.crop(F.pad(image, 4), top, left, image.height, image.width)
    for turns in [0.1, -0.5, 0.37]:
        yield f"hue:{turns}", F.adjust_hue(image, turns)


def magnitudes(space):
    rows = [torch.broadcast_to(space[op][0].double(), (31,)) for op in OPS]
    assert list(space) == OPS and all(space[op][1] == (0 < OPS.index(op) < 10) for op in OPS)
    return torch.stack(rows).numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "tests/golden/transforms.safetensors")
    arguments = parser.parse_args()
    tensors = {}
    for name, array in pictures().items():
        tensors[name] = array
        for change, result in changed(to_pil(array)):
            tensors[f"{name}/{change}"] = to_array(result)
    tensors["magnitude/trivial/0"] = magnitudes(TrivialAugmentWide()._augmentation_space(31))
    for extent in [27, 32, 224]:
        tensors[f"magnitude/rand/{extent}"] = magnitudes(RandAugment()._augmentation_space(31, (extent, extent)))
    save_file(tensors, arguments.out)
    print(f"{arguments.out}: {len(tensors)} tensors")


if __name__ == "__main__":
    main()
