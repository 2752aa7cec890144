"""``python -m netkit``."""

from .cli import main

main(prog_name="netkit")
