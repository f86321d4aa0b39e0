#!/usr/bin/env python3
"""Holds nm.py against the definition: masks by plain loops, derivatives by what each pass is the adjoint of.

Run with any Python that has PyTorch: tools/crosscheck/test_nm.py
"""

import itertools
import unittest

import torch
import torch.nn.functional as F

from models import ResNet18
from nm import INPUT_CHANNELS, OUTPUT_CHANNELS, BdwpConv2d, BdwpLinear, Pattern, nm_mask


def mask_by_definition(weight, axis, n, m):
    """Group by group, element by element: keep one more largest, lowest index first, until the group has its share."""
    mask = torch.zeros_like(weight, dtype=torch.bool)
    others = [range(size) for i, size in enumerate(weight.shape) if i != axis]
    for rest in itertools.product(*others):
        line = rest[:axis] + (slice(None),) + rest[axis:]
        values = [abs(v) for v in weight[line].tolist()]
        if len(values) < m:
            mask[line] = True
            continue
        for start in range(0, len(values), m):
            group = list(range(start, min(start + m, len(values))))
            keep = (n * len(group) + m - 1) // m
            for _ in range(keep):
                best = max(group, key=lambda i: (values[i], -i))
                group.remove(best)
                mask[line][best] = True
    return mask


class Masks(unittest.TestCase):
    def test_against_definition(self):
        generator = torch.Generator().manual_seed(1)
        for n, m in [(1, 2), (2, 4), (1, 4), (2, 8), (2, 5), (3, 7), (4, 16), (1, 1), (4, 4)]:
            for shape in [(8, 16, 3, 3), (10, 7, 1, 1), (3, 19)]:
                # Few distinct magnitudes, so that ties and zeros are common.
                weight = torch.randint(-3, 4, shape, generator=generator).double()
                for axis in (INPUT_CHANNELS, OUTPUT_CHANNELS):
                    expected = mask_by_definition(weight, axis, n, m)
                    self.assertTrue(torch.equal(nm_mask(weight, axis, Pattern(n, m)), expected), (n, m, shape, axis))

    def test_short_group_keeps_its_share(self):
        weight = torch.arange(1.0, 12.0).view(1, 11)  # groups of 8 and 3; 2 and ceil(2 * 3 / 8) = 1 are kept
        kept = nm_mask(weight, INPUT_CHANNELS, Pattern(2, 8)).nonzero()[:, 1].tolist()
        self.assertEqual(kept, [6, 7, 10])


class Passes(unittest.TestCase):
    """<dy, Y> is linear in each operand, so each pass is found from values of <dy, conv(x, w)> alone."""

    pattern = Pattern(2, 4)

    def check(self, function, product, x, weight):
        x, weight = x.requires_grad_(), weight.requires_grad_()
        w_ff = weight.detach() * mask_by_definition(weight.detach(), 1, 2, 4)
        w_bp = weight.detach() * mask_by_definition(weight.detach(), 0, 2, 4)
        y = function(x, weight)
        self.assertTrue(torch.equal(y, product(x.detach(), w_ff)))
        dy = torch.randn(y.shape, dtype=torch.float64)
        dx, dw = torch.autograd.grad(y, (x, weight), dy)

        def by_basis(like, value_at):
            result = torch.zeros_like(like)
            for index in itertools.product(*map(range, like.shape)):
                basis = torch.zeros_like(like)
                basis[index] = 1
                result[index] = value_at(basis)
            return result

        with torch.no_grad():
            expected_dx = by_basis(x, lambda e: (dy * product(e, w_bp)).sum())
            expected_dw = by_basis(weight, lambda e: (dy * product(x, e)).sum())
        torch.testing.assert_close(dx, expected_dx)
        torch.testing.assert_close(dw, expected_dw)

    def test_conv2d(self):
        torch.manual_seed(2)
        x, weight = torch.randn(2, 6, 5, 5).double(), torch.randn(8, 6, 3, 3).double()
        for stride, padding in [((1, 1), (1, 1)), ((2, 2), (1, 1)), ((2, 2), (0, 0))]:
            self.check(
                lambda x, w: BdwpConv2d.apply(x, w, self.pattern, stride, padding),
                lambda x, w: F.conv2d(x, w, None, stride, padding),
                x.clone(),
                weight.clone(),
            )

    def test_linear(self):
        torch.manual_seed(3)
        x, weight, bias = torch.randn(3, 9).double(), torch.randn(10, 9).double(), torch.zeros(10).double()
        self.check(lambda x, w: BdwpLinear.apply(x, w, bias, self.pattern), F.linear, x, weight)


class Networks(unittest.TestCase):
    def test_resnet18_is_torchvisions(self):
        try:
            from torchvision.models import resnet18
        except ImportError:
            self.skipTest("no torchvision")
        ours, theirs = ResNet18(classes=1000, stem="imagenet").eval(), resnet18().eval()
        ours.load_state_dict(theirs.state_dict())
        x = torch.randn(2, 3, 64, 64)
        with torch.no_grad():
            torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)


if __name__ == "__main__":
    unittest.main()
