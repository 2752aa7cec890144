"""Storage: what a chat has said and decided, kept in a directory from one run to the next.

``open`` gives a ``Worker``, which takes the records of ``services.chat.records``, and what was kept before. The parts:
``changes`` gathers records into what they come to, ``pending`` is the bounded queue before the one thread that
writes, ``worker`` is that thread, ``database`` and ``schema`` are all the SQL there is, and ``place`` is the directory.

Whoever puts a record never waits for the disk. There is no asyncio in here: a thread is enough, and a future of
``concurrent.futures`` can be awaited on any loop.
"""

from __future__ import annotations

from .worker import Worker, open

__all__ = ["open", "Worker"]
