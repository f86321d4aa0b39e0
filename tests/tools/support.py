"""What the tests of the satsuma command share. The command is named by the environment variable SATSUMA."""

import json
import os
import signal
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

SATSUMA = os.environ["SATSUMA"]

# A run of a second: a narrow ResNet-9 on small generated images.
TINY = ["--model", "resnet9", "--width", "0.125", "--data", "synthetic", "--input", "3x16x16", "--classes", "4"]
TINY += ["--limit-train", "192", "--batch-size", "32", "--method", "bdwp", "--nm", "2:8", "--threads", "2"]


def environment(**more):
    # Tests run side by side: threads that wait must not keep the others from working.
    return {**os.environ, "OMP_WAIT_POLICY": "passive", "SATSUMA_TUNE": "off", **more}


class CommandTest(unittest.TestCase):
    """A temporary folder, and ways to run the command and to hold what it says against what was promised."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="satsuma-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def satsuma(self, *arguments, code=0, **options):
        """Runs the command, requires its exit code to be one of `code`, and returns what it wrote."""
        command = [SATSUMA, *map(str, arguments)]
        options = {"cwd": self.folder, "env": environment(), "timeout": 300, **options}
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        codes = code if isinstance(code, tuple) else (code,)
        self.assertIn(done.returncode, codes, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
        return done

    def peak_memory(self, *arguments):
        """Runs the command and returns the most memory that it had, in bytes."""
        process = subprocess.Popen([SATSUMA, *map(str, arguments)], cwd=self.folder, env=environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss * 1024

    def json(self, *arguments):
        """The one object on standard output."""
        return json.loads(self.satsuma(*arguments, "--json").stdout)

    def refusal(self, *arguments, code, **options):
        """The one line with which the command refuses."""
        errors = self.satsuma(*arguments, code=code, **options).stderr
        lines = [line for line in errors.splitlines() if line.startswith("satsuma: error: ")]
        self.assertEqual(len(lines), 1, errors)
        for trace in ("terminate called", "Assertion", "Sanitizer", "core dumped"):
            self.assertNotIn(trace, errors)
        return lines[0].removeprefix("satsuma: error: ")

    def train(self, out, *arguments, code=0):
        return self.satsuma("train", *TINY, "--out", out, *arguments, code=code)

    def assert_same_tensors(self, first, second):
        first, second = (read_safetensors(self.folder / path) for path in (first, second))
        self.assertEqual(first.keys(), second.keys())
        for name, value in first.items():
            self.assertEqual(value, second[name], name)


def read_safetensors(path):
    """Tensors of a file: name to (dtype, shape, bytes)."""
    content = path.read_bytes()
    (size,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + size])
    data = content[8 + size :]
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            tensors[name] = (entry["dtype"], tuple(entry["shape"]), data[begin:end])
    return tensors


def write_safetensors(path, header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_bmp(path, side=8):
    """A black picture; folders above it are made."""
    pixels = bytes(3 * side * side)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) +
                     struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, len(pixels), 0, 0, 0, 0) + pixels)


def wait_for(condition, seconds=60):
    """Returns when `condition` holds; fails the test when it never does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.01)


def interrupt(process, number=signal.SIGINT):
    process.send_signal(number)
    return process.wait(timeout=120)
