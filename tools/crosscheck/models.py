"""The networks of models/ in PyTorch, under the same parameter names."""

import torch
import torch.nn.functional as F
from torch import nn

from nm import Conv2d, Linear


def scaled(channels, width):
    """`channels` times `width`, rounded to a multiple of 8."""
    return max(8, int(channels * width / 8 + 0.5) * 8)


class BasicBlock(nn.Module):
    """relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)), as in torchvision."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = Conv2d(inputs, outputs, 3, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = Conv2d(outputs, outputs, 3)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(Conv2d(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions with the stride on the second, as in torchvision."""

    def __init__(self, inputs, channels, stride):
        super().__init__()
        outputs = 4 * channels
        self.conv1 = Conv2d(inputs, channels, 1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = Conv2d(channels, channels, 3, stride)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = Conv2d(channels, outputs, 1)
        self.bn3 = nn.BatchNorm2d(outputs)
        nn.init.constant_(self.bn3.weight, 0.25)  # small branches: rounding grows less from block to block
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(Conv2d(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """torchvision's resnet18 with a choice of stem and width."""

    def __init__(self, in_channels=3, classes=10, stem="cifar", width=1.0):
        super().__init__()
        channels = [scaled(c, width) for c in (64, 128, 256, 512)]
        self.imagenet = stem == "imagenet"
        self.conv1 = Conv2d(in_channels, channels[0], 7, 2) if self.imagenet else Conv2d(in_channels, channels[0], 3)
        self.bn1 = nn.BatchNorm2d(channels[0])
        inputs = channels[0]
        for i, outputs in enumerate(channels):
            blocks = (BasicBlock(inputs, outputs, 1 if i == 0 else 2), BasicBlock(outputs, outputs, 1))
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
            inputs = outputs
        self.fc = Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        if self.imagenet:
            x = F.max_pool2d(x, 3, 2, 1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return self.fc(x.mean((2, 3)))


class ResNet20(nn.Module):
    """The CIFAR form (arXiv 1512.03385, section 4.2) with 1x1 convolutions as shortcuts."""

    def __init__(self, in_channels=3, classes=10, width=1.0):
        super().__init__()
        channels = [scaled(c, width) for c in (16, 32, 64)]
        self.conv1 = Conv2d(in_channels, channels[0], 3)
        self.bn1 = nn.BatchNorm2d(channels[0])
        inputs = channels[0]
        for i, outputs in enumerate(channels):
            blocks = [BasicBlock(outputs if j else inputs, outputs, 1 if j or not i else 2) for j in range(3)]
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
            inputs = outputs
        self.fc = Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


class ConvBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = Conv2d(inputs, outputs, 3)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class ResNet9(nn.Module):
    """DAWNBench's form: global max pooling, logits scaled by 1/8, a classifier without bias."""

    def __init__(self, in_channels=3, classes=10, width=1.0):
        super().__init__()
        channels = [scaled(c, width) for c in (64, 128, 256, 512)]
        self.prep = ConvBlock(in_channels, channels[0])
        self.layer1 = ConvBlock(channels[0], channels[1])
        self.residual1 = nn.Sequential(*(ConvBlock(channels[1], channels[1]) for _ in range(2)))
        self.layer2 = ConvBlock(channels[1], channels[2])
        self.layer3 = ConvBlock(channels[2], channels[3])
        self.residual3 = nn.Sequential(*(ConvBlock(channels[3], channels[3]) for _ in range(2)))
        self.fc = Linear(channels[3], classes, bias=False)

    def forward(self, x):
        x = F.max_pool2d(self.layer1(self.prep(x)), 2)
        x = x + self.residual1(x)
        x = F.max_pool2d(self.layer2(x), 2)
        x = F.max_pool2d(self.layer3(x), 2)
        x = x + self.residual3(x)
        return self.fc(x.amax((2, 3))) / 8


class ResNet50(nn.Module):
    """torchvision's resnet50 with the stem for small images and a choice of width."""

    def __init__(self, in_channels=3, classes=10, width=1.0):
        super().__init__()
        inputs = scaled(64, width)
        self.conv1 = Conv2d(in_channels, inputs, 3)
        self.bn1 = nn.BatchNorm2d(inputs)
        for i, (channels, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
            channels = scaled(channels, width)
            blocks = []
            for j in range(count):
                blocks.append(Bottleneck(inputs, channels, 2 if i and not j else 1))
                inputs = 4 * channels
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class Vgg19Bn(nn.Module):
    """torchvision's vgg19_bn up to its classifier, which is a global average and one linear layer."""

    def __init__(self, in_channels=3, classes=10, width=1.0):
        super().__init__()
        layers = []
        inputs = in_channels
        for channels, count in ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4)):
            outputs = scaled(channels, width)
            for _ in range(count):
                layers += [Conv2d(inputs, outputs, 3, bias=True), nn.BatchNorm2d(outputs), nn.ReLU()]
                inputs = outputs
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(Linear(inputs, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = Linear(width, 3 * width)
        self.proj = Linear(width, width)

    def forward(self, x):
        n, tokens, width = x.shape
        q, k, v = self.qkv(x).view(n, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        p = (q @ k.transpose(-2, -1) / (width // self.heads) ** 0.5).softmax(-1)
        return self.proj((p @ v).transpose(1, 2).reshape(n, tokens, width))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = Linear(width, hidden)
        self.fc2 = Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class TransformerBlock(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, hidden)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbedding(nn.Module):
    def __init__(self, in_channels, width, patch):
        super().__init__()
        self.proj = Conv2d(in_channels, width, patch, patch, padding=0, bias=True)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class VitCifar(nn.Module):
    """timm's VisionTransformer of 6 blocks, width 512, 8 heads and an equally wide hidden layer, on 4x4 patches."""

    def __init__(self, in_channels=3, classes=10, width=1.0, size=16):
        super().__init__()
        width = scaled(512, width)
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + (size // 4) ** 2, width))
        self.patch_embed = PatchEmbedding(in_channels, width, 4)
        self.blocks = nn.Sequential(*(TransformerBlock(width, 8, width) for _ in range(6)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = Linear(width, classes)

    def forward(self, x):
        x = self.patch_embed(x)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), 1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])
