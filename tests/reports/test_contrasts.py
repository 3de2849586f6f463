from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reports.contrasts import contrasts, sentence
from reports.metrics import METRICS
from reports.study import Study, main_study
from reports.sweep import read_sweep

MSE = METRICS["test_mse"]
COVERAGE = METRICS["prior_coverage"]


def study_of(scores: dict[float | None, dict[int, list[float]]], column: str = "test_mse") -> Study:
    """Scores by KL weight (None for the AE), latent dimension and seed."""
    rows = [
        {
            "family": "ae" if weight is None else "vae",
            "latent_dim": float(dim),
            "kl_weight": np.nan if weight is None else weight,
            "seed": float(seed),
            column: score,
        }
        for weight, by_dim in scores.items()
        for dim, values in by_dim.items()
        for seed, score in enumerate(values)
    ]
    return Study(None, pd.DataFrame(rows), {})


AE = {2: [1.0, 1.1, 1.3], 4: [0.8, 0.7, 0.9]}
WEAK = {2: [1.2, 1.4, 1.4], 4: [0.9, 0.8, 1.2]}
STRONG = {2: [3.1, 3.0, 3.3], 4: [2.9, 2.8, 2.9]}


def test_each_weight_is_held_against_the_ae_and_the_weight_before_it():
    table = contrasts(study_of({None: AE, 0.1: WEAK, 1.0: STRONG}), [MSE])
    pairs = table[["kl_weight", "against"]].to_numpy()
    np.testing.assert_array_equal(pairs, [[0.1, np.nan], [1.0, np.nan], [1.0, 0.1]])


def test_a_difference_is_that_of_scipy_paired_by_seed_over_means_of_dimensions():
    table = contrasts(study_of({None: AE, 0.1: WEAK, 1.0: STRONG}), [MSE])
    sides = {np.nan: AE, 0.1: WEAK, 1.0: STRONG}
    by_seed = {key: np.mean(list(side.values()), axis=0) for key, side in sides.items()}
    for row in table.itertuples():
        first = by_seed[0.1] if row.against == 0.1 else by_seed[np.nan]
        expected = stats.ttest_rel(by_seed[row.kl_weight], first)
        interval = expected.confidence_interval()
        assert (row.low, row.high) == pytest.approx((interval.low, interval.high))
        assert row.p == pytest.approx(expected.pvalue)
        assert row.low < row.bootstrap_low < row.mean < row.bootstrap_high < row.high
        assert (row.n, row.dimensions) == (3, 2)


def test_p_values_of_all_metrics_are_adjusted_together():
    study = study_of({None: AE, 1.0: STRONG})
    runs = study.runs.assign(prior_coverage=1 - study.runs["test_mse"] / 10)
    both = contrasts(Study(None, runs, {}), [MSE, COVERAGE])
    alone = contrasts(study, [MSE])
    assert len(both) == 2 * len(alone) == 2
    assert both["p_holm"].tolist() == pytest.approx([2 * alone["p"][0]] * 2)


def test_what_is_better_depends_on_the_metric():
    for column, verdict in (("test_mse", "worse"), ("prior_coverage", "better")):
        table = contrasts(study_of({None: AE, 1.0: STRONG}, column), [METRICS[column]])
        assert table["verdict"].tolist() == [verdict]


def test_the_sentence_says_what_is_established_and_what_is_not():
    noisy = {2: [0.5, 1.4, 1.4], 4: [0.9, 0.5, 1.2]}
    table = contrasts(study_of({None: AE, 0.1: noisy, 1.0: STRONG}), [MSE])
    assert sentence(table, MSE, "VAE") == "test MSE: the VAE is worse at 1, open at 0.1"
    none = contrasts(study_of({None: AE, 0.1: noisy}), [MSE])
    expected = "test MSE: no difference between VAE and AE is established"
    assert sentence(none, MSE, "VAE") == expected


def test_a_dimension_that_lacks_a_seed_on_one_side_is_left_out():
    gap = {2: [1.2, 1.4, 1.4], 4: [0.9, 0.8]}
    (row,) = contrasts(study_of({None: AE, 0.1: gap}), [MSE]).itertuples()
    assert (row.n, row.dimensions) == (3, 1)
    assert row.mean == pytest.approx(np.mean([0.2, 0.3, 0.1]))


def test_one_seed_has_a_difference_and_no_verdict():
    table = contrasts(study_of({None: {2: [1.0]}, 0.1: {2: [1.5]}}), [MSE])
    assert table["mean"].tolist() == [0.5]
    assert table[["low", "bootstrap_low", "p", "p_holm"]].isna().all(axis=None)
    assert table["verdict"].tolist() == ["open"]


def test_without_a_pair_there_is_no_contrast():
    assert contrasts(study_of({None: AE, 0.1: {8: [1.0, 1.1]}}), [MSE]).empty
    assert contrasts(study_of({0.1: WEAK}), [MSE]).empty


def test_most_of_a_default_sweep_is_established(default_sweep):
    table = contrasts(main_study(read_sweep(default_sweep)), [MSE, COVERAGE])
    assert len(table) == 2 * (6 + 5)
    against_ae = table[(table["metric"] == "prior_coverage") & table["against"].isna()]
    assert set(against_ae["verdict"]) == {"better"}
