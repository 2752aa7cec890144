"""Our own ends: whatever standard input and output are, the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from netkit.client.sink import Output, Screen
from netkit.client.source import Input
from netkit.errors import ConnectError

SIZE = 4096


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def pipe(closing: ExitStack) -> tuple[int, int]:
    ends = os.pipe()
    for each in ends:
        closing.callback(os.close, each)
    return ends


async def everything(source: Input) -> list[bytes]:
    pieces = []
    while piece := await source.read():
        pieces.append(piece)
    return pieces


async def test_a_file_is_read_in_pieces_to_its_end(tmp_path: Path, closing: ExitStack) -> None:
    data = os.urandom(SIZE + 1)
    (tmp_path / "in").write_bytes(data)
    fd = os.open(tmp_path / "in", os.O_RDONLY)
    closing.callback(os.close, fd)
    assert await everything(Input(fd, SIZE)) == [data[:SIZE], data[SIZE:]]


async def test_nothing_at_all_is_an_end(closing: ExitStack) -> None:
    fd = os.open(os.devnull, os.O_RDONLY)
    closing.callback(os.close, fd)
    assert await everything(Input(fd, SIZE)) == []


@pytest.mark.parametrize("blocking", [True, False])
async def test_a_pipe_is_waited_for_and_left_as_it_was(closing: ExitStack, blocking: bool) -> None:
    reading, writing = pipe(closing)
    os.set_blocking(reading, blocking)
    source = Input(reading, SIZE)
    waiting = asyncio.ensure_future(source.read())
    await asyncio.sleep(0)
    assert not waiting.done()
    os.write(writing, b"line\n")
    assert await waiting == b"line\n"
    assert os.get_blocking(reading) is blocking


async def test_a_terminal_gives_lines_and_then_its_end(closing: ExitStack) -> None:
    ours, theirs = pty.openpty()
    closing.callback(os.close, theirs)
    source = Input(theirs, SIZE)
    os.write(ours, b"one\ntwo\n")
    assert [await source.read(), await source.read()] == [b"one\n", b"two\n"]
    os.write(ours, b"\x04")
    assert await source.read() == b""
    os.close(ours)
    assert await source.read() == b""  # the terminal has gone


async def test_what_cannot_be_read_is_one_line(closing: ExitStack, tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    closing.callback(os.close, fd)
    with pytest.raises(ConnectError, match=r"^cannot read standard input: Is a directory$"):
        await Input(fd, SIZE).read()


@pytest.mark.parametrize("blocking", [True, False])
async def test_a_slow_reader_is_waited_for_and_the_loop_goes_on(closing: ExitStack, blocking: bool) -> None:
    reading, writing = pipe(closing)
    os.set_blocking(writing, blocking)
    data = os.urandom(4 * fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ))
    task = asyncio.ensure_future(Output(writing).write(data))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    got = b""
    while len(got) < len(data):
        got += await asyncio.to_thread(os.read, reading, SIZE * 16)
    await task
    assert got == data
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_a_reader_who_has_left_is_told_apart(closing: ExitStack) -> None:
    reading, writing = os.pipe()
    closing.callback(os.close, writing)
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        await Output(writing).write(b"x")


async def test_a_full_disk_is_one_line(closing: ExitStack) -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    closing.callback(os.close, fd)
    with pytest.raises(ConnectError, match=r"^cannot write to standard output: No space left on device$"):
        await Output(fd).write(b"x")


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8", "ü[2J\n".encode()), ("ascii", b"\\xfc[2J\n")])
async def test_a_terminal_obeys_nothing(closing: ExitStack, encoding: str, shown: bytes) -> None:
    reading, writing = pipe(closing)
    await Screen(Output(writing), encoding).write("ü\x1b[2J\r\n".encode())
    assert os.read(reading, SIZE) == shown


async def test_no_thread_keeps_the_process(closing: ExitStack) -> None:
    reading, _ = pipe(closing)
    waiting = asyncio.ensure_future(Input(reading, SIZE).read())
    await asyncio.sleep(0)
    assert all(each.daemon for each in threading.enumerate() if each.name.startswith("netkit-"))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
