"""What may go wrong with those who do not read."""

from __future__ import annotations

from tests.torture.flaws import Flaw
from tests.torture.server import Echo, Line


class KeepsAll(Echo):
    """It reads on from who does not read, and keeps all of it."""

    def pause_writing(self) -> None:
        pass

    def resume_writing(self) -> None:
        pass


class WaitsForTheSlowest(Line):
    """It waits until each has taken what is said, before it reads on from anybody."""

    def write(self, data: bytes) -> None:
        self.transport.write(data)
        if self.transport.get_write_buffer_size():
            for other in self.server.members:
                other.transport.pause_reading()


FLAWS = (
    Flaw("reader-stops", KeepsAll, "echo", r"grown by .* for a client that does not read|goes on"),
    Flaw("listener-stops", WaitsForTheSlowest, "broadcast", r"has not heard message|99th percentile"),
)
