"""The same script of client bytes gives the same bytes to everybody, on every layer, loop and address."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Recorder, Serve

#: Who sends what, in this order. Ann ends her lines with LF, Bob with CRLF; Cat has a telnet that asks for things.
SCRIPT = [
    ("ann", b"/nick ann\n"),
    ("bob", b"/nick bob\r\n"),
    ("cat", b"\xff\xfd\x01\xff\xfb\x1f/nick cat\r\n"),
    ("ann", b"hello all\n"),
    ("bob", b"hi ann, un"),
    ("cat", b"a paste\r\nof two lines\r\n"),
    ("bob", b"broken line\r\n"),
    ("ann", b"/me waves\n"),
    ("ann", b"/msg bob psst\n"),
    ("bob", b"caf\xe9\r\n"),
    ("ann", b"\x1b[31mred\x07\n"),
    ("cat", b"\xff\xfb\x06\xff\xf6"),
    ("ann", b"y" * 60),
    ("ann", b"y" * 60 + b"\n"),
    ("bob", b"/nosuch\r\n"),
    ("bob", b"/join #den\r\n"),
    ("ann", b"/who\n"),
    ("bob", b"/join #lobby\r\n"),
    ("cat", b"last words without an end"),
]

#: What each of them reads.
GOLDEN = {
    "ann": [
        b"*** you are guest1 in #lobby\r\n",
        b"*** type a line and press Enter to talk; /help shows more, /quit leaves\r\n",
        b"*** nobody else is here yet\r\n",
        b"*** guest2 is here\r\n",
        b"*** guest3 is here\r\n",
        b"*** you are ann now\n",
        b"*** guest2 is bob now\n",
        b"*** guest3 is cat now\n",
        b"<cat> a paste\n",
        b"<cat> of two lines\n",
        b"<bob> hi ann, unbroken line\n",
        b"[you -> bob] psst\n",
        b"<bob> caf\xef\xbf\xbd\n",
        b"*** your line was dropped: make it shorter than 101 bytes\n",
        b"*** bob went to #den\n",
        b"*** 2 in #lobby: ann, cat\n",
        b"*** bob came from #den\n",
        b"<cat> last words without an end\n",
        b"*** cat left\n",
        b"*** bob left\n",
        b"*** goodbye (quit)\n",
    ],
    "bob": [
        b"*** you are guest2 in #lobby\r\n",
        b"*** type a line and press Enter to talk; /help shows more, /quit leaves\r\n",
        b"*** 1 other here: /who names them\r\n",
        b"*** guest3 is here\r\n",
        b"*** guest1 is ann now\r\n",
        b"*** you are bob now\r\n",
        b"*** guest3 is cat now\r\n",
        b"<ann> hello all\r\n",
        b"<cat> a paste\r\n",
        b"<cat> of two lines\r\n",
        b"* ann waves\r\n",
        b"[ann -> you] psst\r\n",
        b"*** your text was not UTF-8: others see \xef\xbf\xbd for what could not be read\r\n",
        b"<ann> [31mred\r\n",
        b"*** there is no /nosuch: /help shows what there is, //text says /text\r\n",
        b"*** you are in #den now\r\n",
        b"*** nobody else is here yet\r\n",
        b"*** you are in #lobby now\r\n",
        b"*** 2 others here: /who names them\r\n",
        b"*** last said here (7 lines):\r\n",
        b"<ann> hello all\r\n",
        b"<cat> a paste\r\n",
        b"<cat> of two lines\r\n",
        b"<bob> hi ann, unbroken line\r\n",
        b"* ann waves\r\n",
        b"<bob> caf\xef\xbf\xbd\r\n",
        b"<ann> [31mred\r\n",
        b"<cat> last words without an end\r\n",
        b"*** cat left\r\n",
        b"*** goodbye (quit)\r\n",
    ],
    "cat": [
        b"*** you are guest3 in #lobby\r\n",
        b"*** type a line and press Enter to talk; /help shows more, /quit leaves\r\n",
        b"*** 2 others here: /who names them\r\n",
        b"*** guest1 is ann now\r\n",
        b"*** guest2 is bob now\r\n",
        b"\xff\xfb\x01\xff\xfb\x03\xff\xfd\x1f*** you are cat now\r\n",
        b"<ann> hello all\r\n",
        b"<bob> hi ann, unbroken line\r\n",
        b"* ann waves\r\n",
        b"<bob> caf\xef\xbf\xbd\r\n",
        b"<ann> [31mred\r\n",
        b"[netkit: yes, #lobby, 3 online]\r\n",
        b"*** bob went to #den\r\n",
        b"*** bob came from #den\r\n",
    ],
}


async def test_everybody_reads_the_same(serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]) -> None:
    limits = Limits(line_length=100).without_rates()
    service = recorder(Chat(limits))
    site = await serve(service, endpoint, limits=limits)
    people = {}
    for number, name in enumerate(("ann", "bob", "cat"), 1):
        people[name] = await site.connect()
        await service.until("opened", number)
    for number, (name, data) in enumerate(SCRIPT, 1):
        await people[name].send(data)
        await service.until("received", number)
    # Cat has read all that comes before she leaves: a TLS connection ends on both sides at once.
    expected = {name: b"".join(lines) for name, lines in GOLDEN.items()}
    heard = {"cat": await people["cat"].read(len(expected["cat"]))}
    people["cat"].writer.close()
    await service.until("lost", 1)
    for number, name in enumerate(("bob", "ann"), 2):
        await people[name].send(b"/quit\n")
        heard[name] = await people[name].rest()
        await people[name].close()
        await service.until("lost", number)
    assert {name: data.splitlines(keepends=True) for name, data in heard.items()} == GOLDEN
