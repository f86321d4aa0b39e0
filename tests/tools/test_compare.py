"""satsuma compare: runs are made once, whatever stops them; what it says of them is what they are."""

import csv
import json
import math
import signal
import statistics
import subprocess
import time
import unittest

from support import SATSUMA, TINY, CommandTest, environment, write_bmp

STUDY = [part for flag, value in zip(TINY[::2], TINY[1::2]) if flag not in ("--method", "--nm") for part in (flag, value)]
STUDY += ["--methods", "dense,bdwp,bdwp+wu", "--nm", "2:8", "--epochs", "2"]


class Compare(CommandTest):
    def results(self, *arguments, out="study"):
        return self.json("compare", *STUDY, "--out", out, *arguments)

    def test_rows(self):
        """Every figure follows from the runs' own results."""
        printed = self.results("--seeds", "3")
        folder = self.folder / "study"
        self.assertEqual(printed, json.loads((folder / "compare.json").read_text()))
        dense, bdwp, both = printed["rows"]
        self.assertEqual([row["method"] for row in printed["rows"]], ["dense", "bdwp", "bdwp+wu"])
        self.assertEqual([row["runs"] for row in printed["rows"]], [3, 3, 3])
        runs = {name: [json.loads((folder / "runs" / f"{name}-seed{seed}.json").read_text()) for seed in range(3)]
                for name in ("dense", "bdwp-2-8", "bdwp+wu-2-8")}
        for row, name in ((dense, "dense"), (bdwp, "bdwp-2-8"), (both, "bdwp+wu-2-8")):
            accuracies = [run["test_accuracy"] for run in runs[name]]
            self.assertAlmostEqual(row["accuracy_mean"], statistics.mean(accuracies))
            self.assertAlmostEqual(row["accuracy_deviation"], statistics.stdev(accuracies))
            self.assertAlmostEqual(row["macs"], statistics.mean(run["macs"] for run in runs[name]))
            self.assertAlmostEqual(row["seconds"], statistics.mean(run["seconds"] for run in runs[name]))
            self.assertGreater(row["sat_seconds"], 0)
        differences = [a["test_accuracy"] - b["test_accuracy"] for a, b in zip(runs["bdwp-2-8"], runs["dense"])]
        self.assertAlmostEqual(bdwp["difference"], statistics.mean(differences))
        # Student's t with two degrees of freedom, 95 %.
        half = 4.303 * statistics.stdev(differences) / math.sqrt(3)
        self.assertAlmostEqual(bdwp["interval"][1] - bdwp["interval"][0], 2 * half, places=6)
        self.assertLess(both["macs"], bdwp["macs"])
        self.assertLess(bdwp["macs"], dense["macs"])
        self.assertLess(both["sat_seconds"], dense["sat_seconds"])
        rows = list(csv.DictReader((folder / "compare.csv").read_text().splitlines()))
        self.assertEqual([row["variant"] for row in rows], ["dense", "bdwp 2:8", "bdwp+wu 2:8"])
        self.assertIn("bdwp+wu 2:8", (folder / "compare.md").read_text())
        self.assertIn("<svg", (folder / "compare.html").read_text())

        # What is finished is not made again, and more seeds cost only theirs.
        before = {path: path.stat().st_mtime_ns for path in (folder / "runs").glob("*.json")}
        claim = folder / "runs" / "dense-seed0.claim"  # of a process that was killed when its run had ended
        claim.touch()
        again = self.results("--seeds", "3")
        self.assertFalse(claim.exists())
        self.assertEqual(again["rows"], printed["rows"])
        self.assertEqual(before, {path: path.stat().st_mtime_ns for path in (folder / "runs").glob("*.json")})

        line = self.refusal("compare", *STUDY, "--out", "study", "--seeds", "3", "--lr", "0.01", code=2)
        self.assertIn("lr was '", line)
        self.assertIn("is '0.01'", line)

    def test_plan(self):
        plan = self.satsuma("compare", *STUDY, "--out", "study", "--seeds", "2", "--dry-run").stdout
        self.assertEqual(plan.count("to do"), 6)
        self.assertIn("6 runs, 0 done, about", plan)
        self.assertFalse((self.folder / "study").exists())
        none = self.results("--seeds", "1", "--budget", "0.001s")
        self.assertEqual([row["missing"] for row in none["rows"]], [1, 1, 1])

    def test_stopped_and_killed(self):
        """However the first process ends, the second goes on, and the results are those of one that was left alone."""
        whole = self.results("--seeds", "1", "--epochs", "6", out="whole")
        command = [SATSUMA, "compare", *STUDY, "--out", "study", "--seeds", "1", "--epochs", "6"]
        for number in (signal.SIGINT, signal.SIGKILL):
            with subprocess.Popen(command, cwd=self.folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                log = self.folder / "study" / "runs" / "dense-seed0" / "log.jsonl"
                end = time.monotonic() + 60
                while process.poll() is None and time.monotonic() < end and not (log.exists() and log.read_text()):
                    time.sleep(0.01)
                process.send_signal(number)
                process.wait(timeout=60)
        # A killed comparison's training has saved and gone before its claim can be taken.
        end = time.monotonic() + 60
        rows = self.results("--seeds", "1", "--epochs", "6")["rows"]
        while any(row["missing"] for row in rows) and time.monotonic() < end:
            rows = self.results("--seeds", "1", "--epochs", "6")["rows"]
        for row, other in zip(rows, whole["rows"]):
            self.assertEqual(row["accuracies"], other["accuracies"])
            self.assertEqual(row["macs"], other["macs"])
        self.assertEqual(list((self.folder / "study" / "runs").glob("*.claim")), [])
        self.assertEqual(list((self.folder / "study" / "runs").glob("*.part")), [])

    def test_without_validation_images(self):
        result = self.results("--seeds", "1", "--val-share", "0")
        self.assertIsNone(result["target"])
        self.assertEqual([row["seconds_to_target"] for row in result["rows"]], [None] * 3)
        self.assertIn("no time to a target", (self.folder / "study/compare.md").read_text())

    def test_without_test_images(self):
        for part in ("train", "val"):
            for name in ("a/1", "a/2", "b/1", "b/2"):
                write_bmp(self.folder / "pictures" / part / f"{name}.bmp")
        line = self.refusal("compare", "--model", "resnet9", "--width", "0.125", "--data", "./pictures", "--image-size", "16",
                            "--batch-size", "2", "--out", "study", code=2)
        self.assertIn("no test images", line)

    def test_time_of_a_run(self):
        """A run that its --max-time ends is no result, and goes on the next time."""
        arguments = ["compare", *STUDY[:STUDY.index("--methods")], "--out", "study", "--methods", "dense", "--seeds", "1",
                     "--epochs", "100000", "--max-time", "3s", "--json"]
        epochs = 0
        for _ in range(2):
            done = self.satsuma(*arguments)
            self.assertIn("stopped by --max-time", done.stderr)
            row, = json.loads(done.stdout)["rows"]
            self.assertEqual((row["runs"], row["missing"], row["failed"]), (0, 1, 0))
            lines = (self.folder / "study/runs/dense-seed0/log.jsonl").read_text().splitlines()
            before, epochs = epochs, json.loads(lines[-1])["epoch"]
            self.assertGreater(epochs, before)

    def test_two_processes(self):
        """No run is made twice."""
        command = [SATSUMA, "compare", *STUDY, "--out", "study", "--seeds", "2"]
        processes = [subprocess.Popen(command, cwd=self.folder, env=environment(), stdout=subprocess.PIPE, text=True) for _ in range(2)]
        outputs = [process.communicate(timeout=300)[0] for process in processes]
        self.assertEqual([process.returncode for process in processes], [0, 0])
        for run in ("dense seed 0", "bdwp 2:8 seed 1", "bdwp+wu 2:8 seed 1"):
            self.assertEqual(sum(f"{run}: about" in output for output in outputs), 1, run)

    def test_failure(self):
        """A run that fails is recorded, and the others are made."""
        arguments = ["--seeds", "1", "--axis", "lr=0.1,1e6"]
        self.satsuma("compare", *STUDY, "--out", "study", *arguments, code=1)
        rows = json.loads((self.folder / "study" / "compare.json").read_text())["rows"]
        self.assertEqual([row["runs"] for row in rows], [1, 0, 1, 0, 1, 0])
        self.assertEqual([row["failed"] for row in rows], [0, 1, 0, 1, 0, 1])
        failures = list((self.folder / "study" / "runs").glob("*.failed"))
        self.assertEqual(len(failures), 3)
        for path in failures:
            self.assertRegex(path.read_text(), "loss is|not finite")
        self.assertIn("failed: ", self.satsuma("compare", *STUDY, "--out", "study", *arguments, "--dry-run").stdout)

    def test_devices(self):
        """reference and cpu differ by rounding, sat by its halves, a device from itself by nothing."""
        passes = self.json("compare", *STUDY[:STUDY.index("--methods")], "--methods", "bdwp", "--devices", "reference,cpu,sat,reference")["passes"]
        info = self.json("info", "--model", "resnet9", "--width", "0.125", "--input", "3x16x16", "--classes", "4", "--method", "bdwp")
        self.assertEqual({row["layer"] for row in passes}, {layer["name"] for layer in info["layers"]})
        for first, cpu, sat, again in zip(passes[::4], passes[1::4], passes[2::4], passes[3::4]):
            self.assertEqual([row["pass"] for row in (cpu, sat, again)], 3 * [first["pass"]])
            self.assertEqual(first["error"], 0)
            self.assertEqual(again["error"], 0)
            # Sums of at most 32 * 256 products of f32; of halves, whose unit is 2^-11.
            self.assertLess(cpu["error"], 1e-4)
            self.assertLess(sat["error"], 1e-2)
            self.assertEqual(cpu["macs"], first["macs"])
            self.assertGreater(sat["cycles"], 0)
        self.assertIn("did you mean", self.refusal("compare", "--data", "synthetic", "--devices", "cpu,satt", code=2))

    def test_wrong_use(self):
        self.assertIn("did you mean 'bdwp'", self.refusal("compare", "--methods", "bdpw", code=2))
        self.assertIn("twice", self.refusal("compare", "--seeds", "1,1", code=2))
        self.assertIn("--yes", self.refusal("compare", "--seeds", "1000000", code=2))
        self.assertIn("no layer", self.refusal("compare", *STUDY, "--out", "study", "--seeds", "1", "--dense", "nothing.*", "--dry-run", code=2))
        (self.folder / "study.toml").write_text('methdos = ["dense"]\n')
        self.assertIn("methods", self.refusal("compare", "--config", "study.toml", code=1))
        (self.folder / "file").touch()
        self.assertIn("cannot create the comparison's directory", self.refusal("compare", *STUDY, "--out", "file", "--seeds", "1", code=1))
        self.assertIn("2h", self.refusal("compare", *STUDY, "--out", "study", "--budget", "soon", code=2))


if __name__ == "__main__":
    unittest.main()
