"""Models in forms that others read: what is in the files, and that other programs compute the same."""

import json
import re
import struct
import subprocess
import unittest
from pathlib import Path

from support import SATSUMA, TINY, CommandTest, read_safetensors, write_safetensors
from wire import fields, one

HAS_PROTOBUF = "no protobuf" not in subprocess.run([SATSUMA, "--version"], stdout=subprocess.PIPE, text=True).stdout
MODEL = [*TINY[:4], "--input", "3x16x16", "--classes", "4"]


def floats(tensor):
    kind, _, data = tensor
    return struct.unpack(f"<{len(data) // (2 if kind == 'F16' else 4)}{'e' if kind == 'F16' else 'f'}", data)


def metadata(path):
    content = path.read_bytes()
    (size,) = struct.unpack_from("<Q", content)
    return json.loads(content[8 : 8 + size])["__metadata__"]


def documented(name):
    """A function of docs/export.md."""
    text = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.S) if f"def {name}(" in block]
    space = {}
    exec(code, space)
    return space[name]


class Export(CommandTest):
    def trained(self, *arguments):
        self.train("run", "--steps", "2", *arguments)
        return self.folder / "run" / "best.safetensors"

    def export(self, name, *arguments, checkpoint="run/best.safetensors"):
        self.satsuma("export", "--checkpoint", checkpoint, "--out", name, *arguments)
        return self.folder / name

    def loss(self, path, *arguments):
        model = ["--model", "resnet9", "--width", "0.125", "--data", "synthetic", "--input", "3x16x16", "--classes", "4"]
        return self.json("eval", "--checkpoint", path, *arguments, *(model if not path.startswith("run/") else []))["loss"]

    def test_safetensors(self):
        checkpoint = self.trained()
        dense = self.export("dense", "--format", "safetensors")
        masters = read_safetensors(checkpoint)
        self.assertEqual(read_safetensors(dense), {n: t for n, t in masters.items() if not n.startswith(("optimizer.", "mask.", "epoch_mask."))})
        self.assertEqual(metadata(dense)["weights"], "dense masters")
        pruned = self.export("pruned", "--format", "safetensors", "--pruned")
        # The pruned file evaluated as it is, is the checkpoint evaluated as it was trained.
        # Up to the order in which a dense product sums, zeros with the rest.
        trained = self.loss("run/best.safetensors")
        self.assertAlmostEqual(self.loss("pruned", "--method", "dense"), trained, delta=1e-6 * trained)
        self.assertGreater(abs(self.loss("dense", "--method", "dense") - trained), 1e-4 * trained)
        weight = floats(read_safetensors(pruned)["layer2.conv.weight"])
        self.assertEqual(sum(value != 0 for value in weight) * 4, len(weight))

    def test_packed(self):
        self.trained("--nm", "3:7")
        packed = self.export("packed", "--format", "safetensors", "--packed")
        pruned = read_safetensors(self.export("pruned", "--format", "safetensors", "--pruned"))
        tensors = read_safetensors(packed)
        for name, entry in json.loads(metadata(packed)["packed"]).items():
            values = floats(tensors.pop(name + ".values"))
            number = int.from_bytes(tensors.pop(name + ".indices")[2], "little")
            rows, r, s, kept = entry["index_shape"]
            channels = entry["shape"][1]
            dense = [0.0] * (rows * channels * r * s)
            for i, value in enumerate(values):
                position = number >> i * 3 & 7
                row, place, j = i // kept // (r * s), i // kept % (r * s), i % kept
                dense[(row * channels + j // 3 * 7 + position) * r * s + place] = value
            self.assertEqual(tuple(dense), floats(pruned.pop(name)), name)
        self.assertEqual(tensors, pruned)

    def test_two_of_four(self):
        self.trained("--nm", "2:4", "--width", "0.5")
        whole = self.json("export", "--checkpoint", "run/best.safetensors", "--out", "sparse", "--format", "2:4")["whole"]
        reasons = {layer["name"]: layer["reason"] for layer in whole}
        self.assertIn("first convolution", reasons["prep.conv"])
        self.assertIn("multiples of 32 x 64", reasons["layer1.conv"])
        sparse = self.folder / "sparse"
        pruned = read_safetensors(self.export("pruned", "--format", "safetensors", "--pruned"))
        tensors = read_safetensors(sparse)
        table = json.loads(metadata(sparse)["semi_structured"])
        self.assertIn("layer2.conv.weight", table)
        for name, entry in table.items():
            kind, (rows, words), meta = tensors.pop(name + ".meta")
            self.assertEqual(kind, "I16")
            meta = struct.unpack(f"<{rows * words}H", meta)
            values = iter(floats(tensors.pop(name + ".packed")))
            k, c, r, s = entry["shape"]
            dense = [0.0] * (k * c * r * s)
            for row in range(rows):
                for column in range(words):
                    word = meta[self.place(rows, row, column)]
                    for group in range(4):
                        for bits in (word >> 4 * group & 3, word >> 4 * group + 2 & 3):
                            at = column * 16 + group * 4 + bits
                            dense[(row * c + at % c) * r * s + at // c] = next(values)
            half = struct.unpack(f"<{len(dense)}e", struct.pack(f"<{len(dense)}e", *floats(pruned.pop(name))))
            self.assertEqual(tuple(dense), half, name)
        self.assertEqual(tensors, pruned)

    @staticmethod
    def place(rows, row, column):
        """Rows of 32 in the order 0, 8, 16, 24, 1, 9, ...; then 2 x 2 blocks transposed; then pairs of columns together."""
        row = row // 32 * 32 + row % 8 * 4 + row % 32 // 8
        row, column = row // 2 * 2 + column % 2, column // 2 * 2 + row % 2
        return column // 2 * 2 * rows + row * 2 + column % 2

    def test_documented_readers(self):
        try:
            import numpy
            import torch
            from safetensors.numpy import load_file
        except ImportError as error:
            self.skipTest(f"{error.name} is not installed")
        self.trained("--nm", "2:4x2", "--width", "0.5")
        pruned = load_file(self.export("pruned", "--format", "safetensors", "--pruned"))
        unpacked = documented("unpack")(self.export("packed", "--format", "safetensors", "--packed"))
        self.assertEqual(unpacked.keys(), pruned.keys())
        for name, value in pruned.items():
            numpy.testing.assert_array_equal(unpacked[name], value, name)
        tensors = documented("semi_structured")(self.export("sparse", "--format", "2:4"))
        self.assertGreater(len(tensors), 3)
        for name, tensor in tensors.items():
            matrix = torch.from_numpy(pruned[name]).permute(0, 2, 3, 1).reshape(tensor.shape).half()
            self.assertTrue(torch.equal(tensor.to_dense(), matrix), name)

    @unittest.skipUnless(HAS_PROTOBUF, "this build has no protobuf")
    def test_onnx(self):
        checkpoint = self.trained()
        model = self.export("model.onnx", "--format", "onnx").read_bytes()
        self.assertEqual(fields(one(model, 8))[2], [17])
        graph = fields(one(model, 7))
        stored = {}
        for initializer in graph[5]:
            tensor = fields(initializer)
            stored[tensor[8][0].decode()] = tensor[9][0]
        pruned = read_safetensors(self.export("pruned", "--format", "safetensors", "--pruned"))
        for name, (kind, _, data) in pruned.items():
            if kind == "F32":
                self.assertEqual(stored[name], data, name)
        types = {fields(node)[4][0].decode() for node in graph[1]}
        self.assertLessEqual({"Conv", "BatchNormalization", "Relu", "MaxPool", "Gemm"}, types)
        entries = {one(entry, 1).decode(): one(entry, 2).decode() for entry in fields(model)[14]}
        self.assertEqual((entries["method"], entries["nm"], entries["input"]), ("bdwp", "2:8", "3x16x16"))
        self.assertEqual(len(json.loads(entries["mean"])), 3)
        masters = self.export("dense.onnx", "--method", "dense").read_bytes()
        self.assertIn(read_safetensors(checkpoint)["layer2.conv.weight"][2], masters)

    @unittest.skipUnless(HAS_PROTOBUF, "this build has no protobuf")
    def test_every_model_and_other_programs_files(self):
        for model in json.loads(self.satsuma("models", "--json").stdout)["models"]:
            with self.subTest(model["name"]):
                arguments = ["--model", model["name"], "--width", "0.125", "--input", "3x32x32", "--classes", "4"]
                run = ["--data", "synthetic", "--limit-train", "32", "--batch-size", "16", "--steps", "1", "--out", model["name"]]
                self.satsuma("train", *arguments, *run)
                self.export("first", "--format", "safetensors", checkpoint=f"{model['name']}/init.safetensors")
                first = self.export("first.onnx", *arguments, checkpoint="first").read_bytes()
                keys = {one(entry, 1) for entry in fields(first)[14]}
                self.assertEqual(keys, {b"model", b"input", b"method"})  # nobody knows mean and std
                self.assertGreater(len(first), 10_000)

    @unittest.skipIf(HAS_PROTOBUF, "this build has protobuf")
    def test_says_what_is_missing(self):
        self.trained()
        line = self.refusal("export", "--checkpoint", "run/best.safetensors", "--out", "model.onnx", code=2)
        for words in ("--format onnx", "libprotobuf-dev"):
            self.assertIn(words, line)

    def test_refusals(self):
        self.trained()
        self.export("dense", "--format", "safetensors")
        (self.folder / "folder").mkdir()
        write_safetensors(self.folder / "empty", {}, b"")
        best = ["--checkpoint", "run/best.safetensors"]
        for arguments, code, words in (
            ([*best, "--out", "x", "--format", "onxx"], 2, ["onxx", "onnx", "safetensors", "2:4"]),
            ([*best, "--out", "x", "--format", "2:4", "--packed"], 2, ["--packed", "safetensors"]),
            ([*best, "--out", "x", "--format", "2:4"], 2, ["2:8 is not 2:4"]),
            ([*best, "--out", "x", "--format", "safetensors", "--packed", "--method", "dense"], 2, ["no layer"]),
            ([*best, "--out", "folder", "--format", "safetensors"], 1, ["folder"]),
            ([*best, "--out", "none/x", "--format", "safetensors"], 1, ["none/x"]),
            (["--checkpoint", "dense", "--out", "x"], 2, ["--model", "--input", "--classes"]),
            (["--checkpoint", "empty", *MODEL, "--out", "x"], 1, ["empty", "missing"]),
            (["--checkpoint", "none", "--out", "x"], 1, ["none"]),
        ):
            with self.subTest(arguments):
                line = self.refusal("export", *arguments, code=code)
                for word in words:
                    self.assertIn(word, line)
                self.assertFalse((self.folder / "x").exists())


if __name__ == "__main__":
    unittest.main()
