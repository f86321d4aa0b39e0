"""What cannot be meant is refused with exit 2 and one line: what was typed, what exists, what is nearest."""

import os
import re
import unittest

from support import TINY, CommandTest, environment

# Arguments, and what the line must say.
CASES = [
    ([], ["subcommand"]),
    (["tran"], ["'tran'", "did you mean 'train'?", "eval"]),
    (["bench"], ["subcommand"]),
    (["bench", "stp"], ["'stp'", "did you mean 'step'?"]),
    (["bench", "step", "--modle", "resnet9"], ["'--modle'", "did you mean '--model'?", "satsuma bench step --help"]),
    (["info", "--modle=resnet9"], ["'--modle'", "did you mean '--model'?"]),
    (["info"], ["--model"]),
    (["info", "--model"], ["--model"]),
    (["info", "--model", "resnet8"], ["'resnet8'", "did you mean 'resnet9'?", "resnet18"]),
    (["info", "--model", "resnet9", "--method", "bdpw"], ["'bdpw'", "did you mean 'bdwp'?", "dense"]),
    (["info", "--model", "resnet9", "--device", "cup"], ["'cup'", "did you mean 'cpu'?", "reference"]),
    (["info", "--model", "resnet9", "--place", "layer"], ["'layer'", "PATTERN=DEVICE"]),
    (["info", "--model", "resnet9", "--place", "nowhere*=cpu"], ["nowhere*"]),
    (["info", "--model", "resnet9", "--stem", "cfar"], ["'cfar'", "did you mean 'cifar'?"]),
    (["info", "--model", "resnet9", "--input", "3x32"], ["'3x32'", "3x32x32"]),
    (["info", "--model", "resnet9", "--width", "wide"], ["--width got 'wide', expected a number"]),
    (["info", "--model", "resnet9", "--width", "nan"], ["nan"]),
    (["info", "--model", "resnet9", "--classes", "0"], ["0", "--classes"]),
    (["models", "resnet9", "resnet18"], ["'resnet18'"]),
    (["models", "resnet8"], ["'resnet8'", "did you mean 'resnet9'?"]),
    (["datasets", "fashion-mnits"], ["'fashion-mnits'", "did you mean 'fashion-mnist'?"]),
    (["methods", "bdpw"], ["did you mean 'bdwp'?"]),
    (["optimizers", "adamww"], ["did you mean 'adamw'?"]),
    (["devices", "referense"], ["did you mean 'reference'?"]),
    (["bench", "step", "--model", "resnet9", "--methods", "dense,bdpw"], ["did you mean 'bdwp'?"]),
    (["bench", "step", "--model", "resnet9", "--precision", "fp23"], ["'fp23'", "fp32"]),
    (["bench", "step", "--model", "resnet9", "--batch-size", "0"], ["--batch-size", "0"]),
    (["bench", "step", "--model", "resnet9", "--repeat", "0"], ["--repeat"]),
    (["bench", "forward", "--model", "resnet9", "--batch-size", "1,0"], ["--batch-size", "0"]),
    (["bench", "forward", "--model", "resnet9", "--peer", "pytroch"], ["did you mean 'pytorch'?"]),
    (["bench", "kernels", "--model", "resnet9", "--nm", "8:8"], ["resnet9", "8:8"]),
    (["train", *TINY, "--epcohs", "1"], ["'--epcohs'", "did you mean '--epochs'?"]),
    (["train", *TINY, "--model", "resnet8"], ["did you mean 'resnet9'?"]),
    (["train", *TINY, "--data", "synthetc"], ["did you mean 'synthetic'?"]),
    (["train", *TINY, "--schedule", "cosin"], ["did you mean 'cosine'?"]),
    (["train", *TINY, "--augment", "standart"], ["did you mean 'standard'?"]),
    (["train", *TINY, "--optimizer", "sdg"], ["did you mean 'sgd'?", "adamw"]),
    (["train", *TINY, "--optimizer", "adamw", "--nesterov"], ["--nesterov", "adamw"]),
    (["train", *TINY, "--beta2", "1"], ["--beta2 got 1, expected a number from 0 to below 1"]),
    (["train", *TINY, "--decay", "0"], ["'--decay'", "it is called '--sr-ste' now"]),
    (["train", *TINY, "--precision", "fp61"], ["'fp61'", "fp32"]),
    (["train", *TINY, "--batch-size", "0"], ["--batch-size", "'0'"]),
    (["train", *TINY, "--batch-size", "193"], ["193", "192"]),
    (["train", *TINY, "--epochs", "-1"], ["--epochs", "'-1'"]),
    (["train", *TINY, "--lr", "fast"], ["--lr", "'fast'"]),
    (["train", *TINY, "--momentum", "2"], ["--momentum", "'2'"]),
    (["train", *TINY, "--threads", "1.5"], ["--threads", "'1.5'"]),
    (["train", *TINY, "--threads", "0"], ["--threads got '0'", "or auto"]),
    (["train", *TINY, "--steps", "0"], ["--steps got '0'", "or none"]),
    (["train", *TINY, "--save-every", "0"], ["--save-every got '0'", "or none"]),
    (["train", *TINY, "--limit-train", "0"], ["--limit-train got '0'", "or all"]),
    (["train", *TINY, "--limit-train", "-5"], ["--limit-train got '-5'", "or all"]),
    (["train", *TINY, "--classes", "0"], ["--classes got '0'", "or auto"]),
    (["train", *TINY, "--log-every", "0"], ["--log-every got '0'"]),
    (["train", *TINY, "--out", ""], ["--out got nothing"]),
    (["train", "--config", ""], ["--config got nothing"]),
    (["bench", "step", "--model", "resnet9", "--threads", "0"], ["--threads got 0", "from 1"]),
    (["bench", "kernels", "--model", "resnet9", "--threads", "-1"], ["--threads got -1", "from 1"]),
    (["bench", "pipeline", "--model", "resnet9", "--data", "synthetic", "--classes", "0"], ["0 classes"]),
    (["bench", "pipeline", "--model", "resnet9", "--data", "synthetic", "--slice", "0"], ["--slice got 0"]),
    (["simulate", "--model", "resnet9", "--batch", "0"], ["--batch got 0", "at least 1"]),
    (["simulate", "--gemm", "8,8,8", "--batch", "0"], ["--batch got 0", "at least 1"]),
    (["simulate", "--model", "resnet9", "--batch", "-1"], ["--batch got -1", "at least 1"]),
    (["simulate", "--model", "resnet9", "--sweep", "batch=0"], ["'batch' got '0'"]),
    (["simulate", "--model", "resnet9", "--threads", "0"], ["--threads got 0", "from 1"]),
    (["simulate", "--model", "resnet9", "--json", ""], ["--json got nothing"]),
    (["eval", "--checkpoint", ""], ["--checkpoint got nothing"]),
    (["train", *TINY, "--place", "layer=cpu=x"], ["layer=cpu=x"]),
    (["train", *TINY, "--resume", "--overwrite"], ["--resume", "--overwrite"]),
    (["eval"], ["--checkpoint"]),
]

