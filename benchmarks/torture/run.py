"""Try every fault on netkit, on each layer and loop, and on the servers of others, and keep the verdicts.

usage: python benchmarks/torture/run.py [--at-once N] [NAME]...

A name is one of ``servers.toml``, or of netkit's own: LAYER-LOOP-SERVICE, and -tls or -udp after it; all where none is
given. What came of each is in ``results/NAME.json``; ``tables.py`` writes the tables of the README from these.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = HERE / "results"

LAYERS = ("transports", "protocols", "streams")
LOOPS = ("asyncio", "uvloop")
SERVICES = ("echo", "chat")

#: What follows the service in the name of one of netkit's, and where that one listens.
ENDPOINTS = {"": "tcp://127.0.0.1:0", "-tls": "tls://localhost:0", "-udp": "udp://127.0.0.1:0"}

SERVE = "{python} -m netkit serve --listen {endpoint} --layer LAYER --loop LOOP --service SERVICE"
CERTIFICATE = " --tls-cert {cert} --tls-key {key}"


@dataclass(frozen=True)
class Server:
    """One server to try.

    Attributes:
        name: of its result.
        title: of its column.
        service: how one talks to it.
        endpoint: where it is to listen.
        command: starts it.
    """

    name: str
    title: str
    service: str
    endpoint: str
    command: str


def own() -> Iterator[Server]:
    """Netkit's: each layer on each loop, echo and chat, in the clear and over TLS, and the echo over UDP."""
    for service in SERVICES:
        for kind, endpoint in ENDPOINTS.items():
            if service == "chat" and kind == "-udp":
                continue  # a chat needs connections
            for layer in LAYERS:
                for loop in LOOPS:
                    command = SERVE.replace("LAYER", layer).replace("LOOP", loop).replace("SERVICE", service)
                    command += CERTIFICATE if kind == "-tls" else ""
                    yield Server(f"{layer}-{loop}-{service}{kind}", f"{layer} on {loop}", service, endpoint, command)


def others() -> list[Server]:
    """Those of ``servers.toml``."""
    return [Server(name, **given) for name, given in tomllib.loads((HERE / "servers.toml").read_text()).items()]


def run(server: Server) -> str:
    """Try all faults on one, keep the result, and return its last line."""
    command = [sys.executable, "-m", "netkit", "torture", server.endpoint, "--service", server.service]
    command += ["--server-cmd", server.command, "--json", str(RESULTS / f"{server.name}.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stderr.strip() or done.stdout.strip() or f"exit {done.returncode}").splitlines()[-1]


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--at-once", type=int, default=1, help="servers that are tried side by side (default 1)")
    given = parser.parse_args()
    known = {each.name: each for each in (*own(), *others())}
    if unknown := set(given.names) - set(known):
        parser.error(f"no server is called {', '.join(sorted(unknown))}: choose from {', '.join(known)}")
    chosen = [known[name] for name in given.names or known]
    RESULTS.mkdir(exist_ok=True)
    with ThreadPoolExecutor(given.at_once) as pool:
        for server, line in zip(chosen, pool.map(run, chosen), strict=True):
            print(f"{server.name}: {line}", flush=True)


if __name__ == "__main__":
    main()
