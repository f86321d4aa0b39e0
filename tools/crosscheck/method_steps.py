#!/usr/bin/env python3
"""Makes tests/golden/method_steps.safetensors: three training steps of a small network under every method.

    tools/crosscheck/method_steps.py [--check]

Written from the definition of the methods (arXiv 2309.13015, table 1; arXiv 2102.04010), in double precision, with the
standard library alone: it shares no line with Satsuma, and none with nm.py. `--check` makes nothing and ends with status 1
where the file is not what this makes; the tests do that. tests/models/method_steps_test.cpp repeats the runs.

A file holds

    init.<name>                  parameters before the first step, f32: multiples of 1/256, so that ties of magnitude are
                                 common and their rule counts
    images, labels               f32 [steps, N, C, H, W] and i64 [steps, N]
    <run>.<pattern>.<name>       f64, parameters after the last step
    <run>.<pattern>.losses       f64 [steps]

Whether two programs can agree depends on the seed: where a pre-activation, or the gap between two magnitudes of a group,
comes within rounding of zero, the smallest error grows to a finite one. Seeds with such a place are passed over.
"""

import argparse
import json
import math
import random
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden" / "method_steps.safetensors"

STEPS, IMAGES, CLASSES, SIZE = 3, 3, 10, 5
LR, MOMENTUM, WEIGHT_DECAY, SMOOTHING = 0.05, 0.9, 5e-4, 0.1
MARGIN = 2e-6  # of what decides, some ten times what single precision leaves


@dataclass(frozen=True)
class Layer:
    """A convolution [K, C, R, R]. The last one is the linear layer behind the mean over all pixels."""

    name: str
    outputs: int
    inputs: int
    kernel: int = 1
    stride: int = 1
    bias: bool = False

    def padding(self):
        return self.kernel // 2


# The first layer stays dense. Behind it are channels that are whole groups and such that are not.
LAYERS = (
    Layer("conv1", 8, 2, kernel=3),
    Layer("conv2", 16, 8, kernel=3, stride=2, bias=True),
    Layer("conv3", 12, 16),
    Layer("fc", CLASSES, 12, bias=True),
)


@dataclass(frozen=True)
class Run:
    """What a method does to the operands of FF and BP; WU is dense in all of them."""

    name: str
    ff_weight: str = "dense"  # or "inputs": N:M along input channels
    bp_weight: str = "dense"  # or "outputs": N:M along output channels; or "ff": zeros where FF has them
    bp_gradient: bool = False  # dY N:M along output channels
    decay: float = 0.0  # lambda of SR-STE


RUNS = (
    Run("dense"),
    Run("sr-ste-masked", ff_weight="inputs", bp_weight="ff", decay=0.03),
    Run("sr-ste-packed", ff_weight="inputs", bp_weight="outputs", decay=0.03),
    Run("sdgp", bp_gradient=True),
    Run("sdwp", bp_weight="outputs"),
    Run("bdwp", ff_weight="inputs", bp_weight="outputs"),
)
PATTERNS = ((2, 4), (2, 8))


class TooClose(Exception):
    """Something is decided by less than MARGIN."""


