#!/usr/bin/env python3
"""Makes tests/golden/pretrained.safetensors: weights of narrow models of timm and torchvision, and what they make of images.

    tools/crosscheck/make_pretrained.py [--out tests/golden]

    vit.*          timm's VisionTransformer: width 24, 12 blocks, 3 heads, 64 pixels in patches of 16; all f16
    vgg11.*        torchvision's VGG-11 features of 8 to 32 channels, one linear layer; all f16
    NAME.images    f16 [2, 3, H, W];  NAME.logits, f32, in double from them;  vit.wide.*: for images of 96x32, positions
                   resampled by timm's resample_abs_pos_embed
    positions.from, positions.HxW   f32, the same function alone
    layer_decay    f64, timm's factors of the learning rate at --layer-decay .75, for each parameter in its order
    state names are `NAME.state.<name>`

tests/models/pretrained_test.cpp reads it. tools/crosscheck/pretrained.py does the same at full size.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file
from timm.layers import resample_abs_pos_embed
from timm.models.vision_transformer import VisionTransformer
from timm.optim import param_groups_layer_decay
from torch import nn
from torchvision.models.vgg import make_layers

from pretrained import disturb

SIZES = ((6, 2), (3, 3), (7, 5), (2, 4))


def vit(size):
    return VisionTransformer(img_size=size, patch_size=16, embed_dim=24, depth=12, num_heads=3, num_classes=5)


class Vgg11(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = make_layers([8, "M", 8, "M", 16, 16, "M", 32, 32, "M", 32, 32, "M"], batch_norm=False)
        self.classifier = nn.Sequential(nn.Linear(32, 5))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def in_halves(model):
    with torch.no_grad():
        for tensor in disturb(model).state_dict().values():
            tensor.copy_(tensor.half())
    return model.double().eval()


def logits(model, images):
    with torch.no_grad():
        return model(images.double()).float()


def layer_decay(model):
    factors = {}
    for group in param_groups_layer_decay(model, layer_decay=0.75):
        factors |= {id(parameter): group["lr_scale"] for parameter in group["params"]}
    return torch.tensor([factors[id(parameter)] for parameter in model.parameters()], dtype=torch.float64)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "tests" / "golden")
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tensors = {}
    models = {"vit": in_halves(vit((64, 64))), "vgg11": in_halves(Vgg11())}
    for name, model in models.items():
        images = torch.randn(2, 3, 64, 64).half()
        tensors |= {f"{name}.state.{key}": value.half() for key, value in model.state_dict().items()}
        tensors |= {f"{name}.images": images, f"{name}.logits": logits(model, images)}

    wide = vit((96, 32)).double().eval()
    state = models["vit"].state_dict()
    state["pos_embed"] = resample_abs_pos_embed(state["pos_embed"].float(), (6, 2)).double()
    wide.load_state_dict(state)
    images = torch.randn(2, 3, 96, 32).half()
    tensors |= {"vit.wide.images": images, "vit.wide.logits": logits(wide, images)}

    tensors["positions.from"] = torch.randn(1, 17, 8)
    for height, width in SIZES:
        tensors[f"positions.{height}x{width}"] = resample_abs_pos_embed(tensors["positions.from"], (height, width))
    tensors["layer_decay"] = layer_decay(models["vit"])
    path = args.out / "pretrained.safetensors"
    save_file({name: value.contiguous() for name, value in tensors.items()}, path,
              {"made_by": f"make_pretrained.py, PyTorch {torch.__version__}"})
    path.chmod(0o644)
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
