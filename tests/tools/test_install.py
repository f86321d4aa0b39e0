"""What an installed program is asked for: its version, the machine's state, manual page and completions."""

import json
import os
import shutil
import subprocess
import unittest

from support import CommandTest, environment

COMMANDS = ["train", "eval", "info", "simulate", "bench step", "devices test", "completion", "doctor", "man"]


class Version(CommandTest):
    def test_what_this_build_is(self):
        lines = self.satsuma("--version", env=environment(SATSUMA_ISA="plain")).stdout.splitlines()
        self.assertRegex(lines[0], r"^satsuma \d+\.\d+\.\d+$")
        text = {line.split()[0]: line for line in lines[1:]}
        self.assertRegex(text["ISA"], r"ISA +plain of plain, avx2")
        for device in self.json("devices")["devices"]:
            if device["kind"] == "built-in":
                self.assertIn(device["name"], text["devices"])
        for library in (r"fmt \d", r"toml\+\+ \d", r"zlib \d", r"CLI11 \d", r"OpenMP \d", "OpenCL", "oneDNN"):
            self.assertRegex(text["libraries"], library)
        self.assertIn("compiler", text)


class Doctor(CommandTest):
    def findings(self, code=0, **options):
        result = json.loads(self.satsuma("doctor", "--json", code=code, **options).stdout)
        self.assertEqual(result["ok"], code == 0)
        return {check["subject"]: check for check in result["checks"]}

    def test_what_is_there_and_what_is_not(self):
        found = self.findings()
        for subject in ("processor", "cores", "memory", "this folder", "recipes", "OpenCL", "oneDNN", "MPI", "device cpu",
                        "data mnist", "data synthetic"):
            self.assertIn(subject, found)
        for check in found.values():
            if check["state"] != "ok":
                self.assertTrue(check["advice"], check)
        self.assertEqual(found["device cpu"]["state"], "ok")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_data_sets_are_looked_for(self):
        missing = self.findings(env=environment(SATSUMA_DATA=str(self.folder), HOME=str(self.folder)))["data mnist"]
        if missing["state"] == "ok":
            self.skipTest("MNIST is installed")
        self.assertEqual(missing["state"], "note")
        self.assertIn(str(self.folder / "mnist"), missing["advice"])
        (self.folder / "mnist").mkdir()
        for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
            (self.folder / "mnist" / f"{name}-ubyte").touch()
        there = self.findings(env=environment(SATSUMA_DATA=str(self.folder)))["data mnist"]
        self.assertEqual((there["state"], there["found"]), ("ok", str(self.folder / "mnist")))

    def test_limits_are_named(self):
        processor = self.findings(env=environment(SATSUMA_ISA="plain"))["processor"]
        self.assertIn("plain", processor["found"])
        self.assertIn("SATSUMA_ISA", processor["advice"])
        if len(os.sched_getaffinity(0)) > 1:
            cores = self.findings(env=environment(OMP_NUM_THREADS="1"))["cores"]
            self.assertIn("1 thread (OMP_NUM_THREADS", cores["found"])
            self.assertIn("unset OMP_NUM_THREADS", cores["advice"])

    def test_a_folder_that_cannot_be_written(self):
        here = self.findings(code=1, cwd="/proc")["this folder"]
        self.assertEqual(here["state"], "BAD")
        self.assertIn("--out", here["advice"])
        self.assertIn("BAD", self.satsuma("doctor", cwd="/proc", code=1).stdout)


class Documents(CommandTest):
    """Made of the table behind --help: every option that help lists is in them."""

    def help_options(self, command):
        text = self.satsuma(*command.split(), "--help").stdout
        options = [line.split()[0] for line in text.splitlines() if line.startswith("  -")]
        return {name for option in options for name in option.split(",") if name}

    def completions(self, *words):
        script = self.folder / "satsuma.bash"
        script.write_text(self.satsuma("completion", "bash").stdout)
        program = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _satsuma; printf "%s\\n" "${COMPREPLY[@]}"'
        run = subprocess.run(["bash", "-c", program, script, "satsuma", *words], stdout=subprocess.PIPE, text=True, check=True)
        return run.stdout.split()

    def test_manual_page(self):
        page = self.satsuma("man").stdout.replace("\\-", "-")
        for command in COMMANDS:
            self.assertTrue(f".SS satsuma {command}\n" in page, command)
            for option in self.help_options(command):
                self.assertTrue(f"\\fB{option}\\fR" in page, option)
        for line in page.splitlines():
            if line.startswith((".", "'")):
                self.assertRegex(line, r'^\.(\\"|TH|SH|SS|TP|PP|br|nf|fi)')
        if shutil.which("groff"):
            run = subprocess.run(["groff", "-man", "-ww", "-Tutf8"], input=self.satsuma("man").stdout, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_bash(self):
        self.assertEqual(self.completions("trai"), ["train"])
        self.assertEqual(self.completions("bench", "st"), ["step"])
        self.assertEqual(self.completions("train", "--model", "resnet2"), ["resnet20"])
        self.assertEqual(self.completions("devices", "test", "refer"), ["reference"])
        self.assertEqual(self.completions("train", "--resume", "--sche"), ["--schedule", "--schedule-per"])
        for command in COMMANDS:
            self.assertLessEqual(self.help_options(command), set(self.completions(*command.split(), "")))

    def test_zsh_and_fish(self):
        for shell, check in (("zsh", ["zsh", "-n"]), ("fish", ["fish", "-n"])):
            script = self.folder / shell
            script.write_text(self.satsuma("completion", shell).stdout)
            for option in self.help_options("train"):
                self.assertTrue(option.lstrip("-") in script.read_text(), option)
            if shutil.which(shell):
                subprocess.run([*check, script], check=True)
        if shutil.which("zsh"):
            # What zsh's own function is asked: the subcommands are part of the command's name.
            program = '_arguments() { print -r -- "$CURRENT ${(j:|:)words}" }; _describe() { }; '
            program += 'words=("${@[2,-1]}"); CURRENT=$#words; source "$1"'
            command = ["zsh", "-fc", program, "zsh", self.folder / "zsh", "satsuma", "bench", "step", "--nm", "2:4", "--mod"]
            self.assertEqual(subprocess.check_output(command, text=True), "4 satsuma bench step|--nm|2:4|--mod\n")
        line = self.refusal("completion", "fishy", code=2)
        self.assertIn("did you mean 'fish'?", line)


if __name__ == "__main__":
    unittest.main()
