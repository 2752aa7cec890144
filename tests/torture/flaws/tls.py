"""What may go wrong with TLS, and what should not have been allowed."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import warnings
from contextlib import suppress

from tests.torture import server
from tests.torture.flaws import Flaw
from tests.torture.server import Echo, Line, Server


class HandshakesInTurn(Echo):
    """It accepts the next one when the handshake of the one before is done."""

    @classmethod
    async def serve(cls, port: int, cert: str, key: str) -> None:
        loop = asyncio.get_running_loop()
        context = server.encrypted(cert, key)
        listening = socket.create_server(("127.0.0.1", port), backlog=1024)
        listening.setblocking(False)
        while True:
            sock, _ = await loop.sock_accept(listening)
            with suppress(OSError):
                await loop.connect_accepted_socket(lambda: cls(Server()), sock, ssl=context, ssl_handshake_timeout=3)


class PlainToo(Echo):
    """It speaks with those who do not begin with a handshake as well, without TLS."""

    @classmethod
    async def serve(cls, port: int, cert: str, key: str) -> None:
        loop = asyncio.get_running_loop()
        context = server.encrypted(cert, key)

        async def begin(sock: socket.socket) -> None:
            first = b""
            while not first:
                await asyncio.sleep(0.001)
                with suppress(BlockingIOError):
                    first = sock.recv(1, socket.MSG_PEEK)
            with suppress(OSError):
                tls = context if first == b"\x16" else None
                await loop.connect_accepted_socket(lambda: cls(Server()), sock, ssl=tls)

        listening = socket.create_server(("127.0.0.1", port), backlog=1024)
        listening.setblocking(False)
        tasks = []
        while True:
            sock, _ = await loop.sock_accept(listening)
            tasks.append(asyncio.create_task(begin(sock)))


class Renegotiates(Echo):
    """It renegotiates whenever a client asks for it."""

    @classmethod
    async def serve(cls, port: int, cert: str, key: str) -> None:
        from OpenSSL import SSL

        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_certificate_chain_file(cert)
        context.use_privatekey_file(key)
        context.set_options(1 << 8)  # SSL_OP_ALLOW_CLIENT_RENEGOTIATION, without which OpenSSL 3 refuses

        def echo(sock: socket.socket) -> None:
            tls = SSL.Connection(context, sock)
            tls.set_accept_state()
            with suppress(SSL.Error), sock:
                while data := tls.recv(64 * 1024):
                    tls.sendall(data)

        with socket.create_server(("127.0.0.1", port), backlog=1024) as listening:
            while True:  # nothing else is to run in this loop
                sock, _ = listening.accept()
                threading.Thread(target=echo, args=(sock,), daemon=True).start()


class WorksOnLater(Line):
    """It comes to what was said a moment later, and not any more if whoever said it has gone by then."""

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(0.2, self.later, data)

    def later(self, data: bytes) -> None:
        if not self.transport.is_closing():
            super().data_received(data)


class OldVersions(Echo):
    """It takes whatever a client has."""

    @classmethod
    async def serve(cls, port: int, cert: str, key: str) -> None:
        context = server.encrypted(cert, key)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")
        await server.serve(cls, port, context)


class NoCertificate(Echo):
    """Of the versions it has the good ones, and of the ciphers all."""

    @classmethod
    async def serve(cls, port: int, cert: str, key: str) -> None:
        context = server.encrypted(cert, key)
        context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
        await server.serve(cls, port, context)


FLAWS = (
    Flaw("tls-stall", HandshakesInTurn, "echo", r"no connection within", "tls"),
    Flaw("tls-garbage", PlainToo, "echo", r"a line of text is not answered by closing", "tls"),
    Flaw("tls-renegotiation", Renegotiates, "echo", r"renegotiated 100 times on one connection", "tls"),
    Flaw("tls-cut", WorksOnLater, "broadcast", r"whole before the cut did not come through", "tls"),
    Flaw("tls-old-versions", OldVersions, "echo", r"offers TLS 1.0 alone is let in", "tls"),
    Flaw("tls-old-versions", NoCertificate, "echo", r"offers no encryption alone is let in", "tls"),
)
