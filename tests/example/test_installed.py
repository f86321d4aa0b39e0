"""Installs Satsuma into a temporary folder, builds train.cpp against that alone by pkg-config, and runs it.

test_installed.py BUILD_FOLDER COMPILER...
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
BUILD, *COMPILER = sys.argv[1:]


def run(command, **options):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


class Installed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="satsuma-install-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", self.root])
        (package,) = self.root.rglob("satsuma.pc")
        self.library = package.parent.parent
        # No other folder: a user of the library need not have what it was built with.
        self.environment = {**os.environ, "PKG_CONFIG_LIBDIR": str(package.parent), "PKG_CONFIG_SYSROOT_DIR": str(self.root)}
        self.environment |= {"LD_LIBRARY_PATH": str(self.library), "OMP_WAIT_POLICY": "passive"}

    def pkg_config(self, *options):
        return run(["pkg-config", *options, "satsuma"], env=self.environment).split()

    def test_program_of_a_user(self):
        shutil.copy(HERE / "train.cpp", self.root)
        flags = self.pkg_config("--cflags", "--libs")
        run([*COMPILER, "-std=c++20", "-Wall", "-Werror", "train.cpp", "-o", "train", *flags], cwd=self.root)
        losses = re.findall(r"loss (\d+\.\d+)", run(["./train"], cwd=self.root, env=self.environment))
        self.assertEqual(len(losses), 10)
        self.assertLess(float(losses[-1]), float(losses[0]))

    def test_headers_compile(self):
        (include,) = self.root.rglob("include")
        headers = sorted(path.relative_to(include) for path in (include / "satsuma").rglob("*.hpp"))
        self.assertGreater(len(headers), 40)
        for header in headers:
            others = re.findall(r"#include <((?!sys/)\w+/.*)>", (include / header).read_text())
            self.assertEqual(others, [], f"{header} needs another library")
        # In both orders: a header that leans on what another one includes fails in one of them.
        source = self.root / "headers.cpp"
        flags = self.pkg_config("--cflags")
        source.write_text("".join(f'#include "{header}"\n' for header in headers + headers[::-1]))
        run([*COMPILER, "-std=c++20", "-fsyntax-only", *flags, source])

    def test_command_is_installed(self):
        (command,) = self.root.rglob("bin/satsuma")
        version = run([command, "--version"], env=self.environment).split()[1]
        self.assertEqual(self.pkg_config("--modversion"), [version])

    def test_no_destructor_of_thread_local(self):
        """Where memory is short glibc aborts when one is registered; src/core/per_thread.hpp says so instead."""
        (command,) = self.root.rglob("bin/satsuma")
        for file in (command, self.library / "libsatsuma.so"):
            self.assertNotIn(b"__cxa_thread_atexit", file.read_bytes(), file.name)

    def test_recipes_and_configurations_by_name(self):
        """From the installed copy, wherever it stands, and from any folder."""
        (command,) = self.root.rglob("bin/satsuma")
        elsewhere = self.root / "elsewhere"
        elsewhere.mkdir()

        def satsuma(*arguments, code=0):
            done = subprocess.run([command, *arguments], cwd=elsewhere, env=self.environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, code, done.stderr)
            return done

        recipes = sorted(path.stem for path in (HERE.parent.parent / "models" / "recipes").glob("*.toml"))
        installed = sorted(path.stem for path in self.root.rglob("share/satsuma/recipes/*.toml"))
        self.assertEqual(installed, recipes)
        for name in ("resnet20-synthetic-bdwp", "resnet20-synthetic-bdwp.toml"):
            done = satsuma("train", "--config", name, "--limit-train", "128", "--epochs", "0", "--out", name)
            self.assertIn("bdwp 2:8", done.stdout)
        line = satsuma("train", "--config", "resnet20-synthetic-bdpw", code=2).stderr
        for name in ("did you mean 'resnet20-synthetic-bdwp'", *recipes):
            self.assertIn(name, line)
        configs = sorted(path.stem for path in self.root.rglob("share/satsuma/configs/*.toml"))
        self.assertEqual(configs, sorted(path.stem for path in (HERE.parent.parent / "configs").glob("*.toml")))
        for name in configs:
            satsuma("simulate", "--gemm", "64,64,64", "--config", name)

    def test_models_by_their_headers(self):
        source = self.root / "model.cpp"
        source.write_text("""
            #include <satsuma/datasets/synthetic.hpp>
            #include <satsuma/models/resnet9.hpp>
            #include <satsuma/models/vgg.hpp>
            #include <satsuma/models/vit.hpp>
            int main() {
              satsuma::Rng rng(0);
              const auto model = satsuma::models::create_resnet9({.input = {3, 32, 32}, .width = 0.125}, rng);
              return model->parameters().empty() || satsuma::datasets::synthetic().name != "synthetic";
            }""")
        run([*COMPILER, "-std=c++20", "-Wall", "-Werror", source, "-o", self.root / "model", *self.pkg_config("--cflags", "--libs")])
        run([self.root / "model"], env=self.environment)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
