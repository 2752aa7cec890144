"""Every method against scipy or against its definition, and what must hold for any values."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from statistics import NormalDist, fmean, median
from types import SimpleNamespace
from typing import TypeAlias

import numpy as np
import pytest
import scipy.stats  # type: ignore[import-untyped]  # scipy comes without types
from hypothesis import given, settings
from hypothesis import strategies as st

from netkit.bench import stats
from netkit.bench.stats import Interval

CPU = [41.2, 40.7, 43.9, 41.5, 40.9, 42.0, 41.1, 47.3, 41.4, 40.8]
OTHER = [44.0, 42.1, 44.5, 45.2, 43.0, 42.8, 44.9, 46.0, 45.5, 41.9]
LOGS = [math.log(one / other) for one, other in zip(CPU, OTHER, strict=True)]

#: Of the standard normal distribution, for 95 %.
TWO_SIDED = NormalDist().inv_cdf(0.975)

#: Figures such as nanoseconds or bytes: whole numbers, several of them equal now and then.
figures = st.integers(1, 30) | st.integers(1, 10**9)
pairs = st.lists(st.tuples(figures, figures), min_size=2, max_size=10)

Pairs: TypeAlias = Sequence[tuple[int, int]]


def arms(rounds: Pairs) -> tuple[list[float], list[float]]:
    return [float(one) for one, _ in rounds], [float(other) for _, other in rounds]


def ends(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high


@contextmanager
def few() -> Iterator[None]:
    """Fewer resamples, where many intervals are made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stats, "RESAMPLES", 200)
        yield


# Intervals.


def test_an_interval_excludes_what_lies_outside_and_not_its_ends() -> None:
    interval = Interval(1.1, 1.0, 1.3)
    assert [interval.excludes(value) for value in (0.99, 1.0, 1.1, 1.3, 1.31)] == [True, False, False, False, True]


@pytest.mark.parametrize(("low", "high", "halfwidth"), [(1.9, 2.4, 0.2), (1.5, 2.4, 0.25), (2.0, 2.0, 0.0)])
def test_the_halfwidth_is_that_of_the_farther_end(low: float, high: float, halfwidth: float) -> None:
    assert Interval(2.0, low, high).halfwidth == pytest.approx(halfwidth)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 5, 9, 10, 29, 30, 200])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_students_quantile_is_scipys(df: int, confidence: float) -> None:
    expected = scipy.stats.t.ppf((1 + confidence) / 2, df)
    assert stats.t_quantile(confidence, df) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rounds", [2, 3, 10])
def test_the_interval_by_students_t_is_scipys(rounds: int) -> None:
    expected = scipy.stats.ttest_1samp(LOGS[:rounds], 0).confidence_interval(0.95)
    found = stats.t_ratio(CPU[:rounds], OTHER[:rounds])
    assert ends(found) == pytest.approx((math.exp(expected.low), math.exp(expected.high)), rel=1e-9)
    assert found.estimate == pytest.approx(scipy.stats.gmean(CPU[:rounds]) / scipy.stats.gmean(OTHER[:rounds]))


def scipys(values: Sequence[float], statistic: Callable[..., object], quantile: float, **how: object) -> list[float]:
    """The ends of scipy's BCa interval at the level of a normal quantile."""
    found = scipy.stats.bootstrap(
        (values,),
        statistic,
        confidence_level=2 * NormalDist().cdf(quantile) - 1,
        method="BCa",
        rng=np.random.default_rng(8),
        **how,
    )
    return list(found.confidence_interval)


@pytest.mark.parametrize("statistic", [fmean, median])
@pytest.mark.parametrize("values", [LOGS, LOGS[:6], [1.0, 1.0, 2.0, 2.0, 9.0], [0.0, 0.0, 0.1, 3.0, 40.0, 41.0]])
@pytest.mark.parametrize("quantile", [TWO_SIDED, 2.5])
def test_bca_is_scipys_on_the_same_resamples(statistic: stats.Statistic, values: list[float], quantile: float) -> None:
    resampled = stats.resamples(values, statistic, 3)
    found = stats.bca(resampled, statistic(values), stats.jackknife(values, statistic), quantile)
    shared = SimpleNamespace(bootstrap_distribution=np.array(resampled))
    # By our own statistic: numpy's mean of the same values in another order can differ in its last bit.
    expected = scipys(values, statistic, quantile, n_resamples=0, bootstrap_result=shared, vectorized=False)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("statistic", "numpys"), [(fmean, np.mean), (median, np.median)])
