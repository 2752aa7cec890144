"""Logs on standard error, as text or as one JSON object a line. What a peer may have written is escaped."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from ..wire.text import visible

FORMATS = ("text", "json")

#: ``-v`` tells of connections, ``-vv`` also of what asyncio does with them.
LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class TextFormatter(logging.Formatter):
    """``12:00:00 INFO opened tcp://192.0.2.7:50312``, and a traceback below it, indented, where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        when = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        line = f"{when} {record.levelname} {visible(record.getMessage())}"
        if record.exc_info:
            # What was raised may quote a peer: indented, no line of it can pass for another entry.
            below = self.formatException(record.exc_info).splitlines()
            line = "\n".join((line, *(f"  {visible(each)}" for each in below)))
        return line


class JsonFormatter(logging.Formatter):
    """One object a line: time (ISO 8601, UTC), level, logger, message, and traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": visible(record.getMessage()),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def configure(verbosity: int, style: str) -> None:
    """Send this process's logs to standard error: ``verbosity`` times ``-v``, ``style`` one of ``FORMATS``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    level = LEVELS[min(verbosity, len(LEVELS) - 1)]
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # asyncio's own debug lines drown everything else until they are asked for.
    logging.getLogger("asyncio").setLevel(level if verbosity > 1 else logging.WARNING)
