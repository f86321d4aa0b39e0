"""Options of training from the command line: schedules, clipping, accumulation, averages, limits, searches."""

import json
import time
import unittest
import xml.etree.ElementTree as ElementTree

from support import TINY, CommandTest, read_safetensors

ALL = ["--accumulate", "2", "--clip", "norm:1", "--ema", "0.9", "--class-weights", "balanced", "--patience", "9"]
ALL += ["--keep-best", "2", "--schedule", "multi-step", "--lr-milestones", "1ep,2ep", "--warmup", "2", "--schedule-per", "epoch"]


class Options(CommandTest):
    def log(self, run):
        return [json.loads(line) for line in (self.folder / run / "log.jsonl").read_text().splitlines()]

    def test_resume_is_exact_with_everything_on(self):
        result = json.loads(self.train("whole", "--epochs", "3", *ALL, "--json").stdout)
        self.assertEqual(result["steps"], 9)  # of two batches each
        self.train("parts", "--epochs", "3", *ALL, "--steps", "4")
        self.satsuma("train", "--resume", "--out", "parts", "--steps", "none")
        self.assert_same_tensors("whole/last.safetensors", "parts/last.safetensors")
        names = read_safetensors(self.folder / "whole/last.safetensors")
        self.assertIn("ema.fc.weight", names)
        self.assertIn("ema.layer1.bn.running_var", names)
        for name in ("best-1.safetensors", "best-2.safetensors"):
            self.assertTrue((self.folder / "whole" / name).exists())
        self.assertFalse((self.folder / "whole/best-3.safetensors").exists())

    def test_config_says_it_all(self):
        self.train("a", "--epochs", "1", *ALL)
        config = (self.folder / "a/config.toml").read_text()
        for line in ("accumulate = 2", 'clip = "norm:1"', "ema = 0.9", 'class-weights = "balanced"', "patience = 9", "keep-best = 2"):
            self.assertIn(line.replace('"', "'"), config.replace('"', "'"))
        self.satsuma("train", "--config", "a/config.toml", "--out", "b")
        self.assert_same_tensors("a/last.safetensors", "b/last.safetensors")

    def test_accumulation_is_the_large_batch(self):
        """But for batch norm: of a transformer without augmentation both learn the same."""
        model = ["--model", "vit_cifar", "--width", "0.125", *TINY[4:10], "--method", "dense", "--threads", "2"]
        model += ["--augment", "none", "--optimizer", "sgd", "--lr", "0.01", "--epochs", "1", "--dropout", "0"]
        self.satsuma("train", *model, "--batch-size", "32", "--out", "large")
        self.satsuma("train", *model, "--batch-size", "16", "--accumulate", "2", "--out", "parts")
        large, parts = (self.log(run)[-2] for run in ("large", "parts"))
        self.assertEqual((large["kind"], large["step"]), ("epoch", parts["step"]))
        self.assertAlmostEqual(large["loss"], parts["loss"], delta=1e-4)

    def test_patience(self):
        result = json.loads(self.train("run", "--epochs", "50", "--lr", "1e-12", "--warmup", "0", "--patience", "2", "--json").stdout)
        self.assertEqual(result["stopped_by"], "patience")
        self.assertEqual(result["epochs"], result["best_epoch"] + 2)
        self.assertFalse(result["interrupted"])
        line = self.refusal("train", *TINY, "--out", "no", "--val-share", "0", "--patience", "2", code=2)
        self.assertIn("--patience needs a validation set", line)

    def test_max_time_stops_in_order(self):
        begin = time.monotonic()
        done = self.train("run", "--epochs", "100000", "--max-time", "3s")
        self.assertLess(time.monotonic() - begin, 60)
        self.assertIn("stopped by --max-time 3s after step", done.stdout)
        self.assertIn("satsuma train --resume --out run", done.stdout)
        self.satsuma("eval", "--checkpoint", "run/last.safetensors")
        result = json.loads(self.satsuma("train", "--resume", "--out", "run", "--max-time", "2s", "--json").stdout)
        self.assertEqual((result["stopped_by"], result["interrupted"]), ("max-time", True))

    def test_no_validation_is_said(self):
        done = self.train("run", "--epochs", "2", "--val-share", "0")
        self.assertIn("no validation set: the last weights are the best", done.stdout)
        last, best = (read_safetensors(self.folder / f"run/{name}.safetensors") for name in ("last", "best"))
        for name, tensor in best.items():
            self.assertEqual(tensor, last[name], name)

    def test_lr_find_draws_and_leaves_nothing_else(self):
        done = self.satsuma("train", *TINY, "--lr-find", "--out", "run")
        self.assertRegex(done.stdout, r"(try --lr|the loss does not fall)")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["lr-find.svg"])
        root = ElementTree.parse(self.folder / "lr-find.svg").getroot()
        self.assertTrue(root.tag.endswith("svg"))
        result = json.loads(self.satsuma("train", *TINY, "--lr-find", "curve.svg", "--json").stdout)
        rates = [point["lr"] for point in result["points"]]
        self.assertEqual(rates, sorted(rates))
        self.assertTrue((self.folder / "curve.svg").exists())

    def test_auto_batch(self):
        quiet = [argument for argument in TINY if argument not in ("--batch-size", "32")]
        small, large = (
            json.loads(self.satsuma("train", *quiet, "--limit-train", "1024", "--auto-batch", "--memory", memory,
                                    "--epochs", "1", "--steps", "1", "--out", memory, "--json").stdout)["batch_size"]
            for memory in ("40MiB", "100MiB")
        )
        self.assertLess(small, large)
        config = (self.folder / "100MiB/config.toml").read_text()
        self.assertIn(f"batch-size = {large}\n", config)
        self.assertIn("auto-batch = false\n", config)
        line = self.refusal("train", *quiet, "--auto-batch", "--memory", "1MiB", "--out", "no", code=2)
        self.assertIn("does not fit", line)
        line = self.refusal("train", "--resume", "--out", "40MiB", "--auto-batch", code=2)
        self.assertIn("leave out --auto-batch", line)


if __name__ == "__main__":
    unittest.main()
