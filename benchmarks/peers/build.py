"""Builds a peer that is not written in Python, if its source is newer than what was built, and prints where it is.

usage: build.py {epoll,go}
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE / ".built"

SOURCES = {"epoll": HERE / "epoll.c", "go": HERE / "go" / "main.go"}
COMPILERS = {"epoll": ("cc", "-O2", "-Wall", "-Wextra", "-o"), "go": ("go", "build", "-o")}


def build(name: str) -> Path:
    """The binary of a peer.

    Raises:
        SystemExit: it cannot be built; with one line that says why, after what the compiler has to say.
    """
    source, binary = SOURCES[name], BUILT / name
    if binary.exists() and binary.stat().st_mtime >= source.stat().st_mtime:
        return binary
    compiler, *options = COMPILERS[name]
    if shutil.which(compiler) is None:
        sys.exit(f"cannot build {source.name}: {compiler} is not installed")
    BUILT.mkdir(exist_ok=True)
    # Renamed when it is whole: another process may be building too, or run the old one.
    with tempfile.TemporaryDirectory(dir=BUILT) as folder:
        made = Path(folder, name)
        if subprocess.run([compiler, *options, made, source], stdout=sys.stderr, check=False).returncode:
            sys.exit(f"cannot build {source.name}: {compiler} failed")
        os.replace(made, binary)
    return binary


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=SOURCES)
    print(build(parser.parse_args().name))
