"""`satsuma report`: one page of one or several runs that any browser shows without scripts, whatever state the runs are in."""

import json
import unittest
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

from support import CommandTest

SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "img", "br", "input", "link", "hr"}

# A picture of 1x1 pixels.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Outline(HTMLParser):
    """Elements are closed in the order in which they were opened, identifiers are there once."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.tags, self.problems = [], [], [], []
        self.feed(text)
        self.close()
        if self.open:
            self.problems.append(f"not closed: {self.open}")

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def of(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


class Report(CommandTest):
    def run_of(self, name, *arguments):
        self.train(name, "--epochs", "2", "--log-every", "2", *arguments)
        return self.folder / name

    def page(self, *runs):
        """The page as text and as a tree; what holds for every page is checked."""
        self.satsuma("report", *runs, "--out", "page.html")
        text = (self.folder / "page.html").read_text()
        outline = Outline(text)
        self.assertEqual(outline.problems, [])
        self.assertEqual(len(outline.ids), len(set(outline.ids)))
        for label in outline.of("label"):
            self.assertIn(label["for"], outline.ids)
        for link in outline.of("a"):
            self.assertIn(link["href"].removeprefix("#"), outline.ids)
        for heading in outline.of("th"):
            self.assertIn(heading.get("scope"), ("col", "row"))
        for picture in outline.of("img"):
            self.assertTrue(picture["alt"])
            self.assertTrue(picture["src"].startswith("data:image/"))
        self.assertEqual(outline.of("script"), [])
        for outside in ("http:", "https:", "@import", "url(", "javascript:"):
            self.assertNotIn(outside, text.replace("http://www.w3.org/", ""))
        self.assertNotRegex(text, r'="-?(nan|inf)')
        page = ElementTree.fromstring(text)
        for picture in page.iter(f"{SVG}svg"):
            if picture.get("aria-hidden") != "true":
                self.assertTrue(picture.findtext(f"{SVG}title"))
        return text, page

    def test_one_run(self):
        run = self.run_of("first run & <more>")
        self.assertIn("written to", self.satsuma("report", run).stdout)
        self.assertTrue((run / "report.html").exists())
        text, page = self.page(run)
        shown = "".join(page.itertext())
        self.assertIn("2 of 2 epochs", shown)
        for layer in json.loads((run / "run.json").read_text())["layers"]:
            self.assertIn(layer["name"], shown)
        # The curves are there four times: over steps, epochs, time and operations.
        titles = [title.text for title in page.iter(f"{SVG}title")]
        self.assertEqual(titles.count("learning rate"), 4)
        self.assertEqual(text.count('type="radio"'), 4)
        self.assertEqual(text.count('checked="checked"'), 1)
        # Of the settings those that were given, and not those that are as ever.
        self.assertIn("limit-train", shown)
        # What training writes is what the page reads.
        for part in ("Confusion", "Accuracy by class", "Calibration", "Masks over time", "best validation accuracy", "Of the test images"):
            self.assertIn(part, shown)
        (run / "evaluation.json").unlink()
        self.assertIn("No evaluation.json", "".join(self.page(run)[1].itertext()))
        # A time line that adds up to the time of the steps.
        records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        intervals = [record for record in records if record["kind"] == "step"]
        booked = sum(sum(record["time"].values()) for record in intervals)
        self.assertLessEqual(booked, intervals[-1]["seconds"] * 1.02)
        self.assertGreater(booked, intervals[-1]["seconds"] * 0.5)

    def test_several_runs(self):
        """Of another model, with other settings, one of them in a folder of the same name."""
        first, second = self.run_of("a"), self.run_of("b", "--method", "dense", "--seed", "5")
        other = self.run_of("c/a", "--model", "vit_cifar", "--width", "0.25", "--input", "3x32x32")
        text, page = self.page(first, second, other)
        legend = next(part for part in page.iter("{http://www.w3.org/1999/xhtml}ul") if part.get("class") == "legend")
        self.assertEqual(len({"".join(item.itertext()) for item in legend}), 3)
        rows = ["".join(row.itertext()) for row in page.iter("{http://www.w3.org/1999/xhtml}tr")]
        self.assertIn("seed050", rows)
        shared = [row for row in rows if row.startswith("limit-train192192")]
        self.assertEqual(shared, [])
        for colour in ("#0072b2", "#e69f00", "#009e73"):
            self.assertIn(f'stroke="{colour}"', text)

    def test_evaluation(self):
        run = self.run_of("run")
        evaluation = {
            "set": "test", "weights": "best.safetensors",
            "class_names": ["cat", "dog & <wolf>", "hen", "ox"],
            "confusion": [[5, 1, 0, 0], [2, 7, 0, 0], [0, 0, 9, 1], [0, 0, 0, 4]],
            "calibration": [{"low": 0, "high": 0.5, "confidence": 0.4, "accuracy": 0.5, "count": 3},
                            {"low": 0.5, "high": 1, "confidence": 0.9, "accuracy": 0.8, "count": 26}],
            "calibration_error": 0.08,
            "mistakes": [
                {"index": 3, "file": 'val/dog/"a".png', "label": 1, "predicted": 0, "probability": 0.97, "picture": PNG},
                {"index": 4, "label": 0, "predicted": 1, "probability": 0.6, "picture": '"><script>alert(1)</script>'},
            ],
        }
        (run / "evaluation.json").write_text(json.dumps(evaluation))
        records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        for record in records:
            if record["kind"] == "epoch":
                record["mask_changes"] = {"layer1.conv": 0.2 / record["epoch"], "fc": 0.1}
        (run / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        text, page = self.page(run)
        shown = "".join(page.itertext())
        for word in ("dog & <wolf>", "97.0 % sure", 'val/dog/"a".png', "error 8.00 %", "Masks over time", "Of the test images"):
            self.assertIn(word, shown)
        self.assertEqual(text.count("<img "), 1)
        self.assertIn("77.8 % of 9", shown)
        # Many classes: what is confused most, instead of a matrix.
        many = 40
        evaluation["confusion"] = [[9 if row == column else int(column == 3) for column in range(many)] for row in range(many)]
        (run / "evaluation.json").write_text(json.dumps(evaluation))
        self.assertIn("Most often confused", "".join(self.page(run)[1].itertext()))

    def test_validation_and_test_lines(self):
        """The keys of runs that have images for validation, and a last line about the test images."""
        run = self.folder / "run"
        run.mkdir()
        (run / "config.toml").write_text("model = 'resnet9'\nepochs = 2\n")
        lines = [{"kind": "interval", "step": 4 * i, "epoch": i, "loss": 2 / i, "accuracy": 0.1 * i, "lr": 0.1, "macs": 10**9, "seconds": i}
                 for i in (1, 2)]
        lines += [{"kind": "epoch", "step": 4 * i, "epoch": i, "loss": 2 / i, "accuracy": 0.1 * i, "val_loss": 1 / i, "val_accuracy": 0.25 * i,
                   "lr": 0.1, "macs": 10**9, "seconds": i} for i in (1, 2)]
        lines += [{"kind": "test", "step": 8, "epoch": 2, "test_loss": 0.5, "test_accuracy": 0.625, "seconds": 2}]
        (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        shown = "".join(self.page(run)[1].itertext())
        for word in ("50.00 %best validation accuracy", "62.50 %test accuracy", "loss: training (pale), validation", "finished"):
            self.assertIn(word, shown)

    def test_damaged_and_unfinished(self):
        run = self.run_of("run")
        log = (run / "log.jsonl").read_text()
        cases = {
            "cut": (log[: len(log) // 2], "", "not finished"),  # the last line of a run may be under way
            "rubbish": (log.replace('"step":4', '"step":"x"', 1), "1 line of log.jsonl was damaged", "finished"),
            "deep": ('{"step":0,"x":' + 100_000 * "[" + 100_000 * "]" + "}\n" + log, "1 line of log.jsonl was damaged", "finished"),
            "bytes": ("\x00\x01\n" + log, "1 line of log.jsonl was damaged", "finished"),
            "empty": ("", "the log has no line yet", "not finished"),
            "numbers": (log.replace('"loss":', '"loss":null,"was":').replace('"macs":', '"macs":"many","was_macs":'), "", "finished"),
        }
        for name, (text, note, state) in cases.items():
            with self.subTest(name):
                (run / "log.jsonl").write_text(text)
                done = self.satsuma("report", run)
                self.assertEqual(done.stderr.strip() == "", note == "", done.stderr)
                self.assertIn(note, done.stderr)
                self.assertIn(state, done.stdout)
                self.page(run)
        (run / "log.jsonl").write_text(log)
        for name, text in (("run.json", "{"), ("evaluation.json", "[]"), ("config.toml", ""), ("run.json", '{"machine":3,"layers":[1,{"passes":[]}]}'),
                           ("evaluation.json", '{"confusion":[[1,2],[3]],"mistakes":[1,{"label":-7}],"calibration":[{},2]}')):
            with self.subTest(name):
                before = (run / name).read_text() if (run / name).exists() else "{}"
                (run / name).write_text(text)
                self.page(run)
                (run / name).write_text(before)

    def test_refusals(self):
        (self.folder / "empty").mkdir()
        (self.folder / "file").write_text("")
        for argument, words in (("nowhere", "no run directory"), ("file", "no run directory"), ("empty", "holds no run")):
            self.assertIn(words, self.refusal("report", argument, code=2))
        self.refusal("report", code=2)
        run = self.run_of("run")
        self.assertIn("no/folder", self.refusal("report", run, "--out", "no/folder/page.html", code=1))


if __name__ == "__main__":
    unittest.main()
