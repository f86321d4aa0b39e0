"""`satsuma devices` and `satsuma devices test`: what there is, what it supports, and whether it is right."""

import json
import unittest

from support import CommandTest


class DevicesTest(CommandTest):
    def test_text(self):
        text = self.satsuma("devices", "test", "cpu", "--filter", "ff/*/f32/stride*").stdout
        for words in ("BP dY N:M", "3x3 depth-wise", "f64", "[1] ", " passed, 0 failed", "tolerance: L + 8 units"):
            self.assertIn(words, text)

    def test_json(self):
        arguments = ["devices", "test", "reference", "--mode", "correctness", "--filter", "*/2:8/*/stride"]
        report = json.loads(self.satsuma(*arguments, "--json", "-").stdout)
        self.assertEqual([report[key] for key in ("device", "modes", "failed")], ["reference", ["correctness"], 0])
        names = {check["name"]: check for check in report["checks"]}
        self.assertLessEqual({"ff/2:8/f32/stride", "bp/2:8/f64/stride"}, names.keys())
        self.assertEqual(report["passed"] + report["refused"], len(names))
        one = names["ff/2:8/f32/stride"]
        self.assertTrue(0 < one["error"] <= one["tolerance"] or one["error"] == 0, one)
        refused = json.loads(self.satsuma("devices", "test", "sat", *arguments[3:], "--json", "-").stdout)
        names = {check["name"]: check for check in refused["checks"]}
        self.assertEqual(names["ff/2:8/f32/stride"]["outcome"], "refused")
        self.assertIn("f16", names["ff/2:8/f32/stride"]["detail"])
        for cell in report["support"]:
            self.assertEqual(cell["asked"] > cell["accepted"], bool(cell["reasons"]), cell)
        self.satsuma(*arguments, "--json", "report.json")
        self.assertEqual(json.loads((self.folder / "report.json").read_text()), report)

    def test_modes(self):
        arguments = ["devices", "test", "cpu", "--filter", "*/dense/*1x1*", "--mode", "gradient,performance", "--json", "-"]
        report = json.loads(self.satsuma(*arguments).stdout)
        self.assertEqual({check["name"].split("/")[0] for check in report["checks"]},
                         {"gradient-input", "gradient-weight", "performance"})
        arguments[4] = "performance/*"
        report = json.loads(self.satsuma(*arguments).stdout)
        self.assertEqual({timing["name"].split("/")[1] for timing in report["timings"]}, {"ff", "bp", "wu"})
        for timing in report["timings"]:
            self.assertGreater(timing["seconds"], 0)
            self.assertGreater(timing["cpu_seconds"], 0)

    def test_the_seed_is_of_all_that_is_drawn(self):
        def errors(seed):
            arguments = ["devices", "test", "cpu", "--filter", "ff/dense/f32/any*", "--seed", seed, "--json", "-"]
            return [check["error"] for check in json.loads(self.satsuma(*arguments).stdout)["checks"]]

        self.assertEqual(errors(3), errors(3))
        self.assertNotEqual(errors(3), errors(4))

    def test_wrong_use(self):
        for arguments, words in ((["gpu"], "'gpu'"), (["cpu", "--filter", "forward/*"], "'forward/*'"), ([], "NAME"),
                                 (["cpu", "--mode", "gradients"], "did you mean 'gradient'?")):
            self.assertIn(words, self.refusal("devices", "test", *arguments, code=2))


if __name__ == "__main__":
    unittest.main()
