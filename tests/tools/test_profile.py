"""`satsuma profile`: figures that agree with each other, with `info` and with every way they are written."""

import csv
import io
import json
import unittest

from support import CommandTest

SMALL = ["--model", "resnet9", "--width", "0.25", "--input", "3x16x16", "--batch-size", "32", "--threads", "1", "--repeat", "1", "--warmup", "1"]
BDWP = ["--method", "bdwp", "--nm", "2:8"]


class Profile(CommandTest):
    def profile(self, *arguments):
        return self.json("profile", *SMALL, *arguments)

    def test_figures_agree(self):
        for method in (["--method", "dense"], BDWP, [*BDWP, "--wu", "2:8"]):
            with self.subTest(method):
                step = self.profile(*method)
                whole = step["step_seconds"]["median"]
                # One step, so that medians are its own figures: all of it is in one part. A twentieth is for what lies
                # around the first and the last reading of the clock while the machine does something else.
                parts = sum(part["seconds"] for part in step["layers"] + step["others"])
                self.assertLess(abs(parts - whole), 0.05 * whole)
                for part in step["layers"]:
                    self.assertGreater(part["seconds"], 0)
                    self.assertGreater(part["bytes"], 0)
                    self.assertLessEqual(part["memory_bytes"], step["peak_memory_bytes"])
                    self.assertAlmostEqual(part["gflops"], 2e-9 * part["macs"] / part["seconds"], 6)
                    self.assertAlmostEqual(part["of_peak"], part["gflops"] / step["machine"]["gflops_peak"], 9)
                    self.assertEqual(part["macs"] == 0, part["pass"] == "update")
                totals = self.json("info", "--model", "resnet9", "--width", "0.25", "--input", "3x16x16", *method[:4])["totals"]
                if "--wu" not in method:
                    self.assertEqual(sum(part["macs"] for part in step["layers"]), 32 * totals["method_macs"])
                self.assertEqual(sum(part["dense_macs"] for part in step["layers"]), 32 * totals["dense_macs"])
                by_pass = {name: {part["nm"] for part in step["layers"] if part["pass"] == name} for name in ("FF", "BP", "WU")}
                self.assertEqual("2:8" in by_pass["FF"], method != ["--method", "dense"])
                self.assertEqual("2:8" in by_pass["WU"], "--wu" in method)
        names = {(part["layer"], part["pass"]) for part in step["layers"]}
        self.assertEqual(len(names), len(step["layers"]))
        self.assertNotIn(("prep.conv", "BP"), names)  # nobody needs the gradient of the image
        operations = {(other["phase"], other["operation"]) for other in step["others"]}
        self.assertLessEqual({("forward", "batch_norm"), ("backward", "batch_norm"), ("update", "other parameters")}, operations)

    def test_written_in_every_way(self):
        done = self.satsuma("profile", *SMALL, *BDWP, "--csv", "step.csv", "--trace", "step.json")
        for word in ("layer1.conv", "FF", "2:8 packed", "of peak", "images/s", "batch_norm", "peak memory"):
            self.assertIn(word, done.stdout)
        rows = list(csv.DictReader((self.folder / "step.csv").open()))
        self.assertTrue(all(float(row["seconds"]) >= 0 for row in rows))
        self.assertIn("layer1.conv", [row["layer"] for row in rows])
        self.assertGreater(len(list(csv.reader(io.StringIO(self.satsuma("profile", *SMALL, "--csv", "-").stdout)))), 20)
        events = json.loads((self.folder / "step.json").read_text())["traceEvents"]
        lanes = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
        self.assertEqual(sorted(lanes.values()), ["layers", "operations", "phases"])
        spans = {name: [event for event in events if event["ph"] == "X" and lanes[event["tid"]] == name] for name in lanes.values()}
        for name, of_lane in spans.items():
            for before, after in zip(of_lane, of_lane[1:]):
                self.assertLessEqual(before["ts"] + before["dur"], after["ts"] + 1e-3, name)
        phases = [event["name"] for event in spans["phases"]]
        self.assertEqual(phases, ["other", "forward", "backward", "update"])
        self.assertIn("layer1.conv BP", [event["name"] for event in spans["layers"]])
        # A layer's pass lies within an operation.
        for event in spans["layers"]:
            around = [other for other in spans["operations"]
                      if other["ts"] <= event["ts"] + 1e-3 and event["ts"] + event["dur"] <= other["ts"] + other["dur"] + 1e-3]
            self.assertEqual(len(around), 1, event)
        memory = [event["args"]["bytes"] for event in events if event["ph"] == "C"]
        self.assertGreater(max(memory), min(memory))

    def test_recipes_data_and_devices(self):
        step = self.json("profile", "--config", "resnet9-fashion-mnist-bdwp", "--width", "0.125", "--batch-size", "16", "--repeat", "1",
                         "--warmup", "0", "--threads", "1")
        self.assertEqual((step["input"], step["method"], step["nm"]), ("1x32x32", "bdwp", "2:8"))
        step = self.profile(*BDWP, "--place", "fc=reference")
        self.assertEqual({part["device"] for part in step["layers"] if part["layer"] == "fc"}, {"reference"})
        self.assertEqual(self.profile("--data", "mnist", "--input", "1x32x32")["input"], "1x32x32")

    def test_refusals(self):
        cases = [
            ([], "--model"),
            ([*SMALL, "--repeat", "0"], "--repeat"),
            ([*SMALL, "--warmup", "-1"], "--warmup"),
            ([*SMALL, "--csv", "-", "--json"], "standard output"),
            ([*SMALL, "--csv", "-", "--trace", "-"], "standard output"),
            ([*SMALL, "--method", "nope"], "'nope'"),
            ([*SMALL, "--data", "nope"], "'nope'"),
            ([*SMALL, "--batch-size", "0"], "batch-size"),
        ]
        for arguments, words in cases:
            with self.subTest(arguments):
                self.assertIn(words, self.refusal("profile", *arguments, code=2))
        self.refusal("profile", *SMALL, "--trace", "no/folder/x.json", code=1)


if __name__ == "__main__":
    unittest.main()
