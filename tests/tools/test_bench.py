"""The benchmarks' JSON; the figures themselves are nobody's promise here."""

import json
import unittest
from xml.etree import ElementTree

from support import CommandTest

SMALL = ["--model", "resnet9", "--width", "0.25", "--input", "3x16x16", "--batch-size", "20", "--repeat", "2", "--warmup", "1"]


class Bench(CommandTest):
    def test_step(self):
        result = self.json("bench", "step", *SMALL, "--methods", "dense,bdwp", "--nm", "2:4")
        self.assertEqual([row["method"] for row in result["results"]], ["dense", "bdwp"])
        for row in result["results"]:
            self.assertEqual(row["precision"], "fp32")
            self.assertAlmostEqual(row["images_per_second"], 20 / row["seconds_median"], 6)
            low, high = row["seconds_quartiles"]
            self.assertTrue(0 < low <= row["seconds_median"] <= high)
            # Weights, gradients and velocities of 0.4 million parameters, and activations.
            self.assertGreater(row["peak_memory_bytes"], 3 * 4 * 400_000)
            self.assertAlmostEqual(sum(row["share"].values()), 1, 9)
            for kind in ("contraction_ff", "contraction_bp", "contraction_wu", "batch_norm", "cross_entropy", "optimizer"):
                self.assertGreater(row["share"][kind], 0)

    def test_step_with_recomputation_takes_less_memory(self):
        small = ["bench", "step", "--model", "resnet18", "--width", "0.25", "--batch-size", "32", "--repeat", "1", "--methods", "dense"]
        whole, again = (self.json(*small, *flag)["results"][0] for flag in ([], ["--recompute"]))
        self.assertLess(again["peak_memory_bytes"], 0.7 * whole["peak_memory_bytes"])
        self.assertGreater(again["macs"], 1.2 * whole["macs"])

    def test_step_text(self):
        text = self.satsuma("bench", "step", *SMALL, "--methods", "dense").stdout
        for words in ("images/s", "peak memory", "contraction_wu"):
            self.assertIn(words, text)

    def test_step_on_several_devices(self):
        small = ["bench", "step", "--model", "resnet9", "--width", "0.125", "--input", "3x8x8", "--batch-size", "4", "--repeat", "1"]
        both = ["--methods", "dense,bdwp", "--device", "cpu,reference"]
        result = self.json(*small, *both)
        rows = [(row["method"], row["device"]) for row in result["results"]]
        self.assertEqual(rows, [(method, device) for method in ("dense", "bdwp") for device in ("cpu", "reference")])
        self.assertEqual(result["device"], "cpu,reference")
        for name in ("old.json", "new.json"):
            (self.folder / name).write_text(json.dumps(result))
        names = [entry["name"] for entry in self.json("bench", "check", "old.json", "new.json")["entries"]]
        self.assertEqual(names[:2], ["dense fp32 on cpu", "dense fp32 on reference"])
        # A name with a colon is one device, whose settings may hold commas.
        text = self.satsuma(*small, "--methods", "dense", "--device", "check:cpu,reference", "--device", "cpu").stdout
        self.assertRegex(text, r"\ndense fp32 +check:cpu,reference ")
        self.assertRegex(text, r"\ndense fp32 on cpu\n")
        self.assertIn("'cpu' twice", self.refusal(*small, "--device", "cpu,cpu", code=2))
        self.assertIn("unknown device ''", self.refusal(*small, "--device", "cpu,", code=2))

    def test_forward(self):
        small = ["bench", "forward", "--model", "resnet9", "--width", "0.25", "--input", "3x16x16", "--repeat", "2"]
        result = self.json(*small, "--batch-size", "1,3,20", "--methods", "dense,bdwp")
        rows = [(row["batch_size"], row["method"]) for row in result["results"]]
        self.assertEqual(rows, [(batch, method) for batch in (1, 3, 20) for method in ("dense", "bdwp")])
        for row in result["results"]:
            self.assertAlmostEqual(row["images_per_second"], row["batch_size"] / row["seconds"]["median"], 6)
        text = self.satsuma(*small, "--batch-size", "2").stdout
        for words in ("batch", "dense ms", "bdwp ms", "images/s"):
            self.assertIn(words, text)

    def test_pipeline(self):
        small = ["--model", "resnet9", "--width", "0.25", "--data", "synthetic", "--input", "3x16x16", "--classes", "4"]
        small += ["--batch-size", "20", "--slice", "3", "--warmup", "1"]
        result = self.json("bench", "pipeline", *small, "--repeat", "2")
        self.assertEqual([result[key] for key in ("bench", "data", "slices", "steps_a_slice")], ["pipeline", "synthetic", 2, 3])
        self.assertEqual(result["input"], "3x16x16")
        for key in ("bare_seconds", "loaded_seconds", "ratio"):
            self.assertTrue(0 < result[key]["min"] <= result[key]["median"] <= result[key]["max"])
        self.assertGreater(result["loader_alone_seconds"], 0)
        self.assertLess(result["waited_seconds"]["max"], result["loaded_seconds"]["max"])
        text = self.satsuma("bench", "pipeline", *small, "--repeat", "1").stdout
        self.assertRegex(text, r"takes [\d.]+ \([\d.]+ to [\d.]+\) times as long")
        for words, arguments in [
            ("expected 1 to 500", ["--data", "synthetic", "--batch-size", "20", "--slice", "501"]),
            ("did you mean 'synthetic'?", ["--data", "synthetik"]),
            ("did you mean 'standard'?", ["--data", "synthetic", "--augment", "standart"]),
        ]:
            self.assertIn(words, self.refusal("bench", "pipeline", "--model", "resnet9", *arguments, code=2))

    def test_kernels(self):
        done = self.satsuma("bench", "kernels", *SMALL, "--nm", "2:8", "--json", code=(0, 1))
        if "has no oneDNN" in done.stderr:
            self.skipTest("built without oneDNN")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual({row["pass"] for row in result["layers"]}, {"FF", "BP", "WU"})
        for row in result["layers"]:
            self.assertGreater(row["dense_gflops"], 0)
            self.assertAlmostEqual(row["ratio"], row["nm_gflops"] / row["dense_gflops"], 6)
            self.assertEqual(row["pruned"], row["pass"] != "WU")
        self.assertEqual(set(result["geomean_ratio"]), {"FF", "BP", "WU"})
        for value in result["geomean_ratio"].values():
            self.assertGreater(value, 0)

    def test_patterns_and_plot(self):
        patterns = ["1:2", "2:4", "1:4", "4:8", "2:8"]
        arguments = ["bench", "kernels", *SMALL, "--patterns", ",".join(patterns), "--plot", "kernels.svg"]
        done = self.satsuma(*arguments, "--json", code=(0, 1))
        if "has no oneDNN" in done.stderr:
            self.skipTest("built without oneDNN")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual([entry["nm"] for entry in result["patterns"]], patterns)
        # One time of oneDNN for all patterns of a pass of a layer.
        for layer in {row["layer"] for row in result["layers"]}:
            rows = [row for row in result["layers"] if (row["layer"], row["pass"]) == (layer, "FF")]
            self.assertEqual([row["nm"] for row in rows], patterns)
            self.assertEqual(len({row["dense_gflops"] for row in rows}), 1)
        picture = ElementTree.parse(self.folder / "kernels.svg").getroot()
        self.assertEqual(picture.tag, "{http://www.w3.org/2000/svg}svg")
        texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
        for words in ("density N/M", "ideal: M/N", "1/4", "1:4, 2:8", "FF", "BP", "WU", "filled: 1:2, ring: dense"):
            self.assertIn(words, texts)
        hints = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}title")]
        pruned = sum(row["pruned"] and row["nm"] == "1:2" for row in result["layers"])
        dense = sum(row["nm"] == "1:2" for row in result["layers"])
        self.assertEqual(len(hints), 2 * len(patterns) + pruned + dense)
        for words in ("GFLOP/s", "GB/s"):
            self.assertTrue(any(words in text for text in texts), words)

    def test_patterns_text(self):
        done = self.satsuma("bench", "kernels", *SMALL, "--patterns", "2:4,2:8", code=(0, 1))
        if "has no oneDNN" not in done.stderr:
            self.assertRegex(done.stdout, r"\n +2:4 FF [\d.]+x BP [\d.]+x WU [\d.]+x\n +2:8 FF ")
        self.assertIn("--nm", self.refusal("bench", "kernels", *SMALL, "--patterns", "2:4", "--nm", "2:8", code=2))
        self.assertIn("'2:x'", self.refusal("bench", "kernels", *SMALL, "--patterns", "2:4,2:x", code=2))

    def test_plot_refusal(self):
        message = self.refusal("bench", "kernels", *SMALL, "--plot", "missing/kernels.svg", code=1)
        self.assertTrue("missing" in message or "has no oneDNN" in message, message)


if __name__ == "__main__":
    unittest.main()
