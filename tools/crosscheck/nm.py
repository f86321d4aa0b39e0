"""N:M masks and BDWP layers in PyTorch, written from the method's definition and from nothing in Satsuma's sources.

A convolution or linear layer computes three products:

    FF  Y = X * W        BP  dX = dY * W^T        WU  dW = X^T * dY

BDWP multiplies with W_ff in FF (N:M along input channels) and with W_bp in BP (N:M along output channels). WU is dense,
and its result is the gradient of the dense weight (straight-through).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.grad import conv2d_input, conv2d_weight

OUTPUT_CHANNELS, INPUT_CHANNELS = 0, 1  # axes of a weight [K, C, ...]


@dataclass(frozen=True)
class Pattern:
    """At most `n` of each `m` consecutive elements are kept."""

    n: int
    m: int

    @staticmethod
    def parse(text):
        n, m = (int(part) for part in text.split(":"))
        if not 1 <= n <= m <= 64:
            raise ValueError(f"pattern {text}: expected 1 <= N <= M <= 64")
        return Pattern(n, m)

    def kept(self, length):
        """Elements kept in a group of `length` <= m elements."""
        return -(-self.n * length // self.m)

    def __str__(self):
        return f"{self.n}:{self.m}"


def nm_mask(weight, axis, pattern):
    """True where an element is among the largest magnitudes of its group along `axis`; ties keep the lower index.

    A last group that is short keeps its share, rounded up.
    """
    mask = torch.zeros_like(weight, dtype=torch.bool)
    length = weight.shape[axis]
    if length < pattern.m:  # too few channels for one group: this pass stays dense
        return torch.ones_like(mask)
    for start in range(0, length, pattern.m):
        size = min(pattern.m, length - start)
        magnitude = weight.detach().narrow(axis, start, size).abs()
        order = torch.sort(magnitude, dim=axis, descending=True, stable=True).indices
        mask.narrow(axis, start, size).scatter_(axis, order.narrow(axis, 0, pattern.kept(size)), True)
    return mask


class BdwpConv2d(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, pattern, stride, padding):
        ctx.save_for_backward(x, weight)
        ctx.pattern, ctx.stride, ctx.padding = pattern, stride, padding
        return F.conv2d(x, weight * nm_mask(weight, INPUT_CHANNELS, pattern), None, stride, padding)

    @staticmethod
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        w_bp = weight * nm_mask(weight, OUTPUT_CHANNELS, ctx.pattern)
        dx = conv2d_input(x.shape, w_bp, dy, ctx.stride, ctx.padding)
        dw = conv2d_weight(x, weight.shape, dy, ctx.stride, ctx.padding)
        return dx, dw, None, None, None


class BdwpLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, pattern):
        ctx.save_for_backward(x, weight)
        ctx.pattern = pattern
        return F.linear(x, weight * nm_mask(weight, INPUT_CHANNELS, pattern), bias)

    @staticmethod
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        dx = dy @ (weight * nm_mask(weight, OUTPUT_CHANNELS, ctx.pattern))
        dy, x = dy.flatten(0, -2), x.flatten(0, -2)  # tokens of all images alike
        return dx, dy.t() @ x, dy.sum(0) if ctx.needs_input_grad[2] else None, None


class Conv2d(nn.Conv2d):
    """nn.Conv2d, by default without bias and of the size of its input, that follows BDWP once `pattern` is set."""

    pattern = None

    def __init__(self, in_channels, out_channels, kernel, stride=1, padding=None, bias=False):
        padding = kernel // 2 if padding is None else padding
        super().__init__(in_channels, out_channels, kernel, stride, padding, bias=bias)

    def forward(self, x):
        if self.pattern is None:
            return super().forward(x)
        y = BdwpConv2d.apply(x, self.weight, self.pattern, self.stride, self.padding)
        return y if self.bias is None else y + self.bias[:, None, None]


class Linear(nn.Linear):
    """nn.Linear that follows BDWP once `pattern` is set."""

    pattern = None

    def forward(self, x):
        if self.pattern is None:
            return super().forward(x)
        return BdwpLinear.apply(x, self.weight, self.bias, self.pattern)


def contractions(model):
    """The convolution and linear layers by name, in order."""
    return [(name, layer) for name, layer in model.named_modules() if isinstance(layer, (Conv2d, Linear))]


def train_sparse(model, pattern):
    """Sets BDWP in all layers but the first convolution, where a pass has channels for at least one group."""
    for _, layer in contractions(model)[1:]:
        if max(layer.weight.shape[:2]) >= pattern.m:
            layer.pattern = pattern
    return model
