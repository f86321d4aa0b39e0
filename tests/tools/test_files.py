"""Files that are missing, cut off, lying or in the way: one line, exit 1 or 2, and nothing is lost."""

import gzip
import json
import os
import resource
import struct
import subprocess
import unittest

from support import SATSUMA, TINY, CommandTest, read_safetensors, write_safetensors


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


class FileSizes(CommandTest):
    """Files that grow beyond the limit of the shell: an error, and the old content."""

    def limited(self, limit, *arguments):
        def set_limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        line = self.refusal(*arguments, code=1, preexec_fn=set_limit)
        self.assertIn("File too large", line)

    def names(self, folder="."):
        return {path.name for path in (self.folder / folder).iterdir()}

    def test_results(self):
        simulate = ["simulate", "--gemm", "64,64,64"]
        test = ["devices", "test", "reference", "--filter", "compress*"]
        cases = [[*simulate, f"--{kind}"] for kind in ("json", "csv", "html", "trace", "save-schedule")]
        cases += [[*test, "--json"], ["sat", "build", "--source", "-o"]]
        for arguments in cases:
            with self.subTest(arguments):
                path = self.folder / "result"
                for before in (None, "old"):
                    if before:
                        path.write_text(before)
                    self.limited(10, *arguments, "result")
                    self.assertEqual(path.read_text() if path.exists() else None, before)
                    self.assertEqual(self.names(), {"result"} if before else set())
                self.satsuma(*arguments, "result")
                self.assertGreater(path.stat().st_size, 10)
                path.unlink()

    def test_plot(self):
        bench = ["bench", "kernels", "--model", "resnet9", "--width", "0.125", "--input", "3x8x8", "--batch-size", "1"]
        bench += ["--repeat", "1", "--warmup", "0"]
        if "oneDNN" in self.satsuma(*bench, code=(0, 1)).stderr:
            self.skipTest("no oneDNN to compare with")
        (self.folder / "plot.svg").write_text("old")
        self.limited(100, *bench, "--plot", "plot.svg")
        self.assertEqual((self.folder / "plot.svg").read_text(), "old")
        self.assertEqual(self.names(), {"plot.svg"})

    def test_new_folders(self):
        for folder in ("mine", "deep/er/mine"):
            self.limited(2000, "plugin", "new", "mine", "--out", folder)
            self.limited(0, "train", *TINY, "--out", folder)
            self.assertEqual(self.names(), set())

    def test_training(self):
        self.train("run", "--steps", "2")
        before = {path.name: path.read_bytes() for path in (self.folder / "run").iterdir()}
        sizes = {name: len(content) for name, content in before.items()}
        self.limited(0, "train", *TINY, "--out", "run", "--overwrite")
        self.assertEqual({path.name: path.read_bytes() for path in (self.folder / "run").iterdir()}, before)
        resume = ["train", "--resume", "--out", "run", "--steps", "4", "--log-every", "1"]
        for limit in (0, sizes["log.jsonl"] + 10, sizes["last.safetensors"] // 2):
            with self.subTest(limit):
                self.limited(limit, *resume)
                now = {path.name: path.read_bytes() for path in (self.folder / "run").iterdir()}
                self.assertEqual(now.keys(), before.keys())
                for name in ("init.safetensors", "best.safetensors", "last.safetensors"):
                    self.assertEqual(now[name], before[name], name)
                for line in now["log.jsonl"].splitlines():
                    json.loads(line)
        self.satsuma(*resume)
        self.train("whole", "--steps", "4")
        self.assert_same_tensors("run/last.safetensors", "whole/last.safetensors")

    def test_standard_output(self):
        with open(self.folder / "out", "w") as out:
            done = subprocess.run(
                [SATSUMA, "models", "--json"],
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)),
            )
        self.assertEqual(done.returncode, 1)
        self.assertIn("File too large", done.stderr)


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
        if not last.startswith("optimizer."):
            self.check("missing", (header, self.data[:begin]))

    def tensors(self):
        """Weights of the model as another program has them: no metadata, no velocities."""
        names = [name for name in self.header if not name.startswith(("__", "optimizer."))]
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
