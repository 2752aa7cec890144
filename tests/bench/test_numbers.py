from __future__ import annotations

import pytest

from netkit.bench import numbers
from netkit.bench.metrics import BY_NAME
from netkit.bench.stats import Interval


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("cpu", 12.345, "12.3 us"),
        ("cpu", 0.0901, "90.1 ns"),
        ("cpu", 9.996, "10.0 us"),
        ("cpu", 999.4, "999 us"),
        ("cpu", 999.9, "1.00 ms"),
        ("p99", 2_500_000, "2.50 s"),
        ("idle", 4.5, "4.50 KiB"),
        ("left", 0.25, "256 B"),
        ("left", 0, "0 KiB"),
        ("growth", -3072, "-3.00 MiB"),
        ("memory", 5 * 1024**2, "5.00 GiB"),
        ("rate", 123_456, "123,000/s"),
        ("reach", 1, "100 %"),
        ("reach", 0.99987, "99.987 %"),
        ("reach", 0.999999999, "99.9999 %"),
        ("switches", 1.25, "1.25"),
        ("instructions", 41_234, "41,200"),
    ],
)
def test_a_figure_has_a_fitting_unit_and_three_digits(metric: str, value: float, text: str) -> None:
    assert numbers.figure(BY_NAME[metric], value) == text


@pytest.mark.parametrize(
    ("metric", "interval", "text"),
    [
        ("cpu", (12.345, 12.31, 12.42), "12.3 us (12.3 to 12.4)"),
        ("cpu", (12.345, 9.8, 14.1), "12.3 us (9.8 to 14.1)"),
        ("cpu", (123.4, 61, 200), "123 us (61 to 200)"),
        ("p99", (990, 940, 1080), "990 us (940 to 1,080)"),
        ("p99", (1200, 1150, 1300), "1.20 ms (1.15 to 1.30)"),
        ("rate", (123_456, 98_700, 125_800), "123,000/s (99,000 to 126,000)"),
        ("idle", (4, 4, 4), "4.00 KiB"),
        ("growth", (0, -0.2, 0.3), "0.00 KiB (-0.20 to 0.30)"),
        ("growth", (3, -5000, 5003), "3 KiB (-5,000 to 5,003)"),
        ("reach", (0.9987, 0.998, 1), "99.87 % (99.80 % to 100 %)"),
    ],
)
def test_an_interval_has_the_unit_and_the_places_of_its_figure(
    metric: str, interval: tuple[float, float, float], text: str
) -> None:
    assert numbers.with_interval(BY_NAME[metric], Interval(*interval)) == text


@pytest.mark.parametrize(("ratio", "text"), [(0.412, "0.41"), (1.2, "1.20"), (0.0043, "0.0043"), (123.4, "123")])
def test_a_ratio_has_two_places_where_that_says_enough(ratio: float, text: str) -> None:
    assert numbers.times(ratio) == text


@pytest.mark.parametrize(("p", "text"), [(0.0004, "< 0.001"), (0.0312, "0.031"), (0.5, "0.50"), (1.0, "1.00")])
def test_a_small_p_value_is_not_spelt_out(p: float, text: str) -> None:
    assert numbers.p_value(p) == text
