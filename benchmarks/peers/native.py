"""Becomes a peer that is not written in Python, built first if it has to be: what is measured is the binary itself.

usage: native.py {epoll,go} {echo,chat} PORT, and for go [--cert FILE --key FILE]
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    name, *arguments = sys.argv[1:] or [""]
    builder = Path(__file__).with_name("build.py")
    built = subprocess.run([sys.executable, builder, name], stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode:
        sys.exit(built.returncode)
    binary = built.stdout.rstrip("\n")
    os.execv(binary, [binary, *arguments])
