"""Drivers of OpenCL that end the program, hang, or are known to be wrong: the command goes on without them and says so."""

import json
import os
import unittest

from support import CommandTest, environment

# Where there is no OpenCL in this build there are none.
DRIVERS = os.environ.get("SATSUMA_TEST_DRIVERS", "")


@unittest.skipUnless(DRIVERS, "no OpenCL in this build")
class OpenClDrivers(CommandTest):
    def satsuma(self, *arguments, **options):
        return super().satsuma(*arguments, env=environment(OCL_ICD_VENDORS=str(self.folder / "vendors")), **options)

    def install(self, *names):
        vendors = self.folder / "vendors"
        vendors.mkdir()
        for name in names:
            (vendors / f"{name}.icd").write_text(f"{DRIVERS}/libfake_driver_{name}.so\n")

    def test_one_that_aborts_beside_one_that_is_sound(self):
        self.install("aborts", "sound")
        listing = self.json("devices")["opencl"]
        self.assertEqual([platform["name"] for platform in listing["platforms"]], ["Fake that is sound"])
        (line,) = listing["left_out"]
        for words in ("aborts.icd", "'Fake that aborts'", "Aborted", "not enough memory"):
            self.assertIn(words, line)
        self.assertIn(line, self.satsuma("devices").stdout)
        self.assertIn("did you mean 'reference'?", self.refusal("devices", "referense", code=2))
        refused = self.refusal("train", "--model", "resnet9", "--data", "synthetic", "--out", "x", "--device",
                               "opencl:platform=aborts", code=(1, 2))
        self.assertIn("there is no OpenCL platform 'aborts'; there is 'Fake that is sound'; " + line, refused)
        self.train("run", "--steps", "1", "--device", "cpu")

    def test_the_only_one(self):
        self.install("exits")
        listing = self.json("devices")["opencl"]
        self.assertEqual(listing["platforms"], [])
        self.assertIn("no OpenCL platform can be used; ", listing["reason"])
        self.assertIn("'Fake that exits' ends the program that opens it, with status 3", listing["reason"])
        self.assertIn("exits.icd", self.satsuma("devices").stdout)

    def test_one_that_is_known_to_miscompile(self):
        self.install("fpga")
        (platform,) = self.json("devices")["opencl"]["platforms"]
        self.assertIn("CL_CONFIG_CPU_TARGET_ARCH=core-avx2", platform["warning"])
        self.assertIn("warning: platform 'Intel(R) FPGA Emulation", self.satsuma("devices").stdout)


if __name__ == "__main__":
    unittest.main()
