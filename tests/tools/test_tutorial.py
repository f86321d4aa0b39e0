"""docs/tutorial.md: every command on the page, in its order. Training is cut short; the last block runs where onnxruntime is installed."""

import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

from support import SATSUMA, CommandTest, environment

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
STAMPS = Path("/usr/share/tuxpaint/stamps")


@unittest.skipUnless(STAMPS.is_dir(), "tuxpaint-stamps-default is not installed")
class Tutorial(CommandTest):
    def run_shell(self, command):
        path = f"{Path(SATSUMA).parent}:{os.environ['PATH']}"
        done = subprocess.run(["sh", "-ec", command], cwd=self.folder, env=environment(PATH=path), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}")
        return done.stdout

    def test_page(self):
        blocks = re.findall(r"^```(\w*)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
        commands = [line for language, block in blocks if not language for line in block.splitlines()]
        self.assertEqual([command.split()[1] for command in commands if command.startswith("satsuma")],
                         ["data", "train", "report", "predict", "export"])
        outputs = {}
        for command in commands:
            # The page's run takes minutes; that it is the same run is what counts here.
            command = re.sub(r"--epochs \d+", "--epochs 1", command)
            outputs[" ".join(command.split()[:2])] = self.run_shell(command)
        self.assertIn("test accuracy" if (self.folder / "pictures" / "test").exists() else "validation", outputs["satsuma train"])
        for name in ("report.html", "config.toml", "log.jsonl", "best.safetensors"):
            self.assertTrue((self.folder / "runs" / "pictures" / name).is_file(), name)
        predictions = json.loads(self.run_shell("satsuma predict --checkpoint runs/pictures/best.safetensors pictures/food --json"))
        found = {Path(each["file"]).name for each in predictions["predictions"]}
        there = {path.name for path in (self.folder / "pictures" / "food").rglob("*") if path.suffix in (".png", ".jpg")}
        self.assertEqual(found, there)
        self.assertEqual({top["class"] for each in predictions["predictions"] for top in each["top"]}, {"animals", "food", "symbols", "town"})
        (script,) = [block for language, block in blocks if language == "python"]
        if subprocess.run([sys.executable, "-c", "import onnxruntime, numpy"], stderr=subprocess.DEVNULL).returncode == 0:
            done = subprocess.run([sys.executable, "-c", script], cwd=self.folder, stdout=subprocess.PIPE, text=True, check=True)
            self.assertEqual(done.stdout.strip(), "(2, 4)")


if __name__ == "__main__":
    unittest.main()
