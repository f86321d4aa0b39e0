"""One PyTorch configuration of a training step, driven through pipes by `satsuma bench step --peer pytorch`.

    torch_step.py '{"model": "resnet18", "input": [3, 32, 32], "classes": 10, "batch_size": 64, "threads": 2,
                    "format": "nchw", "precision": "fp32"}'

With "forward": true a step is the forward pass alone, in evaluation.

Reads the number of steps to run from standard input, one a line, and answers each with one line of JSON. Between two
lines it waits for input and burns no processor time. Works with PyTorch 1.13 and later.
"""

import json
import os
import resource
import sys
import time

import torch
from torch import nn


def resnet18(shape, classes):
    import torchvision

    model = torchvision.models.resnet18(num_classes=classes)
    model.conv1 = nn.Conv2d(shape[0], 64, 3, 1, 1, bias=False)
    model.maxpool = nn.Identity()
    return model


def resnet50(shape, classes):
    import torchvision

    model = torchvision.models.resnet50(num_classes=classes)
    model.conv1 = nn.Conv2d(shape[0], 64, 3, 1, 1, bias=False)
    model.maxpool = nn.Identity()
    return model


def vgg19_bn(shape, classes):
    import torchvision

    features = torchvision.models.vgg19_bn().features
    features[0] = nn.Conv2d(shape[0], 64, 3, 1, 1)
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet20(shape, classes):
    layers = [nn.Conv2d(shape[0], 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    inputs = 16
    for outputs in (16, 32, 64):
        for _ in range(3):
            layers.append(BasicBlock(inputs, outputs, 1 if inputs == outputs else 2))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


class TransformerBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def attention(self, x):
        n, tokens, width = x.shape
        q, k, v = self.qkv(x).view(n, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if hasattr(nn.functional, "scaled_dot_product_attention"):  # PyTorch 2.0
            y = nn.functional.scaled_dot_product_attention(q, k, v)
        else:
            y = (q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(n, tokens, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VitCifar(nn.Module):
    """timm's VisionTransformer of 6 blocks, width 512, 8 heads and an equally wide hidden layer, on 4x4 patches."""

    def __init__(self, shape, classes):
        super().__init__()
        channels, height, width = shape
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 512))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + (height // 4) * (width // 4), 512))
        self.patches = nn.Conv2d(channels, 512, 4, 4)
        self.blocks = nn.Sequential(*(TransformerBlock(512, 8) for _ in range(6)))
        self.norm = nn.LayerNorm(512, eps=1e-6)
        self.head = nn.Linear(512, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), 1) + self.pos_embed
        return self.head(self.norm(self.blocks(x)[:, 0]))


MODELS = {
    "resnet18": resnet18,
    "resnet20": resnet20,
    "resnet50": resnet50,
    "vgg19_bn": vgg19_bn,
    "vit_cifar": VitCifar,
}


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def versions():
    config = torch.__config__.show()
    onednn = next((line.split("MKL-DNN")[-1].strip() for line in config.splitlines() if "MKL-DNN" in line), "")
    isa = getattr(getattr(torch.backends, "cpu", None), "get_cpu_capability", lambda: "")()
    return {"torch": torch.__version__, "onednn": onednn, "isa": isa}


class Step:
    """forward, backward and update of one fixed batch, as a training loop would run them."""

    def __init__(self, config):
        torch.manual_seed(0)
        memory_format = torch.channels_last if config["format"] == "channels_last" else torch.contiguous_format
        self.model = MODELS[config["model"]](config["input"], config["classes"]).to(memory_format=memory_format)
        self.images = torch.randn(config["batch_size"], *config["input"]).to(memory_format=memory_format)
        self.labels = torch.randint(0, config["classes"], (config["batch_size"],))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
        self.bf16 = config["precision"] == "bf16"
        self.forward_only = config.get("forward", False)
        self.model.train(not self.forward_only)

    def forward(self):
        start = time.perf_counter()
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            self.model(self.images)
        return time.perf_counter() - start

    def run(self):
        if self.forward_only:
            return self.forward()
        start = time.perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            loss = nn.functional.cross_entropy(self.model(self.images), self.labels)
        loss.backward()
        self.optimizer.step()
        return time.perf_counter() - start


def main():
    config = json.loads(sys.argv[1])
    if config["model"] not in MODELS:
        sys.exit(f"torch_step knows no model '{config['model']}', only {', '.join(MODELS)}")
    torch.set_num_threads(config["threads"])
    before = resident_bytes()
    step = Step(config)
    print(json.dumps(versions()), flush=True)
    for line in sys.stdin:
        seconds = [step.run() for _ in range(int(line))]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
        print(json.dumps({"seconds": seconds, "peak_memory_bytes": peak}), flush=True)


if __name__ == "__main__":
    main()
