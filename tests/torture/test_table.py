"""What a person sees of it: while it goes on, and at the end."""

from __future__ import annotations

import io
from typing import Any

import pyte
import pytest
from rich.console import Console

from netkit.torture import table
from netkit.torture.bystanders import Told
from netkit.torture.catalogue import FAULTS
from netkit.torture.subject import Level
from netkit.torture.table import LITERAL, Lines, Screen
from netkit.torture.verdict import Recovery, Repeat, Result, Verdict

AGAIN = Repeat("netkit torture 8888 --only silent", 3, "00000000  61 ff 0a    |a..|", r"b'a\xff\n'")

#: What a server may have said: colours, another title, and the start of the line.
WICKED = "\x1b[31mred\x1b]0;title\x07\rover\u202e[bold]markup[/bold]"


def verdict(fault: str = "silent", **given: Any) -> Verdict:
    return Verdict(fault, 1, "a newcomer is heard", 0.002, **given)


def broken(fault: str = "silent", what: str = "no echo", **given: Any) -> Verdict:
    return verdict(fault, broken=[what], **{"repeat": AGAIN} | given)


def result(*verdicts: Verdict) -> Result:
    return Result("tcp://127.0.0.1:7", "echo", "", 1, "2026-01-02T03:04:05+00:00", "1.0", 2.5, [*verdicts])


def shown(made: Result, width: int = table.WIDE) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    table.show(made, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_each_row_says_what_was_expected_what_was_seen_and_how_the_bystanders_fared() -> None:
    told = Told(10, 10, 10, 0.001, 0.0305, 0.04)
    recovery = Recovery(Level(10 * 1024 * 1024, 5), Level(11 * 1024 * 1024, 5), 0.0)
    text = shown(result(verdict(seen="200 said nothing", bystanders=told, recovery=recovery)))
    head, row, *_ = text.splitlines()
    assert head.split() == ["fault", "expected", "seen", "p99,", "ms", "memory"]
    words = [each.strip() for each in row.split("  ") if each.strip()]
    assert words == ["silent", "held", "a newcomer is heard", "200 said nothing", "2.0 → 30.5", "+1.0 MiB"]
    assert text.splitlines()[-1] == "echo on tcp://127.0.0.1:7: 1 held, in 2 s"


def test_memory_that_was_given_back_is_less() -> None:
    recovery = Recovery(Level(11 * 1024 * 1024, 5), Level(10 * 1024 * 1024, 5), 0.0)
    assert "-1.0 MiB" in shown(result(verdict(recovery=recovery)))


def test_on_a_narrow_terminal_what_was_seen_has_the_room() -> None:
    told = Told(10, 10, 10, 0.001, 0.0305, 0.04)
    words = "much was seen, " * 10
    text = shown(result(verdict(seen=words, bystanders=told), verdict("a-longer-name", seen="little")), width=80)
    first, *below, second, last = text.splitlines()[:-2]
    assert first.split("  ")[-1].strip() == "p99 2.0 → 30.5 ms"
    assert " ".join(line.strip() for line in below) == words.strip()
    assert all(line.startswith("  ") for line in (*below, last))
    assert max(map(len, below)) <= 80
    assert second.split() == ["a-longer-name", "held"]
    assert second.index("held") == first.index("held")


def test_what_is_broken_is_shown_with_its_command_and_its_bytes() -> None:
    lines = shown(result(verdict(), broken())).splitlines()
    at = lines.index("silent: what must hold: a newcomer is heard")
    assert lines[at + 1 : at + 5] == [
        "  again: netkit torture 8888 --only silent",
        "  the connection that broke it had sent 3 bytes:",
        "  00000000  61 ff 0a    |a..|",
        r"  in Python: b'a\xff\n'",
    ]
    assert lines[-1] == "echo on tcp://127.0.0.1:7: 1 held, 1 broken (silent), in 2 s"


def test_where_no_single_connection_broke_it_there_are_no_bytes() -> None:
    text = shown(result(broken(repeat=Repeat("netkit torture 8888"))))
    assert "again: netkit torture 8888\n" in text
    assert "bytes" not in text


def test_a_literal_of_pages_is_left_to_json() -> None:
    literal = repr(b"\xff" * LITERAL)
    text = shown(result(broken(repeat=Repeat("netkit torture 8888", 9, "00000000", literal))))
    assert literal not in text
    assert "--json FILE" in text


def test_what_is_broken_each_time_is_explained_once() -> None:
    text = shown(result(broken(), broken(), broken("udp-loop"), broken()))
    assert text.count("again:") == 2
    assert "4 broken (silent, udp-loop)" in text


def test_what_was_not_tried_says_why() -> None:
    text = shown(result(verdict(untried="its process is not known")))
    assert " ".join(text.splitlines()[1].split()) == "silent untried a newcomer is heard its process is not known"
    assert text.splitlines()[-1] == "echo on tcp://127.0.0.1:7: 0 held, 1 not tried, in 2 s"


@pytest.mark.parametrize("made", [verdict(seen=WICKED), broken(what=WICKED), verdict(untried=WICKED)])
def test_nothing_that_a_server_says_reaches_the_terminal_as_it_is(made: Verdict) -> None:
    lines = io.StringIO()
    Lines(Console(file=lines, width=table.WIDE)).tried(result(made), made)
    for text in (shown(result(made)), lines.getvalue()):
        assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)
        assert "[bold]markup[/bold]" in text


