"""Ranks that mpirun starts train as one process with the whole batch does, and end together."""

import json
import os
import signal
import socket
import subprocess
import time
import unittest
from statistics import median

from launcher import MPI, MPIRUN, WITHOUT_MPI, listening_ports, process_of_rank, ranks_environment, start_of
from support import SATSUMA, CommandTest, environment, read_safetensors, wait_for, write_bmp

# Three blocks of sixteen images, so that two ranks have different shares and three have one each. The learning rate is
# small, since BDWP's choice of weights and ReLU make jumps of the last bits of sums.
RUN = ["--model", "resnet9", "--width", "0.125", "--data", "synthetic", "--input", "3x16x16", "--classes", "4"]
RUN += ["--limit-train", "192", "--batch-size", "48", "--nm", "2:8", "--threads", "1", "--sync-bn", "--lr", "0.01"]
RUN += ["--epochs", "5", "--steps", "20", "--log-every", "5"]

# How far apart weights may be, as a share of the way that they have gone. Sums are made in another order, which is some 1e-5
# while the way is short; later a ReLU or a choice of weights goes the other way where two numbers were as good as equal, and
# the rest follows: 1e-2 was seen with a sampled dY, where a wrong share or draw makes 0.1 and more.
CLOSE = 1e-4
FAR = 3e-2


def floats(entry):
    return list(memoryview(entry[2]).cast("f"))


