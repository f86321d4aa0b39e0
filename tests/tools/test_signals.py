"""Ctrl-C and its like: the step is finished, the state is written, and the run goes on from there bit for bit."""

import signal
import subprocess
import unittest

from support import SATSUMA, TINY, CommandTest, environment, interrupt, wait_for

LONG = ["--epochs", "40", "--save-every", "5"]


class Signals(CommandTest):
    def begin(self, out, *arguments):
        log = open(self.folder / f"{out}.txt", "w")
        self.addCleanup(log.close)
        command = [SATSUMA, "train", *TINY, "--out", out, *LONG, *arguments]
        process = subprocess.Popen(command, cwd=self.folder, env=environment(), stdout=log, stderr=log)
        self.addCleanup(process.kill)
        wait_for(lambda: (self.folder / out / "last.safetensors").exists() or process.poll() is not None)
        self.assertIsNone(process.poll(), (self.folder / f"{out}.txt").read_text())
        return process

    def test_interrupted_and_resumed(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number):
                out = f"run{code}"
                self.assertEqual(interrupt(self.begin(out), number), code)
                text = (self.folder / f"{out}.txt").read_text()
                self.assertIn(f"satsuma train --resume --out {out}", text)
                self.assertNotIn("error", text)
        self.train("whole", *LONG, "--quiet")
        for code in (130, 143):
            self.satsuma("train", "--resume", "--out", f"run{code}", "--quiet")
            self.assert_same_tensors("whole/last.safetensors", f"run{code}/last.safetensors")
            self.assert_same_tensors("whole/best.safetensors", f"run{code}/best.safetensors")

    def test_killed_run_can_be_resumed(self):
        process = self.begin("run")
        process.kill()
        process.wait()
        self.satsuma("train", "--resume", "--out", "run", "--quiet")
        self.train("whole", *LONG, "--quiet")
        self.assert_same_tensors("whole/last.safetensors", "run/last.safetensors")
        self.assertEqual(list((self.folder / "run").glob("*.tmp*")), [])


if __name__ == "__main__":
    unittest.main()
