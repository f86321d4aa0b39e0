"""All methods on all devices: what they prune is executed, and the account of it is the same everywhere."""

import tomllib
import unittest

from support import CommandTest

MODEL = ["--model", "resnet20", "--width", "0.5", "--input", "3x8x8", "--classes", "10"]
TRAIN = [*MODEL, "--data", "synthetic", "--limit-train", "48", "--batch-size", "16", "--epochs", "1", "--threads", "2"]
METHODS = ["dense", "sr-ste", "sdgp", "sdwp", "bdwp"]  # those that SAT runs, too


class Methods(CommandTest):
    def check(self, device, *sparsity):
        """Trains three steps; operations by pass are those that `info` says, and nothing falls back."""
        info = self.json("info", *MODEL, *sparsity)
        run = self.json("train", *TRAIN, *sparsity, "--device", device, "--out", "-".join([device, *sparsity]).replace(":", "."))
        self.assertEqual(run["fallbacks"], 0)
        for key in ("FF", "BP", "WU"):
            self.assertEqual(run["pass_macs"][key], 3 * 16 * info["totals"][key.lower() + "_macs"], key)
        return info

    def test_cpu(self):
        for method in METHODS:
            with self.subTest(method):
                self.check("cpu", "--method", method, "--nm", "2:8")
                self.check("cpu", "--method", method, "--nm", "2:4", "--wu", "2:8")

    def test_transposable(self):
        """In whole blocks of 8 x 8 as BDWP; resnet20 ends in a layer of 10 classes, which has none."""
        for device in ("cpu", "reference"):
            info = self.check(device, "--method", "transposable", "--nm", "2:8")
        bdwp = {layer["name"]: layer for layer in self.json("info", *MODEL, "--method", "bdwp")["layers"]}
        for layer in info["layers"]:
            if layer["name"] == "fc":
                self.assertIn("no whole blocks of 8x8", layer["reason"])
                continue
            self.assertEqual(layer["transposable"], layer["sparse"])
            self.assertEqual([layer[k] for k in ("ff_macs", "bp_macs", "wu_macs")],
                             [bdwp[layer["name"]][k] for k in ("ff_macs", "bp_macs", "wu_macs")])
        line = self.refusal("train", *TRAIN, "--method", "transposable", "--sr-ste", "1e-4", "--out", "no", code=2)
        self.assertIn("--sr-ste", line)
        line = self.refusal("simulate", "--model", "resnet20", "--method", "transposable", code=2)
        self.assertIn("SORE", line)
        run = self.json("train", *TRAIN, "--method", "transposable", "--device", "sat", "--out", "sat")
        self.assertGreater(run["fallbacks"], 0)

    def test_few_bits(self):
        self.check("cpu", "--method", "bdwp", "--ff-bits", "8")
        self.check("reference", "--method", "dense", "--wu", "2:8", "--ff-bits", "4")
        text = self.satsuma("info", *MODEL, "--method", "bdwp", "--wu", "2:8", "--ff-bits", "8").stdout
        self.assertIn("FF 2:8 of 8 bits, BP 2:8, WU dY 2:8", text)
        run = self.json("train", *TRAIN, "--method", "bdwp", "--ff-bits", "8", "--device", "sat", "--out", "sat")
        self.assertGreater(run["fallbacks"], 0)

    def test_resume_is_exact(self):
        for name, options in (("transposable", ["--method", "transposable", "--refresh-masks", "2"]),
                              ("bits", ["--method", "bdwp", "--ff-bits", "8"])):
            with self.subTest(name):
                self.satsuma("train", *TRAIN, *options, "--epochs", "2", "--out", name)
                self.satsuma("train", *TRAIN, *options, "--epochs", "2", "--steps", "3", "--out", name + "-parts")
                self.satsuma("train", "--resume", "--out", name + "-parts", "--steps", "none")
                self.assert_same_tensors(f"{name}/last.safetensors", f"{name}-parts/last.safetensors")

    def test_budget(self):
        """The step takes what the budget says, what is kept says which patterns do, and a resumed run has them."""
        options = ["--method", "bdwp", "--nm", "2:8", "--wu", "2:8", "--epochs", "2"]
        said = self.satsuma("train", *TRAIN, *options, "--budget-macs", "0.4", "--out", "whole").stdout
        config = tomllib.loads((self.folder / "whole/config.toml").read_text())
        self.assertNotIn("budget-macs", config)
        chosen = dict(text.split("=") for text in config["nm-for"])
        self.assertGreater(len(set(chosen.values())), 1, chosen)
        for layer, pattern in chosen.items():
            self.assertRegex(said, rf"{layer} +{pattern} ")
        nm_for = [word for text in config["nm-for"] for word in ("--nm-for", text)]
        totals = self.json("info", *MODEL, *options[:6], *nm_for)["totals"]
        self.assertLessEqual(1 - totals["saving"], 0.4)
        self.assertGreater(1 - totals["saving"], 0.35)
        again = self.json("train", "--config", "whole/config.toml", "--out", "again")
        self.assertEqual(again["macs"], 6 * 16 * totals["method_macs"])
        self.assert_same_tensors("whole/last.safetensors", "again/last.safetensors")
        self.satsuma("train", *TRAIN, *options, "--budget-macs", "0.4", "--steps", "3", "--out", "parts")
        self.satsuma("train", "--resume", "--out", "parts", "--steps", "none")
        self.assert_same_tensors("whole/last.safetensors", "parts/last.safetensors")

    def test_budget_that_cannot_be(self):
        for wrong, words in (
            (["--method", "bdwp", "--budget-macs", "0.2"], "the sparsest patterns take"),
            (["--method", "sdgp", "--budget-macs", "0.9"], "prunes none"),
            (["--method", "bdwp", "--budget-macs", "0.9", "--nm-for", "layer1.*=1:8"], "--nm-for"),
            (["--method", "bdwp", "--budget-macs", "0.9", "--nm-schedule", "dense@0"], "--nm-schedule"),
        ):
            with self.subTest(words):
                self.assertIn(words, self.refusal("train", *TRAIN, *wrong, "--out", "no", code=2))
        self.assertIn("satsuma train", self.refusal("info", *MODEL, "--method", "bdwp", "--budget-macs", "0.9", code=2))
        self.satsuma("train", *TRAIN, "--method", "bdwp", "--steps", "1", "--out", "run")
        self.assertIn("leave out --budget-macs", self.refusal("train", "--resume", "--out", "run", "--method", "bdwp", "--budget-macs", "0.9", code=2))

    def test_sat(self):
        for method in METHODS:
            with self.subTest(method):
                self.check("sat", "--method", method, "--nm", "2:8", "--wu", "2:8")

    def test_reference(self):
        for method in METHODS:
            with self.subTest(method):
                self.check("reference", "--method", method, "--nm", "2:8", "--wu", "4:8")

    def test_sr_ste_packed(self):
        info = self.check("cpu", "--method", "sr-ste", "--bp", "packed")
        self.assertEqual(info["totals"]["ff_macs"] > 0, True)
        masked = self.json("info", *MODEL, "--method", "sr-ste")
        self.assertGreater(masked["totals"]["bp_macs"], info["totals"]["bp_macs"])

    def test_by_hand(self):
        """ResNet-18 at 32 x 32, multiply-adds of one image; conv1 and the classifier by hand."""
        totals = {m: self.json("info", "--model", "resnet18", "--method", m, "--nm", "2:8")["totals"] for m in METHODS}
        first = 64 * 3 * 9 * 32 * 32
        stages = [(64, 64, 32, 4), (64, 128, 16, 1), (128, 128, 16, 3), (128, 256, 8, 1), (256, 256, 8, 3), (256, 512, 4, 1), (512, 512, 4, 3)]
        inner = sum(count * c * k * 9 * p * p for c, k, p, count in stages)
        inner += sum(c * 2 * c * p * p for c, p in ((64, 16), (128, 8), (256, 4)))
        dense = {"ff": first + inner + 5120, "bp": inner + 5120, "wu": first + inner + 5120}
        quarter_ff, quarter_bp = first + inner // 4 + 1280, inner // 4 + 512 * 3
        expected = {
            "dense": (dense["ff"], dense["bp"]),
            "sr-ste": (quarter_ff, dense["bp"]),
            "sdgp": (dense["ff"], quarter_bp),
            "sdwp": (dense["ff"], quarter_bp),
            "bdwp": (quarter_ff, quarter_bp),
        }
        for method, (ff, bp) in expected.items():
            got = totals[method]
            self.assertEqual((got["ff_macs"], got["bp_macs"], got["wu_macs"]), (ff, bp, dense["wu"]), method)
        sampled = self.json("info", "--model", "resnet18", "--method", "bdwp", "--nm", "2:8", "--wu", "2:8")["totals"]
        self.assertEqual(sampled["wu_macs"], first + (inner + 5120) // 4)

    def test_layers_by_name(self):
        info = self.json("info", "--model", "resnet18", "--method", "bdwp", "--nm", "2:8", "--nm-for", "layer4.*=1:8", "--dense", "fc|layer1.0.conv1")
        layers = {layer["name"]: layer for layer in info["layers"]}
        self.assertEqual(layers["layer4.1.conv2"]["passes"]["FF"]["weight"]["nm"], "1:8")
        self.assertEqual(layers["layer3.1.conv2"]["passes"]["FF"]["weight"]["nm"], "2:8")
        self.assertIn("--dense", layers["fc"]["reason"])
        self.assertFalse(layers["layer1.0.conv1"]["sparse"])
        for flag in (["--nm-for", "layer9.*=1:8"], ["--dense", "head"], ["--place", "head=cpu"]):
            message = self.refusal("info", "--model", "resnet18", "--method", "bdwp", *flag, code=2)
            self.assertIn("matches no layer", message)
            self.assertIn("conv1", message)


if __name__ == "__main__":
    unittest.main()
