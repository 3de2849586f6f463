from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reports.statistics import (
    adjust_for_multiplicity,
    bootstrap_interval,
    estimate,
    explained_variance,
    p_value,
    paired_difference,
    summarise,
)


def test_estimate_is_the_t_interval_of_scipy():
    values = np.array([0.88, 0.91, 0.86, 0.90])
    found = estimate(values)
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)
    assert found.n == 4


def test_estimate_of_one_value_has_no_interval():
    found = estimate([0.5])
    assert found.mean == 0.5
    assert math.isnan(found.half_width)
    assert not found.excludes_zero


def test_estimate_leaves_out_missing_values():
    assert estimate([1.0, np.nan, 3.0]) == estimate([1.0, 3.0])
    assert estimate([np.nan]).n == 0


@pytest.mark.parametrize(("values", "excluded"), [([1.0, 1.1, 0.9], True), ([-1, 0, 1.5], False)])
def test_estimate_says_whether_zero_is_excluded(values, excluded):
    assert estimate(values).excludes_zero is excluded


def test_summarise_agrees_with_scipy_in_each_group():
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"dim": np.repeat([2, 4], 5), "score": generator.normal(size=10)})
    summary = summarise(frame, ["dim"], "score").set_index("dim")
    for dim, values in frame.groupby("dim")["score"]:
        low, high = stats.t.interval(0.95, 4, loc=values.mean(), scale=stats.sem(values))
        assert summary.loc[dim, ["low", "high"]].tolist() == pytest.approx([low, high])


def test_summarise_keeps_null_groups_and_drops_unmeasured_ones():
    frame = pd.DataFrame(
        {"kl_weight": [np.nan, np.nan, 0.1, 0.3], "score": [1.0, 2.0, np.nan, 4.0]}
    )
    summary = summarise(frame, ["kl_weight"], "score")
    assert summary["n"].tolist() == [1, 2]
    assert summary["mean"].tolist() == [4.0, 1.5]
    assert math.isnan(summary["low"].iloc[0])


def test_summarise_cuts_intervals_to_the_range_of_the_metric():
    frame = pd.DataFrame({"a": [0, 0], "score": [0.7, 1.0]})
    summary = summarise(frame, ["a"], "score", bounds=(0.0, 1.0))
    assert (summary["low"].iloc[0], summary["high"].iloc[0]) == (0.0, 1.0)
    whole = stats.t.interval(0.95, 1, loc=0.85, scale=stats.sem([0.7, 1.0]))
    assert summary["half_width"].iloc[0] == pytest.approx((whole[1] - whole[0]) / 2)


def test_paired_difference_is_the_paired_t_interval_of_scipy():
    first = pd.DataFrame({"seed": [0, 1, 2, 3], "m": [1.0, 2.0, 3.0, 9.0]})
    second = pd.DataFrame({"seed": [2, 1, 0, 5], "m": [3.6, 2.5, 1.3, 0.0]})
    found = paired_difference(first, second, "m")
    reference = stats.ttest_rel([1.3, 2.5, 3.6], [1.0, 2.0, 3.0]).confidence_interval()
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high))
    assert found.n == 3


def test_paired_difference_without_common_seeds_is_empty():
    first = pd.DataFrame({"seed": [0], "m": [1.0]})
    second = pd.DataFrame({"seed": [1], "m": [1.0]})
    assert paired_difference(first, second, "m").n == 0


def test_explained_variance_follows_from_the_f_statistic_of_scipy():
    generator = np.random.default_rng(1)
    frame = pd.DataFrame({"axis": np.repeat([0, 1, 2], 6), "m": generator.normal(size=18)})
    frame["m"] += frame["axis"]
    f = stats.f_oneway(*(rows["m"] for _, rows in frame.groupby("axis"))).statistic
    assert explained_variance(frame, "axis", "m") == pytest.approx(2 * f / (2 * f + 15))


def test_explained_variance_of_a_constant_is_undefined():
    frame = pd.DataFrame({"axis": [0, 1], "m": [3.0, 3.0]})
    assert math.isnan(explained_variance(frame, "axis", "m"))


def test_the_bootstrap_interval_is_the_percentile_interval_of_scipy():
    values = np.random.default_rng(2).normal(1, 1, 12)
    found = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=20_000)
    expected = found.confidence_interval
    assert bootstrap_interval(values) == pytest.approx((expected.low, expected.high), abs=0.03)
    assert bootstrap_interval(values) == bootstrap_interval(values)


def test_a_bootstrap_of_few_values_stays_within_them():
    assert bootstrap_interval([1.0, 2.0, 4.0]) == (1.0, 4.0)
    assert all(math.isnan(end) for end in bootstrap_interval([1.0]))


def test_the_p_value_is_that_of_scipys_t_test():
    values = [0.3, 0.5, 0.1, 0.4]
    assert p_value(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert math.isnan(p_value([0.3]))


def test_differences_without_spread_are_certain():
    assert p_value([0.0, 0.0, 0.0]) == 1.0
    assert p_value([0.5, 0.5, 0.5]) == pytest.approx(2 * stats.t.sf(6, 2))


@pytest.mark.parametrize(
    ("raw", "adjusted"),
    [
        # By hand: from the smallest, p times the number still left, never falling, at most 1.
        ([0.01, 0.02, 0.03, 0.04, 0.05], [0.05, 0.08, 0.09, 0.09, 0.09]),
        ([0.04, 0.001, 0.5, 0.02], [0.08, 0.004, 0.5, 0.06]),
        ([0.9, 0.8], [1.0, 1.0]),
    ],
)
def test_holms_adjustment_steps_down(raw, adjusted):
    assert adjust_for_multiplicity(raw).tolist() == pytest.approx(adjusted)


def test_comparisons_without_a_p_value_do_not_count():
    found = adjust_for_multiplicity([0.03, math.nan, 0.01])
    assert found[[0, 2]].tolist() == pytest.approx([0.03, 0.02])
    assert math.isnan(found[1])


def test_holm_keeps_false_findings_of_many_null_comparisons_rare():
    noise = np.random.default_rng(3).normal(size=(400, 20, 5))
    p = stats.ttest_1samp(noise, 0, axis=2).pvalue
    found = [(adjust_for_multiplicity(row) <= 0.05).any() for row in p]
    assert np.mean(found) < 0.08
    assert (p <= 0.05).any(axis=1).mean() > 0.5


@pytest.mark.parametrize(("seeds", "excluded"), [(2, False), (3, True)])
@pytest.mark.parametrize("rounding", [0.0, 1e-12])
def test_one_step_of_a_coarse_value_in_every_seed_is_not_certain(seeds, excluded, rounding):
    """One image of 360 in each of two seeds proves nothing, for all that there is no spread."""
    differences = np.full(seeds, -1 / 360) + rounding * np.arange(seeds)
    assert estimate(differences).excludes_zero is excluded
    assert (p_value(differences) < 0.05) is excluded
