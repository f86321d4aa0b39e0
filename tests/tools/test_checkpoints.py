"""Weight files that are broken, of another program or of another model: what is needed is checked, what is left is named."""

import json
import struct
import unittest

from support import TINY, CommandTest, read_safetensors, write_safetensors


class Checkpoints(CommandTest):
    def setUp(self):
        super().setUp()
        self.train("run", "--steps", "1", "--quiet")
        self.good = self.folder / "run/last.safetensors"
        content = self.good.read_bytes()
        (self.size,) = struct.unpack_from("<Q", content)
        self.header = json.loads(content[8 : 8 + self.size])
        self.data = content[8 + self.size :]

    def check(self, name, content):
        bad = self.folder / "bad.safetensors"
        if isinstance(content, bytes):
            bad.write_bytes(content)
        else:
            write_safetensors(bad, *content)
        before = self.good.read_bytes()
        with self.subTest(name):
            self.assertIn("bad.safetensors", self.refusal("eval", "--checkpoint", "bad.safetensors", code=1))
            self.refusal("train", *TINY, "--out", "other", "--overwrite", "--init", "bad.safetensors", code=1)
        self.assertEqual(self.good.read_bytes(), before)

    def changed(self, change):
        header = json.loads(json.dumps(self.header))
        change(header)
        return header, self.data

    def first(self, header):
        """Name and entry of a parameter that every ResNet-9 has."""
        return next((name, entry) for name, entry in header.items() if name.endswith("weight") and len(entry["shape"]) == 4)

    def test_broken_files(self):
        content = self.good.read_bytes()
        self.check("empty", b"")
        self.check("too short", content[:7])
        self.check("cut in the header", content[: self.size // 2])
        self.check("cut in the data", content[:-1])
        self.check("bytes to spare", content + b"\0")
        self.check("huge header", struct.pack("<Q", 1 << 60) + content[8:])
        self.check("no JSON", (b"{" * 50, self.data))
        self.check("not an object", (b"[]", self.data))
        self.check("deep JSON", (b"[" * 100_000, self.data))

    def test_broken_tables(self):
        def rename(header):
            name, entry = self.first(header)
            header["other." + name] = header.pop(name)

        def reshape(header):
            _, entry = self.first(header)
            entry["shape"] = entry["shape"][::-1]

        def overflow(header):
            self.first(header)[1]["shape"] = [1 << 32, 1 << 32, 1 << 32]

        def negative(header):
            self.first(header)[1]["shape"] = [-1, -1]

        def overlap(header):
            names = [name for name in header if name != "__metadata__"]
            header[names[1]]["data_offsets"] = header[names[0]]["data_offsets"]

        def backwards(header):
            entry = self.first(header)[1]
            entry["data_offsets"] = entry["data_offsets"][::-1]

        def outside(header):
            entry = self.first(header)[1]
            entry["data_offsets"] = [entry["data_offsets"][0], len(self.data) * 1000]

        def dtype(header):
            self.first(header)[1]["dtype"] = "F7"

        for change in (rename, reshape, overflow, negative, overlap, backwards, outside, dtype):
            self.check(change.__name__, self.changed(change))

    def test_missing_tensors(self):
        tensors = {name: entry for name, entry in self.header.items() if name != "__metadata__"}
        last = max(tensors, key=lambda name: tensors[name]["data_offsets"][1])
        begin = tensors[last]["data_offsets"][0]
        header = {name: entry for name, entry in self.header.items() if name != last}
        if not last.startswith(("optimizer.", "epoch_mask.")):
            self.check("missing", (header, self.data[:begin]))

    def tensors(self):
        """Weights of the model as another program has them: no metadata, no velocities."""
        names = [name for name in self.header if not name.startswith(("__", "optimizer.", "epoch_mask."))]
        return {name: value for name, value in read_safetensors(self.good).items() if name in names}

    def write(self, name, tensors):
        header, data = {}, b""
        for key, (dtype, shape, content) in tensors.items():
            header[key] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(content)]}
            data += content
        write_safetensors(self.folder / name, header, data)

    def begin_with(self, name, *arguments, **options):
        command = ["train", *TINY, "--epochs", "0", "--out", "from", "--overwrite", "--init", name, *arguments]
        return self.refusal(*command, **options) if options else self.satsuma(*command)

    def evaluate(self, name, **options):
        command = ["eval", "--checkpoint", name, *TINY[:10], *TINY[14:18]]
        return self.refusal(*command, **options) if options else self.satsuma(*command)

    def test_counters_of_batches_may_be_missing(self):
        """No result depends on them."""
        tensors = self.tensors()
        counters = [name for name in tensors if name.endswith("num_batches_tracked")]
        self.assertTrue(counters)
        cases = {"whole": {}, "without": None, "of floats": ("F32", (), bytes(4)), "of one axis": ("I64", (1,), bytes(8))}
        cases["of int32"] = ("I32", (), bytes(4))
        accuracy = self.json("eval", "--checkpoint", "run/last.safetensors")["top1"]
        for case, value in cases.items():
            with self.subTest(case):
                changed = dict(tensors)
                for name in counters:
                    if value is None:
                        del changed[name]
                    elif value:
                        changed[name] = value
                self.write("weights.safetensors", changed)
                done = self.begin_with("weights.safetensors")
                self.assertEqual(done.stderr.count("no place"), 1 if value else 0)
                weights = read_safetensors(self.folder / "from/init.safetensors")
                for name in tensors:
                    expected = tensors[name] if case == "whole" or name not in counters else ("I64", (), bytes(8))
                    self.assertEqual(weights[name], expected, name)
                done = self.evaluate("weights.safetensors")
                self.assertIn(f"{100 * accuracy:.2f} %", done.stdout)
        # The checkpoint of a run has them.
        whole = read_safetensors(self.good)
        del whole[counters[0]]
        header = {"__metadata__": self.header["__metadata__"]}
        data = b""
        for name, (dtype, shape, content) in whole.items():
            header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(content)]}
            data += content
        write_safetensors(self.good, header, data)
        self.assertIn(counters[0], self.refusal("train", "--resume", "--out", "run", code=1))

    def test_what_the_model_has_no_place_for(self):
        """It is left out and named, once; whatever type it has."""
        foreign = {
            "extra.weight": ("F32", (1,), bytes(4)),
            "mask": ("BOOL", (3,), bytes(3)),
            "ids": ("I32", (1, 2), bytes(8)),
            "scale": ("F8_E4M3", (5,), bytes(5)),
            "packed": ("F4", (4,), bytes(2)),
            "sixth": ("F6_E2M3", (4,), bytes(3)),
            "complex": ("C64", (1,), bytes(8)),
            "deep": ("F32", (1,) * 9, bytes(4)),
        }
        for dtype, size in {"I8": 1, "I16": 2, "U16": 2, "U32": 4, "U64": 8, "F8_E5M2": 1, "F8_E8M0": 1, "F8_E4M3FNUZ": 1}.items():
            foreign[f"of {dtype}"] = (dtype, (2,), bytes(2 * size))
        for name, value in foreign.items():
            with self.subTest(name):
                self.write("more.safetensors", {**self.tensors(), name: value})
                for done in (self.begin_with("more.safetensors"), self.evaluate("more.safetensors")):
                    (line,) = [line for line in done.stderr.splitlines() if "no place" in line]
                    self.assertIn("more.safetensors", line)
                    self.assertIn(f": {name}", line)
                line = self.begin_with("more.safetensors", "--strict-init", code=1)
                self.assertIn(name, line)
                self.assertIn("more.safetensors", line)
        self.write("more.safetensors", {**self.tensors(), **foreign})
        (line,) = self.begin_with("more.safetensors").stderr.splitlines()
        self.assertIn("16 of the file's tensors", line)
        self.write("same.safetensors", self.tensors())
        self.assertEqual(self.begin_with("same.safetensors", "--strict-init").stderr, "")

    def test_types_that_are_needed_or_unknown(self):
        tensors = self.tensors()
        name = next(name for name, value in tensors.items() if len(value[1]) == 4)
        dtype, shape, content = tensors[name]
        for changed, word in ((("I32", shape, content), "I32"), (("F8_E4M3", shape, content[::4]), "F8_E4M3")):
            self.write("bad.safetensors", {**tensors, name: changed})
            for line in (self.begin_with("bad.safetensors", code=1), self.evaluate("bad.safetensors", code=1)):
                for words in ("bad.safetensors", name, word):
                    self.assertIn(words, line)
        for value in (("F7", (1,), bytes(1)), ("F4", (3,), bytes(2)), ("BOOL", (2,), bytes(3))):
            self.write("bad.safetensors", {**tensors, "extra": value})
            self.assertIn("extra", self.begin_with("bad.safetensors", code=1))

    def test_values_that_are_not_finite(self):
        """Refused at every door, with the file and the tensor."""
        wrong = {
            "F32": [struct.pack("<f", value) for value in (float("nan"), float("inf"), float("-inf"))],
            "F64": [struct.pack("<d", 1e300)],
            "F16": [b"\x00\x7c"],
            "BF16": [b"\xc0\x7f"],
        }
        tensors = self.tensors()
        for name in (next(iter(tensors)), next(name for name in tensors if name.endswith("running_var"))):
            shape = tensors[name][1]
            count = len(tensors[name][2]) // 4
            for dtype, values in wrong.items():
                for value in values:
                    with self.subTest(name, dtype=dtype):
                        content = bytes(len(value) * (count - 1)) + value
                        self.write("bad.safetensors", {**tensors, name: (dtype, shape, content)})
                        for line in (self.begin_with("bad.safetensors", code=1), self.evaluate("bad.safetensors", code=1)):
                            self.assertIn("bad.safetensors", line)
                            self.assertIn(f"'{name}'", line)
                            self.assertNotIn("--lr", line)
        # What is not needed may hold anything.
        self.write("more.safetensors", {**tensors, "extra": ("F32", (1,), wrong["F32"][0])})
        self.evaluate("more.safetensors")
        # Finite weights can be too large, too.
        huge = {name: ("F32", value[1], struct.pack("<f", 3e38) * (len(value[2]) // 4)) for name, value in tensors.items() if value[0] == "F32"}
        self.write("huge.safetensors", huge)
        self.assertIn("huge.safetensors", self.evaluate("huge.safetensors", code=1))
        line = self.refusal("train", *TINY, "--out", "from", "--overwrite", "--init", "huge.safetensors", code=1)
        self.assertIn("--init", line)
        self.assertNotIn("--lr", line)

    def test_run_that_is_not_finite_is_not_resumed(self):
        content = self.good.read_bytes()
        begin = len(content) - len(self.data)
        for name in (self.first(self.header)[0], next(name for name in self.header if name.startswith("optimizer."))):
            with self.subTest(name):
                at = begin + self.header[name]["data_offsets"][0]
                self.good.write_bytes(content[:at] + struct.pack("<f", float("nan")) + content[at + 4 :])
                line = self.refusal("train", "--resume", "--out", "run", "--steps", "2", code=1)
                self.assertIn("last.safetensors", line)
                self.assertIn(f"'{name}'", line)

    def test_another_model(self):
        line = self.refusal("eval", "--checkpoint", "run/last.safetensors", "--width", "0.25", code=1)
        self.assertIn("expected", line)

    def test_truncated_run_is_not_resumed(self):
        self.good.write_bytes(self.good.read_bytes()[:-1000])
        self.assertIn("last.safetensors", self.refusal("train", "--resume", "--out", "run", code=1))

    def test_missing_file(self):
        self.refusal("eval", "--checkpoint", "nowhere.safetensors", code=1)

    def test_names_are_torchvisions(self):
        arguments = ["--model", "resnet18", "--width", "0.125", "--data", "synthetic", "--input", "3x16x16"]
        self.satsuma("train", *arguments, "--epochs", "0", "--out", "resnet18")
        names = read_safetensors(self.folder / "resnet18/init.safetensors")
        for name in ("conv1.weight", "bn1.running_mean", "layer2.0.downsample.0.weight", "layer4.1.bn2.bias", "fc.weight"):
            self.assertIn(name, names)


if __name__ == "__main__":
    unittest.main()
