"""All methods on all devices: what they prune is executed, and the account of it is the same everywhere."""

import unittest

from support import CommandTest

MODEL = ["--model", "resnet20", "--width", "0.5", "--input", "3x8x8", "--classes", "10"]
TRAIN = [*MODEL, "--data", "synthetic", "--limit-train", "48", "--batch-size", "16", "--epochs", "1", "--threads", "2"]
METHODS = ["dense", "sr-ste", "sdgp", "sdwp", "bdwp"]


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
