"""SAT over OpenCL from the command line: build a binary, train from it, and what goes wrong on the way."""

import json
import unittest

from support import CommandTest, environment


class OpenCl(CommandTest):
    def setUp(self):
        super().setUp()
        self.listing = self.json("devices")["opencl"]
        if not self.listing["platforms"]:
            self.skipTest(self.listing["reason"])

    def satsuma(self, *arguments, **options):
        # What the platform compiles stays out of the user's home, and device memory is not filled by malloc.
        own = environment(POCL_CACHE_DIR=str(self.folder / "cache"), MALLOC_PERTURB_="0")
        return super().satsuma(*arguments, env=own, **options)

    def test_devices(self):
        device = self.listing["platforms"][0]["devices"][0]
        self.assertGreater(device["memory"], device["local_memory"])
        text = self.satsuma("devices").stdout
        for words in (self.listing["platforms"][0]["name"], device["name"], "work-groups of"):
            self.assertIn(words, text)

    def test_weights_after_twenty_steps_are_the_emulator_s(self):
        self.satsuma("sat", "build", "--set", "array.rows=8", "--set", "array.columns=16", "-o", "sat.bin")
        shown = self.json("devices", "sat:opencl,bitstream=sat.bin")
        self.assertIn("8 x 16 USPEs", shown["description"])
        runs = {"cl": "sat:opencl,bitstream=sat.bin", "emulated": "sat"}
        for out, device in runs.items():
            self.train(out, "--device", device, "--epochs", "4", "--limit-train", "160")
        self.assert_same_tensors("cl/last.safetensors", "emulated/last.safetensors")
        log = [json.loads(line) for line in (self.folder / "cl/log.jsonl").read_text().splitlines()]
        (*_, last) = [line for line in log if line["kind"] == "epoch"]
        self.assertEqual(last["step"], 20)
        self.assertGreater(min(last[key] for key in ("kernel_seconds", "transfer_seconds", "bytes_moved")), 0)

    def test_every_call_of_a_step_against_the_emulator(self):
        self.satsuma("sat", "build", "--set", "array.rows=8", "-o", "sat.bin")
        pair = "check:sat,sat:opencl,bitstream=sat.bin"
        done = self.train("check", "--device", pair, "--epochs", "1", "--limit-train", "32")
        self.assertIn(f"satsuma: {pair}: 26 passes of 9 layers compared in ", done.stderr)
        self.assertNotIn("runs on 'cpu'", done.stderr)
        self.train("placed", "--place", "layer*=sat:opencl,bitstream=sat.bin", "--epochs", "1", "--limit-train", "32",
                   "--precision", "fp16")

    def test_source_for_the_tools_of_a_card_and_what_they_built(self):
        self.satsuma("sat", "build", "--source", "--set", "array.rows=8", "-o", "sat.cl")
        source = (self.folder / "sat.cl").read_text()
        for words in ("#define ROWS 8", "__kernel", "stce_os", "stce_ws", "sore", "wuve"):
            self.assertIn(words, source)
        self.satsuma("sat", "build", "--set", "array.rows=8", "-o", "sat.bin")
        # What the platform gives for a binary ends the file.
        content = (self.folder / "sat.bin").read_bytes()
        at = content.index(b"poclbin") if b"poclbin" in content else self.skipTest("not PoCL")
        (self.folder / "card.xclbin").write_bytes(content[at:])
        self.satsuma("sat", "build", "--set", "array.rows=8", "--binary", "card.xclbin", "-o", "wrapped.bin")
        self.assertEqual((self.folder / "wrapped.bin").read_bytes(), content)
        message = self.refusal("sat", "build", "--set", "array.rows=9", "--binary", "card.xclbin", "-o", "x.bin", code=1)
        self.assertIn("8 x 32 USPEs", message)
        (self.folder / "foreign.xclbin").write_bytes(b"no binary of anything")
        message = self.refusal("sat", "build", "--binary", "foreign.xclbin", "-o", "x.bin", code=1)
        self.assertIn("foreign.xclbin: platform '", message)
        self.assertIn("build it for this device from satsuma sat build --source", message)

    def test_errors_and_fallback(self):
        (self.folder / "foreign.bin").write_bytes(b"\x7fELF")
        for file, words in (("foreign.bin", "is no binary of SAT"), ("missing.bin", "No such file")):
            message = self.refusal("train", "--model", "resnet9", "--data", "synthetic", "--out", "x", "--device",
                                   f"sat:opencl,bitstream={file}", code=1)
            self.assertIn(words, message)
        done = self.train("fallen", "--device", "sat:opencl,bitstream=foreign.bin,fallback=emulator", "--epochs", "1",
                          "--limit-train", "32")
        self.assertEqual(done.stderr.count("going on with the emulator"), 1, done.stderr)
        self.assertIn("'nobody'", self.refusal("sat", "build", "--platform", "nobody", "-o", "x.bin", code=1))
        self.assertIn("index 9", self.refusal("sat", "build", "--index", "9", "-o", "x.bin", code=1))
        self.assertIn("array.rows", self.refusal("sat", "build", "--set", "array.rows=0", "-o", "x.bin", code=2))


if __name__ == "__main__":
    unittest.main()
