"""Hosts on one machine, as far as the network goes: a network namespace for each rank, with its own address and host name,
over links of a limited rate (and a delay, where the kernel has netem). Used by scripts of tools/stress and tools/bench."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

NAME = f"satsuma{os.getpid()}"


def call(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done


def give_up(reason):
    print(f"{Path(sys.argv[0]).name}: skipped: {reason}", file=sys.stderr)
    sys.exit(77)


class Network:
    """A bridge, and a namespace for each rank at its end of a pair of devices."""

    def __init__(self, ranks, mbit, delay):
        self.ranks, self.mbit, self.delay = ranks, mbit, delay

    def __enter__(self):
        try:
            call("ip", "link", "add", f"{NAME[:11]}br", "type", "bridge")
            call("ip", "link", "set", f"{NAME[:11]}br", "up")
            for rank in range(self.ranks):
                self.add(rank)
        except OSError as error:
            self.__exit__()
            give_up(f"network namespaces are not permitted here ({error})")
        return self

    def add(self, rank):
        space, outside, inside = self.space(rank), self.device(rank), f"eth{rank}"
        call("ip", "netns", "add", space)
        call("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", space)
        call("ip", "link", "set", outside, "master", f"{NAME[:11]}br", "up")
        for command in (["addr", "add", f"{self.address(rank)}/24", "dev", inside], ["link", "set", inside, "up"],
                        ["link", "set", "lo", "up"]):
            call("ip", "-n", space, *command)
        shaping = ["tc", "-n", space, "qdisc", "add", "dev", inside, "root"]
        if self.delay:
            if call(*shaping, "netem", "delay", f"{self.delay}ms", "rate", f"{self.mbit}mbit", check=False).returncode == 0:
                return
            if rank == 0:
                print("note: this kernel has no netem: the links have a rate and no delay")
        call(*shaping, "tbf", "rate", f"{self.mbit}mbit", "burst", "1mbit", "latency", "50ms")

    def __exit__(self, *_):
        for rank in range(self.ranks):
            # Daemons of a host that was cut off.
            for process in call("ip", "netns", "pids", self.space(rank), check=False).stdout.split():
                os.kill(int(process), signal.SIGKILL)
            call("ip", "netns", "del", self.space(rank), check=False)
        call("ip", "link", "del", f"{NAME[:11]}br", check=False)

    def space(self, rank):
        return f"{NAME}-{rank}"

    def device(self, rank):
        return f"{NAME[:11]}v{rank}"

    def address(self, rank):
        return f"10.213.{os.getpid() % 250}.{rank + 1}"

    def cut(self, rank):
        call("ip", "link", "set", self.device(rank), "down")


def mpirun(network, folder, ranks):
    """The command up to what runs: mpirun in the first namespace, its agent enters the others."""
    agent = folder / "agent"
    if not agent.exists():
        cases = "".join(f"{network.address(r)}) n={r};; " for r in range(ranks))
        agent.write_text("#!/bin/sh\nhost=$1; shift\n"
                         f"case $host in {cases}esac\n"
                         f'exec ip netns exec {NAME}-$n unshare -u sh -c "hostname host$n; $*"\n')
        agent.chmod(0o755)
    hosts = ",".join(f"{network.address(r)}:1" for r in range(ranks))
    inside = ["ip", "netns", "exec", network.space(0), "unshare", "-u", "sh", "-c", 'hostname host0; exec "$@"', "sh"]
    return inside + ["mpirun", "--mca", "plm_rsh_agent", str(agent), "--mca", "btl", "self,tcp", "--host", hosts, "-np",
                     str(ranks), "--oversubscribe"]


def environment():
    return {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            # mpirun looks for hosts that are gone every five minutes by itself.
            "OMPI_MCA_oob_tcp_keepalive_time": "5", "OMPI_MCA_oob_tcp_keepalive_intvl": "3",
            "OMPI_MCA_oob_tcp_keepalive_probes": "2", "OMP_WAIT_POLICY": "passive", "SATSUMA_TUNE": "off", "OMPI_MCA_btl_vader_single_copy_mechanism": "none"}


def check_host(satsuma):
    """Exits with status 77 where this machine or this build cannot do it."""
    if os.geteuid() != 0:
        give_up("network namespaces need root")
    for program in ("ip", "tc", "mpirun", "unshare"):
        if shutil.which(program) is None:
            give_up(f"there is no {program}")
    if "Open MPI" not in call(satsuma, "--version").stdout:
        give_up("this build has no Open MPI")
    if "Open MPI" not in call("mpirun", "--version").stdout:
        give_up("mpirun is not Open MPI's")
