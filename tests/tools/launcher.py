"""The mpirun of the MPI that the command is built with, and what its options and variables are called."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support import SATSUMA, environment


@dataclass(frozen=True)
class Mpi:
    library: str        # begins the name that `satsuma --version` gives
    launcher: str       # is in what its mpirun says under --version
    names: tuple        # of its mpirun; Debian's `mpirun` is one of those that are installed
    options: tuple      # more ranks than cores
    rank: str           # the variable
    always: dict
    over_tcp: dict      # what carries, all in variables
    in_memory: dict     # nothing listens, and no file is written
    patient: dict       # after SIGTERM, for the step and the checkpoint


KNOWN = [
    Mpi("Open MPI", "Open MPI", ("mpirun", "mpirun.openmpi"), ("--oversubscribe",), "OMPI_COMM_WORLD_RANK",
        # Containers run tests as root.
        {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_btl_vader_single_copy_mechanism": "none"},
        {"OMPI_MCA_btl": "self,tcp"}, {"OMPI_MCA_btl": "self,vader"}, {"OMPI_MCA_odls_base_sigkill_timeout": "5"}),
    Mpi("MPICH", "HYDRA", ("mpirun", "mpirun.mpich"), (), "PMI_RANK", {}, {"UCX_TLS": "self,tcp"}, {"UCX_TLS": "self,sysv"}, {}),
]


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout


VERSION = output_of(SATSUMA, "--version")
# None where the build has none, or one that is not known here.
MPI = next((mpi for mpi in KNOWN if mpi.library in VERSION), None)
MPIRUN = MPI and next((path for path in map(shutil.which, MPI.names) if path and MPI.launcher in output_of(path, "--version")), None)
WITHOUT_MPI = "no MPI" in VERSION


def start_of(ranks):
    """The command up to what runs."""
    return [MPIRUN, *MPI.options, "-np", str(ranks)]


def ranks_environment(**more):
    return environment(**MPI.always, **more)


def descendants(process):
    for child in map(int, output_of("pgrep", "-P", str(process)).split()):
        yield child
        yield from descendants(child)


def listening_ports(process):
    """TCP ports of all addresses at which a process listens."""
    sockets = set()
    for file in os.listdir(f"/proc/{process}/fd"):
        try:
            sockets.add(os.readlink(f"/proc/{process}/fd/{file}"))
        except OSError:
            pass
    ports = set()
    with open(f"/proc/{process}/net/tcp") as table:
        for line in table.readlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in sockets:
                ports.add(int(words[1].split(":")[1], 16))
    return ports


def process_of_rank(launcher, rank):
    """The process of a rank below a launcher's, which may have helpers in between; not a shell that starts it."""
    for process in descendants(launcher):
        try:
            has_rank = f"{MPI.rank}={rank}".encode() in Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
            if has_rank and os.path.samefile(f"/proc/{process}/exe", SATSUMA):
                return process
        except OSError:
            pass  # it has ended
    raise AssertionError("no such rank")
