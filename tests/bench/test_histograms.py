"""Histograms: the same as HdrHistogram gives, sample by sample, and no silence about what does not fit."""

from __future__ import annotations

import base64
import subprocess
import sys
from array import array

import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]
from hypothesis import example, given
from hypothesis import strategies as st

from netkit.bench import histograms
from netkit.bench.histograms import HIGHEST
from netkit.errors import ResultError
from tests.process import environment

#: Of every magnitude alike, and the ends of buckets more often than chance would have them.
times = st.one_of(
    st.integers(0, HIGHEST),
    st.integers(0, 10_000),
    st.builds(lambda bits, off: min(HIGHEST, max(0, 2**bits + off)), st.integers(0, 41), st.integers(-2, 2)),
)

#: What a load process may pay for: asyncio and its like it has no use for.
HEAVY = {"asyncio", "socket", "ssl", "altair", "click", "rich"}


def one_by_one(samples: list[int]) -> HdrHistogram:
    made = HdrHistogram(1, HIGHEST, 3)
    for value in samples:
        assert made.record_value(value)
    return made


@given(st.lists(times, max_size=60))
@example([])
@example([0])
@example([2047, 2048, 2049, 4095, 4096, 4097, 4098])
@example([HIGHEST])
def test_it_is_the_histogram_of_the_samples_recorded_one_by_one(samples: list[int]) -> None:
    assert histograms.encode(samples) == one_by_one(samples).encode().decode()
    assert histograms.encode(array("q", samples)) == histograms.encode(samples)


@given(st.lists(times, min_size=1, max_size=60))
def test_what_was_encoded_is_read_again_to_three_digits(samples: list[int]) -> None:
    read = histograms.decode(histograms.encode(samples))
    assert read.get_total_count() == len(samples)
    assert read.get_max_value() == pytest.approx(max(samples), rel=1e-3)
    assert read.get_min_value() == pytest.approx(min(samples), rel=1e-3)


@given(st.lists(st.lists(times, max_size=20), max_size=4))
def test_merged_histograms_are_the_histogram_of_all_samples(parts: list[list[int]]) -> None:
    together = [value for part in parts for value in part]
    merged = histograms.merged(histograms.encode(part) for part in parts)
    assert merged.encode() == one_by_one(together).encode()
    assert merged.get_total_count() == len(together)


@pytest.mark.parametrize("samples", [[-1], [-5000, 7], [7, HIGHEST + 1]])
def test_a_sample_out_of_range_is_refused(samples: list[int]) -> None:
    with pytest.raises(ValueError, match="not between 0 and one hour"):
        histograms.encode(samples)


WHOLE = histograms.encode(range(1000, 90_000, 7))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "no histogram",
        "é",
        WHOLE[:-8],
        WHOLE[: len(WHOLE) // 8 * 4],
        WHOLE + "AAAA",
        base64.b64encode(b"\0" * 64).decode(),
    ],
)
def test_a_damaged_histogram_is_one_line(text: str) -> None:
    with pytest.raises(ResultError, match="a histogram is damaged"):
        histograms.decode(text)
    with pytest.raises(ResultError, match="a histogram is damaged"):
        histograms.merged([WHOLE, text])


@pytest.mark.parametrize("kind", [(1, 1_000_000, 3), (1, HIGHEST, 2), (1000, HIGHEST, 3)])
def test_a_histogram_of_another_range_is_refused(kind: tuple[int, int, int]) -> None:
    other = HdrHistogram(*kind)
    other.record_value(5000)
    with pytest.raises(ResultError, match="another range"):
        histograms.decode(other.encode().decode())


def test_a_load_process_imports_nothing_heavy_for_it() -> None:
    command = (sys.executable, "-c", "import netkit.bench.histograms, sys\nprint(*sys.modules)")
    said = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    loaded = set(said.stdout.split())
    assert "hdrh.histogram" in loaded
    assert loaded & HEAVY == set()
