"""tools/convert/to_safetensors.py: files of torch.save() become files that --init reads. Where PyTorch is installed."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

from support import CommandTest, read_safetensors

try:
    import torch
    from safetensors.torch import load_file
except ImportError:
    torch = None

CONVERT = Path(__file__).resolve().parents[2] / "tools/convert/to_safetensors.py"


class OfCode:
    """What a hostile file holds."""

    def __reduce__(self):
        return os.system, ("touch ran",)


@unittest.skipIf(torch is None, "PyTorch or safetensors is not installed")
class Convert(CommandTest):
    def convert(self, *arguments):
        return subprocess.run([sys.executable, CONVERT, *arguments], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_nested_and_tied_tensors(self):
        shared = torch.arange(6.0).reshape(2, 3)
        content = {"epoch": 3, "state_dict": {"module.a.weight": shared, "module.b.weight": shared, "module.c.weight": shared.t()},
                   "optimizer": {"state": {0: {"momentum_buffer": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]}}
        torch.save(content, self.folder / "whole.pth")
        done = self.convert("whole.pth", "whole.safetensors")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("4 tensors", done.stdout)
        self.assertIn("epoch", done.stdout)
        got = load_file(self.folder / "whole.safetensors")
        self.assertTrue(torch.equal(got["state_dict.module.b.weight"], shared))
        self.assertTrue(torch.equal(got["state_dict.module.c.weight"], shared.t()))
        self.assertEqual(self.convert("whole.pth", "part.safetensors", "--only", "state_dict").returncode, 0)
        self.assertEqual(sorted(load_file(self.folder / "part.safetensors")), [f"module.{name}.weight" for name in "abc"])

    def test_what_is_refused(self):
        torch.save({"weight": OfCode()}, self.folder / "code.pth")
        torch.save({"epoch": 3}, self.folder / "empty.pth")
        torch.save({"a": {"b": torch.ones(1)}, "a.b": torch.ones(1)}, self.folder / "twice.pth")
        (self.folder / "text.pth").write_text("no weights")
        for name in ("code", "empty", "twice", "text", "missing"):
            with self.subTest(name):
                done = self.convert(f"{name}.pth", "out.safetensors")
                self.assertEqual(done.returncode, 1)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(f"{name}.pth", done.stderr)
                self.assertFalse((self.folder / "out.safetensors").exists())
        self.assertFalse((self.folder / "ran").exists())

    def test_a_model_begins_with_it(self):
        arguments = ["train", "--model", "vgg11", "--width", "0.125", "--data", "synthetic", "--epochs", "0"]
        self.satsuma(*arguments, "--out", "ours")
        weights = load_file(self.folder / "ours/init.safetensors")
        torch.save({"model": weights}, self.folder / "theirs.pth")
        self.assertEqual(self.convert("theirs.pth", "theirs.safetensors").returncode, 0)
        self.satsuma(*arguments, "--seed", "9", "--init", "theirs.safetensors", "--strict-init", "--out", "again")
        self.assertEqual(read_safetensors(self.folder / "again/init.safetensors"), read_safetensors(self.folder / "ours/init.safetensors"))


if __name__ == "__main__":
    unittest.main()
