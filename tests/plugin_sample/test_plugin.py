"""Installs Satsuma into a temporary folder and runs docs/backends.md against that: every file and command on the page.

test_plugin.py BUILD_FOLDER COMPILER...
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "backends.md"
BUILD, *COMPILER = sys.argv[1:]
TINY = "--model resnet9 --data synthetic --input 3x16x16 --width 0.125 --limit-train 192 --batch-size 32".split()
TINY += "--steps 3 --method bdwp --nm 2:8 --json --quiet".split()


class Plugins(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="satsuma-plugin-")
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)
        cls.work = cls.root / "work"
        cls.work.mkdir()
        cls.environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
        cls.run_command(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", cls.root])
        (package,) = cls.root.rglob("satsuma.pc")
        (command,) = cls.root.rglob("bin/satsuma")
        cls.environment |= {
            "PKG_CONFIG_PATH": str(package.parent),
            "PKG_CONFIG_SYSROOT_DIR": str(cls.root),
            "LD_LIBRARY_PATH": str(package.parent.parent),
            "PATH": f"{command.parent}:{os.environ['PATH']}",
        }

    @classmethod
    def run_command(cls, command, code=0, **options):
        done = subprocess.run(command if isinstance(command, str) else list(map(str, command)), cwd=cls.work,
                              shell=isinstance(command, str), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={**cls.environment, **options})
        if done.returncode != code:
            raise AssertionError(f"{command}\nexit status {done.returncode}\n{done.stdout}")
        return done.stdout

    def build(self, name, source, compiler):
        """A plug-in of one source file; compiled without Meson, which takes longer than the compiler."""
        flags = self.run_command(["pkg-config", "--cflags", "satsuma"]).split()
        library = self.work / f"lib{name}.so"
        self.run_command([*compiler, "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *flags, source,
                          "-o", library])
        return library

    def renamed(self, source, name):
        path = self.work / f"{name}{source.suffix}"
        path.write_text(source.read_text().replace("sample", name))
        return path

    def test_page(self):
        blocks = re.findall(r"^```(cpp|sh)(?: (\S+))?\n(.*?)^```$", PAGE.read_text(), re.S | re.M)
        self.assertGreater(len(blocks), 5)
        for language, name, content in blocks:
            if language == "cpp":
                (self.work / name).write_text(content)
                continue
            for command in content.splitlines():
                with self.subTest(command):
                    if command.startswith("cmake") and not shutil.which("cmake"):
                        print(f"left out, no CMake here: {command}", file=sys.stderr)
                        continue
                    if "mine_c/build/" in command and not shutil.which("cmake"):
                        continue
                    out = self.run_command(command)
                    if "devices test" in command:
                        self.assertIn(", 0 failed", out)
                        self.assertGreater(int(re.search(r"(\d+) passed", out)[1]), 500)

    def test_size_of_the_samples(self):
        for source, most in ((HERE / "cpp" / "sample.cpp", 150), (HERE / "c" / "sample.c", 150)):
            self.assertLess(len(source.read_text().splitlines()), most)

    def test_trains_as_cpu(self):
        library = self.build("sample", HERE / "cpp" / "sample.cpp", [*COMPILER, "-std=c++20"])
        losses = []
        for device in ("cpu", "sample"):
            command = ["satsuma", "train", *TINY, "--plugin", library, "--device", device, "--out", f"runs/{device}"]
            out = self.run_command([*command, "--strict-device"])
            losses.append(float(re.search(r'"train_loss": ([\d.]+)', out)[1]))
            self.assertIn('"fallbacks": 0', out)
        # Three steps of other orders of summation.
        self.assertAlmostEqual(losses[0], losses[1], 3)

    def test_of_another_compiler(self):
        with_gcc = "clang" not in COMPILER[-1]
        cxx, cc = ("clang++", "clang") if with_gcc else ("g++", "gcc")
        for compiler, source, name in (([cxx, "-std=c++20"], HERE / "cpp" / "sample.cpp", "other_cpp"),
                                       ([cc, "-std=c99"], HERE / "c" / "sample.c", "other_c")):
            with self.subTest(compiler):
                if not shutil.which(compiler[0]):
                    self.skipTest(f"no {compiler[0]} here")
                library = self.build(name, self.renamed(source, name), compiler)
                out = self.run_command(["satsuma", "devices", "test", name, "--plugin", library, "--filter", "*/2:8/*"])
                self.assertIn(", 0 failed", out)

    def planted(self, name, condition, place="c[0] += 0.01F;"):
        """The sample with a fault behind its product."""
        source = self.renamed(HERE / "cpp" / "sample.cpp", name)
        loop = "      for (std::int64_t row = begin; row < end; ++row) multiply_row(product, row);\n    });\n"
        text = source.read_text()
        self.assertIn(loop, text)
        text = text.replace(loop, f"{loop}    static int calls = 0;\n    if ({condition}) product.{place}\n", 1)
        source.write_text(text)
        return self.build(name, source, [*COMPILER, "-std=c++20"])

    def test_a_planted_fault_is_named(self):
        # Two blocks of images: two products a step in the first layer, whose input has 3 channels.
        first = "product.length == 3 && product.pass == SATSUMA_FF"
        for name, condition, expected in (
            ("early", "product.pass == SATSUMA_BP && product.rows == 32", r"step 1, layer '\S+', BP: cpu and early differ: dX\["),
            ("late", f"{first} && ++calls > 4", r"step 3, layer '\S+', FF: cpu and late differ: Y\["),
            ("never", f"{first} && ++calls > 1000", None),
        ):
            with self.subTest(name):
                library = self.planted(name, condition + " && calls >= 0")
                command = ["satsuma", "train", *TINY, "--plugin", library, "--device", f"check:cpu,{name}"]
                out = self.run_command([*command, "--out", f"runs/{name}"], code=1 if expected else 0)
                if expected:
                    self.assertRegex(out, expected)
                    self.assertEqual(len(re.findall("satsuma: error: ", out)), 1)

    def test_conformance_finds_a_planted_fault(self):
        library = self.planted("wrong", "product.indices != nullptr && product.segments == 9 && calls == 0")
        out = self.run_command(["satsuma", "devices", "test", "wrong", "--plugin", library, "--filter", "ff/2:8/*"], code=1)
        self.assertIn("FAILED ff/2:8/f32/layer-3x3: Y of a 3x3 convolution", out)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
