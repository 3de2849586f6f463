import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from prdc import compute_prdc
from scipy.stats import ortho_group
from sklearn.datasets import load_digits

from bench.metrics import (
    MetricError,
    RealManifold,
    distances,
    precision_recall_density_coverage,
)


def _two_sets(seed, count=120, width=6):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, width)), generator.normal(0.3, 0.8, (count + 30, width))


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("width", [2, 16, 64])
def test_agrees_with_the_authors_package(k, width):
    real, fake = _two_sets(width, width=width)
    scores = precision_recall_density_coverage(real, fake, k)
    assert scores == pytest.approx(compute_prdc(real, fake, k), abs=1e-12)
    assert list(scores) == ["precision", "recall", "density", "coverage"]
    assert all(type(score) is float for score in scores.values())


def test_agrees_with_the_authors_package_on_images():
    images = load_digits().data / 16
    noise = np.random.default_rng(0).normal(0, 0.1, (300, 64))
    real, fake = images[:400], images[400:700] + noise
    expected = compute_prdc(real, fake, 5)
    assert precision_recall_density_coverage(real, fake) == pytest.approx(expected, abs=1e-12)
    assert 0.05 < expected["coverage"] < 0.95


def test_hand_built_balls_on_a_line():
    # Radii with k = 1: real 1, 1, 1, 8; fake 0.5, 0.5, 17. A point on a boundary is outside.
    real = np.array([[0.0], [1.0], [2.0], [10.0]])
    fake = np.array([[2.5], [3.0], [20.0]])
    assert precision_recall_density_coverage(real, fake, k=1) == {
        "precision": 2 / 3,  # 2.5 lies within 1 of 2, both 2.5 and 3 within 8 of 10; 20 nowhere
        "recall": 1 / 4,  # 10 lies within 17 of 20, 2 on the edge of 2.5's ball, 3's too short
        "density": 3 / 3,  # 2.5 in two balls, 3 in one
        "coverage": 2 / 4,  # 2 holds 2.5; 10 holds both
    }


def test_identical_sets_are_covered_wholly():
    real, _ = _two_sets(0)
    scores = precision_recall_density_coverage(real, real)
    assert set(scores.values()) == {1.0}  # the k-th neighbour lies on the ball, hence outside


def test_sets_far_apart_share_nothing():
    real, fake = _two_sets(0)
    scores = precision_recall_density_coverage(real, fake + 100.0)
    assert set(scores.values()) == {0.0}


def test_one_collapsed_sample_recalls_nothing():
    real, _ = _two_sets(0)
    scores = precision_recall_density_coverage(real, np.repeat(real[:1] * 0, 50, axis=0))
    assert scores["precision"] == 1.0
    assert scores["recall"] == 0.0
    assert scores["coverage"] < 1.0


def test_one_manifold_serves_many_sets_and_says_who_is_inside():
    real, fake = _two_sets(1)
    manifold = RealManifold(torch.tensor(real), k=4)
    for shift in (0.0, 1.0):
        samples = fake + shift
        scores = manifold.score(samples)
        assert scores == precision_recall_density_coverage(real, samples, k=4)
        inside = manifold.contains(torch.tensor(samples))
        assert inside.shape == (150,)
        assert inside.mean() == scores["precision"]


def test_blocks_change_nothing(monkeypatch):
    real, fake = _two_sets(2)
    whole = precision_recall_density_coverage(real, fake)
    monkeypatch.setattr(distances, "_BLOCK_NUMBERS", 1500)
    blocks = list(distances.distance_blocks(fake, real))
    assert len(blocks) > 5
    assert precision_recall_density_coverage(real, fake) == whole
    inside = RealManifold(real).contains(fake)
    assert inside.mean() == whole["precision"]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_rotation_and_order_do_not_matter(seed):
    real, fake = _two_sets(seed, count=60)
    turn = ortho_group.rvs(6, random_state=seed % 1000)
    order = np.random.default_rng(seed).permutation
    expected = precision_recall_density_coverage(real, fake)
    moved = precision_recall_density_coverage(order(real @ turn), order(fake @ turn))
    assert moved == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("real", "fake", "k", "message"),
    [
        (np.eye(5), np.eye(9)[:, :5], 5, "real has 5 points; more than k = 5 are needed"),
        (np.eye(9)[:, :5], np.eye(5), 5, "fake has 5 points; more than k = 5 are needed"),
        (np.eye(9), np.eye(8), 5, "real has 9 columns and fake has 8"),
        (np.eye(9), np.eye(9), 0, "k is 0; at least 1 is needed"),
        (np.eye(9), np.full((9, 9), np.inf), 5, "fake holds NaN or infinite"),
        (np.zeros((9, 2, 2)), np.eye(9), 5, r"real has shape \(9, 2, 2\); \[N, D\] is needed"),
    ],
)
def test_bad_input_is_named(real, fake, k, message):
    with pytest.raises(MetricError, match=message):
        precision_recall_density_coverage(real, fake, k)
