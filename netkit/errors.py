"""What netkit raises when it cannot do what it was asked.

::

    NetkitError
    ├── EndpointError      an address that cannot be read, or names something netkit does not listen on
    ├── ListenError        an address that is right but cannot be had: in use, not ours, not permitted
    ├── CertificateError   a TLS certificate or key that is missing, unreadable or does not fit
    ├── ConnectError       a peer that cannot be reached, or a connection to one that broke
    │   └── TimedOutError  one that took too long for it, or for its answer
    ├── LoopError          an event loop that is not installed
    ├── ServiceError       a service that cannot be found or made
    ├── StorageError       a directory of state that cannot be had or read, or something in it that cannot be looked up
    ├── WorkerError        workers that end again and again before they serve
    ├── ScenarioError      a scenario or an arm of the bench that cannot be read, or does not fit the machine
    ├── ResultError        a result file of the bench that cannot be read or written
    ├── ProcessError       the process that guards those that are started was killed
    ├── BenchError         a measurement that could not be made, or shown, for want of something
    ├── TortureError       a server on which faults were to be tried, and that was not there or not as it was said to be
    ├── FaultError         a fault that is not in the catalogue, or makes no sense for the service
    ├── TierError          a tier of asyncio that does not exist
    ├── TowerError         a part of the tower that is missing, has moved or failed: an example, a place in the source
    └── TraceError         a message that could not be followed: the server did not answer, or went away

Each message is one line that says what to do about it. A peer that misbehaves never raises any of these:
that is data, and ends with that one connection.
"""

from __future__ import annotations


class NetkitError(Exception):
    """The root: catch this one for all that netkit raises on purpose."""


class EndpointError(NetkitError):
    """An endpoint that cannot be read. A usage error: the command line exits with 2."""


class ListenError(NetkitError):
    """An endpoint that cannot be listened on: in use, not an address of this machine, not permitted."""


class CertificateError(NetkitError):
    """A TLS certificate or key that is missing, unreadable or does not fit its partner."""


class ConnectError(NetkitError):
    """A peer that cannot be reached, or a connection to one that broke; or an end of ours that did."""


class TimedOutError(ConnectError):
    """A peer that took too long to be reached, or to answer. The command line exits with 124, as timeout(1) does."""


class LoopError(NetkitError):
    """An event loop that was asked for and is not installed."""


class ServiceError(NetkitError):
    """A service that cannot be found or made. A usage error: the command line exits with 2."""


class StorageError(NetkitError):
    """A directory of state that cannot be had: not permitted, damaged, in use. Or it could not be looked into."""


class WorkerError(NetkitError):
    """Workers that end again and again before they serve; the message is what the worker said itself."""


class ScenarioError(NetkitError):
    """A scenario or an arm that cannot be found, read or run. A usage error: the command line exits with 2."""


class ResultError(NetkitError):
    """A result file that cannot be read or written. A usage error: the command line exits with 2."""


class ProcessError(NetkitError):
    """The process that ends what we have started was killed itself: nothing more is started."""


class BenchError(NetkitError):
    """A measurement that could not be made or shown: it was interrupted, a package is missing, the machine is busy."""


class TortureError(NetkitError):
    """A server that faults cannot be tried on: not there, not to be started, or not the service it is said to be."""


class FaultError(NetkitError):
    """A fault that does not exist, or makes no sense for a server. A usage error: the command line exits with 2."""


class TierError(NetkitError):
    """A tier of asyncio that does not exist. A usage error: the command line exits with 2."""


class TowerError(NetkitError):
    """A part of the tower that is missing, has moved or failed: an example file, or a place in the source."""


class TraceError(NetkitError):
    """A message that could not be followed: the server did not answer in time, or went away."""
