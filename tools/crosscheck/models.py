"""The residual networks of models/ in PyTorch, under the same parameter names."""

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
