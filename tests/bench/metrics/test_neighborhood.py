import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn import manifold
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from bench.metrics import (
    MetricError,
    Neighborhoods,
    distances,
    neighborhood_continuity,
    trustworthiness,
)


def _views(seed, count=150):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, 10))
    return x, x[:, :3] + 0.3 * generator.normal(size=(count, 3))


@pytest.mark.parametrize("k", [1, 5, 12, 40])
def test_agrees_with_scikit_learn_in_both_directions(k):
    x, z = _views(k)
    there, back = trustworthiness(x, z, k), neighborhood_continuity(x, z, k)
    assert there == pytest.approx(manifold.trustworthiness(x, z, n_neighbors=k), abs=1e-12)
    assert back == pytest.approx(manifold.trustworthiness(z, x, n_neighbors=k), abs=1e-12)
    assert type(there) is type(back) is float


def test_agrees_with_scikit_learn_on_images_up_to_ties():
    x = load_digits().data[:500] / 16
    z = PCA(2, random_state=0).fit_transform(x)
    expected = manifold.trustworthiness(x, z, n_neighbors=5)
    assert trustworthiness(x, z, 5) == pytest.approx(expected, abs=5e-4)
    assert neighborhood_continuity(x, z, 5) > expected  # PCA tears less than it folds


def test_a_similar_copy_keeps_all_and_noise_keeps_half():
    x, _ = _views(0, count=400)
    noise = np.random.default_rng(1).normal(size=(400, 2))
    assert trustworthiness(x, 2 * x + 1, 5) == neighborhood_continuity(x, 2 * x + 1, 5) == 1.0
    assert trustworthiness(x, noise, 5) == pytest.approx(0.5, abs=0.03)


def test_a_fold_is_untrustworthy_and_a_tear_is_discontinuous():
    line = np.linspace(0.0, 1.0, 101)[:, np.newaxis]
    folded = np.abs(line - 0.5)
    assert trustworthiness(line, folded, 3) < 0.8 < neighborhood_continuity(line, folded, 3)
    assert trustworthiness(folded, line, 3) > 0.8 > neighborhood_continuity(folded, line, 3)


def test_one_neighborhood_serves_many_embeddings():
    x, z = _views(2)
    kept = Neighborhoods(torch.tensor(x), 5)
    for codes in (z, z[:, :1]):
        assert kept.trustworthiness(torch.tensor(codes)) == trustworthiness(x, codes, 5)
        assert kept.continuity(codes) == neighborhood_continuity(x, codes, 5)


def test_blocks_change_nothing(monkeypatch):
    x, z = _views(3)
    whole = trustworthiness(x, z, 5), neighborhood_continuity(x, z, 5)
    monkeypatch.setattr(distances, "_BLOCK_NUMBERS", 1500)
    assert len(list(distances.distance_blocks(x, x))) > 5
    assert (trustworthiness(x, z, 5), neighborhood_continuity(x, z, 5)) == whole


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_rotation_of_either_space_and_order_do_not_matter(seed):
    x, z = _views(seed, count=60)
    order = np.random.default_rng(seed).permutation(60)
    turned_x = x @ ortho_group.rvs(10, random_state=seed % 1000)
    turned_z = z @ ortho_group.rvs(3, random_state=seed % 1000)
    for metric in (trustworthiness, neighborhood_continuity):
        expected = pytest.approx(metric(x, z, 5), abs=1e-12)
        assert metric(turned_x[order], turned_z[order], 5) == expected


@pytest.mark.parametrize("metric", [trustworthiness, neighborhood_continuity])
@pytest.mark.parametrize(
    ("x", "z", "k", "message"),
    [
        (np.eye(10), np.eye(10), 5, "k is 5; with 10 points it must be below half of them"),
        (np.eye(10), np.eye(10), 0, "k is 0; at least 1 is needed"),
        (np.eye(10), np.eye(12), 3, "x has 10 points and z has 12"),
        (np.eye(10), np.ones((10, 2)), 3, "z holds 10 equal points; they have no neighbours"),
        (np.ones((10, 2)), np.eye(10), 3, "x holds 10 equal points; they have no neighbours"),
        (np.eye(10), np.full((10, 2), np.nan), 3, "z holds NaN"),
    ],
)
def test_bad_input_is_named(metric, x, z, k, message):
    with pytest.raises(MetricError, match=message):
        metric(x, z, k)