PATTERNS = ["9:8", "2:0", "0:8", "0:0", "2:x", "2", ":", "2:8:16", "-1:4", "2:65", "2 :8", "99999999999999999999:8"]


class WrongUse(CommandTest):
    def test_table(self):
        for arguments, expected in CASES:
            with self.subTest(arguments):
                line = self.refusal(*arguments, code=2)
                for words in expected:
                    self.assertIn(words, line)

    def test_patterns(self):
        for pattern in PATTERNS:
            with self.subTest(pattern):
                for command in (["info", "--model", "resnet9"], ["train", *TINY]):
                    line = self.refusal(*command, f"--nm={pattern}", code=2)
                    self.assertIn("N", line)
                    self.assertIn(pattern, line)

    def test_a_refused_run_leaves_nothing(self):
        self.refusal("train", *TINY, "--out", "run", "--model", "resnet8", code=2)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_names_that_are_no_utf8(self):
        """config.toml and JSON could not give them back: they would name another file."""
        name = os.fsdecode(b"f\xff\xc3")
        options = ["out", "init", "data", "data-dir", "config", "device", "plugin"]
        cases = [(["train", *TINY, f"--{option}", name], f"--{option} got 'f\\xff\\xc3'") for option in options]
        cases += [
            (["train", *TINY, f"--out={name}"], "got '--out=f\\xff\\xc3'"),
            (["eval", "--checkpoint", name, "--json"], "--checkpoint got"),
            (["datasets", "mnist", "--data-dir", name, "--json"], "--data-dir got"),
            (["devices", "test", "cpu", "--json", name], "--json got"),
            (["simulate", "--gemm", "64,64,64", "--html", name], "--html got"),
            (["plugin", "new", "mine", "--out", name], "--out got"),
            (["models", name], "got"),
        ]
        for arguments, words in cases:
            with self.subTest(arguments):
                line = self.refusal(*arguments, code=2)
                self.assertIn(words, line)
                self.assertIn("UTF-8", line)
                self.assertEqual(list(self.folder.iterdir()), [])
        # From within its folder there is nothing to give back.
        (self.folder / name).mkdir()
        self.satsuma("train", *TINY, "--out", "\u00e4 \u6f22", "--steps", "1", cwd=self.folder / name)
        self.assertIn("out = '\u00e4 \u6f22'", (self.folder / name / "\u00e4 \u6f22" / "config.toml").read_text())

    def test_instruction_sets(self):
        line = self.refusal("devices", code=2, env=environment(SATSUMA_ISA="avx3"))
        self.assertIn("avx3", line)
        self.satsuma("devices", env=environment(SATSUMA_ISA="plain"))
        version = self.satsuma("--version", env=environment(SATSUMA_ISA="amx-emulated")).stdout
        self.assertIn(" amx-emulated of", version)
        if " amx of" not in self.satsuma("--version", env=environment(SATSUMA_ISA="")).stdout:
            line = self.refusal("devices", code=2, env=environment(SATSUMA_ISA="amx"))
            self.assertIn("SATSUMA_ISA=amx is not supported", line)

    def test_tuning(self):
        # Where the CPU has no instructions for bf16 there is nothing to tune, and nobody asks.
        if not re.search(" (avx512_bf16|amx) of", self.satsuma("--version").stdout):
            self.skipTest("this CPU has no instructions for bf16")
        arguments = ["train", *TINY, "--precision", "bf16", "--steps", "1", "--out", "run"]
        self.assertIn("expected on or off", self.refusal(*arguments, code=2, env=environment(SATSUMA_TUNE="maybe")))


if __name__ == "__main__":
    unittest.main()
