"""A hexdump looks as that of ``hexdump -C``."""

from __future__ import annotations

from netkit.wire.hexdump import rows


def test_a_row_has_its_offset_sixteen_bytes_and_what_of_them_is_ascii() -> None:
    assert list(rows(b"0123456789abcdef\x00\xff ~\x7f")) == [
        "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|",
        "00000010  00 ff 20 7e 7f                                    |.. ~.|",
    ]


def test_offsets_go_on_from_where_they_are_told() -> None:
    assert [row[:8] for row in rows(bytes(17), 0x1234)] == ["00001234", "00001244"]


def test_nothing_has_no_rows() -> None:
    assert list(rows(b"")) == []
