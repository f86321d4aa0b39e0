"""Plug-ins at the command line: bad ones are one line each, and the program lives."""

import json
import os
import shutil
import unittest
from pathlib import Path

from support import TINY, CommandTest, environment

PLUGINS = Path(os.environ["SATSUMA_TEST_PLUGINS"])


def built(name):
    return PLUGINS / f"libplugin_{name}.so"


class Plugins(CommandTest):
    def test_listed(self):
        text = self.satsuma("devices", "--plugin", built("full")).stdout
        self.assertRegex(text, r"full +plug-in +2\.3 +FF BP WU, N:M in FF BP, f32 f64 +every function there is")
        devices = {device["name"]: device for device in self.json("devices", "--plugin", built("full"))["devices"]}
        self.assertEqual([devices[name]["kind"] for name in ("cpu", "full")], ["built-in", "plug-in"])
        self.assertEqual([devices["full"][key] for key in ("available", "version", "file")], [True, "2.3", str(built("full"))])
        one = self.json("devices", "full", "--plugin", built("full"))
        self.assertEqual(one, devices["full"])
        self.assertIn("every function", self.satsuma("devices", "full", "--plugin", built("full")).stdout)

    def test_why_one_is_not_available(self):
        for name, words in (("create_fails", "no accelerator in slot 3"), ("create_throws", "an exception left create"),
                            ("other_version", "has interface version 7"), ("constructor_throws", "ends the program")):
            with self.subTest(name):
                listed = self.json("devices", "--plugin", built(name))["devices"][-1]
                self.assertFalse(listed["available"])
                self.assertIn(words, listed["reason"])
                self.assertIn(words, self.satsuma("devices", "--plugin", built(name)).stdout)

    def test_a_bad_one_that_is_asked_for(self):
        for name in ("other_version", "newer_table", "no_sizes", "no_table", "bad_name", "no_pass", "built_in_name",
                     "entry_throws", "constructor_throws", "no_entry", "create_fails", "create_throws"):
            with self.subTest(name):
                line = self.refusal("train", *TINY, "--plugin", built(name), "--device", "bad", code=2)
                self.assertIn(str(built(name)), line)
        self.assertEqual(list(self.folder.iterdir()), [])
        for command in (["devices", "test", "bad"], ["info", "--model", "resnet9"], ["bench", "step", "--model", "resnet9"],
                        ["bench", "kernels", "--model", "resnet9"], ["eval", "--checkpoint", "none"]):
            self.assertIn("no such file", self.refusal(*command, "--plugin", "none.so", code=2))

    def test_a_bad_one_in_the_path_is_a_warning(self):
        def path(*entries):
            return environment(SATSUMA_PLUGIN_PATH=":".join(map(str, entries)))

        env = path(built("no_entry"), built("full"), "relative.so")
        done = self.satsuma("info", "--model", "resnet9", "--device", "full", env=env)
        self.assertEqual(done.stderr.count("satsuma: warning: plug-in "), 2, done.stderr)
        info = json.loads(self.satsuma("info", "--model", "resnet9", "--place", "*=full", "--json", env=env).stdout)
        self.assertEqual({p["device"] for layer in info["layers"] for p in layer["passes"].values()}, {"full"})
        self.assertIn("--plugin FILE", self.refusal("info", "--model", "resnet9", "--device", "bad", env=env, code=2))

    def test_the_working_directory_is_not_searched(self):
        shutil.copy(built("full"), self.folder / "full.so")
        shutil.copy(built("full"), self.folder / "libfull.so")
        for entries in ("", ":", "::"):
            self.refusal("info", "--model", "resnet9", "--device", "full", code=2,
                         env=environment(SATSUMA_PLUGIN_PATH=entries, LD_LIBRARY_PATH=""))

    def test_two_of_one_name(self):
        shutil.copy(built("full"), self.folder / "other.so")
        line = self.refusal("train", *TINY, "--plugin", built("full"), "--plugin", "other.so", code=2)
        self.assertIn("a device 'full' was loaded from", line)
        # The same file twice is no second one.
        self.satsuma("info", "--model", "resnet9", "--plugin", built("full"), "--plugin", built("full"))

    def test_an_error_of_a_call_names_step_and_layer(self):
        line = self.refusal("train", *TINY, "--plugin", built("matmul_fails"), "--device", "fails", "--out", "run", code=1)
        self.assertRegex(line, r"^step 1, layer '\S+', FF: plug-in 'fails' .*: matmul failed: the accelerator does not answer")


class New(CommandTest):
    def test_files(self):
        self.satsuma("plugin", "new", "mine")
        names = sorted(path.name for path in (self.folder / "mine").iterdir())
        self.assertEqual(names, ["CMakeLists.txt", "meson.build", "mine.cpp"])
        source = (self.folder / "mine" / "mine.cpp").read_text()
        self.assertIn('satsuma::plugin::table<Mine>("mine"', source)
        self.assertNotIn("sample", source.lower())
        self.satsuma("plugin", "new", "yours", "--language", "c", "--out", "a/b")
        self.assertTrue((self.folder / "a/b/yours.c").is_file())

    def test_wrong_use(self):
        self.satsuma("plugin", "new", "mine")
        for arguments, words in ((["new", "mine"], "there already"), (["new", "cpu"], "built in"),
                                 (["new", "Mine!"], "'Mine!'"), (["new", "../mine"], "'../mine'"), (["new"], "NAME"),
                                 (["new", "x", "--language", "rust"], "'rust'"), ([], "subcommand")):
            self.assertIn(words, self.refusal("plugin", *arguments, code=2))


if __name__ == "__main__":
    unittest.main()
