"""Files that are missing, cut off, lying or in the way: one line, exit 1 or 2, and nothing is lost."""

import gzip
import json
import os
import resource
import struct
import subprocess
import unittest

from support import SATSUMA, TINY, CommandTest


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


if __name__ == "__main__":
    unittest.main()
