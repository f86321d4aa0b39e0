"""Predictions: pictures in, classes by name out, and what cannot be read does not stop the rest."""

import csv
import io
import json
import struct
import subprocess
import unittest
import zlib

from support import SATSUMA, CommandTest, environment

COLOURS = {"blue": (30, 60, 220), "green": (40, 200, 60), "red": (220, 40, 30)}


def png(colour, shade=0, side=20):
    """A picture of one colour, lighter to the right."""
    rows = b""
    for y in range(side):
        rows += b"\0" + b"".join(bytes(min(255, c + shade + 2 * x) for c in colour) for x in range(side))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Predict(CommandTest):
    def trained(self):
        """A run on a folder of coloured squares, which a few steps tell apart."""
        for name, colour in COLOURS.items():
            for part, count in (("train", 24), ("val", 8)):
                folder = self.folder / "squares" / part / name
                folder.mkdir(parents=True)
                for i in range(count):
                    (folder / f"{i}.png").write_bytes(png(colour, shade=i, side=20 + i % 5))
        arguments = ["--model", "resnet9", "--width", "0.125", "--data", "./squares", "--image-size", "16", "--batch-size", "12"]
        arguments += ["--augment", "none", "--epochs", "6", "--threads", "2", "--method", "bdwp", "--nm", "2:8", "--out", "run"]
        self.satsuma("train", *arguments)
        return ["--checkpoint", "run/last.safetensors"]

    def test_predictions(self):
        checkpoint = self.trained()
        new = self.folder / "new"
        (new / "deep" / "er").mkdir(parents=True)
        for name, colour in COLOURS.items():
            (new / f"{name}.PNG").write_bytes(png(colour, shade=5, side=33))
        (new / "deep" / "er" / 'odd, "name"\n.png').write_bytes(png(COLOURS["red"]))
        (new / "notes.txt").write_text("no picture")
        result = self.json("predict", *checkpoint, "new", "--top", "2")
        self.assertEqual(result["errors"], [])
        answers = {entry["file"]: entry["top"] for entry in result["predictions"]}
        self.assertEqual(list(answers), sorted(answers))
        self.assertEqual(len(answers), 4)
        for name in COLOURS:
            top = answers[f"new/{name}.PNG"]
            self.assertEqual(len(top), 2)
            self.assertEqual(top[0]["class"], name)
            self.assertGreater(top[0]["probability"], top[1]["probability"])
        whole = self.json("predict", *checkpoint, "new/red.PNG", "--top", "99")["predictions"][0]["top"]
        self.assertEqual(len(whole), 3)
        self.assertAlmostEqual(sum(entry["probability"] for entry in whole), 1, delta=1e-6)
        self.assertEqual({entry["class"]: entry["label"] for entry in whole}, {"blue": 0, "green": 1, "red": 2})

        lines = list(csv.reader(io.StringIO(self.satsuma("predict", *checkpoint, "--csv", "--top", "1", "new").stdout)))
        self.assertEqual(lines[0], ["file", "rank", "class", "probability"])
        self.assertEqual({line[0]: line[2] for line in lines[1:]}, {file: top[0]["class"] for file, top in answers.items()})

        text = self.satsuma("predict", *checkpoint, "new", "--top", "1").stdout
        self.assertRegex(text, r"new/blue\.PNG: blue [\d.]+ %\n")
        self.assertEqual(len(text.splitlines()), 4)

        # The number of pictures in a batch changes nothing but the last digits.
        single = self.json("predict", *checkpoint, "new", "--batch-size", "1")["predictions"]
        for entry in single:
            self.assertAlmostEqual(entry["top"][0]["probability"], answers[entry["file"]][0]["probability"], delta=1e-5)

    def test_standard_input(self):
        checkpoint = self.trained()
        command = [SATSUMA, "predict", *checkpoint, "-", "--json"]
        for content, code in ((png(COLOURS["green"]), 0), (b"text", 1), (b"", 1)):
            done = subprocess.run(command, input=content, cwd=self.folder, env=environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=300)
            self.assertEqual(done.returncode, code, done.stderr)
            result = json.loads(done.stdout)
            if code == 0:
                self.assertEqual(result["predictions"][0]["file"], "-")
                self.assertEqual(result["predictions"][0]["top"][0]["class"], "green")
            else:
                self.assertIn(b"standard input", done.stderr)

    def test_bad_pictures_do_not_stop_the_others(self):
        checkpoint = self.trained()
        good = png(COLOURS["red"])
        (self.folder / "a.png").write_bytes(good)
        (self.folder / "cut.png").write_bytes(good[: len(good) // 2])
        (self.folder / "text.jpg").write_text("this is text")
        (self.folder / "empty.bmp").write_bytes(b"")
        bad = ["cut.png", "text.jpg", "empty.bmp", "none.png"]
        done = self.satsuma("predict", *checkpoint, "cut.png", "a.png", "text.jpg", "empty.bmp", "none.png", "--json", code=1)
        result = json.loads(done.stdout)
        self.assertEqual([entry["file"] for entry in result["predictions"]], ["a.png"])
        self.assertEqual([entry["file"] for entry in result["errors"]], bad)
        lines = [line for line in done.stderr.splitlines() if line.startswith("satsuma: error: ")]
        self.assertEqual(len(lines), 4, done.stderr)
        for name, line in zip(bad, lines):
            self.assertIn(name, line)

    def test_refusals(self):
        checkpoint = self.trained()
        (self.folder / "a.png").write_bytes(png(COLOURS["red"]))
        (self.folder / "empty").mkdir()
        for arguments, code, words in (
            ([*checkpoint, "empty"], 1, ["empty", "no picture"]),
            ([*checkpoint, "a.png", "--json", "--csv"], 2, ["--json", "--csv"]),
            ([*checkpoint, "-", "-"], 2, ["twice"]),
            ([*checkpoint, "a.png", "--top", "0"], 2, ["--top"]),
            (["--checkpoint", "none", "a.png"], 1, ["none"]),
        ):
            with self.subTest(arguments):
                line = self.refusal("predict", *arguments, code=code)
                for word in words:
                    self.assertIn(word, line)

    def test_exported_models_say_the_same(self):
        try:
            import numpy
            import onnxruntime
            from PIL import Image
        except ImportError as error:
            self.skipTest(f"{error.name} is not installed")
        checkpoint = self.trained()
        self.satsuma("export", *checkpoint, "--out", "model.onnx")
        session = onnxruntime.InferenceSession(str(self.folder / "model.onnx"), providers=["CPUExecutionProvider"])
        entries = session.get_modelmeta().custom_metadata_map
        names = json.loads(entries["class_names"])
        self.assertEqual(names, ["blue", "green", "red"])
        mean, std = (numpy.array(json.loads(entries[key]), numpy.float32)[:, None, None] for key in ("mean", "std"))
        # A picture of the model's size is not resized, so that Pillow's bytes are ours.
        (self.folder / "a.png").write_bytes(png(COLOURS["green"], side=16))
        (entry,) = self.json("predict", *checkpoint, "a.png", "--resize", "16", "--crop", "16", "--top", "3")["predictions"]
        image = numpy.asarray(Image.open(self.folder / "a.png"), numpy.float32).transpose(2, 0, 1) / 255
        (logits,) = session.run(["logits"], {"input": ((image - mean) / std)[None].astype(numpy.float32)})
        shares = numpy.exp(logits[0] - logits[0].max())
        shares /= shares.sum()
        for answer in entry["top"]:
            # Logits agree to 1e-5 of the largest, which is about 10 here; a probability changes by no more than its logit.
            self.assertAlmostEqual(answer["probability"], float(shares[answer["label"]]), delta=1e-4)


if __name__ == "__main__":
    unittest.main()
