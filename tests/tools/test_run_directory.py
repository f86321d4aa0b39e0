"""A run directory belongs to one process at a time, and what is missing in it is not taken for what was never there."""

import os
import signal
import subprocess
import unittest

from support import SATSUMA, TINY, CommandTest, environment, interrupt, wait_for

FILES = {"config.toml", "log.jsonl", "init.safetensors", "last.safetensors", "best.safetensors", "run.json"}
LONG = ["--epochs", "10000", "--save-every", "5"]


class Directory(CommandTest):
    def files_of(self, run):
        return {path.name for path in (self.folder / run).iterdir()}

    def begin(self, out, *arguments):
        """A run that is under way."""
        command = [SATSUMA, "train", *TINY, "--out", out, "--quiet", *LONG, *arguments]
        process = subprocess.Popen(command, cwd=self.folder, env=environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_for(lambda: (self.folder / out / "last.safetensors").exists() or process.poll() is not None)
        self.assertIsNone(process.poll())
        return process


class Held(Directory):
    def test_second_run_is_refused(self):
        process = self.begin("run")
        (self.folder / "link").symlink_to("run")
        (self.folder / "deep").mkdir()
        (self.folder / "deep/link").symlink_to("../link")
        for out in ("run", "run/", "./link", "deep/link", self.folder / "run"):
            for mode in ([], ["--overwrite"], ["--resume"]):
                with self.subTest(out, mode=mode):
                    line = self.refusal("train", *TINY, "--out", out, *mode, code=2)
                    self.assertIn(f"is in use by process {process.pid} on {os.uname().nodename} since 2", line)
        # Who only reads is not held off.
        self.satsuma("eval", "--checkpoint", "run/last.safetensors")
        self.assertEqual(interrupt(process), 130)
        self.assertNotIn("satsuma.lock", self.files_of("run"))
        self.train("run", "--steps", "1", "--overwrite")
        self.assertEqual(self.files_of("run"), FILES)

    def test_lock_dies_with_its_process(self):
        for number, mode in ((signal.SIGKILL, "--overwrite"), (signal.SIGSEGV, "--resume")):
            with self.subTest(mode):
                process = self.begin(f"run{mode}")
                process.send_signal(number)
                process.wait()
                self.train(f"run{mode}", mode, "--steps", "1")
                self.assertTrue(self.files_of(f"run{mode}") <= FILES)

    def test_start_that_fails_holds_nothing(self):
        for mode in ([], ["--overwrite"]):
            self.refusal("train", *TINY, "--out", "run", *mode, "--init", "nowhere", code=1)
            self.assertFalse((self.folder / "run").exists())
        (self.folder / "empty").mkdir()
        self.refusal("train", *TINY, "--out", "empty", "--init", "nowhere", code=1)
        self.assertEqual(self.files_of("empty"), set())

    def test_lock_of_a_start_that_was_killed_is_nothing(self):
        (self.folder / "run").mkdir()
        (self.folder / "run/satsuma.lock").write_text("process 1 on nowhere since 2999-01-01 00:00:00 UTC\n")
        self.train("run", "--epochs", "1")
        self.assertEqual(self.files_of("run"), FILES)

    def test_two_that_start_at_once(self):
        command = [SATSUMA, "train", *TINY, "--out", "run", "--quiet", *LONG]
        both = [subprocess.Popen(command, cwd=self.folder, env=environment(), stderr=subprocess.PIPE) for _ in range(2)]
        for process in both:
            self.addCleanup(process.stderr.close)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
        wait_for(lambda: any(process.poll() is not None for process in both))
        codes = sorted(str(process.poll()) for process in both)
        self.assertEqual(codes, ["2", "None"])


class Missing(Directory):
    def content(self, run):
        return {path.name: path.read_bytes() for path in (self.folder / run).iterdir()}

    def test_last_checkpoint(self):
        self.train("run", "--epochs", "2")
        (self.folder / "run/last.safetensors").unlink()
        before = self.content("run")
        line = self.refusal("train", "--resume", "--out", "run", code=2)
        for words in ("last.safetensors", "best.safetensors", "--init", "--overwrite"):
            self.assertIn(words, line)
        (self.folder / "run/best.safetensors").unlink()
        line = self.refusal("train", "--resume", "--out", "run", code=2)
        self.assertIn("log.jsonl", line)
        self.assertNotIn("best.safetensors", line)
        before.pop("best.safetensors")
        self.assertEqual(self.content("run"), before)
        (self.folder / "run/last.safetensors").symlink_to("nowhere")
        self.refusal("train", "--resume", "--out", "run", code=2)

    def test_start_that_did_not_come_to_a_checkpoint(self):
        self.train("run", "--epochs", "1")
        self.train("whole", "--epochs", "1")
        for name in ("last.safetensors", "best.safetensors"):
            (self.folder / "run" / name).unlink()
        (self.folder / "run/log.jsonl").write_bytes(b"")
        self.satsuma("train", "--resume", "--out", "run")
        self.assert_same_tensors("run/last.safetensors", "whole/last.safetensors")

    def test_best_checkpoint(self):
        self.train("run", "--epochs", "2", "--steps", "9")
        (self.folder / "run/best.safetensors").unlink()
        done = self.satsuma("train", "--resume", "--out", "run")
        self.assertIn("best.safetensors is missing", done.stdout)
        self.assertIn("satsuma eval --checkpoint run/last.safetensors", done.stdout)
        done = self.satsuma("train", "--resume", "--out", "run", "--json")
        self.assertIn('"best_checkpoint": null', done.stdout)
        self.satsuma("train", "--resume", "--out", "run", "--steps", "none")
        self.assertEqual(self.files_of("run"), FILES)

    def test_log(self):
        self.train("run", "--epochs", "2", "--steps", "9")
        log = self.folder / "run/log.jsonl"
        log.unlink()
        self.assertIn("log.jsonl is missing", self.satsuma("train", "--resume", "--out", "run").stdout)
        # What is there and cannot be read is not replaced.
        log.unlink()
        log.mkdir()
        self.assertIn("log.jsonl", self.refusal("train", "--resume", "--out", "run", code=1))
        self.assertTrue(log.is_dir())

    def test_next_commands(self):
        """What is proposed can be typed, and names what is there."""
        work = self.folder / "a b" / "work"
        work.mkdir(parents=True)
        for out, other in (("run", "run-dense"), ("run2/", "run2-dense"), ("./x/../run3//", "run3-dense"), (".", "../work-dense")):
            with self.subTest(out):
                for path in work.iterdir():
                    subprocess.run(["rm", "-r", path], check=True)
                shown = self.satsuma("train", *TINY, "--epochs", "1", "--out", out, cwd=work).stdout
                commands = shown[shown.index("try next\n") :].splitlines()[1:]
                self.assertEqual(len(commands), 4)
                self.assertTrue(commands[1].endswith(f"--out {self.shown(work, other)}"), commands[1])
                for line in commands:
                    line = line.strip().replace("satsuma", SATSUMA, 1)
                    more = " --steps 1" if " train " in line else ""
                    done = subprocess.run(["sh", "-c", line + more], cwd=work, env=environment(), capture_output=True)
                    self.assertEqual(done.returncode, 0, (line, done.stderr))

    def shown(self, work, other):
        """`../` is given as the whole path, in quotes for its space."""
        return f"'{work.parent / other[3:]}'" if other.startswith("../") else other


if __name__ == "__main__":
    unittest.main()
