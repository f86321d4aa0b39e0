"""Event files of training, read by a reader of our own and, where it is installed, by TensorBoard."""

import json
import resource
import subprocess
import unittest

from support import SATSUMA, TINY, CommandTest
from wire import Events, fields, one

HAS_PROTOBUF = "no protobuf" not in subprocess.run([SATSUMA, "--version"], stdout=subprocess.PIPE, text=True).stdout


@unittest.skipUnless(HAS_PROTOBUF, "this build has no protobuf")
class EventFiles(CommandTest):
    def files(self, out="run"):
        return sorted((self.folder / out).glob("events.out.tfevents.*"))

    def log(self, out="run"):
        return [json.loads(line) for line in (self.folder / out / "log.jsonl").read_text().splitlines()]

    def test_off_by_default(self):
        self.train("run", "--steps", "1")
        self.assertEqual(self.files(), [])

    def test_says_what_the_log_says(self):
        self.train("run", "--epochs", "2", "--log-every", "2", "--tensorboard")
        (file,) = self.files()
        events = Events(file)
        self.assertEqual((events.version, events.purge_from), ("brain.Event:2", None))
        for kind, tags in (("step", {"loss": "loss", "lr": "lr", "images_per_second": "images_per_second"}),
                           ("epoch", {"epoch_loss": "loss", "epoch_accuracy": "accuracy", "val_accuracy": "val_accuracy"}),
                           ("test", {"test_accuracy": "test_accuracy"})):
            lines = [line for line in self.log() if line["kind"] == kind]
            self.assertTrue(lines)
            for tag, key in tags.items():
                values = events.scalars[tag]
                self.assertEqual([step for step, _ in values], [line["step"] for line in lines])
                for (_, value), line in zip(values, lines):
                    # Event files hold single precision.
                    self.assertAlmostEqual(value, line[key], delta=1e-6 * abs(line[key]) + 1e-12)
        self.assertGreater(events.scalars["saving"][0][1], 0.3)
        for kind in ("weights", "gradients"):
            counts = events.histograms[f"{kind}/layer1.conv.weight"]
            self.assertEqual([step for step, _ in counts], [6, 12])
            self.assertEqual(sum(counts[0][1]), 16 * 8 * 9)
        pictures = [tag for tag in events.pictures if tag.startswith("samples/")]
        self.assertEqual(len(pictures), 8)
        self.assertTrue(any(tag.startswith("mistakes/") and " taken for " in tag for tag in events.pictures))
        for ((_, png), *_) in events.pictures.values():
            self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        start = one(events.plugins["_hparams_/session_start_info"][0], 3)
        names = {one(entry, 1) for entry in fields(start)[1]}
        self.assertLessEqual({b"model", b"lr", b"nm", b"batch-size"}, names)
        self.assertEqual(one(events.plugins["_hparams_/session_end_info"][0], 4, 1), 1)  # success

    def test_changes_nothing_of_the_run(self):
        self.train("with", "--epochs", "2", "--tensorboard")
        self.train("without", "--epochs", "2")
        self.assert_same_tensors("with/last.safetensors", "without/last.safetensors")

    def test_a_resumed_run_appends_a_file(self):
        self.train("run", "--epochs", "2", "--steps", "8", "--log-every", "1", "--tensorboard")
        self.train("run", "--resume", "--steps", "12")
        first, second = map(Events, self.files())
        self.assertEqual(first.scalars["loss"][-1][0], 8)
        self.assertEqual((second.purge_from, second.scalars["loss"][0][0]), (9, 9))
        self.train("run", "--epochs", "1", "--overwrite")
        self.assertEqual(self.files(), [])

    def test_a_full_disk_ends_the_events_and_not_the_run(self):
        # Eight channels: checkpoints are smaller than what two epochs of histograms take.
        arguments = [*TINY, "--width", "0.01", "--epochs", "4", "--tensorboard", "--out", "run", "--quiet"]
        limit = 100_000

        def limited():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        done = self.satsuma("train", *arguments, preexec_fn=limited)
        warnings = [line for line in done.stderr.splitlines() if "TensorBoard" in line]
        self.assertEqual(len(warnings), 1, done.stderr)
        self.assertIn("events.out.tfevents", warnings[0])
        self.assertIn("training goes on", warnings[0])
        self.assertEqual([line["epoch"] for line in self.log() if line["kind"] == "epoch"], [1, 2, 3, 4])
        (file,) = self.files()
        self.assertGreater(len(Events(file).scalars), 0)  # whole records

    def test_tensorboard_reads_it(self):
        try:
            from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
            from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
        except ImportError:
            self.skipTest("TensorBoard is not installed")
        self.train("run", "--epochs", "2", "--steps", "8", "--log-every", "1", "--tensorboard")
        self.train("run", "--resume", "--steps", "12")
        board = EventAccumulator(str(self.folder / "run"), size_guidance={"histograms": 0})
        board.Reload()
        self.assertEqual([event.step for event in board.Scalars("loss")], list(range(1, 13)))
        self.assertEqual([event.step for event in board.Histograms("weights/fc.weight")], [6, 8, 12])
        picture = board.Images(board.Tags()["images"][0])[0]
        self.assertEqual((picture.width, picture.height), (16, 16))
        content = board.PluginTagToContent("hparams")["_hparams_/session_start_info"]
        parameters = HParamsPluginData.FromString(content).session_start_info.hparams
        self.assertEqual(parameters["model"].string_value, "resnet9")
        self.assertEqual(parameters["batch-size"].number_value, 32)


@unittest.skipIf(HAS_PROTOBUF, "this build has protobuf")
class NoProtobuf(CommandTest):
    def test_says_what_is_missing(self):
        line = self.refusal("train", *TINY, "--out", "run", "--tensorboard", code=2)
        for words in ("--tensorboard", "libprotobuf-dev"):
            self.assertIn(words, line)
        self.assertFalse((self.folder / "run").exists())


if __name__ == "__main__":
    unittest.main()
