"""A Python wheel of an installed tree: make_wheel.py PREFIX LIBDIR VERSION FOLDER.

The package holds bin/satsuma, the shared libraries that it needs beyond those of every Linux system, and share/satsuma; a
command of a few lines starts the program. Needs patchelf.
"""

import base64
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# Of the system, whose loader and driver-like parts have to be one version: glibc and the run time of GCC.
SYSTEM = re.compile(r"(ld-linux.*|libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s)\.so")

START = '''"""Starts the program that this package brings."""

import os
import sys
from pathlib import Path


def main():
    program = str(Path(__file__).parent / "bin" / "satsuma")
    os.execv(program, [program, *sys.argv[1:]])


if __name__ == "__main__":
    main()
'''


def run(*command, **environment):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}).stdout


def libraries(program, folder):
    """What the loader finds for `program`, as {name: path}."""
    found = {}
    for line in run("ldd", program, LD_LIBRARY_PATH=str(folder)).splitlines():
        match = re.match(r"\s*(\S+) => (/\S+)", line)
        if match and not SYSTEM.match(match[1]):
            found[match[1]] = Path(match[2])
        elif "not found" in line:
            sys.exit(f"{program}: {line.strip()}")
    return found


def fill(package, prefix, libdir):
    (package / "bin").mkdir(parents=True)
    (package / "lib").mkdir()
    program = shutil.copy(prefix / "bin" / "satsuma", package / "bin")
    for name, path in libraries(program, prefix / libdir).items():
        copied = shutil.copy(path, package / "lib" / name)
        os.chmod(copied, 0o755)
        run("patchelf", "--set-rpath", "$ORIGIN", copied)
    run("patchelf", "--set-rpath", "$ORIGIN/../lib", program)
    shutil.copytree(prefix / "share" / "satsuma", package / "share" / "satsuma")
    (package / "__init__.py").write_text(START)
    (package / "__main__.py").write_text("from satsuma import main\n\nmain()\n")


def describe(folder, version, tag):
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: satsuma\nVersion: {version}\nSummary: N:M sparse training of deep networks\n"
        "License: Apache-2.0\nRequires-Python: >=3.8\nDescription-Content-Type: text/markdown\n\n"
        + Path("README.md").read_text())
    (folder / "WHEEL").write_text(f"Wheel-Version: 1.0\nGenerator: satsuma\nRoot-Is-Purelib: false\nTag: {tag}\n")
    (folder / "entry_points.txt").write_text("[console_scripts]\nsatsuma = satsuma:main\n")


def pack(folder, wheel, record):
    """Zips `folder` with the list of its files; the same tree gives the same bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            name, content = path.relative_to(folder).as_posix(), path.read_bytes()
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = (path.stat().st_mode & 0o777 | 0o100000) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(content)}\n")
        archive.writestr(zipfile.ZipInfo(record, (1980, 1, 1, 0, 0, 0)), "".join(lines) + f"{record},,\n")


def main():
    prefix, libdir, version, out = Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
    # A system with an older glibc could not load what was linked here.
    glibc = run("getconf", "GNU_LIBC_VERSION").split()[1].replace(".", "_")
    tag = f"py3-none-manylinux_{glibc}_{platform.machine()}"
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder) / "satsuma", prefix, libdir)
        info = Path(folder) / f"satsuma-{version}.dist-info"
        describe(info, version, tag)
        pack(Path(folder), out / f"satsuma-{version}-{tag}.whl", f"{info.name}/RECORD")


main()
