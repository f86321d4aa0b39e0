"""Files that are missing, cut off, lying or in the way: one line, exit 1 or 2, and nothing is lost."""

import gzip
import json
import os
import struct
import subprocess
import unittest

from support import TINY, CommandTest, read_safetensors, write_safetensors


def idx(shape, values, claimed=None):
    return struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *(claimed or shape)) + values


class Data(CommandTest):
    def write(self, train=64, test=32, **files):
        """A data set in Fashion-MNIST's form; `files` replace single files, None leaves one out."""
        folder = self.folder / "data"
        folder.mkdir(exist_ok=True)
        for split, count in (("train", train), ("t10k", test)):
            images = bytes((i * 7 + i // 784 * 13) % 256 for i in range(count * 784))
            labels = bytes(i % 10 for i in range(count))
            content = {"images-idx3": idx((count, 28, 28), images), "labels-idx1": idx((count,), labels)}
            for kind, value in content.items():
                value = files.get(f"{split}_{kind[:6]}", value)
                if value is not None:
                    (folder / f"{split}-{kind}-ubyte").write_bytes(value)

    def run_on_data(self, **options):
        arguments = ["--model", "resnet9", "--width", "0.125", "--data", "mnist", "--data-dir", "data", "--out", "run"]
        arguments += ["--batch-size", "32", "--steps", "1", "--overwrite"]
        if options:
            return self.refusal("train", *arguments, **options)
        return self.satsuma("train", *arguments)

    def test_good_data(self):
        self.write()
        self.run_on_data()
        self.assertEqual(self.json("datasets", "mnist", "--data-dir", "data")["found"], "data")

    def test_missing(self):
        line = self.run_on_data(code=1)
        self.assertIn("data", line)
        self.write(train_labels=None)
        self.assertIn("labels", self.run_on_data(code=1))

    def test_broken(self):
        count = 64 * 784
        cases = {
            "truncated": idx((64, 28, 28), bytes(count - 1)),
            "too long": idx((64, 28, 28), bytes(count + 1)),
            "lying": idx((64, 28, 28), bytes(count), claimed=(4_000_000_000, 28, 28)),
            "overflowing": idx((64, 28, 28), bytes(count), claimed=(4_294_967_295, 4_294_967_295, 4_294_967_295)),
            "empty": b"",
            "of another kind": b"\x89PNG" + bytes(100),
            "cut gzip": gzip.compress(idx((64, 28, 28), os.urandom(count)))[:-100],
        }
        for name, content in cases.items():
            with self.subTest(name):
                self.write(train_images=content)
                self.assertIn("train-images", self.run_on_data(code=1))

    def test_label_out_of_range(self):
        self.write(train_labels=idx((64,), bytes([200] * 64)))
        self.run_on_data(code=1)

    def test_counts_differ(self):
        self.write(train_labels=idx((63,), bytes(63)))
        self.run_on_data(code=1)


class Places(CommandTest):
    def test_unwritable_directory(self):
        (self.folder / "file").write_text("in the way")
        for out in ("file", "file/run", "/proc/satsuma"):
            with self.subTest(out):
                self.assertIn(out, self.refusal("train", *TINY, "--steps", "1", "--out", out, code=(1, 2)))
        self.assertEqual((self.folder / "file").read_text(), "in the way")

    def test_recipes(self):
        cases = {"model = ": 1, "modle = 'resnet9'": 1, "epochs = 'three'": 1, "batch-size = 0": 1}
        for text, code in cases.items():
            with self.subTest(text):
                (self.folder / "recipe.toml").write_text(text)
                self.assertIn("recipe.toml", self.refusal("train", "--config", "recipe.toml", code=code))
        self.refusal("train", "--config", "missing.toml", code=1)

    def test_full_disk_keeps_the_old_checkpoint(self):
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("cannot mount a small disk: " + mounted.stderr.decode().strip())
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        self.train("disk/run", "--steps", "2")
        last = disk / "run/last.safetensors"
        before = last.read_bytes()
        with open(disk / "filler", "wb", buffering=0) as filler, self.assertRaises(OSError):
            while True:
                filler.write(bytes(4096))
        # Room for a log line, not for another checkpoint.
        os.truncate(disk / "filler", os.path.getsize(disk / "filler") - 64 * 1024)
        line = self.refusal("train", "--resume", "--out", "disk/run", "--steps", "4", code=1)
        self.assertIn("No space left", line)
        self.assertEqual(last.read_bytes(), before)
        self.assertEqual(list((disk / "run").glob("*.tmp*")), [])
        (disk / "filler").unlink()
        self.satsuma("train", "--resume", "--out", "disk/run", "--steps", "4")
        self.train("whole", "--steps", "4")
        self.assert_same_tensors("disk/run/last.safetensors", "whole/last.safetensors")


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

    def test_extra_and_missing_tensors(self):
        tensors = {name: entry for name, entry in self.header.items() if name != "__metadata__"}
        end = max(entry["data_offsets"][1] for entry in tensors.values())
        header = dict(self.header)
        header["extra.weight"] = {"dtype": "F32", "shape": [1], "data_offsets": [end, end + 4]}
        self.check("extra", (header, self.data + bytes(4)))
        last = max(tensors, key=lambda name: tensors[name]["data_offsets"][1])
        begin = tensors[last]["data_offsets"][0]
        header = {name: entry for name, entry in self.header.items() if name != last}
        if not last.startswith("optimizer."):
            self.check("missing", (header, self.data[:begin]))

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
