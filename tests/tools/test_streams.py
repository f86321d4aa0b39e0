"""Standard streams that are full, closed or without a reader: no abort, one error where results are lost, none for words."""

import json
import os
import subprocess
import unittest

from support import SATSUMA, TINY, CommandTest, environment

FILES = {"config.toml", "log.jsonl", "init.safetensors", "last.safetensors", "best.safetensors", "run.json", "log.csv",
         "evaluation.json"}

# Each prints a result, and each of the wrong ones an error.
RESULTS = [
    ["--help"],
    ["--version"],
    ["train", "--help"],
    ["models"],
    ["models", "resnet50", "--json"],
    ["datasets"],
    ["methods", "--json"],
    ["devices"],
    ["devices", "reference"],
    ["devices", "test", "reference", "--filter", "compress*", "--json", "-"],
    ["info", "--model", "resnet50"],
    ["info", "--model", "resnet50", "--json"],
    ["simulate", "--gemm", "64,64,64"],
    ["simulate", "--gemm", "64,64,64", "--json", "-"],
    ["plugin", "new", "mine"],
]
ERRORS = [
    (2, ["nonsense"]),
    (2, ["models", "nope"]),
    (2, ["info", "--model", "nope"]),
    (2, ["devices", "test", "nope"]),
    (1, ["eval", "--checkpoint", "nowhere"]),
    (1, ["bench", "check", "nowhere", "nowhere"]),
    (1, ["train", "--config", "nowhere.toml"]),
    (2, ["simulate", "--gemm", "1"]),
    (2, ["plugin", "new", "Wrong Name"]),
]


class Streams(CommandTest):
    def run_with(self, *arguments, shell="", **streams):
        """Exit status, and what came out of the streams that are pipes. `shell` redirects more."""
        words = ["/bin/sh", "-c", f'exec "$0" "$@" {shell}', SATSUMA, *map(str, arguments)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        return subprocess.run(words, cwd=self.folder, env=environment(), text=True, timeout=120, **streams)

    def files_of(self, run):
        return {path.name for path in (self.folder / run).iterdir()}

    def test_results_that_cannot_be_written(self):
        for arguments in RESULTS:
            with self.subTest(arguments):
                done = self.run_with(*arguments, shell=">/dev/full")
                self.assertEqual(done.returncode, 1)
                self.assertEqual(
                    done.stderr, "satsuma: error: standard output could not be written: No space left on device\n"
                )

    def test_errors_that_cannot_be_written(self):
        for code, arguments in ERRORS:
            for shell in ("2>/dev/full", "2>&-", ">/dev/full 2>/dev/full", "<&- >&- 2>&-"):
                with self.subTest(arguments, shell=shell):
                    self.assertEqual(self.run_with(*arguments, shell=shell).returncode, code)

    def test_warnings_that_cannot_be_written(self):
        threads = [*TINY[:-2], "--threads", "100"]
        fallback = [*TINY, "--device", "sat", "--precision", "bf16"]
        for name, words in {"threads": threads, "fallback": fallback}.items():
            with self.subTest(name):
                done = self.run_with("train", *words, "--steps", "1", "--out", name, shell="2>/dev/full")
                self.assertEqual(done.returncode, 0)
                self.assertEqual(self.files_of(name), FILES)

    def test_training_goes_on_without_its_words(self):
        train = ["train", *TINY, "--epochs", "1"]
        done = self.run_with(*train, "--out", "json", "--json", shell="2>/dev/full")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(json.loads(done.stdout)["steps"], 6)
        # Here the words are the result, and that they are lost is said when all is done.
        for name, more in {"plain": [], "both": ["--json"]}.items():
            done = self.run_with(*train, "--out", name, *more, shell=">/dev/full")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "satsuma: error: standard output could not be written[^\n]*\n$")
        for name in ("json", "plain", "both"):
            self.assertEqual(self.files_of(name), FILES)

    def test_pipe_without_a_reader(self):
        for stream, code in (("stdout", 1), ("stderr", 0)):
            with self.subTest(stream):
                reader, writer = os.pipe()
                os.close(reader)
                words = ["--json"] if stream == "stderr" else []
                done = self.run_with("train", *TINY, "--epochs", "1", "--out", stream, *words, **{stream: writer})
                os.close(writer)
                self.assertEqual(done.returncode, code)
                self.assertEqual(self.files_of(stream), FILES)

    def test_closed_descriptors(self):
        """The numbers of closed descriptors are not given to files, which would fill with what is printed."""
        self.run_with("train", *TINY, "--epochs", "1", "--log-every", "1", "--out", "whole")
        for i, shell in enumerate((">&-", "<&-", "2>&-", "<&- >&- 2>&-")):
            with self.subTest(shell):
                done = self.run_with("train", *TINY, "--epochs", "1", "--log-every", "1", "--out", f"run{i}", shell=shell)
                self.assertEqual(done.returncode, 0)
                lines = (self.folder / f"run{i}/log.jsonl").read_text().splitlines()
                self.assertEqual([json.loads(line)["kind"] for line in lines], ["step"] * 6 + ["epoch", "test"])
                self.assert_same_tensors("whole/last.safetensors", f"run{i}/last.safetensors")


if __name__ == "__main__":
    unittest.main()
