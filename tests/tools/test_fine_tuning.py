"""Weights of other programs and tasks as a start, frozen layers, rates by layer, stochastic depth, recomputation."""

import json
import unittest

from support import CommandTest, read_safetensors, write_safetensors

TINY = ["--model", "resnet18", "--width", "0.125", "--data", "synthetic", "--input", "3x16x16", "--classes", "4"]
TINY += ["--limit-train", "96", "--batch-size", "32", "--threads", "2", "--epochs", "2", "--seed", "1"]


def without(prefix, tensors):
    return {name: value for name, value in tensors.items() if not name.startswith(prefix)}


class FineTuning(CommandTest):
    def write(self, name, tensors):
        header, data = {}, b""
        for key, (dtype, shape, content) in tensors.items():
            header[key] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(content)]}
            data += content
        write_safetensors(self.folder / name, header, data)

    def begun(self):
        """Weights of ten classes, as another program has them."""
        self.satsuma("train", *TINY, "--classes", "10", "--epochs", "0", "--out", "ten")
        return read_safetensors(self.folder / "ten/init.safetensors")

    def test_prefixes_and_heads(self):
        tensors = self.begun()
        self.write("wrapped.safetensors", {f"state_dict.module.{name}": value for name, value in tensors.items()})
        line = self.refusal("train", *TINY, "--init", "wrapped.safetensors", "--out", "run", code=1)
        for part in ("wrapped.safetensors", "'fc.weight'", "[10, 64]", "[4, 64]", "--new-head"):
            self.assertIn(part, line)
        done = self.satsuma("train", *TINY, "--init", "wrapped.safetensors", "--new-head", "--epochs", "0", "--out", "run")
        notes = [line for line in done.stderr.splitlines() if "note:" in line]
        self.assertEqual(len(notes), 2, done.stderr)
        self.assertIn("'state_dict.module.'", notes[0])
        self.assertIn("'fc' is a new head of 4 classes; the file's of 10 is not used", notes[1])
        got = read_safetensors(self.folder / "run/init.safetensors")
        self.assertEqual(without("fc.", got), without("fc.", tensors))
        self.assertEqual(got["fc.weight"][1], (4, 64))
        self.assertIn("--init", self.refusal("train", *TINY, "--new-head", "--out", "other", code=2))

    def test_a_file_of_another_model_or_other_classes_says_of_which(self):
        self.begun()
        for arguments, parts in ((["--width", "0.25"], ["[8,", "[16,"]), (["--model", "vgg11"], ["features.0.weight"]), ([], ["[10, 64]", "[4, 64]"])):
            with self.subTest(arguments):
                line = self.refusal("train", *TINY, *arguments, "--input", "3x32x32", "--init", "ten/init.safetensors", "--out", "run", code=1)
                for part in (*parts, "model 'resnet18'", "width 0.125", "10 classes"):
                    self.assertIn(part, line)

    def test_positions_of_another_resolution(self):
        vit = ["--model", "vit_cifar", *TINY[2:]]
        self.satsuma("train", *vit, "--epochs", "0", "--out", "small")
        done = self.satsuma("train", *vit, "--input", "3x24x32", "--init", "small/init.safetensors", "--epochs", "0", "--out", "large")
        self.assertIn("'pos_embed' [1, 17, 64] is resampled to [1, 49, 64]", done.stderr)
        done = self.satsuma("eval", "--checkpoint", "small/init.safetensors", "--input", "3x16x16")
        self.assertNotIn("resampled", done.stderr)

    def test_frozen_layers_and_rates(self):
        arguments = [*TINY, "--optimizer", "adamw", "--lr", "0.01", "--freeze", "conv1|bn1|layer1.*|layer2", "--lr-for", "fc=10", "--method", "bdwp", "--nm", "2:8"]
        whole = self.json("train", *arguments, "--out", "whole")
        before, after = (read_safetensors(self.folder / f"whole/{name}.safetensors") for name in ("init", "last"))
        frozen = ("conv1.", "bn1.", "layer1.", "layer2.")
        for name in before:
            self.assertEqual(before[name] == after[name], name.startswith(frozen), name)
            if not name.endswith(("running_mean", "running_var", "num_batches_tracked")):
                self.assertEqual(f"optimizer.exp_avg.{name}" in after, not name.startswith(frozen), name)
        everything = self.json("train", *arguments, "--freeze", "conv1", "--out", "everything")
        self.assertLess(whole["pass_macs"]["WU"], everything["pass_macs"]["WU"])
        self.assertLess(whole["pass_macs"]["BP"], everything["pass_macs"]["BP"])
        # In two halves.
        self.satsuma("train", *arguments, "--steps", "4", "--out", "halves")
        self.satsuma("train", "--resume", "--steps", "6", "--out", "halves")
        self.assertEqual(read_safetensors(self.folder / "halves/last.safetensors"), after)
        line = self.refusal("train", "--resume", "--freeze", "conv1", "--out", "halves", code=2)
        self.assertIn("--freeze", line)
        for arguments, parts in (
            (["--freeze", "layr1"], ["--freeze", "'layr1'", "did you mean 'layer1'?"]),
            (["--lr-for", "fd=2"], ["--lr-for", "'fd'", "did you mean 'fc'?"]),
            (["--lr-for", "fc"], ["--lr-for", "LAYERS=FACTOR"]),
            (["--layer-decay", "0.75"], ["--layer-decay", "0.75"]),
        ):
            line = self.refusal("train", *TINY, *arguments, "--out", "refused", code=2)
            for part in parts:
                self.assertIn(part, line)

    def test_what_drops_is_resumed_and_recomputed_exactly(self):
        for model in (["--model", "resnet18"], ["--model", "vit_cifar", "--layer-decay", "0.75"]):
            with self.subTest(model):
                name = model[1]
                arguments = [*model, *TINY[2:], "--drop-path", "0.3", "--dropout", "0.2", "--method", "bdwp", "--nm", "2:8"]
                self.satsuma("train", *arguments, "--out", f"{name}-whole")
                whole = read_safetensors(self.folder / f"{name}-whole/last.safetensors")
                self.satsuma("train", *arguments, "--steps", "2", "--out", f"{name}-halves")
                self.satsuma("train", "--resume", "--recompute", "--steps", "6", "--out", f"{name}-halves")
                self.assertEqual(read_safetensors(self.folder / f"{name}-halves/last.safetensors"), whole)
                self.satsuma("train", *arguments, "--drop-path", "0", "--out", f"{name}-plain")
                self.assertNotEqual(read_safetensors(self.folder / f"{name}-plain/last.safetensors"), whole)

    def test_models_say_for_which_images_they_are_made(self):
        self.assertEqual(self.json("models", "vit_tiny_patch16_224")["input"], [3, 224, 224])
        self.assertEqual(self.json("models", "resnet34")["input"], [3, 32, 32])
        self.assertEqual(self.json("info", "--model", "vit_small_patch16_224")["input"], [3, 224, 224])
        names = [model["name"] for model in json.loads(self.satsuma("models", "--json").stdout)["models"]]
        self.assertEqual(len(names), 18)


if __name__ == "__main__":
    unittest.main()
