"""Pictures of one's own: folders, lists and packed files, what is found in them, and what is refused in one line."""

import json
import os
import shutil
import struct
import unittest
import zlib
from pathlib import Path

from support import CommandTest

PICTURES = Path(os.environ["SATSUMA_TEST_PICTURES"])


def png(width=16, height=16, colour=(200, 30, 90), noise=0):
    """A PNG of one colour; `noise` makes it another one to look at."""
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    row = b"\0" + b"".join(bytes((c + noise * (x + 1)) % 256 for c in colour) for x in range(width))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(row * height)) + chunk(b"IEND", b""))


class Pictures(CommandTest):
    def put(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def fill(self, *folders, count=4):
        """Different pictures, a colour for each class."""
        for number, folder in enumerate(folders):
            for i in range(count):
                self.put(f"{folder}/{i}.png", png(colour=(40 * number, 250 - 40 * number, 90), noise=1 + i + 7 * number))

    def check(self, *arguments, code=0):
        done = self.satsuma("data", "check", "set", "--json", *arguments, code=code)
        result = json.loads(done.stdout)
        self.assertEqual(sum(result["counts"].values()), len(result["problems"]))
        return {(p["problem"], Path(p["file"]).name): p["details"] for p in result["problems"]}

    def test_check_finds_nothing(self):
        self.fill("set/a", "set/b")
        self.assertEqual(self.check(), {})
        self.assertEqual(self.satsuma("data", "check", "set").stdout, "8 pictures of 2 classes, no problems\n")

    def test_check_finds(self):
        self.fill("set/train/a", "set/train/b", "set/test/a", "set/test/b", count=1)
        whole = (PICTURES / "baseline.jpg").read_bytes()
        for size in range(0, len(whole), 100):
            self.put(f"set/train/a/cut{size}.jpg", whole[:size])
        self.put("set/train/a/words.jpg", b"no picture at all\n")
        self.put("set/train/a/zeros.png", bytes(1000))
        self.put("set/train/a/new\nline \xe9.png", b"GIF89a")
        self.put("set/train/a/deep.jpg", whole.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"))
        giant = bytearray(png())
        giant[16:24] = struct.pack(">II", 100_000, 100_000)
        giant[29:33] = struct.pack(">I", zlib.crc32(giant[12:29]))
        self.put("set/train/a/giant.png", bytes(giant))
        self.put("set/train/a/one.png", png(1, 1))
        for name in ("cmyk.jpg", "palette.png", "interlaced.png", "animated.gif", "colour.bmp", "progressive.jpg"):
            shutil.copy(PICTURES / name, self.folder / "set/train/a")
        shutil.copy(self.folder / "set/train/a/0.png", self.folder / "set/train/a/again.png")
        shutil.copy(self.folder / "set/train/a/0.png", self.folder / "set/train/b/other.png")
        shutil.copy(PICTURES / "palette.png", self.folder / "set/test/a/leak.png")
        found = self.check("--least", "8", code=1)
        for size in range(0, len(whole), 100):
            self.assertIn(("unreadable", f"cut{size}.jpg"), found)
        self.assertIn("it looks like text", found.pop(("unreadable", "words.jpg")))
        self.assertIn("zero bytes", found.pop(("unreadable", "zeros.png")))
        self.assertIn("12 bits", found.pop(("unreadable", "deep.jpg")))
        self.assertIn("100000x100000 pixels, expected at most 2^28", found.pop(("unreadable", "giant.png")))
        self.assertIn("1x1 pixels", found.pop(("too small", "one.png")))
        self.assertIn("0.png", found.pop(("duplicate", "again.png")))
        self.assertIn("class b, and of class a as", found.pop(("two classes", "other.png")))
        self.assertIn("in test, and in train as", found.pop(("two parts", "leak.png")))
        left = [key for key in found if not key[1].startswith("cut")]
        self.assertEqual([kind for kind, _ in left], ["unreadable"], left)  # the name with a newline
        lines = self.satsuma("data", "check", "set", code=1).stdout.splitlines()
        self.assertEqual(len([line for line in lines if "\\x0a" in line]), 1)
        self.assertEqual(lines[-1].split(",")[1].strip(), f"{len(lines) - 2} problems")

    def test_check_does_the_same_with_any_number_of_threads(self):
        self.fill("set/a", "set/b", count=20)
        self.put("set/a/bad.png", b"\x89PNG\r\n\x1a\n")
        outputs = {self.satsuma("data", "check", "set", "--threads", n, code=1).stdout for n in (1, 2, 5)}
        self.assertEqual(len(outputs), 1)

    def test_wrong_folders(self):
        def refused(code=1):
            return self.refusal("data", "check", "set", code=code)

        self.assertIn("no such file", refused())
        self.fill("set/a")
        self.assertIn("one class only", refused())
        (self.folder / "set/b").mkdir()
        self.assertIn("no picture", refused())
        self.fill("set/b")
        (self.folder / "set/a/loop").symlink_to(self.folder / "set")
        self.assertIn("leads back to a directory above it", refused())
        (self.folder / "set/a/loop").unlink()
        self.fill("parts/train/a", "parts/train/b", "parts/val/a", "parts/val/c")
        line = self.refusal("data", "check", "parts", code=1)
        self.assertIn("only parts/train has b; only parts/val has c", line)
        if os.getuid() != 0:
            (self.folder / "set/a").chmod(0)
            self.assertIn("Permission denied", refused())
            (self.folder / "set/a").chmod(0o755)

    def test_resumed_with_other_classes(self):
        self.fill("set/train/a", "set/train/b", "set/test/a", "set/test/b")
        options = ["train", "--model", "resnet9", "--width", "0.125", "--data", "set", "--image-size", "8", "--batch-size", "4",
                   "--epochs", "2", "--out", "run", "--quiet"]
        self.satsuma(*options, "--steps", "2")
        for part in ("train", "test"):
            (self.folder / "set" / part / "a").rename(self.folder / "set" / part / "z")
        line = self.refusal("train", "--resume", "--out", "run", "--steps", "4", code=2)
        self.assertIn("other classes than the model was trained for: 0: b, trained as a; 1: z, trained as b", line)

    def test_pack(self):
        self.fill("set/train/a", "set/train/b", "set/val/a", "set/val/b")
        self.put("set/train/a/wide.png", png(40, 20))
        result = json.loads(self.satsuma("data", "pack", "set", "-o", "set.pack", "--as", "decoded", "--image-size", "8", "--json").stdout)
        self.assertEqual(result["pictures"], {"train": 9, "validation": 8})
        self.assertEqual(result["bytes"], (self.folder / "set.pack").stat().st_size)
        content = (self.folder / "set.pack").read_bytes()
        self.satsuma("data", "pack", "set", "-o", "again.pack", "--image-size", "8", "--threads", "1")
        self.assertEqual((self.folder / "again.pack").read_bytes(), content)
        files = json.loads(self.satsuma("data", "pack", "set", "-o", "files.pack", "--json").stdout)
        self.assertEqual(files["as"], "files")
        self.assertIn("is a packed file", self.refusal("data", "check", "set.pack", code=2))
        self.assertIn("leave one out", self.refusal("data", "pack", "set", "-o", "x", "--as", "files", "--image-size", "8", code=2))
        self.assertIn("decoded or files", self.refusal("data", "pack", "set", "-o", "x", "--as", "tar", code=2))
        # A picture that can't be read leaves the file that was there.
        self.put("set/train/a/bad.png", b"words")
        self.assertIn("bad.png: no picture", self.refusal("data", "pack", "set", "-o", "set.pack", "--as", "decoded", code=1))
        self.assertEqual((self.folder / "set.pack").read_bytes(), content)
        self.assertEqual([path.name for path in self.folder.glob("*.tmp*")], [])

    def test_archives_are_unpacked_first(self):
        self.put("set.zip", b"PK\x03\x04" + bytes(100))
        for command in (["data", "check", "set.zip"], ["data", "pack", "set.zip", "-o", "set.pack"]):
            self.assertIn("unzip -q 'set.zip'", self.refusal(*command, code=1))

    def test_list(self):
        self.fill("set/a", "set/b")
        self.put("list.csv", b'path,label\r\n"set/a/0.png",cat\r\nset/b/0.png,"dog ""Rex"""\r\n')
        self.assertIn("2 pictures of 2 classes", self.satsuma("data", "check", "list.csv").stdout)
        self.put("list.csv", b'path,label\nset/a/0.png,cat\n"set/b/0.png,dog\n')
        self.assertIn("list.csv: line 3: a quote that is not closed", self.refusal("data", "check", "list.csv", code=1))
        self.put("list.csv", b"set/a/0.png,0\nset/gone.png,1\n")
        result = json.loads(self.satsuma("data", "check", "list.csv", "--json", code=1).stdout)
        self.assertIn("No such file", result["problems"][0]["details"])

    def test_bad_pictures_are_no_part_of_an_evaluation(self):
        self.fill("set/train/a", "set/train/b", "set/test/a", "set/test/b")
        self.put("set/test/a/0bad.png", b"words")
        model = ["--model", "resnet9", "--width", "0.125", "--method", "dense", "--image-size", "16", "--val-share", "0"]
        train = ["train", *model, "--data", "set", "--epochs", "1", "--batch-size", "4", "--threads", "2"]
        self.assertIn("0bad.png", self.refusal(*train, "--out", "strict", code=1))
        said = self.satsuma(*train, "--skip-bad-images", "--out", "run").stdout
        self.assertRegex(said, r"1 image could not be read and was passed over, such as .*set/test/a/0bad\.png\n")
        checkpoint = ["eval", "--checkpoint", "run/best.safetensors"]
        for result in (json.loads((self.folder / "run/evaluation.json").read_text()), self.json(*checkpoint)):
            self.assertEqual([Path(name).name for name in result["left_out"]], ["0bad.png"])
            self.assertEqual(result["count"], 8)
            self.assertEqual([row["count"] for row in result["per_class"]], [4, 4])
            for mistake in result["mistakes"]:
                self.assertEqual(Path(mistake["file"]).parent.name, mistake["label"])
        self.assertIn("\n1 image could not be read", self.satsuma(*checkpoint).stdout)


if __name__ == "__main__":
    unittest.main()