def test_resamples_are_spread_as_scipys_are(statistic: stats.Statistic, numpys: Callable[..., object]) -> None:
    found = stats.resamples(CPU, statistic, 3)
    assert len(found) == stats.RESAMPLES
    assert found == sorted(found)
    theirs = scipy.stats.bootstrap((CPU,), numpys, n_resamples=10_000, rng=np.random.default_rng(8))
    expected = theirs.bootstrap_distribution
    assert np.std(found) == pytest.approx(np.std(expected), rel=0.04)
    assert np.mean(found) == pytest.approx(np.mean(expected), abs=4 * np.std(expected) / 70)


def test_the_median_interval_is_bca_at_its_own_level() -> None:
    found = stats.median_interval(CPU, 1)
    assert found.estimate == median(CPU)
    # Medians of resamples are few different values, so that the ends of most seeds are the same.
    assert ends(found) == pytest.approx(scipys(CPU, np.median, TWO_SIDED, n_resamples=20_000), abs=0.11)


def test_a_ratio_is_the_wider_of_students_t_and_expanded_bca_at_each_end() -> None:
    # A long tail on the right: BCa reaches farther there, and t on the left.
    tail = [math.exp(log) for log in (0.0, 0.01, 0.01, 0.02, 0.02, 0.03, 0.04, 0.05, 0.06, 0.9)]
    logs = [math.log(each) for each in tail]
    found, student = stats.ratio(tail, [1.0] * 10, 1), stats.t_ratio(tail, [1.0] * 10)
    expanded = scipy.stats.t.ppf(0.975, 9) * math.sqrt(10 / 9)
    low, high = stats.bca(stats.resamples(logs, fmean, 1), fmean(logs), stats.jackknife(logs, fmean), expanded)
    assert found.low == student.low < math.exp(low)
    assert found.high == pytest.approx(math.exp(high), rel=1e-9)
    assert found.high > student.high + 0.05
    assert high == pytest.approx(scipys(logs, np.mean, expanded, n_resamples=20_000)[1], rel=0.05)
    mean = stats.mean_interval(logs, 1)
    assert (math.exp(mean.low), math.exp(mean.high)) == ends(found)


@given(pairs)
@settings(deadline=None, max_examples=50)
@few()
def test_an_interval_holds_its_estimate_and_students(rounds: Pairs) -> None:
    arm, baseline = arms(rounds)
    found, student = stats.ratio(arm, baseline, 1), stats.t_ratio(arm, baseline)
    assert found.low <= student.low <= found.estimate == student.estimate <= student.high <= found.high
    middle = stats.median_interval(arm, 1)
    assert min(arm) <= middle.low <= middle.estimate <= middle.high <= max(arm)


@given(pairs)
@settings(deadline=None, max_examples=50)
@few()
def test_swapping_the_arms_turns_the_ratio_over(rounds: Pairs) -> None:
    arm, baseline = arms(rounds)
    for found, swapped in (
        (stats.ratio(arm, baseline, 1), stats.ratio(baseline, arm, 1)),
        (stats.t_ratio(arm, baseline), stats.t_ratio(baseline, arm)),
    ):
        assert swapped.estimate == pytest.approx(1 / found.estimate)
        assert ends(swapped) == pytest.approx((1 / found.high, 1 / found.low))


@given(pairs, st.sampled_from([1e-9, 0.1, 3.0, 1e6]))
@settings(deadline=None, max_examples=50)
@few()
def test_a_ratio_has_no_unit(rounds: Pairs, unit: float) -> None:
    arm, baseline = arms(rounds)
    found = stats.ratio(arm, baseline, 1)
    scaled = stats.ratio([unit * each for each in arm], [unit * each for each in baseline], 1)
    assert ends(scaled) == pytest.approx(ends(found))
    times = stats.ratio([unit * each for each in arm], baseline, 1)
    assert times.estimate == pytest.approx(unit * found.estimate)


def test_a_ratio_is_taken_within_each_round() -> None:
    # The rounds differ tenfold, the arms by 2 % in each: only pairs can show it.
    baseline = [1.0, 10.0, 3.0, 7.0, 2.0, 5.0]
    arm = [1.02 * each for each in baseline]
    assert stats.ratio(arm, baseline, 1).halfwidth < 1e-9
    assert stats.ratio(arm, baseline[::-1], 1).halfwidth > 1


