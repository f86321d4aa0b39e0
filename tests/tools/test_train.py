"""Training runs from the command line: what is written, what is refused, and that nothing depends on interruptions."""

import base64
import csv
import json
import os
import pty
import re
import subprocess
import unittest

from support import SATSUMA, TINY, CommandTest, environment, read_safetensors


class Run(CommandTest):
    def test_writes_what_is_promised(self):
        result = json.loads(self.train("run", "--epochs", "2", "--json").stdout)
        self.assertEqual(result["steps"], 12)
        self.assertTrue(0 <= result["test_accuracy"] <= 1)
        self.assertGreater(result["images_per_second"], 0)
        self.assertGreater(result["train_loss"], 0)
        run = self.folder / "run"
        files = {"config.toml", "log.jsonl", "init.safetensors", "last.safetensors", "best.safetensors", "run.json",
                 "log.csv", "evaluation.json"}
        self.assertEqual({path.name for path in run.iterdir()}, files)
        log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        for key in ("step", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "val_top5", "lr", "mask_changes",
                    "images_per_second", "seconds"):
            self.assertIn(key, log[-2])
        self.assertEqual((log[-1]["kind"], log[-1]["test_accuracy"]), ("test", result["test_accuracy"]))
        self.assertEqual(result["checkpoint"], "run/last.safetensors")

        # What was best on the validation images is tested.
        self.assertEqual(result["tested"], "run/best.safetensors")
        self.assertEqual(result["best_val_accuracy"], max(line["val_accuracy"] for line in log[:-1]))
        evaluated = self.json("eval", "--checkpoint", "run/best.safetensors")
        self.assertEqual(evaluated["top1"], result["test_accuracy"])
        self.assertEqual(evaluated["count"], 2000)
        self.assertGreater(evaluated["loss"], 0)
        written = json.loads((run / "evaluation.json").read_text())
        self.assertEqual((written["set"], written["weights"], written["epoch"]), ("test", "best.safetensors", result["best_epoch"]))
        for key in ("top1", "top5", "loss", "calibration_error", "calibration", "per_class", "confusion", "class_names"):
            self.assertEqual(written[key], evaluated[key], key)
        self.assertEqual(sum(map(sum, evaluated["confusion"])), 2000)
        self.assertEqual(sum(each["count"] for each in evaluated["calibration"]), 2000)
        right = sum(evaluated["confusion"][i][i] for i in range(4))
        self.assertEqual(right / 2000, evaluated["top1"])
        shown = [mistake["probability"] for mistake in written["mistakes"]]
        self.assertEqual(shown, sorted(shown, reverse=True))
        picture = base64.b64decode(written["mistakes"][0]["picture"])
        self.assertEqual(picture[:8], b"\x89PNG\r\n\x1a\n")
        rows = list(csv.DictReader((run / "log.csv").read_text().splitlines()))
        self.assertEqual([row["kind"] for row in rows], [line["kind"] for line in log])
        self.assertEqual(float(rows[-2]["val_loss"]), log[-2]["val_loss"])

    def test_learns(self):
        result = json.loads(self.train("run", "--limit-train", "2048", "--epochs", "4", "--json").stdout)
        self.assertGreater(result["test_accuracy"], 0.6)  # 0.25 is chance

    def test_learns_with_bf16_products(self):
        whole, half = (
            json.loads(self.train(p, "--limit-train", "2048", "--epochs", "4", "--precision", p, "--json").stdout)
            for p in ("fp32", "bf16")
        )
        self.assertGreater(half["test_accuracy"], 0.6)  # 0.25 is chance
        self.assertNotEqual(half["train_loss"], whole["train_loss"])
        # Rounding of 2^-9 an operand, averaged over a sum: far below what a change of the seed does.
        self.assertLess(abs(half["train_loss"] - whole["train_loss"]), 0.1)
        self.assertIn("precision = 'bf16'", (self.folder / "bf16" / "config.toml").read_text())

    def test_products_of_bf16_take_what_was_measured_to_be_faster(self):
        def weights(folder, **variables):
            arguments = ["--precision", "bf16", "--method", "bdwp", "--wu", "2:8", "--steps", "3"]
            self.satsuma("train", *TINY, "--out", folder, *arguments,
                         env=environment(XDG_CACHE_HOME=str(self.folder / "cache"), **variables))
            return read_safetensors(self.folder / folder / "last.safetensors")

        by_instruction = weights("off")
        file = self.folder / "cache" / "satsuma" / "tuning.toml"
        self.assertFalse(file.exists())
        weights("measured", SATSUMA_TUNE="on")
        if not file.exists():
            self.skipTest("this CPU has no instructions for bf16")
        measured = file.read_text()
        slow = re.sub(r"(bf16_\w+) = .*", r"\1 = 0.5", measured)
        self.assertNotEqual(slow, measured)
        file.write_text(slow)
        by_f32 = weights("slow", SATSUMA_TUNE="on")
        self.assertEqual(file.read_text(), slow)
        self.assertEqual(by_f32, weights("avx512", SATSUMA_ISA="avx512"))
        self.assertNotEqual(by_f32, by_instruction)
        file.write_text(re.sub(r"(bf16_\w+) = .*", r"\1 = 2.0", measured))
        self.assertEqual(weights("fast", SATSUMA_TUNE="on"), by_instruction)

    def test_learns_on_the_emulated_accelerator(self):
        arguments = ["--limit-train", "2048", "--epochs", "4", "--method", "bdwp", "--json"]
        host, card = (self.train(device, "--device", device, *arguments) for device in ("cpu", "sat"))
        self.assertRegex(card.stderr, r"this epoch would have taken [\d.]+ s and [\d.]+ J on the card")
        self.assertNotIn("would have taken", host.stderr)
        host, card = json.loads(host.stdout), json.loads(card.stdout)
        self.assertGreater(card["test_accuracy"], 0.6)  # 0.25 is chance
        # Rounding of 2^-11 an operand, averaged over a sum: far below what a change of the seed does.
        self.assertLess(abs(card["train_loss"] - host["train_loss"]), 0.1)
        self.assertEqual(card["fallbacks"], 0)
        self.assertEqual(card["loss_scale"], 65536 / 2 ** card["skipped_steps"])
        self.assertEqual((host["device_seconds"], host["loss_scale"]), (0, None))
        lines = [json.loads(line) for line in (self.folder / "sat" / "log.jsonl").read_text().splitlines()]
        self.assertGreater(min(line["device_seconds"] for line in lines if line["kind"] == "epoch"), 0)

    def test_schedules_of_the_accelerator(self):
        """Training counts what `satsuma simulate` says of the same step, under its schedule and its configuration."""
        model = [*TINY[:4], *TINY[6:10], "--method", "bdwp", "--batch", "32"]
        (self.folder / "card.toml").write_text("[array]\nrows = 16\n")
        files = ["--config", "card.toml", "--save-schedule", "schedule.toml"]
        step = json.loads(self.satsuma("simulate", *model, *files, "--json", "-").stdout)
        run = ["--epochs", "1", "--json", "--device", "sat:config=card.toml,schedule=schedule.toml"]
        card = json.loads(self.train("run", *run).stdout)
        self.assertAlmostEqual(card["device_seconds"], 192 / 32 * step["seconds"], 9)
        for device, words in (
            ("sat:schedule=schedule.toml", ["another configuration"]),
            ("sat:config=none.toml", ["none.toml"]),
            ("sat:confg=card.toml", ["confg", "config"]),
        ):
            line = self.refusal("train", *TINY, "--out", "no", "--device", device, code=(1, 2))
            for word in words:
                self.assertIn(word, line)
        self.satsuma("simulate", "--model", "vgg19_bn", "--batch", "32", *files)
        line = self.refusal("train", *TINY, "--out", "no", *run[3:], code=(1, 2))
        self.assertIn("another model", line)

    def test_products_that_a_device_lacks(self):
        done = self.train("run", "--steps", "1", "--device", "sat", "--precision", "bf16")
        reason = "does not run FF, BP, WU: multiplies operands of f16, not bf16; it runs on 'cpu'"
        self.assertEqual(re.findall(r"satsuma: (\d+) layers: device 'sat' (.*)", done.stderr), [("9", reason)])
        self.assertEqual(done.stderr.count("runs on"), 1, done.stderr)
        line = self.refusal(
            "train", *TINY, "--out", "no", "--device", "sat", "--precision", "fp32", "--strict-device", code=1
        )
        self.assertIn("multiplies operands of f16, not f32", line)

    def test_two_devices_compared(self):
        """What was compared is said; a check that compares nothing is none."""
        said = re.compile(r"satsuma: (\S+): (\d+) passes of (\d+) layers compared in (\d+) calls, no difference")
        done = self.train("run", "--steps", "1", "--device", "check:reference,cpu")
        ((device, passes, layers, calls),) = said.findall(done.stderr)
        # The first convolution has no BP; the evaluation adds calls of FF.
        self.assertEqual((device, passes, layers), ("check:reference,cpu", "26", "9"))
        self.assertGreater(int(calls), 26)
        checkpoint = "run/last.safetensors"
        evaluated = self.satsuma("eval", "--checkpoint", checkpoint, "--place", "fc=check:cpu,reference", "--device", "cpu")
        self.assertEqual(said.findall(evaluated.stderr)[0][1:3], ("1", "1"))
        # SAT multiplies fp16 and so does the pair; the pair of cpu and SAT is asked for fp32.
        self.assertEqual(said.findall(self.train("sat", "--steps", "1", "--device", "check:sat,cpu").stderr)[0][1], "26")
        nothing = ["--device", "check:cpu,sat"]
        for arguments in (["train", *TINY, "--out", "no"], ["eval", "--checkpoint", checkpoint], ["info", *TINY[:4]]):
            line = self.refusal(*arguments, *nothing, code=1)
            self.assertIn("'check:cpu,sat' would compare nothing in 9 layers", line)
            self.assertIn("sat: multiplies operands of f16, not f32", line)
        line = self.refusal("devices", "test", "check:cpu,sat", "--filter", "*/2:8/f32/stride", code=1)
        self.assertIn("'check:cpu,sat' has compared nothing", line)

    def test_same_seed_same_bits(self):
        self.train("a", "--steps", "4")
        self.train("b", "--steps", "4")
        self.assert_same_tensors("a/last.safetensors", "b/last.safetensors")
        self.train("c", "--steps", "4", "--seed", "1")
        first, other = (read_safetensors(self.folder / run / "init.safetensors") for run in ("a", "c"))
        self.assertNotEqual(first, other)

    def test_config_repeats_the_run(self):
        self.train("a", "--epochs", "1", "--lr", "0.05", "--label-smoothing", "0.2")
        self.satsuma("train", "--config", "a/config.toml", "--out", "b")
        self.assert_same_tensors("a/last.safetensors", "b/last.safetensors")

    def test_resume_is_exact(self):
        """In the middle of the second epoch, with the schedule, order and augmentation of the whole run."""
        self.train("whole", "--epochs", "3")
        self.train("parts", "--epochs", "3", "--steps", "8")
        self.satsuma("train", "--resume", "--out", "parts", "--steps", "none")
        self.assert_same_tensors("whole/last.safetensors", "parts/last.safetensors")
        self.assert_same_tensors("whole/best.safetensors", "parts/best.safetensors")

    def test_no_epochs_writes_the_start(self):
        self.train("start", "--epochs", "0")
        self.train("run", "--epochs", "1", "--steps", "1")
        self.assert_same_tensors("start/init.safetensors", "run/init.safetensors")
        self.train("from", "--seed", "7", "--init", "start/init.safetensors", "--epochs", "0")
        self.assert_same_tensors("start/init.safetensors", "from/init.safetensors")

    def test_existing_run_is_kept(self):
        self.train("run", "--steps", "1")
        before = (self.folder / "run/last.safetensors").read_bytes()
        line = self.refusal("train", *TINY, "--out", "run", code=2)
        for words in ("run", "--resume", "--overwrite"):
            self.assertIn(words, line)
        self.assertEqual((self.folder / "run/last.safetensors").read_bytes(), before)
        self.train("run", "--steps", "2", "--overwrite")
        self.assertNotEqual((self.folder / "run/last.safetensors").read_bytes(), before)

    def test_resume_of_another_run(self):
        self.train("run", "--steps", "1")
        line = self.refusal("train", "--resume", "--out", "run", "--batch-size", "16", code=2)
        self.assertIn("batch-size", line)
        self.refusal("train", "--resume", "--out", "nowhere", code=2)

    def test_threads_default_to_the_least_limit(self):
        """OMP_NUM_THREADS, then the affinity; the first line says which. A number that is given is used as it is."""
        quiet = [argument for argument in TINY if argument not in ("--threads", "2")]
        cores = len(os.sched_getaffinity(0))

        def first_line(*more, **options):
            self.runs = getattr(self, "runs", 0) + 1
            arguments = ["train", *quiet, "--epochs", "0", "--out", f"threads{self.runs}", *more]
            return self.satsuma(*arguments, **options).stdout.splitlines()[0]

        if cores < 2:
            self.skipTest("one core")
        self.assertRegex(first_line(env=environment(OMP_NUM_THREADS="1,4")), r", 1 thread \(OMP_NUM_THREADS; the machine has \d+ cores\)$")
        self.assertRegex(first_line("--threads", "2", env=environment(OMP_NUM_THREADS="1")), r", 2 threads$")
        self.assertNotIn("OMP_NUM_THREADS", first_line(env=environment(OMP_NUM_THREADS="4096")))
        self.assertNotIn("OMP_NUM_THREADS", first_line(env=environment(OMP_NUM_THREADS="many")))
        one = min(os.sched_getaffinity(0))
        line = first_line(preexec_fn=lambda: os.sched_setaffinity(0, {one}))
        self.assertRegex(line, r", 1 thread \(affinity; the machine has \d+ cores\)$")

    def test_eval_says_which_weights(self):
        """The file holds dense masters: eval prunes them as training did, and says so; --method dense does not."""
        self.train("run", "--epochs", "1")
        checkpoint = "run/last.safetensors"
        header = (self.folder / checkpoint).read_bytes()
        metadata = json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])["__metadata__"]
        self.assertEqual((metadata["method"], metadata["nm"], metadata["weights"]), ("bdwp", "2:8", "dense masters"))

        pruned = self.json("eval", "--checkpoint", checkpoint)
        self.assertEqual((pruned["method"], pruned["nm"], pruned["weights"]), ("bdwp", "2:8", "pruned"))
        dense = self.json("eval", "--checkpoint", checkpoint, "--method", "dense")
        self.assertEqual((dense["method"], dense["weights"]), ("dense", "dense"))
        self.assertNotEqual(pruned["loss"], dense["loss"])

        said = lambda *more: self.satsuma("eval", "--checkpoint", checkpoint, *more).stdout
        self.assertIn("weights pruned to 2:8 by bdwp, as trained:", said())
        self.assertIn("dense weights, trained as bdwp 2:8:", said("--method", "dense"))
        self.assertIn("weights pruned to 1:8 by bdwp, trained as bdwp 2:8:", said("--nm", "1:8"))
        self.train("dense", "--method", "dense", "--epochs", "0")
        line = self.satsuma("eval", "--checkpoint", "dense/init.safetensors").stdout
        self.assertIn("dense weights, as trained:", line)

    def test_many_threads_warn(self):
        done = self.satsuma("train", *TINY, "--out", "run", "--steps", "1", "--threads", "65")
        self.assertIn("65 threads", done.stderr + done.stdout)

    def test_diverging_loss_stops(self):
        line = self.refusal("train", *TINY, "--out", "run", "--lr", "1e6", "--warmup", "0", "--epochs", "20", code=1)
        self.assertRegex(line, r"step \d+")
        self.satsuma("eval", "--checkpoint", "run/init.safetensors", *TINY[:10])

    def test_placed_layers(self):
        self.train("cpu", "--steps", "1")
        self.train("mixed", "--steps", "1", "--place", "*=reference")
        first, second = (read_safetensors(self.folder / run / "last.safetensors") for run in ("cpu", "mixed"))
        self.assertEqual(first.keys(), second.keys())
        self.refusal("train", *TINY, "--out", "run", "--place", "nowhere=reference", code=2)


