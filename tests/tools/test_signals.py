"""Ctrl-C and its like: the step is finished, the state is written, and the run goes on from there bit for bit."""

import json
import signal
import struct
import subprocess
import unittest

from support import SATSUMA, TINY, CommandTest, environment, interrupt, wait_for, write_safetensors

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

    def test_signal_that_comes_twice_at_once(self):
        """As from `timeout`, which sends it to the process and to its group."""
        process = self.begin("run")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(interrupt(process, signal.SIGTERM), 143)
        self.assertIn("satsuma train --resume --out run", (self.folder / "run.txt").read_text())

    def test_evaluation_that_a_stop_has_left_out_is_done(self):
        """The last step was saved and nothing behind it was: its weights are evaluated, kept if best, and logged once."""
        steps = ["--epochs", "3", "--steps", "7", "--keep-best", "2", "--quiet"]
        self.train("whole", *steps)
        self.train("run", *steps)
        last = self.folder / "run/last.safetensors"
        content = last.read_bytes()
        (size,) = struct.unpack_from("<Q", content)
        header = json.loads(content[8 : 8 + size])
        state = json.loads(header["__metadata__"]["state"])
        self.assertEqual((state["step"], state["evaluated"]), (7, 7))
        state["evaluated"] = 6  # the end of the first epoch
        header["__metadata__"]["state"] = json.dumps(state)
        write_safetensors(last, header, content[8 + size :])
        self.satsuma("train", "--resume", "--out", "run", "--quiet")
        for name in ("last", "best", "best-1", "best-2"):
            self.assert_same_tensors(f"whole/{name}.safetensors", f"run/{name}.safetensors")
        kinds = [[json.loads(line)["kind"] for line in (self.folder / out / "log.jsonl").read_text().splitlines()]
                 for out in ("whole", "run")]
        self.assertEqual(*kinds)

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