def test_the_same_seed_gives_the_same_interval() -> None:
    assert stats.median_interval(CPU, 1) == stats.median_interval(CPU, 1)
    assert stats.ratio(OTHER, CPU, 1).estimate == stats.ratio(OTHER, CPU, 2).estimate
    assert stats.resamples(CPU, fmean, 1) != stats.resamples(CPU, fmean, 2)


@pytest.mark.parametrize("rounds", [2, 3, 10, 49])
def test_identical_ratios_leave_no_width(rounds: int) -> None:
    arm, baseline = [0.3] * rounds, [0.1] * rounds
    for found in (stats.ratio(arm, baseline, 1), stats.t_ratio(arm, baseline)):
        assert ends(found) == (found.estimate, found.estimate)
        assert found.estimate == pytest.approx(3)
    assert stats.median_interval([0.1] * rounds, 1) == Interval(0.1, 0.1, 0.1)
    assert stats.mean_interval([0.0] * rounds, 1) == Interval(0.0, 0.0, 0.0)


def test_two_rounds_give_students_interval_and_the_range() -> None:
    assert stats.ratio([2.0, 3.0], [1.0, 1.0], 1) == stats.t_ratio([2.0, 3.0], [1.0, 1.0])
    assert stats.median_interval([2.0, 3.0], 1) == Interval(2.5, 2.0, 3.0)


@pytest.mark.parametrize("estimate", [-1.0, 11.0])
def test_with_all_resamples_on_one_side_the_interval_is_the_percentiles(estimate: float) -> None:
    resampled = [each / 100 for each in range(1001)]
    assert stats.bca(resampled, estimate, [1.0, 2.0, 9.0], TWO_SIDED) == pytest.approx((0.25, 9.75))


def test_an_acceleration_that_turns_the_ends_around_leaves_the_percentiles() -> None:
    resampled = [each / 100 for each in range(1001)]
    # Its acceleration is 1 / 6 nearly: at 7 standard deviations from the middle the ends change places.
    jackknifed = [0.0] * 999 + [1.0]
    assert stats.bca(resampled, 5.0, jackknifed, 7.0) == pytest.approx((0.0, 10.0), abs=1e-9)
    assert stats.bca(resampled, 5.0, jackknifed, 5.0)[1] < 9.98


def test_jackknifed_estimates_that_tie_leave_the_correction_for_bias_alone() -> None:
    resampled = [each / 1000 for each in range(10_001)]
    # They tie but for the last bit of one, and the skewness of that bit must not show.
    found = stats.bca(resampled, 4.0, [0.7] * 6 + [math.nextafter(0.7, 1)], TWO_SIDED)
    bias = 2 * NormalDist().inv_cdf(0.4)
    expected = [10 * NormalDist().cdf(bias - TWO_SIDED), 10 * NormalDist().cdf(bias + TWO_SIDED)]
    assert found == pytest.approx(expected, abs=2e-3)


def test_resamples_that_tie_with_the_estimate_count_half() -> None:
    assert stats.bca([0.0] * 100 + [1.0] * 800 + [2.0] * 100, 1.0, [1.0, 1.0], 1.0) == (1.0, 1.0)
    # All that do not tie lie below: a quarter more below than above, and rounding makes no difference to that.
    resampled = [each / 10 for each in range(10)] + [1.0] * 10
    low, high = stats.bca(resampled, 1.0, [1.0, 1.0], 1.0)
    assert low > 0.5
    assert high == 1.0
    assert stats.bca(resampled, math.nextafter(1.0, 2), [1.0, 1.0], 1.0) == (low, high)
    assert stats.bca(resampled, math.nextafter(1.0, 0), [1.0, 1.0], 1.0) == (low, high)


def held(
    draw: Callable[[], float], truth: float, rounds: int, interval: Callable[[list[float], int], Interval]
) -> float:
    """In which part of 400 runs, each with a seed of its own, the interval holds the truth."""
    return sum(not interval([draw() for _ in range(rounds)], seed).excludes(truth) for seed in range(400)) / 400


@pytest.mark.parametrize("rounds", [6, 10])
@few()
def test_a_ratios_interval_holds_the_truth_as_often_as_it_says(rounds: int) -> None:
    rng = random.Random(rounds)

    def interval(logs: list[float], seed: int) -> Interval:
        return stats.ratio([math.exp(each) for each in logs], [1.0] * rounds, seed)

    # BCa alone holds it in 0.86 to 0.90 of normal runs, which is what the lower bounds are for.
    assert 0.93 < held(lambda: rng.gauss(0.3, 0.02), math.exp(0.3), rounds, interval) < 0.985
    assert 0.92 < held(lambda: rng.gammavariate(4, 0.01), math.exp(0.04), rounds, interval) < 0.985
    assert held(lambda: rng.expovariate(50), math.exp(0.02), rounds, interval) > 0.88