def kept_of(values, n, m):
    """Positions of the elements of a line that N:M keeps: group by group the largest magnitudes, of equal ones the first.

    A short last group keeps its share, rounded up. A line of less than one group is kept.
    """
    if len(values) < m:
        return set(range(len(values)))
    kept = set()
    for start in range(0, len(values), m):
        group = range(start, min(start + m, len(values)))
        order = sorted(group, key=lambda i: (-abs(values[i]), i))
        share = -(-n * len(group) // m)
        kept.update(order[:share])
        if share < len(group):
            least, best_left = abs(values[order[share - 1]]), abs(values[order[share]])
            if least != best_left and least - best_left < MARGIN * max(map(abs, values)):
                raise TooClose
    return kept


class Weight:
    """Elements of a layer's weight by (k, c, r, s)."""

    def __init__(self, layer, values):
        self.layer, self.values = layer, values

    @staticmethod
    def places(layer):
        taps = range(layer.kernel)
        return [(k, c, r, s) for k in range(layer.outputs) for c in range(layer.inputs) for r in taps for s in taps]

    def pruned(self, axis, n, m):
        """Zeros where N:M along `axis` keeps nothing: 0 is output channels, 1 input channels."""
        length = (self.layer.outputs, self.layer.inputs)[axis]
        result = dict.fromkeys(self.values, 0.0)
        for k, c, r, s in self.values:
            if (k, c)[axis] != 0:
                continue
            line = [(i, c, r, s) if axis == 0 else (k, i, r, s) for i in range(length)]
            for i in kept_of([self.values[place] for place in line], n, m):
                result[line[i]] = self.values[line[i]]
        return Weight(self.layer, result)


def taps_of(layer, height, out_height):
    """(p, q, r, s, h, w) of each output pixel, tap and the input pixel below it, padding left out."""
    for p in range(out_height):
        for q in range(out_height):
            for r in range(layer.kernel):
                for s in range(layer.kernel):
                    h = p * layer.stride + r - layer.padding()
                    w = q * layer.stride + s - layer.padding()
                    if 0 <= h < height and 0 <= w < height:
                        yield p, q, r, s, h, w


class Network:
    """One run: parameters, velocities, and what a step needs of the forward pass. Images are x[channel][h][w]."""

    def __init__(self, run, pattern, initial):
        self.run, self.pattern = run, pattern
        self.weights = {l.name: Weight(l, dict(initial[f"{l.name}.weight"])) for l in LAYERS}
        self.biases = {l.name: list(initial[f"{l.name}.bias"]) for l in LAYERS if l.bias}
        self.velocity = {}

    def sparse(self, layer):
        return layer is not LAYERS[0]

    def operand(self, layer, kind):
        weight = self.weights[layer.name]
        if not self.sparse(layer) or kind == "dense":
            return weight
        if kind == "ff":
            kind = self.run.ff_weight
        return weight.pruned(1 if kind == "inputs" else 0, *self.pattern)

    def forward(self, layer, x):
        weight = self.operand(layer, self.run.ff_weight).values
        height = len(x[0])
        out = (height + 2 * layer.padding() - layer.kernel) // layer.stride + 1
        bias = self.biases.get(layer.name, [0.0] * layer.outputs)
        y = [[[bias[k]] * out for _ in range(out)] for k in range(layer.outputs)]
        for p, q, r, s, h, w in taps_of(layer, height, out):
            pixel = [x[c][h][w] for c in range(layer.inputs)]
            for k in range(layer.outputs):
                y[k][p][q] += sum(weight[k, c, r, s] * pixel[c] for c in range(layer.inputs))
        return y

    def backward_data(self, layer, dy, height):
        weight = self.operand(layer, self.run.bp_weight).values
        if self.run.bp_gradient and self.sparse(layer):
            dy = self.pruned_gradient(dy)
        dx = [[[0.0] * height for _ in range(height)] for _ in range(layer.inputs)]
        for p, q, r, s, h, w in taps_of(layer, height, len(dy[0])):
            for k in range(layer.outputs):
                if (gradient := dy[k][p][q]) != 0:
                    for c in range(layer.inputs):
                        dx[c][h][w] += weight[k, c, r, s] * gradient
        return dx

    def pruned_gradient(self, dy):
        """Pixel by pixel, N:M along output channels."""
        out = len(dy[0])
        result = [[[0.0] * out for _ in range(out)] for _ in dy]
        for p in range(out):
            for q in range(out):
                line = [channel[p][q] for channel in dy]
                for k in kept_of(line, *self.pattern):
                    result[k][p][q] = line[k]
        return result

    def step(self, images, labels):
        """One step; returns the loss, the mean over the images."""
        grads = {l.name: dict.fromkeys(self.weights[l.name].values, 0.0) for l in LAYERS}
        bias_grads = {name: [0.0] * len(bias) for name, bias in self.biases.items()}
        loss = 0.0
        for image, label in zip(images, labels):
            loss += self.image(image, label, grads, bias_grads) / len(images)
        for layer in LAYERS:
            self.decay(layer, grads[layer.name])
        for layer in LAYERS:
            weight = self.weights[layer.name].values
            self.descend(f"{layer.name}.weight", weight, grads[layer.name], weight)
            if layer.bias:
                bias = self.biases[layer.name]
                self.descend(f"{layer.name}.bias", bias, bias_grads[layer.name], range(len(bias)))
        return loss

    def image(self, image, label, grads, bias_grads):
        inputs, x = [], image
        for layer in LAYERS[:-1]:
            inputs.append(x)
            x = self.forward(layer, x)
            if any(0 < abs(v) < MARGIN for channel in x for row in channel for v in row):
                raise TooClose
            x = [[[max(v, 0.0) for v in row] for row in channel] for channel in x]
        features, size = x, len(x[0])
        pooled = [[[sum(map(sum, channel)) / size**2]] for channel in features]
        inputs.append(pooled)
        logits = [channel[0][0] for channel in self.forward(LAYERS[-1], pooled)]

        total = sum(math.exp(z) for z in logits)
        target = [SMOOTHING / CLASSES + (1 - SMOOTHING) * (i == label) for i in range(CLASSES)]
        loss = sum(t * (math.log(total) - z) for t, z in zip(target, logits))
        dy = [[[(math.exp(z) / total - t) / IMAGES]] for z, t in zip(logits, target)]

        outputs = features
        for number in reversed(range(len(LAYERS))):
            layer, x = LAYERS[number], inputs[number]
            grad, out = grads[layer.name], len(dy[0])
            for p, q, r, s, h, w in taps_of(layer, len(x[0]), out):
                for k in range(layer.outputs):
                    if (gradient := dy[k][p][q]) != 0:
                        for c in range(layer.inputs):
                            grad[k, c, r, s] += gradient * x[c][h][w]
            if layer.bias:
                for k in range(layer.outputs):
                    bias_grads[layer.name][k] += sum(map(sum, dy[k]))
            if number == 0:
                return loss
            dx = self.backward_data(layer, dy, len(x[0]))
            if number == len(LAYERS) - 1:  # each pixel has its share of the mean
                dx = [[[channel[0][0] / size**2] * size for _ in range(size)] for channel in dx]
            outputs = features if number == len(LAYERS) - 1 else x
            dy = [[[g if v > 0 else 0.0 for g, v in zip(*rows)] for rows in zip(*channels)]
                  for channels in zip(dx, outputs)]

    def decay(self, layer, grad):
        """SR-STE: lambda * W where FF leaves an element out."""
        if self.run.decay == 0 or not self.sparse(layer):
            return
        kept = self.operand(layer, self.run.ff_weight).values
        for place, value in self.weights[layer.name].values.items():
            if kept[place] == 0:
                grad[place] += self.run.decay * value

    def descend(self, name, parameter, grad, places):
        """PyTorch's SGD: v = momentum * v + g + weight_decay * w, from v = g in the first step; w -= lr * v."""
        velocity = self.velocity.setdefault(name, {})
        for place in places:
            g = grad[place] + WEIGHT_DECAY * parameter[place]
            velocity[place] = MOMENTUM * velocity[place] + g if place in velocity else g
            parameter[place] -= LR * velocity[place]

    def state(self):
        result = {}
        for layer in LAYERS:
            result[f"{layer.name}.weight"] = list(self.weights[layer.name].values.values())
            if layer.bias:
                result[f"{layer.name}.bias"] = self.biases[layer.name]
        return result


def on_grid(rng, bound):
    """Uniform in [-bound, bound], a multiple of 1/256."""
    return rng.randint(-int(256 * bound), int(256 * bound)) / 256


def attempt(seed):
    """Tensors of the file by name, (dtype, shape, values); raises TooClose."""
    rng = random.Random(seed)
    initial, tensors = {}, {}
    for layer in LAYERS:
        bound = 2 / math.sqrt(layer.inputs * layer.kernel**2)
        initial[f"{layer.name}.weight"] = {place: on_grid(rng, bound) for place in Weight.places(layer)}
        if layer.bias:
            initial[f"{layer.name}.bias"] = [on_grid(rng, 0.5) for _ in range(layer.outputs)]
    shapes = {}
    for layer in LAYERS:
        linear = layer is LAYERS[-1]
        shapes[f"{layer.name}.weight"] = [layer.outputs, layer.inputs] + ([] if linear else [layer.kernel] * 2)
        shapes[f"{layer.name}.bias"] = [layer.outputs]
    for name, values in initial.items():
        tensors[f"init.{name}"] = ("F32", shapes[name], list(values.values() if isinstance(values, dict) else values))

    def image():
        return [[[on_grid(rng, 2) for _ in range(SIZE)] for _ in range(SIZE)] for _ in range(LAYERS[0].inputs)]

    images = [[image() for _ in range(IMAGES)] for _ in range(STEPS)]
    labels = [[rng.randrange(CLASSES) for _ in range(IMAGES)] for _ in range(STEPS)]
    flat = [v for step in images for x in step for channel in x for row in channel for v in row]
    tensors["images"] = ("F32", [STEPS, IMAGES, LAYERS[0].inputs, SIZE, SIZE], flat)
    tensors["labels"] = ("I64", [STEPS, IMAGES], [label for step in labels for label in step])
    for run in RUNS:
        for n, m in PATTERNS:
            network = Network(run, (n, m), initial)
            prefix = f"{run.name}.{n}:{m}"
            losses = [network.step(images[step], labels[step]) for step in range(STEPS)]
            tensors[f"{prefix}.losses"] = ("F64", [STEPS], losses)
            for name, values in network.state().items():
                tensors[f"{prefix}.{name}"] = ("F64", shapes[name], values)
    return tensors


CODES = {"F32": "f", "F64": "d", "I64": "q"}


def write(path, tensors, made_by):
    """A safetensors file: length of the header, header in JSON, elements."""
    header, data = {"__metadata__": {"made_by": made_by}}, b""
    for name in sorted(tensors):
        dtype, shape, values = tensors[name]
        packed = struct.pack(f"<{len(values)}{CODES[dtype]}", *values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read(path):
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata, tensors = header.pop("__metadata__"), {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        code = CODES[entry["dtype"]]
        values = struct.unpack(f"<{(end - begin) // struct.calcsize(code)}{code}", data[begin:end])
        tensors[name] = (entry["dtype"], entry["shape"], list(values))
    return metadata["made_by"], tensors


def differs(one, other):
    """Nothing, or what of two sets of tensors is not the same but for the last bits of exp and log."""
    if one.keys() != other.keys():
        return f"tensors of one side only: {' '.join(sorted(one.keys() ^ other.keys())[:5])}"
    for name, (dtype, shape, values) in one.items():
        if (dtype, shape) != other[name][:2]:
            return f"{name} is {dtype} {shape}, the file has {' '.join(map(str, other[name][:2]))}"
        for at, (a, b) in enumerate(zip(values, other[name][2])):
            if not math.isclose(a, b, rel_tol=1e-10, abs_tol=1e-13):
                return f"{name}: element {at} is {a}, the file has {b}"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="hold the file against what this makes")
    parser.add_argument("--out", type=Path, default=GOLDEN, metavar="FILE")
    args = parser.parse_args()
    if args.check:
        made_by, tensors = read(args.out)
        difference = differs(attempt(int(made_by.rsplit(" ", 1)[1])), tensors)
        print(difference or f"{args.out.name}: {len(tensors)} tensors, as made anew")
        return 1 if difference else 0
    for seed in range(1000):
        try:
            tensors = attempt(seed)
        except TooClose:
            continue
        write(args.out, tensors, f"method_steps.py, seed {seed}")
        print(f"{args.out}: seed {seed}, {args.out.stat().st_size} bytes")
        return 0
    sys.exit("no seed is far enough from all discontinuities")


if __name__ == "__main__":
    sys.exit(main())
