"""What all tests stand on: the axes they run along, the programs they need, and what none may leave behind.

Axes: every async test runs on each event loop; a test that asks for ``layer`` runs on each layer, and one that asks
for ``endpoint`` on each kind of address. A failure reads ``test_half_close[uvloop-streams-tls]``.

What a machine lacks is a skip with its reason, unless ``NETKIT_REQUIRE`` names it (``nc,telnet,uvloop``): then it is
a failure. ``NETKIT_TICK`` makes every short wait longer on a slow machine (seconds, see ``tick``).

No async test may leave a task, an open transport or a socket behind, reach the loop's exception handler, or make
netkit or asyncio log an error, unless it asks for ``loop_errors`` or ``logged_errors`` and looks at them itself.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import pytest
import pytest_asyncio
import trustme
from hypothesis import settings

from netkit import layers
from netkit.tls import server_context

if TYPE_CHECKING:
    from netkit.bench.results import Result
    from netkit.bench.summary import Summary

#: The programs that tests need, with arguments that make each say what it is, and a word of the right answer: there
#: is more than one nc and more than one telnet.
PROGRAMS = {
    "nc": (("-h",), "OpenBSD netcat"),
    "ncat": (("--version",), "Ncat"),
    "telnet": (("--version",), "inetutils"),
    "socat": (("-V",), "socat"),
    "openssl": (("version",), "OpenSSL"),
    "systemd-socket-activate": (("--version",), "systemd"),
    "systemd-analyze": (("--version",), "systemd"),
    "cc": (("-v",), " version "),
    "go": (("version",), "go version go"),
}

#: Libraries that only a server in benchmarks/peers stands on.
PEERS = ("trio", "anyio", "twisted", "gevent", "tornado", "pyopenssl")

#: What ``NETKIT_REQUIRE`` may name.
NAMES = (*PROGRAMS, *PEERS, "uvloop", "ipv6", "chromium")

#: Files that one worker runs, as several would each make the same anew: all figures of the results that are kept, which
#: take seconds, and the charts, whose libraries do.
TOGETHER = {
    "results": ("tests/benchmarks/test_results.py", "tests/docs/test_guide.py"),
    "charts": ("tests/bench/report/",),
}

# How long one example takes says more of the machine's neighbours than of netkit.
settings.register_profile("netkit", deadline=None)
settings.load_profile("netkit")

#: Seconds until a task that is ending counts as left behind.
ENDING = 2.0

LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]


def required() -> frozenset[str]:
    """The names in ``NETKIT_REQUIRE``. Whoever requires anything requires IPv6 too, which no package brings."""
    names = frozenset(filter(None, os.environ.get("NETKIT_REQUIRE", "").replace(" ", "").split(",")))
    return names | {"ipv6"} if names else names


def lacking(name: str, reason: str) -> NoReturn:
    """Skip the test for want of something, or fail it if that was required."""
    if name in required():
        pytest.fail(f"NETKIT_REQUIRE names {name}: {reason}", pytrace=False)
    pytest.skip(reason)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a name that would silently require nothing."""
    unknown = required().difference(NAMES)
    if unknown:
        raise pytest.UsageError(f"NETKIT_REQUIRE: {', '.join(sorted(unknown))}: choose from {', '.join(NAMES)}")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``-m alone`` or ``-m soak``, leave out the files that never mark a test so: to read all takes seconds."""
    wanted = config.option.markexpr
    if wanted not in ("alone", "soak") or collection_path.suffix != ".py":
        return None
    return f"pytest.mark.{wanted}" not in collection_path.read_text() or None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors: for a quarter of their time tests wait, for a clock or for a process."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What shares something dear goes to one worker, see ``TOGETHER``; all else a file at a time."""
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return next((name for name, begins in TOGETHER.items() if file.startswith(begins)), file)

    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep modules and test items out of every later collection, which then takes a millisecond and not thirty."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> Iterator[None]:
    """A suite started in the background ignores SIGINT, and the processes that tests start would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def summed() -> Callable[[Result], list[Summary]]:
    """``summarise``, which computes for the same raw values once: a file has some two hundred intervals."""
    from netkit.bench import results
    from netkit.bench.summary import summarise

    found: dict[str, list[Summary]] = {}

    def of(result: Result) -> list[Summary]:
        raw = results.to_json(result)
        if raw not in found:
            found[raw] = summarise(result)
        return found[raw]

    return of


# The loop.


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, LoopFactory]:
    """The loops that every async test runs on."""
    factories: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    try:
        import uvloop
    except ImportError:
        if "uvloop" in required():
            raise pytest.UsageError("NETKIT_REQUIRE names uvloop, and it cannot be imported") from None
    else:
        factories["uvloop"] = uvloop.new_event_loop
    return factories


# The layer and the endpoint.


@pytest.fixture(params=layers.NAMES)
def layer(request: pytest.FixtureRequest) -> str:
    """The name of each layer."""
    return str(request.param)


@dataclass(frozen=True)
class Place:
    """One kind of address: how to listen there, and with which certificates.

    Attributes:
        kind: tcp, tcp6, unix or tls.
        listen: the endpoint to listen on; the port is 0, so ask the server for the real one.
        server_tls: for the server, if the address takes TLS.
        client_tls: for clients, which trust the authority of this test run.
    """

    kind: str
    listen: str
    server_tls: ssl.SSLContext | None = None
    client_tls: ssl.SSLContext | None = None


@dataclass(frozen=True)
class Certificates:
    """An authority for this test run, with a server certificate of it in PEM files."""

    ca: Path
    cert: Path
    key: Path

    def client_context(self) -> ssl.SSLContext:
        """A client's context that trusts this authority and no other."""
        return ssl.create_default_context(cafile=self.ca)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """For localhost and its addresses."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", "127.0.0.1", "::1")
    made = Certificates(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(str(made.ca))
    leaf.cert_chain_pems[0].write_to_path(str(made.cert))
    leaf.private_key_pem.write_to_path(str(made.key))
    return made


@pytest.fixture(scope="session")
def contexts(certificates: Certificates) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context and a client's that trusts it. Made once: reading keys takes longer than a test."""
    return server_context(certificates.cert, certificates.key), certificates.client_context()


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder for Unix sockets, whose whole path may have 107 bytes: pytest's own folders are too deep."""
    with tempfile.TemporaryDirectory(prefix="nk-") as folder:
        yield Path(folder)


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def new_place(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Callable[[str, Path], Place]:
    """Makes an address of some kind; a Unix socket gets into the folder."""

    def make(kind: str, folder: Path) -> Place:
        match kind:
            case "unix":
                return Place(kind, f"unix://{folder}/s")
            case "tls":
                return Place(kind, "tls://127.0.0.1:0", *contexts)
            case "tcp6":
                if not has_ipv6():
                    lacking("ipv6", "there is no IPv6 loopback here")
                return Place(kind, "tcp://[::1]:0")
            case _:
                return Place(kind, "tcp://127.0.0.1:0")

    return make


@pytest.fixture(params=["tcp", "tcp6", "unix", "tls"])
def endpoint(request: pytest.FixtureRequest, new_place: Callable[[str, Path], Place]) -> Place:
    """Each kind of address. Only a Unix socket needs a folder made for it."""
    folder = request.getfixturevalue("short_path") if request.param == "unix" else Path()
    return new_place(request.param, folder)


# The programs.


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Gives the path of a program, one of ``PROGRAMS``; where it is missing, skips or fails the test."""

    def find(name: str) -> str:
        arguments, word = PROGRAMS[name]
        path = shutil.which(name)
        if path is None:
            lacking(name, f"{name} is not installed")
        said = subprocess.run(
            [path, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False
        )
        if word not in said.stdout + said.stderr:
            lacking(name, f"{path} is another {name}: it does not call itself {word}")
        return path

    return find


# Time.


@pytest.fixture(scope="session")
def tick() -> float:
    """Seconds: the shortest time in which what must happen soon has happened. Tests count in multiples of it."""
    return float(os.environ.get("NETKIT_TICK", "0.05"))


# What none may leave behind.


@dataclass
class Watch(logging.Handler):
    """Collects what went wrong unseen: calls of the loop's exception handler, and errors in the log."""

    loop_errors: list[dict[str, Any]] = field(default_factory=list)
    logged_errors: list[logging.LogRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(logging.DEBUG)

    __hash__ = logging.Handler.__hash__

    def emit(self, record: logging.LogRecord) -> None:
        """Take what is bad: an error of netkit, and anything that asyncio warns of."""
        worst = logging.WARNING if record.name.startswith("asyncio") else logging.ERROR
        if record.levelno >= worst:
            self.logged_errors.append(record)

    def handle_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """See ``loop.set_exception_handler``."""
        self.loop_errors.append(context)


@pytest.fixture(autouse=True)
def litter(request: pytest.FixtureRequest) -> Iterator[None]:
    """After all else and its loop are gone, let what was never closed say so: a ResourceWarning is an error."""
    yield
    if pytest_asyncio.is_async_test(request.node):
        gc.collect()
        gc.freeze()  # what is still there is not litter: not to look at it again is half of the suite's time


@pytest.fixture(autouse=True)
def watched(request: pytest.FixtureRequest, litter: None) -> None:
    """Watch every async test, and no other: an async fixture would give those a loop too."""
    if pytest_asyncio.is_async_test(request.node):
        request.getfixturevalue("watch")


@pytest_asyncio.fixture
async def watch(request: pytest.FixtureRequest) -> AsyncIterator[Watch]:
    """What goes wrong unseen, and at the end of the test a failure for it."""
    watch = Watch()
    asyncio.get_running_loop().set_exception_handler(watch.handle_loop_error)
    loggers = [logging.getLogger(name) for name in ("netkit", "asyncio")]
    for logger in loggers:
        logger.addHandler(watch)
    yield watch
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=ENDING)
    for logger in loggers:
        logger.removeHandler(watch)
    assert not left, f"tasks were left behind: {left}"
    if "loop_errors" not in request.fixturenames:
        assert watch.loop_errors == []
    if "logged_errors" not in request.fixturenames:
        assert [record.getMessage() for record in watch.logged_errors] == []


@pytest_asyncio.fixture
async def loop_errors(watch: Watch) -> list[dict[str, Any]]:
    """What the loop's exception handler was called with, for tests that expect it."""
    return watch.loop_errors


@pytest_asyncio.fixture
async def logged_errors(watch: Watch) -> list[logging.LogRecord]:
    """What was logged as an error, for tests that expect it."""
    return watch.logged_errors
