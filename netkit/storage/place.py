"""The directory: made, checked and held, so that two servers never write into the same one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import StorageError

#: The database, in the directory. SQLite keeps two more files beside it while it is open, with the same mode.
DATABASE = "chat.db"

#: Held for as long as the database is open. It stays when it is not: who unlinks a lock may unlink another's.
LOCK = "lock"

#: It tells who talks to whom: nobody else's business.
DIRECTORY_MODE, FILE_MODE = 0o700, 0o600


@contextmanager
def claimed(directory: Path, *, create: bool) -> Iterator[Path]:
    """Hold a directory, and give the path of the database in it, which may be a new and empty file.

    Raises:
        StorageError: it is none, cannot be made or written, or another process holds it.
    """
    try:
        if create:
            directory.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, FILE_MODE)
    except OSError as error:
        raise StorageError(explain(directory, error)) from None
    try:
        _hold(directory, lock)
        try:
            os.close(os.open(directory / DATABASE, os.O_RDWR | os.O_CREAT, FILE_MODE))
        except OSError as error:
            raise StorageError(explain(directory / DATABASE, error)) from None
        yield directory / DATABASE
    finally:
        os.close(lock)  # which lets go of it, as the end of the process would


def _hold(directory: Path, lock: int) -> None:
    """Lock the directory, and leave in the lock who did."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
        by = f" (process {who})" if who.isdecimal() else ""
        raise StorageError(
            f"another netkit{by} keeps its state in {directory}: stop it, or give each a directory of its own"
        ) from None
    except OSError as error:
        raise StorageError(explain(directory, error)) from None
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        raise StorageError(explain(directory, error)) from None


def explain(path: Path, error: OSError) -> str:
    """What to do about a file or directory that cannot be had, in one line."""
    match error:
        case FileExistsError() | NotADirectoryError():
            return f"cannot keep state in {path}: it is not a directory, give one"
        case FileNotFoundError():
            return f"cannot keep state in {path}: there is no such directory, make it first"
        case PermissionError():
            return f"cannot keep state in {path}: not permitted, give a directory of your own"
    return f"cannot keep state in {path}: {error.strerror or error}, give another directory"
