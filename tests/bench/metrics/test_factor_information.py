import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from bench.metrics import MetricError, modularity, mutual_information_gap


def _factors(seed=0, count=2000):
    """Return three independent factors of 3, 4 and 5 values."""
    generator = np.random.default_rng(seed)
    return np.column_stack([generator.integers(values, size=count) for values in (3, 4, 5)])


def _information_by_scikit_learn(codes, factors, bins=20):
    binned = [np.digitize(code, np.histogram(code, bins)[1][:-1]) for code in codes.T]
    return np.array([[mutual_info_score(f, code) for f in factors.T] for code in binned])


def _entropy_by_scikit_learn(factors):
    return np.array([mutual_info_score(f, f) for f in factors.T])


def _mixed(seed=0):
    factors = _factors(seed)
    generator = np.random.default_rng(seed + 1)
    codes = factors @ generator.normal(size=(3, 5)) + 0.3 * generator.normal(size=(2000, 5))
    return codes, factors


@pytest.mark.parametrize("bins", [5, 20])
def test_gap_agrees_with_scikit_learn_s_mutual_information(bins):
    codes, factors = _mixed()
    information = np.sort(_information_by_scikit_learn(codes, factors, bins), axis=0)[::-1]
    expected = ((information[0] - information[1]) / _entropy_by_scikit_learn(factors)).mean()
    gap = mutual_information_gap(codes, factors, bins)
    assert gap == pytest.approx(expected, rel=1e-10)
    assert type(gap) is float


def test_modularity_agrees_with_scikit_learn_s_mutual_information():
    codes, factors = _mixed(1)
    squared = _information_by_scikit_learn(codes, factors) ** 2
    best = squared.max(axis=1)
    expected = (1 - (squared.sum(axis=1) - best) / (best * 2)).mean()
    score = modularity(codes, factors)
    assert score == pytest.approx(expected, rel=1e-10)
    assert type(score) is float


def test_codes_that_are_the_factors_score_near_one():
    factors = _factors()
    for metric in (mutual_information_gap, modularity):
        assert metric(factors[:, [2, 0, 1]] * [1.0, -5.0, 0.1], factors) > 0.97


def test_rotated_codes_have_a_low_gap_and_modularity():
    factors = _factors()
    centred = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    even_turn = np.array([[2, -1, 2], [2, 2, -1], [-1, 2, 2]]) / 3  # orthogonal
    assert mutual_information_gap(centred @ even_turn, factors) < 0.25
    assert modularity(centred @ even_turn, factors) < 0.9


def test_noise_has_no_gap_but_half_modularity():
    noise = np.random.default_rng(9).normal(size=(2000, 12))
    assert mutual_information_gap(noise, _factors()) < 0.02
    assert 0.3 < modularity(noise, _factors()) < 0.8


def test_two_copies_of_the_best_code_have_no_gap():
    factors = _factors()
    assert mutual_information_gap(np.hstack([factors, factors]), factors) == 0.0


def test_the_maximum_of_a_code_falls_into_the_last_bin():
    # In two bins 0 … 2 | 2 … 4: the three values 2, 3, 4 share the upper one.
    codes = np.column_stack([np.tile([0.0, 1.0, 2.0, 3.0, 4.0], 4), np.zeros(20)])
    factor = np.tile([0, 0, 1, 1, 1], 4)
    assert mutual_information_gap(codes, factor, bins=2) == pytest.approx(1.0)


def test_constant_codes_carry_nothing_and_count():
    factors = _factors()
    codes = np.column_stack([factors, np.full((2000, 3), 0.1)])
    assert modularity(codes, factors) == pytest.approx(modularity(factors, factors) / 2)
    assert mutual_information_gap(codes, factors) == mutual_information_gap(factors, factors)
    assert mutual_information_gap(np.ones((2000, 2)), factors) == 0.0
    assert modularity(np.ones((2000, 2)), factors) == 0.0


def test_modularity_of_active_codes_leaves_dead_ones_out():
    factors = _factors()
    dead = 0.05 * np.random.default_rng(3).normal(size=(2000, 4))
    codes = np.hstack([factors, dead])
    assert modularity(codes, factors, active_only=True) == modularity(factors, factors)
    assert modularity(codes, factors) < 0.9
    with pytest.raises(MetricError, match=r"no code is active \(variance above 0.01\)"):
        modularity(dead, factors, active_only=True)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**16))
def test_order_of_points_codes_and_factors_does_not_matter(seed):
    codes, factors = _mixed(seed)
    generator = np.random.default_rng(seed)
    points, d, f = (generator.permutation(size) for size in (2000, 5, 3))
    for metric in (mutual_information_gap, modularity):
        expected = pytest.approx(metric(codes, factors), abs=1e-12)
        assert metric(codes[points][:, d], factors[points][:, f]) == expected


def test_names_of_the_values_do_not_matter_and_tensors_are_taken():
    codes, factors = _mixed()
    renamed = torch.tensor(7.5 - 2.5 * factors)
    assert mutual_information_gap(torch.tensor(codes), renamed) == pytest.approx(
        mutual_information_gap(codes, factors)
    )


@pytest.mark.parametrize("metric", [mutual_information_gap, modularity])
@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (np.eye(4), np.ones((4, 2)), r"factor 0 has one value only \(1\); two are needed"),
        (np.eye(4), np.array([[0, 0], [0, 1], [1, 2], [1, 3]]), "factor 1 never repeats a value"),
        (np.eye(4), np.ones((3, 2)), "codes has 4 points and factors has 3"),
        (np.full((4, 2), np.nan), np.ones((4, 2)), "codes holds NaN"),
    ],
)
def test_bad_input_is_named(metric, codes, factors, message):
    with pytest.raises(MetricError, match=message):
        metric(codes, factors)


def test_one_code_one_factor_or_one_bin_is_refused():
    codes, factors = _mixed()
    with pytest.raises(MetricError, match=r"codes has 1 column, shape \(2000, 1\); 2 are needed"):
        mutual_information_gap(codes[:, :1], factors)
    with pytest.raises(MetricError, match=r"factors has 1 column, shape \(2000, 1\); 2 are needed"):
        modularity(codes, factors[:, 0])
    with pytest.raises(MetricError, match="bins is 1; at least 2 is needed"):
        mutual_information_gap(codes, factors, bins=1)
    assert 0.0 <= modularity(codes[:, :1], factors) <= 1.0
