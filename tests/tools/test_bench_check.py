"""`bench check`: what counts as slower, and files that are no results. Figures are made up, so that nothing is left to chance."""

import copy
import json
import unittest

from support import CommandTest

MACHINE = {"cpu": "x", "isa": "avx2", "cores": 2, "threads": 2, "satsuma": "0.1.0", "compiler": "gcc 12"}
WORK = {"model": "resnet20", "input": "3x32x32", "width": 1.0, "batch_size": 4, "device": "cpu", "machine": MACHINE}
STEP = {**WORK, "bench": "step", "nm": "2:8"}
STEP["results"] = [
    {"method": "dense", "precision": "fp32", "seconds_median": 1.0, "seconds_quartiles": [0.99, 1.01]},
    {"method": "bdwp", "precision": "fp32", "seconds_median": 0.5, "seconds_quartiles": [0.49, 0.51]},
]
TIME = {"median": 0.5, "quartiles": [0.5, 0.5]}
KERNELS = {**WORK, "bench": "kernels", "method": "bdwp"}
KERNELS["layers"] = [
    {"layer": "conv1", "pass": "FF", "nm": "2:8", "pruned": True, "own_dense_time": TIME, "nm_time": TIME},
    {"layer": "conv1", "pass": "WU", "nm": "2:8", "pruned": False, "own_dense_time": TIME, "nm_time": TIME},
]


class Check(CommandTest):
    def write(self, name, value):
        (self.folder / name).write_text(value if isinstance(value, str) else json.dumps(value))
        return name

    def check(self, old, new, *arguments, **options):
        return self.satsuma("bench", "check", self.write("old", old), self.write("new", new), *arguments, **options)

    def changed(self, bench, change):
        value = copy.deepcopy(bench)
        change(value)
        return value

    def test_same(self):
        for result, count in ((STEP, 2), (KERNELS, 3)):
            done = self.check(result, result)
            self.assertEqual(done.stdout, f"{count} compared: 0 slower, 0 faster\n")
            self.assertEqual(done.stderr, "")

    def test_beyond_noise(self):
        # Tolerance 5 %, noise 2 % of each: 1.09.
        for seconds, code in ((0.54, 0), (0.56, 1)):
            row = {"seconds_median": seconds, "seconds_quartiles": [0.98 * seconds, 1.02 * seconds]}
            new = self.changed(STEP, lambda value: value["results"][1].update(row))
            done = self.check(STEP, new, code=code)
            self.assertEqual("bdwp fp32: slower, 1.12 times the time (9 % is noise and tolerance)\n" in done.stdout, code == 1)
            self.assertIn(f"2 compared: {code} slower, 0 faster\n", done.stdout)
            self.check(STEP, new, "--tolerance", "0.2")
            self.check(STEP, new, "--tolerance", "0", code=1)

    def test_faster_is_no_failure(self):
        new = self.changed(KERNELS, lambda value: value["layers"][0].update(nm_time={"median": 0.25, "quartiles": [0.25, 0.25]}))
        self.assertIn("conv1 FF 2:8: faster, 0.50 times the time", self.check(KERNELS, new).stdout)

    def test_json(self):
        new = self.changed(STEP, lambda value: value["results"][0].update(seconds_median=2.0, seconds_quartiles=[2, 2]))
        answer = json.loads(self.check(STEP, new, "--json", code=1).stdout)
        self.assertTrue(answer["slower"])
        self.assertEqual([entry["verdict"] for entry in answer["entries"]], ["slower", "same"])
        self.assertAlmostEqual(answer["entries"][0]["allowed"], 0.06)

    def test_other_conditions(self):
        done = self.check(STEP, self.changed(STEP, lambda value: value["machine"].update(isa="avx512", threads=1)))
        self.assertEqual(done.stderr, "satsuma: warning: measured under other conditions: isa avx2 and avx512, threads 2 and 1\n")

    def test_only_in_one(self):
        done = self.check(STEP, self.changed(STEP, lambda value: value["results"].pop()))
        self.assertEqual(done.stdout, "1 compared: 0 slower, 0 faster, 1 only in the old\n")

    def test_refusals(self):
        cases = [
            ("", "no JSON"),
            ("{", "no JSON"),
            ("[]", "no bench result"),
            ('{"bench":"step","machine":{},"model":' + 100_000 * "[" + 100_000 * "]" + "}", "nests too deep"),
            ({}, "'bench'"),
            ({**STEP, "bench": "lunch"}, "'lunch'"),
            ({**STEP, "results": [{"method": "dense", "precision": "fp32", "seconds_quartiles": [1, 2]}]}, "'seconds_median'"),
            ({**STEP, "results": 5}, "no bench result"),
            ({**STEP, "machine": 5}, "no bench result"),
            ({**STEP, "results": [{**STEP["results"][0], "seconds_quartiles": []}]}, "no bench result"),
            ({**STEP, "results": [{**STEP["results"][0], "seconds_median": -1}]}, "positive"),
            ({**STEP, "batch_size": 8}, "nothing in common"),
            ({**STEP, "results": []}, "nothing in common"),
            (KERNELS, "of bench kernels"),
        ]
        for new, words in cases:
            with self.subTest(new=new):
                self.write("new", new)
                self.assertIn(words, self.refusal("bench", "check", self.write("old", STEP), "new", code=1))
        self.assertIn("missing", self.refusal("bench", "check", "missing", "new", code=1))
        self.assertIn("--tolerance", self.refusal("bench", "check", "old", "old", "--tolerance", "-1", code=2))

    def test_real_results(self):
        small = ["--model", "resnet20", "--batch-size", "4", "--repeat", "3", "--warmup", "1"]
        step = self.json("bench", "step", *small)
        machine = step["machine"]
        for key in ("cpu", "isa", "cores", "threads", "cache_bytes", "satsuma", "compiler"):
            self.assertIn(key, machine)
        self.assertGreater(machine["cache_bytes"]["level2"], machine["cache_bytes"]["level1"])
        self.assertIn("2 compared", self.check(step, step).stdout)
        slow = copy.deepcopy(step)
        for row in slow["results"]:
            row["seconds_median"] *= 100
            row["seconds_quartiles"] = [100 * each for each in row["seconds_quartiles"]]
        self.check(step, slow, code=1)
        done = self.satsuma("bench", "kernels", *small, "--json", code=(0, 1))
        if "has no oneDNN" not in done.stderr:
            kernels = json.loads(done.stdout)
            self.assertRegex(kernels["machine"]["onednn"], r"\d+\.\d+")
            self.check(kernels, kernels)


if __name__ == "__main__":
    unittest.main()
