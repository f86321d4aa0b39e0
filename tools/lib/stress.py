"""What the programs of tools/stress share: a tiny training, a reader of checkpoints, and a last line that counts."""

import json
import os
import struct

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
