"""What a server does: the services that come with netkit, and how one of your own is named.

A service is named by a *spec*: ``echo``, ``chat``, or ``package.module:factory`` for your own, where the
factory is called without arguments and returns a ``Service``. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

from ..errors import ServiceError
from ..limits import Limits
from ..service import Service

if TYPE_CHECKING:
    from .chat.records import Kept

#: The services that come with netkit.
NAMES = ("echo", "chat")


def make(
    spec: str, limits: Limits, *, unicode_nicks: bool = False, operator_token: str = "", kept: Kept | None = None
) -> Service:
    """The service that a spec names.

    Args:
        spec: one of ``NAMES``, or ``package.module:factory``; modules in the current directory are found too.
        limits: the bounds of the server; the chat keeps to them, a factory is not given them.
        unicode_nicks: whether the chat allows nicks beyond ASCII.
        operator_token: makes an operator of who gives it to the chat. Empty: there are none.
        kept: what a storage kept of the chat; from now on the chat stores what is said. None: it has no storage.

    Raises:
        ServiceError: there is no such service, or it cannot be made; one line that says what to do.
    """
    if spec == "echo":
        from .echo import Echo

        return Echo()
    if spec == "chat":
        from .chat import Chat

        return Chat(limits, unicode_nicks=unicode_nicks, operator_token=operator_token, kept=kept)
    if ":" not in spec:
        raise ServiceError(f"no service {spec!r}: give {', '.join(NAMES)}, or your own as MODULE:FACTORY")
    return _load(spec)


def _load(spec: str) -> Service:
    module_name, _, factory_name = spec.partition(":")
    if not module_name or not factory_name:
        raise ServiceError(f"cannot read the service {spec!r}: write it as MODULE:FACTORY")
    if module_name.startswith("."):
        raise ServiceError(f"cannot read the service {spec!r}: write the full name of the module")
    found: object = _import(module_name)
    for part in factory_name.split("."):
        if not hasattr(found, part):
            raise ServiceError(f"module {module_name} has no {factory_name}: check the name after the colon")
        found = getattr(found, part)
    if not callable(found):
        raise ServiceError(f"{spec} is not callable: name what makes a Service")
    try:
        service = found()
    except Exception as error:
        raise ServiceError(f"{spec}() failed, mend it first: {_said(error)}") from error
    if not isinstance(service, Service):
        kind = type(service).__name__
        raise ServiceError(f"{spec}() gave a {kind}: let it return an instance of netkit.Service")
    return service


def _import(name: str) -> object:
    here = os.getcwd()
    # A command's own directory comes first on the path; `python -m` puts the current one there, so do we.
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise ServiceError(f"no module {name}: install it, or start where it can be imported") from error
        raise ServiceError(f"module {name} cannot be imported: {_said(error)}") from error
    except Exception as error:
        raise ServiceError(f"module {name} cannot be imported, mend it first: {_said(error)}") from error


def _said(error: Exception) -> str:
    """An exception on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