@unittest.skipUnless(MPIRUN, "needs a build with Open MPI or MPICH, and its mpirun")
class Ranks(CommandTest):
    def command(self, ranks, *arguments):
        return [*start_of(ranks), SATSUMA, *map(str, arguments)]

    def mpirun(self, ranks, *arguments, code=0, env=None):
        done = subprocess.run(self.command(ranks, *arguments), cwd=self.folder, capture_output=True, text=True, timeout=300,
                              env=env or ranks_environment())
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def start(self, ranks, *arguments, **more):
        return subprocess.Popen(self.command(ranks, "train", *RUN, *arguments), cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=ranks_environment(**more))

    def errors(self, text):
        return [line for line in text.splitlines() if line.startswith("satsuma: error: ")]

    def assert_close(self, first, second, tolerance):
        """Returns the distance of the weights as a share of the way from the first ones to their end."""
        begin, one, other = (read_safetensors(self.folder / path) for path in (
            f"{first}/init.safetensors", f"{first}/last.safetensors", f"{second}/last.safetensors"))
        self.assertEqual(one.keys(), other.keys())
        way = apart = 0
        for name, entry in begin.items():
            if entry[0] != "F32":
                continue
            a, b, c = floats(entry), floats(one[name]), floats(other[name])
            way += sum((x - y) ** 2 for x, y in zip(a, b))
            apart += sum((x - y) ** 2 for x, y in zip(b, c))
        self.assertLess((apart / way) ** 0.5, tolerance)
        return (apart / way) ** 0.5

    def log(self, run):
        return [json.loads(line) for line in (self.folder / run / "log.jsonl").read_text().splitlines()]

    def test_as_one_process(self):
        for name, options in {"dense": ["--method", "dense"], "bdwp": ["--method", "bdwp"],
                              "wu": ["--method", "bdwp", "--wu", "2:8"]}.items():
            for steps, tolerance in ((2, CLOSE), (20, CLOSE if name == "dense" else FAR)):
                one = f"{name}-{steps}"
                self.satsuma("train", *RUN, *options, "--steps", steps, "--out", one)
                for ranks in (2, 3):
                    with self.subTest(name, ranks=ranks, steps=steps):
                        out = f"{one}-{ranks}"
                        self.mpirun(ranks, "train", *RUN, *options, "--steps", steps, "--out", out)
                        self.assert_close(one, out, tolerance)
                        self.check_logs(self.log(one), self.log(out), ranks)

    def check_logs(self, one, several, ranks):
        self.assertEqual([line["step"] for line in one], [line["step"] for line in several])
        for before, now in zip(one, several):
            if before["kind"] == "step":
                self.assertAlmostEqual(before["loss"], now["loss"], delta=1e-2)
                # The sum over ranks.
                self.assertEqual(before["macs"], now["macs"])
                self.assertEqual(now["ranks"], ranks)

    def test_training_options(self):
        several = {
            "exact": ["--clip", "norm:0.5", "--accumulate", "2", "--ema", "0.9", "--dropout", "0.2", "--recompute", "--augment",
                      "standard,random-erasing:.5,mixup:.4"],
            # Shares of 16 and 24 images, and of 16, 16 and 8.
            "weighted": ["--class-weights", "1,2,0.5,1", "--freeze", "conv1", "--clip", "agc:0.05", "--batch-size", "40",
                         "--drop-path", "0.2", "--model", "resnet20"]}
        for name, options in several.items():
            self.satsuma("train", *RUN, "--method", "dense", *options, "--steps", "2", "--out", name)
            for ranks in (2, 3):
                with self.subTest(name, ranks=ranks):
                    self.mpirun(ranks, "train", *RUN, "--method", "dense", *options, "--steps", "2", "--out", f"{name}-{ranks}")
                    self.assert_close(name, f"{name}-{ranks}", CLOSE)

    def test_same_bits(self):
        options = ["--method", "bdwp", "--wu", "2:8"]
        self.mpirun(2, "train", *RUN, *options, "--out", "first")
        self.mpirun(2, "train", *RUN, *options, "--out", "second", env=ranks_environment(**MPI.over_tcp))
        self.assert_same_tensors("first/last.safetensors", "second/last.safetensors")
        # Local statistics are another training, averaged for the checkpoint.
        self.mpirun(2, "train", *RUN, *options, "--no-sync-bn", "--exchange", "bf16", "--out", "third")
        with self.assertRaises(AssertionError):
            self.assert_same_tensors("first/last.safetensors", "third/last.safetensors")

    def test_exchange_in_bf16(self):
        options = ["--method", "dense", "--steps", "8"]
        self.mpirun(2, "train", *RUN, *options, "--out", "f32")
        self.mpirun(2, "train", *RUN, *options, "--exchange", "bf16", "--out", "bf16")
        # Gradients of 8 bits: 2^-9 of each number, less of their sum over the steps.
        self.assertGreater(self.assert_close("f32", "bf16", FAR), 1e-5)

    def test_other_number_of_ranks(self):
        options = ["--method", "dense"]
        self.satsuma("train", *RUN, *options, "--out", "whole")
        self.mpirun(2, "train", *RUN, *options, "--steps", "6", "--out", "parts")
        self.mpirun(3, "train", "--resume", "--steps", "13", "--out", "parts")
        self.satsuma("train", "--resume", "--steps", "20", "--threads", "1", "--out", "parts")
        self.assert_close("whole", "parts", FAR)

    def test_words(self):
        out = self.mpirun(2, "train", *RUN, "--method", "dense", "--out", "run").stdout
        self.assertRegex(out.splitlines()[0], r"^2 ranks on 1 host \(.+: 2\), 1 thread each, (Open MPI v|MPICH )\d")
        self.assertEqual(out.count("epoch 1/5"), 1)
        self.assertIn("2 ranks wait ", out)
        self.assertEqual(json.loads((self.folder / "run/run.json").read_text())["ranks"], 2)
        self.assertIn("MPI: ", self.satsuma("devices").stdout)
        self.assertEqual(self.json("devices")["mpi"]["ranks"], 1)
        answer = json.loads(self.mpirun(2, "train", *RUN, "--method", "dense", "--json", "--out", "again").stdout)
        self.assertEqual((answer["ranks"], answer["steps"]), (2, 20))

    def test_wrong_use(self):
        for options, words in [(["--batch-size", "1"], "at least one image for each of the 2 ranks"),
                               (["--lr-find"], "--lr-find works on one process"),
                               (["--auto-batch"], "--auto-batch works on one process"),
                               (["--exchange", "f8"], "--exchange")]:
            with self.subTest(options):
                done = self.mpirun(2, "train", *RUN, *options, "--out", "run", code=2)
                lines = self.errors(done.stderr)
                self.assertEqual(len(lines), 1, done.stderr)
                self.assertIn(words, lines[0])

    def test_signals_stop_all_at_one_step(self):
        for number in (signal.SIGUSR1, signal.SIGTERM):
            with self.subTest(number):
                out = f"run-{number}"
                process = self.start(3, "--method", "dense", "--epochs", "5000", "--steps", "20000", "--out", out,
                                     **MPI.patient)
                wait_for(lambda: (self.folder / out / "log.jsonl").exists() and self.log(out))
                # mpirun asks all to end by SIGTERM; one rank is asked by SIGUSR1.
                os.kill(process.pid if number == signal.SIGTERM else process_of_rank(process.pid, 1), number)
                words, errors = process.communicate(timeout=60)
                self.assertNotEqual(process.returncode, 0)
                self.assertEqual(words.count("stopped by signal"), 1, words + errors)
                self.satsuma("eval", "--checkpoint", f"{out}/last.safetensors")

    def test_max_time(self):
        done = self.mpirun(2, "train", *RUN, "--method", "dense", "--epochs", "5000", "--steps", "20000", "--max-time", "4s",
                           "--out", "run")
        self.assertEqual(done.stdout.count("stopped by --max-time"), 1)

    def test_rank_that_dies(self):
        # The launcher sees a death, too, and may ask the others to end before they have seen it: in the last case rank 1
        # is asked while it waits for rank 2, which no longer runs.
        asked_first = [(2, signal.SIGSTOP), (1, signal.SIGTERM)]
        for rank, number, words, before in [(1, signal.SIGKILL, "rank 1 of 3", []), (0, signal.SIGKILL, "rank 0 of 3", []),
                                            (2, signal.SIGSTOP, "rank 2 of 3 on .* has not been heard of", []),
                                            (0, signal.SIGKILL, "rank 0 of 3", asked_first)]:
            with self.subTest(rank=rank, number=number, before=before):
                out = f"run-{rank}-{len(before)}"
                process = self.start(3, "--method", "dense", "--epochs", "5000", "--steps", "20000", "--save-every", "5", "--out", out)
                wait_for(lambda: (self.folder / out / "log.jsonl").exists() and self.log(out))
                begin = time.monotonic()
                for other, earlier in [*before, (rank, number)]:
                    os.kill(process_of_rank(process.pid, other), earlier)
                _, errors = process.communicate(timeout=60)
                self.assertLess(time.monotonic() - begin, 30)
                self.assertNotEqual(process.returncode, 0)
                lines = self.errors(errors)
                self.assertEqual(len(lines), 1, errors)
                self.assertRegex(lines[0], words)
                self.satsuma("eval", "--checkpoint", f"{out}/last.safetensors")
                self.mpirun(2, "train", "--resume", "--max-time", "1s", "--out", out)

    def test_stranger_at_the_door(self):
        # MPI's own listeners stay away, so that all that rank 0 listens at is ours.
        process = self.start(2, "--method", "dense", "--epochs", "5000", "--steps", "20000", "--max-time", "8s", "--out", "run",
                             **MPI.in_memory)
        wait_for(lambda: (self.folder / "run" / "log.jsonl").exists() and self.log("run"))
        # MPICH's mpirun hands its own ones down.
        doors = listening_ports(process_of_rank(process.pid, 0)) - listening_ports(process.pid)
        self.assertTrue(doors)
        strangers = [socket.create_connection(("127.0.0.1", door)) for door in doors for _ in range(2)]
        # The words of ranks, behind what is longer than a greeting, and behind a wrong one.
        for stranger, words in zip(strangers, [b"x" * 64 + b"fff", b"0123456789abcdef 1\nfff"] * len(doors)):
            stranger.sendall(words)
        out, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, errors)
        self.assertEqual(out.count("stopped by --max-time"), 1)
        for stranger in strangers:
            stranger.close()

    def test_other_data_on_a_rank(self):
        for host in "01":
            for name in ("a/1", "a/2", "a/3", "b/1", "b/2") + (("b/3",) if host == "0" else ()):
                write_bmp(self.folder / host / "pictures" / f"{name}.bmp")
        command = self.command(2, "train", "--model", "resnet9", "--width", "0.125", "--data", "./pictures", "--image-size", "16",
                               "--val-share", "0.3", "--batch-size", "2", "--out", self.folder / "run")
        at = command.index(SATSUMA)
        command[at:at] = ["bash", "-c", f'cd "${MPI.rank}" && exec "$@"', "moved"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, env=ranks_environment())
        self.assertEqual(done.returncode, 2, done.stderr)
        lines = self.errors(done.stderr)
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn("ranks have different data", lines[0])

    def first_loss(self, out):
        return next(json.loads(line)["loss"] for line in (self.folder / out / "log.jsonl").read_text().splitlines() if '"loss"' in line)

    def test_weights_of_classes(self):
        options = ["train", *RUN, "--method", "dense", "--steps", "1", "--log-every", "1", "--class-weights", "1,10,1,3"]
        self.satsuma(*options, "--out", "one")
        self.mpirun(2, *options, "--out", "two")
        # Sums of f32 in another order.
        self.assertAlmostEqual(self.first_loss("one"), self.first_loss("two"), delta=1e-5)
        # A rank has one image a step, which is often of the class that weighs nothing.
        options[-1] = "0,1,1,1"
        options += ["--batch-size", "2", "--limit-train", "8", "--seed", "2"]
        self.satsuma(*options, "--out", "one", "--overwrite")
        self.mpirun(2, *options, "--out", "two", "--overwrite")
        self.assertAlmostEqual(self.first_loss("one"), self.first_loss("two"), delta=1e-5)

    def test_unreadable_validation_images(self):
        for name in ("train/a/1", "train/a/2", "train/b/1", "train/b/2", "val/a/1", "val/b/1", "test/a/1", "test/b/1"):
            write_bmp(self.folder / "pictures" / f"{name}.bmp")
        for path in (self.folder / "pictures/val").rglob("*.bmp"):
            path.write_text("no picture")
        done = self.mpirun(2, "train", "--model", "resnet9", "--width", "0.125", "--data", "pictures", "--image-size", "16",
                           "--batch-size", "2", "--epochs", "1", "--skip-bad-images", "--out", "run", code=1)
        self.assertIn("none of the images of the data set can be read", done.stderr)

    def test_full_disk_of_rank_0(self):
        limit = f'if [ "${MPI.rank}" = 0 ]; then ulimit -f 40; fi; exec "$@"'
        command = self.command(2, "train", *RUN, "--method", "dense", "--width", "0.25", "--out", "run")
        at = command.index(SATSUMA)
        command[at:at] = ["bash", "-c", limit, "limited"]
        begin = time.monotonic()
        # Without files of shared memory, for which the limit holds, too.
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60,
                              env=ranks_environment(**MPI.over_tcp))
        self.assertLess(time.monotonic() - begin, 30)
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = self.errors(done.stderr)
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn("safetensors", lines[0])

    def test_compare_gives_each_rank_runs(self):
        options = ["--model", "resnet9", "--width", "0.125", "--data", "synthetic", "--input", "3x16x16", "--classes", "4",
                   "--limit-train", "64", "--batch-size", "32", "--epochs", "1", "--threads", "1", "--methods", "dense,bdwp",
                   "--seeds", "2", "--out", "comparison"]
        # One rank says what came of the runs of both.
        answer = json.loads(self.mpirun(2, "compare", *options, "--json").stdout)
        self.assertEqual([row["runs"] for row in answer["rows"]], [2, 2])
        runs = list((self.folder / "comparison").rglob("evaluation.json"))
        self.assertEqual(len(runs), 4)

    def test_bench_scale_measures(self):
        answer = json.loads(self.mpirun(2, "bench", "scale", "--model", "resnet9", "--width", "0.125", "--batch-size", "32",
                                        "--repeat", "2", "--warmup", "1", "--methods", "dense", "--json").stdout)
        self.assertEqual((answer["ranks"], answer["modelled"]), (2, False))
        self.assertGreater(answer["methods"]["dense"]["efficiency"], 0)

    def test_wrong_launcher(self):
        # The variables of another MPI's mpirun, and of an srun that offers no PMI: MPI would make each process one by itself.
        others = {"Open MPI": {"PMI_RANK": "0", "PMI_SIZE": "2", "MPI_LOCALNRANKS": "2"},
                  "MPICH": {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_SIZE": "2"}}
        for name, variables in {"mpirun": others[MPI.library],
                                "srun": {"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "2"}}.items():
            with self.subTest(name):
                words = self.refusal("train", *RUN, "--out", "run", code=2, env=ranks_environment(**variables))
                self.assertIn(f"{name} started 2 processes", words)
                self.assertIn(f"start them with the mpirun of {MPI.library}", words)
                self.assertFalse((self.folder / "run").exists())


class Launches(CommandTest):
    def test_who_has_started_it(self):
        task = {"SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4"}
        # MPICH's mpirun in a job of Slurm: srun starts a helper on each host, the helper starts the ranks.
        helper = {"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}
        hydra = {"PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALNRANKS": "2", **helper}
        for rank, ranks, variables in [(0, 1, {}), (0, 1, helper), (1, 4, task), (1, 2, hydra),
                                       (1, 4, {**task, "PMI_RANK": "1", "PMI_SIZE": "4"}),
                                       # A script in a job of Slurm that no srun has started.
                                       (0, 1, {"SLURM_PROCID": "0", "SLURM_NTASKS": "4"})]:
            with self.subTest(variables):
                mpi = json.loads(self.satsuma("devices", "--json", env=environment(**variables)).stdout)["mpi"]
                self.assertEqual((mpi["rank"], mpi["ranks"]), (rank, ranks))


class Model(CommandTest):
    def test_bench_scale_models(self):
        options = ["bench", "scale", "--model", "resnet9", "--width", "0.25", "--batch-size", "32", "--repeat", "2", "--ranks",
                   "1,2,8,64", "--whole-batch", "256", "--methods", "dense"]
        answer = self.json(*options, "--gbps", "1e6", "--latency-us", "0")
        fast = answer["methods"]["dense"]
        # A byte is copied six times: no core does that in a hundredth of a nanosecond, none needs a hundred.
        carrying = answer["carrying_seconds_per_byte"]
        self.assertTrue(1e-11 < carrying < 1e-7, carrying)
        slow = self.json(*options, "--gbps", "0.01")["methods"]["dense"]
        self.assertEqual([step["ranks"] for step in fast["weak"]["steps"]], [1, 2, 8, 64])
        self.assertEqual(fast["weak"]["steps"][0]["efficiency"], 1)
        # All wait for the slowest, and carry what they send and receive.
        self.assertAlmostEqual(median(fast["spread"]), 1)
        compute = sum(fast[f"{part}_seconds"] for part in ("forward", "backward", "copying", "update"))
        for step in fast["weak"]["steps"][1:]:
            low, high = sorted(fast["spread"])
            slowest = low + (high - low) * 2 ** (-1 / step["ranks"])
            carried = carrying * 2 * (1 - 1 / step["ranks"]) * fast["gradient_bytes"]
            self.assertGreaterEqual(step["seconds"] - step["exposed_seconds"], compute * slowest * (1 - 1e-9))
            self.assertLessEqual(step["seconds"] - step["exposed_seconds"], (compute * slowest + carried) * (1 + 1e-9))
        # Rounds of two ranks send half of a gradient each way, twice; of 1538 bytes of the link 1448 are data.
        step = slow["weak"]["steps"][1]
        self.assertAlmostEqual(step["transfer_seconds"], slow["gradient_bytes"] * 1538 / 1448 * 8 / 1e7, delta=0.01)
        self.assertGreater(step["exposed_seconds"], 0.5 * step["seconds"])
        self.assertEqual(slow["weak"]["network_limits_from"], 2)
        self.assertIsNone(fast["weak"]["network_limits_from"])
        for way in ("weak", "strong"):
            for a, b in zip(fast[way]["steps"][1:], slow[way]["steps"][1:]):
                self.assertGreater(a["efficiency"], b["efficiency"])
        self.assertIn("network", self.satsuma(*options).stdout)
        self.assertIn("--gbps", self.refusal(*options, "--gbps", "0", code=2))

    @unittest.skipUnless(WITHOUT_MPI, "of builds without MPI")
    def test_launcher_without_mpi(self):
        env = environment(OMPI_COMM_WORLD_RANK="1", OMPI_COMM_WORLD_SIZE="2", OMPI_COMM_WORLD_LOCAL_SIZE="2")
        self.assertIn("this build has no MPI", self.refusal("train", *RUN, "--out", "run", code=2, env=env))


if __name__ == "__main__":
    unittest.main()
