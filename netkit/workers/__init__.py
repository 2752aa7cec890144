"""Several processes that serve one port side by side: ``netkit serve --workers N``.

One process of CPython runs Python on one core at a time. Here a *supervisor* takes the addresses and starts N
*workers*, each a process with its own loop, its own instance of the service and its own sockets; the kernel gives every
connection to one of them, and every source of datagrams (``SO_REUSEPORT``, socket(7)). The rules:

- The supervisor accepts nothing. It says what is listened on once all workers serve, replaces a worker that dies, and
  ends them all together.
- Nothing is shared but the addresses: what a worker knows, the others do not, so that a service must say that it may be
  served like this (``Service.workers``). ``Limits`` hold for each worker.
- Supervisor and worker talk over a pair of sockets, see ``channel``. If the supervisor is gone, however it went, its
  end is closed, and the worker stops: no server is left without one.
- The workers are told to stop by a word on that channel, and not by a signal: Ctrl-C on a terminal reaches the whole
  process group, and a service manager may send SIGTERM to all, none of which may count as the second one.

Linux only: elsewhere sockets may share a port too, but the last one gets everything, or the first.
"""