def test_for_a_log_there_is_a_line_for_each() -> None:
    said = io.StringIO()
    with Lines(Console(file=said, width=40, highlight=False)) as lines:
        for made in (verdict(seen="200 said nothing", seconds=1.26), broken(what="no echo " * 20)):
            lines.trying(result(), FAULTS[0], 1, 2)
            lines.tried(result(made), made)
    first, second = said.getvalue().splitlines()
    assert first == "silent: held: 200 said nothing (1.3 s)"
    assert second.startswith("silent: broken: no echo no echo")


class Terminal(io.StringIO):
    """A small one, and what is seen on it."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__()
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)

    def write(self, text: str) -> int:
        self._stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    @property
    def rows(self) -> list[str]:
        return [row.rstrip() for row in self.screen.display]


def test_on_a_terminal_the_last_ones_are_seen_and_what_is_being_tried() -> None:
    terminal = Terminal(80, 8)
    console = Console(file=terminal, width=80, height=8, force_terminal=True, legacy_windows=False)
    made = result(*(verdict(f"fault-{number}", seen="much was seen " * 20) for number in range(20)))
    with Screen(console) as screen:
        assert terminal.rows[0].startswith("the server is looked for")
        for number in (0, 3, 20):
            partly = result(*made.verdicts[:number])
            screen.trying(partly, FAULTS[0], number + 1, 20)
            rows = [row for row in terminal.rows if row]
            assert rows[-1].startswith(f"{number + 1} of 20: {FAULTS[0].name}")
            # What a terminal shows for Ctrl-C fits behind it.
            assert terminal.screen.cursor.x <= 80 - len("^C")
            names = [row.split()[0] for row in rows[1:-1]]
            assert names == [f"fault-{each}" for each in range(max(0, number - 5), number)]
        assert terminal.screen.cursor.hidden
    assert not [row for row in terminal.rows if row]
    assert not terminal.screen.cursor.hidden


def test_the_catalogue_says_of_each_what_there_is_to_say() -> None:
    console = Console(file=io.StringIO(), width=300)
    console.print(table.listing(FAULTS))
    assert isinstance(console.file, io.StringIO)
    lines = [line.split("  ") for line in console.file.getvalue().splitlines()]
    told = [[each.strip() for each in line if each.strip()] for line in lines]
    for at, each in enumerate(FAULTS):
        name, *about = told[4 * at : 4 * at + 4]
        assert name[0] == each.name
        assert ("needs --server-cmd" in name[1]) is each.process
        assert about == [["why", each.why], ["holds", each.holds], ["from", each.source]]