@pytest.mark.parametrize("rounds", [6, 10])
@few()
def test_a_medians_interval_holds_the_truth_nearly_so_often(rounds: int) -> None:
    rng = random.Random(rounds)
    assert 0.88 < held(lambda: rng.expovariate(1), math.log(2), rounds, stats.median_interval) < 0.975


# The test.


def by_hand(logs: Sequence[float]) -> Fraction:
    """The part of all flips of signs with as large a sum, to a part in 10^9."""
    observed = abs(math.fsum(logs)) - 1e-9 * math.fsum(1 + abs(log) for log in logs)
    flips = list(itertools.product((1, -1), repeat=len(logs)))
    as_large = sum(abs(math.fsum(map(float.__mul__, logs, map(float, signs)))) >= observed for signs in flips)
    return Fraction(as_large, len(flips))


@pytest.mark.parametrize("rounds", [2, 3, 6, 10])
def test_the_sign_flip_test_is_scipys(rounds: int) -> None:
    expected = scipy.stats.permutation_test(
        (LOGS[:rounds],), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    assert stats.sign_flip(CPU[:rounds], OTHER[:rounds]) == expected.pvalue


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(figures, figures), min_size=2, max_size=8))
def test_the_sign_flip_test_counts_every_flip(rounds: Pairs) -> None:
    logs = [math.log(one) - math.log(other) for one, other in rounds]
    assert stats.sign_flip(*arms(rounds)) == by_hand(logs)


@pytest.mark.parametrize(("rounds", "up"), [(40, 26), (30, 30), (30, 24), (30, 15), (29, 14)])
def test_as_many_as_forty_rounds_are_exact_and_ties_count(rounds: int, up: int) -> None:
    # Ratios of the same size, so that their sum is a matter of how many go up; the noise is less than any tie.
    noise = random.Random(up)
    arm = [(2.0 if each < up else 0.5) * (1 + 1e-14 * noise.random()) for each in range(rounds)]
    expected = scipy.stats.binomtest(up, rounds).pvalue
    assert stats.sign_flip(arm, [1.0] * rounds) == pytest.approx(expected, rel=1e-12)


def test_more_rounds_are_flipped_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "FLIPS", 6)
    together = [LOGS[0] + LOGS[6], LOGS[1] + LOGS[7], LOGS[2] + LOGS[8], LOGS[3] + LOGS[9], LOGS[4], LOGS[5]]
    assert stats.sign_flip(CPU, OTHER) == by_hand(together)
    assert stats.sign_flip([2.0] * 50, [1.0] * 50) == 2.0**-5
    rng = random.Random(4)
    found = [stats.sign_flip([math.exp(rng.gauss(0, 0.02)) for _ in range(20)], [1.0] * 20) for _ in range(1000)]
    assert sum(p <= 0.25 for p in found) / 1000 == pytest.approx(0.25, abs=0.03)


@settings(deadline=None, max_examples=50)
@given(pairs, st.randoms(use_true_random=False), st.sampled_from([1e-9, 0.1, 3.0, 1e6]))
def test_p_depends_on_neither_order_nor_unit_nor_which_arm_is_which(
    rounds: Pairs, rng: random.Random, unit: float
) -> None:
    arm, baseline = arms(rounds)
    found = stats.sign_flip(arm, baseline)
    assert 2.0 ** (1 - len(rounds)) <= found <= 1
    assert stats.sign_flip(baseline, arm) == found
    assert stats.sign_flip([unit * each for each in arm], [unit * each for each in baseline]) == found
    assert stats.sign_flip(*arms(rng.sample(rounds, len(rounds)))) == found


def test_arms_that_agree_have_nothing_to_flip() -> None:
    assert stats.sign_flip(CPU, CPU) == 1
    assert stats.sign_flip([0.1 * 3] * 6, [0.3] * 6) == 1
    assert stats.sign_flip([1e300] * 6, [1e-300] * 6) == 2.0**-5


# Many comparisons.


def closed_testing(pvalues: Sequence[float]) -> list[float]:
    """Each comparison at the largest Bonferroni p of all sets of comparisons that it is in."""
    sets = [each for size in range(1, len(pvalues) + 1) for each in itertools.combinations(range(len(pvalues)), size)]
    together = {each: min(1.0, len(each) * min(pvalues[index] for index in each)) for each in sets}
    return [max(together[each] for each in sets if index in each) for index in range(len(pvalues))]