class Output(CommandTest):
    def test_pipe_has_no_control_characters(self):
        done = self.train("run", "--epochs", "2")
        self.assertNotRegex(done.stdout + done.stderr, r"[\x00-\x09\x0b-\x1f\x7f]")
        self.assertIn("test accuracy", done.stdout)

    def test_json_has_standard_output_to_itself(self):
        done = self.train("run", "--epochs", "1", "--json")
        json.loads(done.stdout)
        self.assertIn("epoch", done.stderr)

    def test_quiet(self):
        done = self.train("run", "--epochs", "1", "--quiet")
        self.assertEqual(done.stdout + done.stderr, "")

    def on_terminal(self, **environ):
        """What a terminal gets to see."""
        try:
            master, slave = pty.openpty()
        except OSError as error:  # a container without /dev/pts
            self.skipTest(f"no terminal to be had here: {error}")
        command = [SATSUMA, "train", *TINY, "--out", f"run{len(environ)}", "--epochs", "1"]
        process = subprocess.Popen(command, cwd=self.folder, env=environment(TERM="xterm", **environ), stdout=slave, stderr=slave)
        os.close(slave)
        seen = b""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
        os.close(master)
        self.assertEqual(process.wait(timeout=60), 0)
        return seen.decode()

    def test_terminal_has_a_live_bar(self):
        seen = self.on_terminal()
        self.assertRegex(seen, r"\r[^\n]")
        self.assertIn("images/s", seen)

    def test_no_color(self):
        self.assertIsNone(re.search(r"\x1b\[[0-9;]*m", self.on_terminal(NO_COLOR="1")))

    def test_full_standard_output(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "w") as full:
            done = subprocess.run([SATSUMA, "models", "--json"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("satsuma: error:", done.stderr)


if __name__ == "__main__":
    unittest.main()
