"""`bench step` and `bench loader` with `--peer pytorch`: with a made-up interpreter always, with a real one where there is PyTorch."""

import os
import shutil
import subprocess
import time
import unittest
from pathlib import Path

from support import CommandTest

STEP = ["bench", "step", "--model", "resnet20", "--batch-size", "4", "--repeat", "2", "--warmup", "1", "--methods", "dense"]

# Answers as torch_step.py does; a step takes FAST or SLOW seconds by format.
ANSWERS = """
import json, sys
config = json.loads(sys.argv[2])
assert sys.argv[1].endswith("torch_step.py") and config["model"] == "resnet20", sys.argv
assert [config[key] for key in ("input", "classes", "batch_size", "precision")] == [[3, 32, 32], 10, 4, "fp32"]
print(json.dumps({"torch": "9.9", "onednn": "", "isa": ""}), flush=True)
for line in sys.stdin:
    seconds = 2.0 if config["format"] == "nchw" else 1.0
    print(json.dumps({"seconds": [seconds] * int(line), "peak_memory_bytes": 2**29}), flush=True)
"""


def has_torch(python):
    command = [python, "-c", "import torch, torchvision"]
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


class Peer(CommandTest):
    def python(self, code):
        """An interpreter that runs `code` instead of the script it is given."""
        path = self.folder / "python"
        path.write_text(f"#!/usr/bin/env python3\n{code}")
        path.chmod(0o755)
        return ["--peer", "pytorch", "--peer-python", path]

    def test_json(self):
        result = self.json(*STEP, *self.python(ANSWERS))
        self.assertEqual([peer["name"] for peer in result["peers"]], ["PyTorch 9.9 nchw", "PyTorch 9.9 channels_last"])
        self.assertEqual([peer["seconds"]["median"] for peer in result["peers"]], [2, 1])
        (row,) = result["results"]
        ratio = row["peer_ratio"]
        self.assertEqual(ratio["over"], "PyTorch 9.9 channels_last")
        self.assertAlmostEqual(ratio["min"] * row["seconds_max"], 1, 6)
        self.assertAlmostEqual(ratio["max"] * row["seconds_min"], 1, 6)

    def test_text(self):
        text = self.satsuma(*STEP, *self.python(ANSWERS)).stdout
        self.assertRegex(text, r"\nPyTorch 9\.9 nchw +fp32 +2000\.0 +2000\.0 to 2000\.0 +512 MiB\n")
        self.assertRegex(text, r"\ndense fp32: [\d.]+x \([\d.]+ to [\d.]+\) as fast as PyTorch 9\.9 channels_last\n")

    def test_forward(self):
        answers = ANSWERS.replace("assert [", 'assert config["forward"] and [')
        forward = ["bench", "forward", "--model", "resnet20", "--batch-size", "4", "--repeat", "2", "--methods", "dense"]
        (row,) = self.json(*forward, *self.python(answers))["results"]
        self.assertEqual(row["peer"], "PyTorch 9.9 channels_last")
        self.assertEqual(row["peer_seconds"]["median"], 1)
        self.assertAlmostEqual(row["peer_ratio"], 1 / row["seconds"]["median"], 6)
        text = self.satsuma(*forward, *self.python(answers)).stdout
        self.assertRegex(text, r" 1000\.00 +PyTorch 9\.9 channels_last")

    def test_loader(self):
        """Ours and a packed file in turns with a peer whose epochs take two seconds."""
        pictures = Path(os.environ["SATSUMA_TEST_PICTURES"])
        for number in range(8):
            folder = self.folder / "set" / "ab"[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(pictures / "baseline.jpg", folder / f"{number}.jpg")
        self.satsuma("data", "pack", "set", "-o", "set.pack")
        answers = """
import json, sys
config = json.loads(sys.argv[2])
assert sys.argv[1].endswith("torch_loader.py") and config["folder"] == "set", sys.argv
assert [config[key] for key in ("images", "image_size", "batch_size", "workers")] == [7, 32, 2, 2], config
print(json.dumps({"torch": "9.9"}), flush=True)
for line in sys.stdin:
    print(json.dumps({"seconds": [2.0] * int(line), "peak_memory_bytes": 0}), flush=True)
"""
        run = ["bench", "loader", "--data", "set", "--data", "set.pack", "--images", "7", "--image-size", "32"]
        run += ["--batch-size", "2", "--workers", "2", "--repeat", "2", *self.python(answers)]
        results = self.json(*run)["results"]
        self.assertEqual([row["source"] for row in results], ["satsuma set", "satsuma set.pack", "PyTorch 9.9 ImageFolder"])
        for row in results:
            self.assertEqual(row["images"], 6)  # whole batches
            self.assertAlmostEqual(row["images_per_second"] * row["seconds"]["median"], 6, 6)
        self.assertEqual(results[2]["images_per_second"], 3)
        self.assertRegex(self.satsuma(*run).stdout, r"\nPyTorch 9\.9 ImageFolder +3 +3 to 3 +[\d.]+x\n")
        run[3] = "set.pack"
        self.assertIn("--peer pytorch reads a folder", self.refusal(*run, code=2))

    def test_refusals(self):
        cases = [
            ("import sys; sys.exit(\"No module named 'torch'\")", "status 1: No module named 'torch'"),
            ("print('hello')", "'hello'"),
            ("print('[]')", "no version"),
            ("print('{\"torch\": \"1\"}', flush=True); input()", "ended with status 0"),
            ("print('{\"torch\": \"1\"}', flush=True); input(); print('{\"seconds\": []}', flush=True); input()", "no seconds"),
            ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "by signal 9"),
        ]
        for code, words in cases:
            with self.subTest(code):
                self.assertIn(words, self.refusal(*STEP, *self.python(code), code=1))
    def test_silence(self):
        late = "print('{\"torch\": \"1\"}', flush=True); input(); time.sleep(60)"
        deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
        for code in ("time.sleep(60)", late, deaf, "sys.stdout.write('{'); sys.stdout.flush(); time.sleep(60)"):
            with self.subTest(code):
                begin = time.monotonic()
                arguments = self.python(f"import signal, sys, time; {code}") + ["--peer-timeout", "1"]
                message = self.refusal(*STEP, *arguments, code=1)
                self.assertRegex(message, r"^'.*python' gave no answer in 1 s; --peer-timeout ")
                self.assertLess(time.monotonic() - begin, 30)

    def test_missing(self):
        message = self.refusal(*STEP, "--peer", "pytorch", "--peer-python", "no-such-python", code=1)
        self.assertIn("'no-such-python'", message)
        self.assertIn("--peer-python", message)

    def test_wrong_use(self):
        for arguments, words in [
            (["--peer", "pytroch"], "did you mean 'pytorch'?"),
            (["--peer-python", "python3"], "--peer pytorch"),
            (["--peer", "pytorch", "--width", "0.5"], "--width"),
            (["--peer", "pytorch", "--peer-timeout", "0"], "--peer-timeout"),
        ]:
            self.assertIn(words, self.refusal(*STEP, *arguments, code=2))

    def test_pytorch(self):
        named = os.environ.get("SATSUMA_TEST_TORCH", "/usr/bin/python3")
        if not has_torch(named):
            self.skipTest(f"{named} has no torch and torchvision; SATSUMA_TEST_TORCH names another")
        result = self.json(*STEP, "--peer", "pytorch", "--peer-python", named)
        self.assertEqual([peer["format"] for peer in result["peers"]], ["nchw", "channels_last"])
        for peer in result["peers"]:
            self.assertGreater(peer["seconds"]["min"], 0)
        (row,) = self.json("bench", "forward", *STEP[2:], "--peer", "pytorch", "--peer-python", named)["results"]
        self.assertGreater(row["peer_ratio"], 0)
        unknown = ["bench", "step", "--model", "resnet9", "--peer", "pytorch", "--peer-python", named, "--batch-size", "4"]
        self.assertIn("'resnet9'", self.refusal(*unknown, code=1))


if __name__ == "__main__":
    unittest.main()
