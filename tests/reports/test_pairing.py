"""What changed between two sweeps: pairs, differences against SciPy, and what counts as noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reports.metrics import METRICS
from reports.pairing import judge, pair
from reports.statistics import Estimate
from reports.sweep import SweepError, read_sweep

MSE = METRICS["test_mse"]


@pytest.fixture
def small(sweep_writer):
    return replace(
        sweep_writer, latent_dims=(2, 8), kl_weights=(0.1, 1.0), pictures=False, skipped_devices=()
    )


@pytest.fixture
def two(small, tmp_path):
    """Write a sweep and a second one with other axes or changed results; read both."""

    def write(change=None, **axes):
        first = small.write()
        second = replace(small, directory=tmp_path / "second", **axes).write()
        if change:
            runs = pd.read_parquet(second / "results.parquet")
            change(runs)
            runs.to_parquet(second / "results.parquet")
        return read_sweep(first), read_sweep(second)

    return write


def cell(pairing, metric, family, latent_dim, kl_weight=None):
    cells = pairing.cells[pairing.cells["metric"] == metric]
    same = cells["kl_weight"].isna() if kl_weight is None else cells["kl_weight"] == kl_weight
    rows = cells[same & (cells["family"] == family) & (cells["latent_dim"] == latent_dim)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_sweep_equals_itself(two):
    pairing = pair(*two())
    assert set(pairing.cells["outcome"]) == {"equal"}
    assert (pairing.pairs, pairing.identical_ids) == (18, 18)
    assert (pairing.only_first, pairing.only_second) == (0, 0)


def test_rounding_is_no_change(two):
    def round_off(runs):
        runs["test_mse"] *= 1 + 1e-8

    assert set(pair(*two(round_off)).cells["outcome"]) == {"equal"}


def test_differences_are_those_of_a_paired_t_test(two):
    def shift(runs):
        runs["test_mse"] += 0.01 * (1 + 0.1 * np.arange(len(runs)) % 3)

    first, second = two(shift)
    found = cell(pair(first, second), "test_mse", "vae", 8, 0.1)
    a, b = (
        sweep.runs.query("objective == 'vae' and latent_dim == 8 and kl_weight == 0.1")
        for sweep in (first, second)
    )
    expected = stats.ttest_rel(b["test_mse"], a["test_mse"]).confidence_interval(0.95)
    assert [found["low"], found["high"]] == pytest.approx([expected.low, expected.high])
    assert (found["outcome"], found["n"]) == ("worse", 3)


def test_other_seeds_are_compared_by_welch(two):
    first, second = two(seeds=(5, 6, 7, 8))
    pairing = pair(first, second)
    assert not pairing.cells["paired"].any()
    assert pairing.pairs == 0
    found = cell(pairing, "test_rate_nats", "vae", 8, 1.0)
    a, b = (
        sweep.runs.query("latent_dim == 8 and kl_weight == 1.0")["test_rate_nats"]
        for sweep in (first, second)
    )
    expected = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    assert [found["low"], found["high"]] == pytest.approx([expected.low, expected.high])


def test_one_seed_cannot_be_told_from_noise(two):
    def shift(runs):
        runs["test_mse"] *= 2

    assert cell(pair(*two(shift, seeds=(0,))), "test_mse", "ae", 2)["outcome"] == "one seed"


def test_a_changed_setting_is_compared_and_a_shared_axis_tells_configurations_apart(two):
    first, second = two(columns={"epochs": 80})
    assert pair(first, second).pairs == 18
    both = pair(*two(devices=("cpu", "cuda")))
    assert both.shared_axes == ("device",)
    assert set(both.cells["device"]) == {"cpu"}
    assert both.only_second == 6


@pytest.mark.parametrize(
    ("posteriors", "family", "only_second"),
    [(("diagonal", "full"), "vae diagonal", 4), (("full",), "vae", 0)],
)
def test_a_posterior_tells_families_apart_where_both_sweeps_have_it(
    two, posteriors, family, only_second
):
    first, second = two()
    is_vae = second.runs["objective"] == "vae"
    several = [second.runs[is_vae].assign(posterior=posterior) for posterior in posteriors]
    pairing = pair(first, replace(second, runs=pd.concat([second.runs[~is_vae], *several])))
    assert set(pairing.cells["family"]) == {"ae", family}
    assert (pairing.pairs, pairing.only_first, pairing.only_second) == (18, 0, only_second)


def test_what_only_one_has_is_counted(two):
    pairing = pair(*two(kl_weights=(0.1, 0.3)))
    assert (pairing.only_first, pairing.only_second) == (2, 2)
    assert set(pairing.cells["kl_weight"].dropna()) == {0.1}


def test_the_overall_difference_is_over_seeds_of_means_over_configurations(two):
    def shift(runs):
        runs["test_mse"] += 0.001 * runs["seed"]

    pairing = pair(*two(shift))
    expected = stats.t.interval(0.95, 2, 0.001, stats.sem([0.0, 0.001, 0.002]))
    found = pairing.overall(MSE)
    assert [found.low, found.high] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "mean", "half_width", "outcome"),
    [
        ("test_mse", 1.0, 0.5, "worse"),
        ("test_mse", -1.0, 0.5, "better"),
        ("prior_coverage", 1.0, 0.5, "better"),
        ("prior_coverage", 0.1, 0.5, "within noise"),
        ("test_rate_nats", 1.0, 0.5, "changed"),
    ],
)
def test_a_difference_is_judged_by_the_direction_of_its_metric(metric, mean, half_width, outcome):
    assert judge(Estimate(mean, half_width, 3), METRICS[metric]) == outcome


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"columns": {"dataset": "mnist"}}, r"different data sets \(digits and mnist\)"),
        ({"latent_dims": (3,)}, "no configuration in common"),
        ({"devices": (), "skipped_devices": ("cuda",)}, "no run is ok"),
    ],
)
def test_sweeps_with_nothing_in_common_are_refused(two, axes, message):
    with pytest.raises(SweepError, match=message):
        pair(*two(**axes))
