"""Values with a unit, as people write them."""

from __future__ import annotations

import click
import pytest

from netkit.cli import values

SIZES = {
    "0": 0,
    "1024": 1024,
    "64b": 64,
    "64k": 65_536,
    "64KiB": 65_536,
    "64 kib": 65_536,
    "1m": 1_048_576,
    "1MiB": 1_048_576,
    " 7 ": 7,
    "007": 7,
    "999999999999": 999_999_999_999,
}
TIMES = {"5ms": 5.0, "0.5s": 500.0, "800us": 0.8, "5 MS": 5.0, " 1s ": 1000.0, "0ms": 0.0, "1.25ms": 1.25}
SHARES = {"2%": 0.02, "7.5%": 0.075, " 10% ": 0.1, "99.9%": 0.999, "0.000001%": 1e-8}

NO_SIZE = ["", "k", "-1", "+1", "1.5k", "1kb", "64 k b", "1e3", "0x10", "many", "1_000", "1000000000000", "٣", "1\n2"]
NO_TIME = ["", "5", "ms", "-5ms", "5m", "5min", ".5s", "5.ms", "1e3ms", "nan", "inf", "5ms 5ms", "1.1234567s", "٣ms"]
NO_SHARE = ["", "2", "0.02", "0%", "0.0%", "100%", "-2%", "2 %", "%", "2%%", "nan%", ".5%", "1000%", "٣%"]


@pytest.mark.parametrize("text", SIZES)
def test_a_size_is_bytes(text: str) -> None:
    assert values.size(text) == SIZES[text]


@pytest.mark.parametrize("text", TIMES)
def test_a_time_is_milliseconds(text: str) -> None:
    assert values.milliseconds(text) == pytest.approx(TIMES[text], rel=1e-12)


@pytest.mark.parametrize("text", SHARES)
def test_a_share_is_a_part_of_1(text: str) -> None:
    assert values.share(text) == pytest.approx(SHARES[text], rel=1e-12)


@pytest.mark.parametrize("text", NO_SIZE)
def test_what_is_no_size_is_refused_with_what_would_be(text: str) -> None:
    with pytest.raises(click.BadParameter) as why:
        values.size(text)
    assert why.value.message == f"cannot read {text!r}: write bytes, like 1024, 64KiB or 1MiB."


@pytest.mark.parametrize("text", NO_TIME)
def test_what_is_no_time_is_refused_with_what_would_be(text: str) -> None:
    with pytest.raises(click.BadParameter) as why:
        values.milliseconds(text)
    assert why.value.message == f"cannot read {text!r}: write it like 5ms, 0.5s or 800us."


@pytest.mark.parametrize("text", NO_SHARE)
def test_what_is_no_share_is_refused_with_what_would_be(text: str) -> None:
    with pytest.raises(click.BadParameter) as why:
        values.share(text)
    assert why.value.message == f"cannot read {text!r}: write it like 2% or 7.5%."
