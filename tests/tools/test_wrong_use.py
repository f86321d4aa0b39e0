"""What cannot be meant is refused with exit 2 and one line: what was typed, what exists, what is nearest."""

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

    def test_instruction_sets(self):
        line = self.refusal("devices", code=2, env=environment(SATSUMA_ISA="avx3"))
        self.assertIn("avx3", line)
        self.satsuma("devices", env=environment(SATSUMA_ISA="plain"))


if __name__ == "__main__":
    unittest.main()
