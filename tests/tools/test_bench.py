"""The benchmarks' JSON; the figures themselves are nobody's promise here."""

import json
import unittest

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

    def test_step_text(self):
        text = self.satsuma("bench", "step", *SMALL, "--methods", "dense").stdout
        for words in ("images/s", "peak memory", "contraction_wu"):
            self.assertIn(words, text)

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


if __name__ == "__main__":
    unittest.main()