@given(st.lists(st.floats(0, 1), max_size=5) | st.lists(st.sampled_from([0.0, 0.01, 0.02, 0.5, 1.0]), max_size=7))
def test_holm_is_closed_testing_by_bonferroni(pvalues: list[float]) -> None:
    assert stats.holm(pvalues) == closed_testing(pvalues)


@given(st.lists(st.floats(0, 1), min_size=1), st.data())
def test_holm_does_not_care_in_which_order_the_comparisons_come(pvalues: list[float], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(pvalues))))
    adjusted = stats.holm(pvalues)
    assert stats.holm([pvalues[index] for index in order]) == [adjusted[index] for index in order]


@pytest.mark.parametrize("wrong", [-0.01, 1.01, math.nan])
def test_holm_takes_probabilities_only(wrong: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        stats.holm([0.5, wrong])


@pytest.mark.parametrize(("comparisons", "rounds"), [(1, 6), (2, 7), (3, 7), (6, 8), (7, 9), (100, 12)])
def test_so_many_rounds_can_be_significant(comparisons: int, rounds: int) -> None:
    assert stats.rounds_needed(comparisons) == rounds
    clear = stats.sign_flip([2.0] * rounds, [1.0] * rounds)
    assert max(stats.holm([clear] * comparisons)) < 0.05
    unclear = stats.sign_flip([2.0] * (rounds - 1), [1.0] * (rounds - 1))
    assert max(stats.holm([unclear] * comparisons)) >= 0.05


def test_a_p_that_equals_alpha_is_not_below_it() -> None:
    assert stats.rounds_needed(1, 0.25) == 4
    assert stats.rounds_needed(1, 0.9) == 2


@pytest.mark.parametrize(("comparisons", "alpha"), [(0, 0.05), (1, 0.0), (1, 1.0), (1, math.nan)])
def test_rounds_are_needed_for_something(comparisons: int, alpha: float) -> None:
    with pytest.raises(ValueError, match="one comparison or more"):
        stats.rounds_needed(comparisons, alpha)


# Percentiles.


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60).map(sorted), st.integers(0, 100_000))
def test_a_percentile_is_the_smallest_value_with_so_many_at_or_below(values: list[int], thousandths: int) -> None:
    share = Fraction(thousandths, 100_000)
    enough = [value for value in values if sum(each <= value for each in values) >= share * len(values)]
    assert stats.percentile(values, thousandths / 1000) == enough[0]


@pytest.mark.parametrize(
    ("count", "q", "rank"),
    [(1000, 99.9, 999), (10_000, 99.99, 9999), (1000, 50, 500), (3, 50, 2), (1, 0, 1), (7, 0, 1), (7, 100, 7)],
)
def test_rounding_does_not_move_a_percentile(count: int, q: float, rank: int) -> None:
    assert stats.percentile(range(1, count + 1), q) == rank


@pytest.mark.parametrize(("values", "q"), [([], 50), ([1], -0.1), ([1], 100.1), ([1], math.nan)])
def test_a_percentile_needs_values_and_a_percentage(values: list[int], q: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        stats.percentile(values, q)


# What cannot be compared.


@pytest.mark.parametrize("compare", [lambda one, other: stats.ratio(one, other, 1), stats.t_ratio, stats.sign_flip])
@pytest.mark.parametrize(
    ("arm", "baseline", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], "in pairs: 2 of the arm, 3 of the baseline"),
        ([1.0], [1.0], "two rounds or more, not 1"),
        ([], [], "two rounds or more, not 0"),
        ([1.0, 0.0], [1.0, 1.0], "above 0"),
        ([1.0, 1.0], [-1.0, 1.0], "above 0"),
        ([1.0, math.nan], [1.0, 1.0], "finite"),
        ([1.0, 1.0], [1.0, math.inf], "finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    compare: Callable[[list[float], list[float]], object], arm: list[float], baseline: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        compare(arm, baseline)


@pytest.mark.parametrize("interval", [stats.median_interval, stats.mean_interval])
@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.inf], [math.nan, 1.0]])
def test_an_interval_needs_two_finite_rounds(
    interval: Callable[[Sequence[float], int], Interval], values: list[float]
) -> None:
    with pytest.raises(ValueError, match=r"two rounds or more|finite"):
        interval(values, 1)
