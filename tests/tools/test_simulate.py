"""`satsuma simulate`: the figures agree with each other and with counts by hand, every output can be read back,
and what cannot be simulated is refused in one line."""

import csv
import io
import json
import unittest
import xml.etree.ElementTree as ElementTree

from support import CommandTest

SMALL = ["--model", "resnet9", "--width", "0.25", "--batch", "16"]
# SCALE-Sim's array: one output at a time, an adder without latency, a memory that is always ready.
IDEAL = ["--ideal-memory", "--set", "accumulator.latency=1"]


class Simulate(CommandTest):
    def simulate(self, *arguments):
        return json.loads(self.satsuma("simulate", *arguments, "--json", "-").stdout)

    def test_a_method_with_a_pattern_of_its_own(self):
        own = self.simulate(*SMALL, "--method", "bdwp@2:4", "--nm", "2:8")
        self.assertEqual((own["method"], own["nm"]), ("bdwp@2:4", "2:4"))
        self.assertEqual(own["total_cycles"], self.simulate(*SMALL, "--method", "bdwp", "--nm", "2:4")["total_cycles"])

    def test_figures_agree(self):
        step = self.simulate(*SMALL, "--compare", "dense,sdwp")
        for key in ("cycles", "compute_cycles", "stall_cycles", "macs", "bytes"):
            whole = step["total_cycles" if key == "cycles" else key]
            self.assertEqual(whole, sum(layer[key] for layer in step["layers"]), key)
            self.assertEqual(whole, sum(counts[key] for counts in step["passes"].values()), key)
        self.assertEqual(step["total_cycles"], step["compute_cycles"] + step["stall_cycles"])
        self.assertEqual(step["stall_cycles"], sum(step["stalls"].values()))
        self.assertAlmostEqual(step["joules"], sum(step["energy"].values()), 9)
        self.assertAlmostEqual(step["seconds"], step["total_cycles"] / 200e6, 12)
        self.assertAlmostEqual(step["images_per_second"], 16 / step["seconds"], 6)
        self.assertAlmostEqual(step["utilisation"], step["macs"] / (32 * 32 * step["total_cycles"]), 9)
        for method in ("dense", "sdwp"):
            alone = self.simulate(*SMALL, "--method", method)
            self.assertAlmostEqual(step["speedup_over"][method], alone["total_cycles"] / step["total_cycles"], 9)
        self.assertGreater(step["speedup_over"]["dense"], 1)

    def test_operations_are_those_of_info(self):
        model = ["--model", "resnet18", "--input", "3x64x64", "--method", "bdwp"]
        step = self.simulate(*model, "--batch", "32")
        totals = self.json("info", *model)["totals"]
        self.assertEqual(step["macs"], 32 * totals["method_macs"])
        self.assertEqual(step["dense_macs"], 32 * totals["dense_macs"])

    def test_products_by_hand(self):
        """SCALE-Sim 3: 32 folds of 2 R + C + T - 2 or R + C + T - 2 cycles."""
        for dataflow, cycles in (("ws", 32 * (2 * 32 + 32 + 256 - 2)), ("os", 32 * (32 + 32 + 256 - 2))):
            step = self.simulate("--gemm", "128,256,256", "--sparse", "none", "--dataflow", dataflow, *IDEAL)
            self.assertEqual(step["total_cycles"], cycles)
        sparse = self.simulate("--gemm", "128,256,256", "--sparse", "weight", "--nm", "2:8", "--dataflow", "ws", *IDEAL)
        # 32 rows of groups of 8: one fold along the reduction, 2 of 256 kept weights each; loads take 2 cycles a row.
        self.assertEqual(sparse["macs"], 128 * 256 * 256 // 4)
        self.assertEqual(sparse["layers"][0]["pattern"], "2:8")
        self.assertLess(sparse["total_cycles"], 32 * (2 * 32 + 32 + 256 - 2))

    def test_large_counts(self):
        step = self.simulate("--gemm", "10000,10000,10000", "--dataflow", "ws", *IDEAL, "--set", "array.rows=1", "--set",
                             "array.columns=1")
        self.assertEqual(step["total_cycles"], 10**8 * (10**4 + 1))

    def test_topologies(self):
        (self.folder / "net.csv").write_text(
            'Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides,Sparsity\n'
            'a<b&"c",34,34,3,3,16,32,1,2:4\nlast,16,16,1,1,32,64,2,1:1\n')
        step = self.simulate("--topology", "net.csv", "--batch", "4")
        self.assertEqual([layer["pattern"] for layer in step["layers"]], ["2:4", "1:1"])
        # SCALE-Sim rounds the number of outputs up: 9 of 16 pixels at a stride of 2.
        self.assertEqual(step["macs"], 4 * (32 * 32 * 9 * 16 * 32 // 2 + 9 * 9 * 32 * 64))
        self.satsuma("simulate", "--topology", "net.csv", "--html", "page.html", "--trace", "trace.json")
        self.assertIn('a<b&"c"', "".join(ElementTree.parse(self.folder / "page.html").getroot().itertext()))

    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.satsuma("simulate", *SMALL, "--csv", "-").stdout)))
        step = self.simulate(*SMALL)
        self.assertEqual([(row["name"], row["pass"], int(row["cycles"])) for row in rows],
                         [(layer["name"], layer["pass"], layer["cycles"]) for layer in step["layers"]])

    def test_page_and_trace(self):
        self.satsuma("simulate", *SMALL, "--compare", "dense,sr-ste", "--ablations", "--sweep", "array.rows=16,32", "--sweep", "nm=2:4,2:8",
                     "--html", "page.html", "--trace", "trace.json", "--json", "step.json")
        text = (self.folder / "page.html").read_text()
        page = ElementTree.fromstring(text)
        shown = "".join(page.itertext())
        step = json.loads((self.folder / "step.json").read_text())
        for layer in step["layers"]:
            self.assertIn(layer["name"], shown)
        for value in step["config"]:
            self.assertIn(value["key"], shown)
        self.assertNotRegex(text, r'="-?(nan|inf)')
        for outside in ("http:", "https:", "src=", "@import", "<script"):
            self.assertNotIn(outside, text.replace("http://www.w3.org/", ""))
        pictures = page.findall(".//{http://www.w3.org/2000/svg}svg")
        self.assertEqual(len(pictures), 8)
        events = [event for event in json.loads((self.folder / "trace.json").read_text())["traceEvents"] if event["ph"] == "X"]
        self.assertEqual(events, sorted(events, key=lambda event: event["ts"]))
        array = [event for event in events if event["tid"] == 0]
        self.assertEqual(sum(event["args"]["cycles"] for event in array), step["busy_cycles"]["stce"])
        self.assertLessEqual(max(event["ts"] + event["dur"] for event in events), 1.0001e6 * step["seconds"])

    def test_a_single_product_has_a_page(self):
        self.satsuma("simulate", "--gemm", "64,64,64", *IDEAL, "--html", "page.html")
        ElementTree.parse(self.folder / "page.html")
        self.assertNotRegex((self.folder / "page.html").read_text(), r'="-?(nan|inf)')

    def test_sweep(self):
        step = self.simulate(*SMALL, "--sweep", "array.rows=8,32", "--sweep", "method=dense,bdwp")
        self.assertEqual([point["values"] for point in step["sweep"]],
                         [{"array.rows": rows, "method": method} for rows in ("8", "32") for method in ("dense", "bdwp")])
        self.assertEqual(step["sweep"][3]["total_cycles"], step["total_cycles"])
        self.assertTrue(any(point["pareto"] for point in step["sweep"]))
        rows = self.satsuma("simulate", *SMALL, "--sweep", "array.rows=8,32", "--csv", "-").stdout.splitlines()
        self.assertEqual(len(rows), 3)

    def test_schedules(self):
        found = self.simulate(*SMALL, "--dataflow", "ws", "--save-schedule", "schedule.toml")
        self.assertEqual(self.simulate(*SMALL, "--schedule", "schedule.toml")["layers"], found["layers"])
        # Edited by hand: without turns accumulators are waited for, and what is computed stays the same.
        text = (self.folder / "schedule.toml").read_text()
        self.assertIn("interleave = 3", text)
        (self.folder / "schedule.toml").write_text(text.replace("interleave = 3", "interleave = 1"))
        edited = self.simulate(*SMALL, "--schedule", "schedule.toml")
        self.assertEqual(edited["macs"], found["macs"])
        self.assertGreater(edited["stalls"]["accumulator"], found["stalls"]["accumulator"])
        for change in (["--classes", "11"], ["--set", "array.rows=16"], ["--method", "dense"]):
            line = self.refusal("simulate", *SMALL, "--schedule", "schedule.toml", *change, code=2)
            self.assertIn("schedule", line)

    def test_switches(self):
        best = self.simulate(*SMALL)["total_cycles"]
        for switch in ("--no-interleave", "--no-schedule"):
            self.assertGreater(self.simulate(*SMALL, switch)["total_cycles"], best, switch)
        self.assertGreaterEqual(self.simulate(*SMALL, "--no-pregeneration")["total_cycles"], best)
        cheap = self.simulate(*SMALL, "--objective", "energy")
        self.assertLessEqual(cheap["joules"], self.simulate(*SMALL)["joules"])

    def test_configurations(self):
        (self.folder / "mine.toml").write_text("[array]\nrows = 16\n")
        self.assertEqual(self.simulate(*SMALL, "--config", "mine.toml")["total_cycles"],
                         self.simulate(*SMALL, "--set", "array.rows=16")["total_cycles"])
        self.assertEqual(self.simulate(*SMALL, "--config", "sat-vcu1525.toml")["total_cycles"],
                         self.simulate(*SMALL)["total_cycles"])

    def test_refusals(self):
        (self.folder / "bad.toml").write_text("[array]\nrows = 16\nrow = 3\n")
        (self.folder / "bad.csv").write_text("Layer,M,N\na,1,2\n")
        cases = [
            (["--model", "resnet9", "--set", "array.row=3"], 2, ["'array.row'", "array.rows"]),
            (["--model", "resnet9", "--set", "array.rows=0"], 2, ["'0'", "1 to 1024"]),
            (["--model", "resnet9", "--set", "array.rows=100000"], 2, ["'100000'", "1 to 1024"]),
            (["--model", "resnet9", "--set", "buffer.kib=8"], 2, ["buffer.kib", "too small", "at least"]),
            (["--model", "resnet9", "--config", "bad.toml"], 1, ["bad.toml", "line 3", "row"]),
            (["--model", "resnet9", "--config", "none.toml"], 1, ["none.toml"]),
            (["--topology", "bad.csv"], 1, ["bad.csv:1", "Layer, M, N, K"]),
            (["--topology", "none.csv"], 1, ["none.csv"]),
            (["--model", "resnet9", "--gemm", "1,2,3"], 2, ["--model", "--gemm"]),
            ([], 2, ["--model", "--gemm", "--topology"]),
            (["--gemm", "1,2"], 2, ["'1,2'", "M,K,N"]),
            (["--gemm", "1,2,3,4"], 2, ["'1,2,3,4'", "M,K,N"]),
            (["--gemm", "0,2,3"], 2, ["'0,2,3'"]),
            (["--gemm", "1000000000,1000000000,1000000000"], 2, ["multiply-adds"]),
            (["--model", "resnet9", "--batch", "-1"], 2, ["--batch", "-1"]),
            (["--model", "resnet9", "--compare", "dens"], 2, ["'dens'", "dense"]),
            (["--model", "resnet9", "--sweep", "array.rows=8,x"], 2, ["'x'"]),
            (["--model", "resnet9", "--sweep", "rows=8"], 2, ["'rows'"]),
            (["--model", "resnet9", "--json", "-", "--csv", "-"], 2, ["standard output"]),
            (["--model", "resnet9", "--html", "no/such/folder.html"], 1, ["no/such/folder.html"]),
            (["--model", "resnet9", "--csv", "/dev/full"], 1, ["/dev/full"]),
        ]
        for arguments, code, words in cases:
            with self.subTest(arguments):
                line = self.refusal("simulate", *arguments, code=code)
                for word in words:
                    self.assertIn(word, line)


if __name__ == "__main__":
    unittest.main()
