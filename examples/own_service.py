"""A service of one's own: an echo that shouts. Run it, or let netkit serve it on any layer and loop:

netkit serve --service own_service:Shout --layer protocols
"""

import asyncio
import sys
from contextlib import suppress

import netkit


class Shout(netkit.Service):
    def received(self, conn: netkit.Conn, data: bytes, now: float) -> netkit.Effects:
        yield data.upper()


async def main() -> None:
    async with netkit.serve(Shout(), listen=sys.argv[1:] or ["tcp://127.0.0.1:8888"]) as server:
        print("listening on", *server.endpoints, flush=True)
        await server.wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
