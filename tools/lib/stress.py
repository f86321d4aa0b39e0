"""What the programs of tools/stress share: a tiny training, a reader of checkpoints, and a last line that counts."""

import json
import os
import struct
import subprocess

# A run of a third of a second: a narrow ResNet-9 on small generated images.
DATA = ["--model", "resnet9", "--width", "0.125", "--data", "synthetic", "--input", "3x16x16", "--classes", "4"]
DATA += ["--limit-train", "192", "--batch-size", "32", "--threads", "2"]


class Failure(Exception):
    """What was promised and does not hold, in a line."""


class Tally:
    """Counts what passed and what failed."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def attempt(self, name, work):
        try:
            work()
        except Failure as failure:
            self.failed += 1
            print(f"FAILED: {name}: {failure}", flush=True)
        else:
            self.passed += 1

    def finish(self):
        """Prints the last line; the exit status."""
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def environment(**more):
    return {**os.environ, "OMP_WAIT_POLICY": "passive", "SATSUMA_TUNE": "off", **more}


def clean(command, *arguments, folder=None, seconds=None):
    """What a command prints that ends in peace; Failure, in a line, where it does not, or not within so many seconds."""
    words = " ".join(map(str, arguments))
    try:
        done = subprocess.run([str(command), *map(str, arguments)], cwd=folder, env=environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failure(f"{words}: no end within {seconds} seconds") from None
    if done.returncode != 0:
        raise Failure(f"{words}: exit status {done.returncode}: {done.stderr[-500:]!r}")
    return done.stdout


def safetensors(path):
    """Tensors of a file, name to type, shape and bytes; Failure where it is not whole."""
    content = path.read_bytes()
    try:
        (size,) = struct.unpack_from("<Q", content)
        header = json.loads(content[8 : 8 + size])
        data = content[8 + size :]
        spans = {name: entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"}
        if max(end for _, end in spans.values()) != len(data):
            raise ValueError(f"{len(data)} bytes of data")
        return {name: (header[name]["dtype"], header[name]["shape"], data[begin:end]) for name, (begin, end) in spans.items()}
    except (ValueError, KeyError, struct.error) as error:
        raise Failure(f"{path} is no whole checkpoint: {error}") from error
