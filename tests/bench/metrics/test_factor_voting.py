"""Codes made from known factors, whose score follows from how they were made."""

import numpy as np
import pytest
import torch

from bench.metrics import MetricError, factor_vae_score

SIZES = (3, 4, 5)


@pytest.fixture(scope="module")
def factors():
    generator = np.random.default_rng(0)
    return np.column_stack([generator.integers(size, size=3000) for size in SIZES])


def test_one_code_a_factor_scores_one_in_any_order_and_scale(factors):
    codes = factors[:, [2, 0, 1]] * [100.0, -1.0, 0.5]
    assert factor_vae_score(codes, factors) == 1.0


def test_two_codes_may_stand_for_one_factor(factors):
    codes = np.column_stack([factors, factors[:, 0] ** 2])
    assert factor_vae_score(codes, factors) == 1.0


def test_codes_of_noise_score_as_chance_does(factors):
    codes = np.random.default_rng(2).normal(size=(3000, 4))
    assert factor_vae_score(codes, factors) == pytest.approx(1 / 3, abs=0.03)


def test_two_codes_that_mix_two_factors_evenly_cannot_tell_them_apart(factors):
    f, g, h = ((factors - factors.mean(axis=0)) / factors.std(axis=0)).T
    mixed = np.column_stack([f + g, f - g, h])
    assert factor_vae_score(mixed, factors) == pytest.approx((1 / 2 + 1 / 2 + 1) / 3, abs=0.03)


def test_a_code_that_two_factors_share_names_one_of_them(factors):
    shared = np.column_stack([factors[:, 0] + factors[:, 1], factors[:, 2]])
    assert factor_vae_score(shared, factors) == pytest.approx(2 / 3, abs=0.03)


def test_dead_codes_get_no_votes(factors):
    """Of the two last codes, one stands still always and one all but follows the first factor."""
    quiet = np.column_stack([np.full(3000, 7.0), 0.06 * factors[:, 0]])
    assert quiet[:, 1].std() < 0.05
    assert factor_vae_score(np.column_stack([factors, quiet]), factors) == 1.0
    assert factor_vae_score(np.column_stack([factors[:, 1:], quiet]), factors) < 0.8
    assert factor_vae_score(quiet, factors) == 0.0


def test_votes_are_seeded(factors):
    codes = factors @ np.random.default_rng(1).normal(size=(3, 2))
    scores = [factor_vae_score(codes, factors, seed=seed) for seed in (1, 1, 2)]
    assert scores[0] == scores[1] != scores[2]
    tensors = torch.tensor(codes), torch.tensor(factors)
    assert factor_vae_score(*tensors, seed=1) == scores[0]


def test_a_value_that_occurs_once_is_never_held():
    """Held, it would leave every code still and vote for the first."""
    factors = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 20 + [[9, 0]])
    codes = factors[:, ::-1]
    assert factor_vae_score(codes, factors) == 1.0


@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (np.ones((4, 2)), [0, 1, 0, 1], "factors has 1 column"),
        (np.ones((4, 2)), [[0, 1]] * 4, "factor 0 has one value only"),
        (np.ones((4, 2)), np.column_stack([[0, 0, 1, 1], np.arange(4)]), "never repeats"),
        (np.full((4, 2), np.nan), [[0, 1], [1, 0]] * 2, "codes holds NaN"),
    ],
)
def test_bad_input_is_named(codes, factors, message):
    with pytest.raises(MetricError, match=message):
        factor_vae_score(codes, factors)
