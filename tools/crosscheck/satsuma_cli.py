"""Runs of the satsuma command, and the files that it reads and writes."""

import gzip
import json
import struct
import subprocess
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")  # Debian: dataset-fashion-mnist


class Satsuma:
    def __init__(self, path):
        self.path = str(path)

    def __call__(self, *arguments):
        """Standard output of `satsuma ARGUMENTS`; ends the program with satsuma's own message where it fails."""
        command = [self.path, *map(str, arguments)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.strip()}")
        return done.stdout

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json"))


def read_idx(path):
    """Array of unsigned bytes in an IDX file, gzipped or not."""
    data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def write_idx(path, array):
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.tobytes())


def write_dataset(folder, count):
    """Writes a data set in Fashion-MNIST's form and returns its images [count, 28, 28] and labels [count].

    They are the first of Fashion-MNIST where it is installed, noise otherwise. The test images are a few of them.
    """
    sources = [FASHION_MNIST / f"train-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    if all(source.is_file() for source in sources):
        images, labels = (read_idx(source)[:count] for source in sources)
    else:
        random = np.random.default_rng(0)
        images = random.integers(0, 256, (count, 28, 28), np.uint8)
        labels = random.integers(0, 10, count, np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    for split, some in (("train", count), ("t10k", 16)):
        write_idx(folder / f"{split}-images-idx3-ubyte", images[:some])
        write_idx(folder / f"{split}-labels-idx1-ubyte", labels[:some])
    return images, labels


def model_input(images, constants):
    """Images as the model gets them, by the constants of `satsuma datasets NAME --json`: padded, then normalised."""
    pad = constants["pad"]
    padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad)))
    mean, std = constants["mean"][0], constants["std"][0]
    return torch.from_numpy((padded / 255.0 - mean) / std)[:, None]


class Checkpoint:
    """Weights, running statistics and velocities of a checkpoint; the tensors are f32."""

    def __init__(self, path):
        prefix = "optimizer.momentum_buffer."
        tensors = load_file(path)
        self.velocity = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        self.state = {n: t for n, t in tensors.items() if t.is_floating_point() and not n.startswith(prefix)}
