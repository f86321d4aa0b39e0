"""Every subcommand explains itself, and lists what there is as text and as JSON."""

import unittest

from support import CommandTest

COMMANDS = [["train"], ["eval"], ["predict"], ["report"], ["export"], ["info"], ["models"], ["datasets"], ["devices"], ["methods"], ["optimizers"], ["bench"]]
COMMANDS += [["bench", "step"], ["bench", "forward"], ["bench", "kernels"], ["bench", "loader"], ["bench", "pipeline"], ["bench", "scale"], ["bench", "check"]]
COMMANDS += [["devices", "test"], ["plugin"], ["plugin", "new"], ["sat"], ["sat", "build"]]
COMMANDS += [["data"], ["data", "check"], ["data", "pack"], ["datasets", "get"], ["compare"], ["recipes"]]
COMMANDS += [["profile"], ["doctor"], ["completion"], ["man"]]


class Help(CommandTest):
    def test_every_subcommand(self):
        for command in COMMANDS:
            with self.subTest(command):
                text = self.satsuma(*command, "--help").stdout
                self.assertIn(f"Usage: satsuma {' '.join(command)} ", text)
                self.assertIn("Example: satsuma", text)
                # A line for each setting, and of a run there are many.
                self.assertLess(len(text.splitlines()), 130 if command in (['train'], ['compare']) else 80)

    def test_top(self):
        text = self.satsuma("--help").stdout
        for command in COMMANDS:
            self.assertIn(f"  {command[0]} ", text)


class Lists(CommandTest):
    def test_models(self):
        names = [model["name"] for model in self.json("models")["models"]]
        self.assertLessEqual({"resnet9", "resnet18", "resnet20", "resnet50", "vgg19_bn", "vit_cifar"}, set(names))
        for name in names:
            self.assertIn(name, self.satsuma("models").stdout)
        one = self.json("models", "resnet18")
        self.assertEqual(one["name"], "resnet18")
        self.assertEqual(one["parameters"], 11_173_962)  # 3x3 stem, 10 classes
        self.assertIn("parameters", self.satsuma("models", "resnet18").stdout)

    def test_datasets(self):
        names = [dataset["name"] for dataset in self.json("datasets")["datasets"]]
        self.assertLessEqual({"mnist", "fashion-mnist", "synthetic"}, set(names))
        fashion = self.json("datasets", "fashion-mnist")
        self.assertEqual(fashion["input"], [1, 32, 32])
        self.assertEqual([fashion[key] for key in ("classes", "pad", "train_count", "test_count")], [10, 2, 60000, 10000])
        self.assertEqual([len(fashion["mean"]), len(fashion["std"])], [1, 1])
        self.assertIsInstance(fashion["found"], str)
        synthetic = self.json("datasets", "synthetic")
        self.assertEqual([len(synthetic["mean"]), len(synthetic["std"])], [3, 3])
        self.assertIn("found", self.satsuma("datasets", "mnist").stdout)

    def test_methods(self):
        by_name = {method["name"]: method for method in self.json("methods")["methods"]}
        self.assertEqual([by_name["dense"][key] for key in ("ff_weight", "bp_weight")], ["dense", "dense"])
        self.assertEqual([by_name["bdwp"][key] for key in ("ff_weight", "bp_weight")], ["packed", "packed"])
        self.assertEqual(self.json("methods", "bdwp"), by_name["bdwp"])
        self.assertIn("N:M along output channels", self.satsuma("methods", "bdwp").stdout)

    def test_optimizers(self):
        by_name = {kind["name"]: kind for kind in self.json("optimizers")["optimizers"]}
        self.assertEqual(list(by_name), ["sgd", "adam", "adamw", "lamb"])
        self.assertEqual(by_name["sgd"]["states"], ["momentum_buffer"])
        self.assertEqual(by_name["adamw"]["states"], ["exp_avg", "exp_avg_sq"])
        self.assertEqual(self.json("optimizers", "adamw"), by_name["adamw"])
        self.assertIn("--lr 0.001 --weight-decay 0.01", self.satsuma("optimizers", "adamw").stdout)

    def test_devices(self):
        names = [device["name"] for device in self.json("devices")["devices"]]
        self.assertLessEqual({"cpu", "reference"}, set(names))
        for name in names:
            one = self.json("devices", name)
            for answer in one["supports"]:
                self.assertEqual(answer["yes"], answer["reason"] == "", answer)
        self.assertIn("FF 2:8", self.satsuma("devices", "cpu").stdout)


if __name__ == "__main__":
    unittest.main()
