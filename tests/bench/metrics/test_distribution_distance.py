import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.stats import ortho_group
from sklearn.metrics.pairwise import polynomial_kernel

from bench.metrics import (
    FrechetReference,
    KernelReference,
    MetricError,
    distribution_distance,
    frechet_distance,
    kernel_distance,
)


def _two_sets(seed, width=5, sizes=(80, 110)):
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(width, width))
    return generator.normal(size=(sizes[0], width)) @ mixing, generator.normal(
        0.5, 1.0, (sizes[1], width)
    )


def _frechet_by_matrix_root(real, fake):
    a, b = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    shift = real.mean(axis=0) - fake.mean(axis=0)
    return shift @ shift + np.trace(a + b - 2 * sqrtm(a @ b).real)


def _kernel_by_scikit_learn(real, fake):
    def mean_off_diagonal(points):
        kernel = polynomial_kernel(points, degree=3, coef0=1)  # its default gamma is 1/D
        return (kernel.sum() - np.trace(kernel)) / (len(points) * (len(points) - 1))

    across = polynomial_kernel(real, fake, degree=3, coef0=1).mean()
    return mean_off_diagonal(real) + mean_off_diagonal(fake) - 2 * across


@pytest.mark.parametrize("width", [1, 2, 16, 40])
def test_frechet_agrees_with_scipy(width):
    real, fake = _two_sets(width, width)
    distance = frechet_distance(real, fake)
    if width == 1:
        expected = (real.mean() - fake.mean()) ** 2 + (real.std(ddof=1) - fake.std(ddof=1)) ** 2
    else:
        expected = _frechet_by_matrix_root(real, fake)
    assert distance == pytest.approx(expected, rel=1e-9)
    assert type(distance) is float


def test_frechet_of_diagonal_gaussians_is_the_closed_form():
    grid = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])  # covariance 4/3 I
    real, fake = grid * [3.0, 1.0], grid * [1.0, 2.0] + [5.0, 0.0]
    assert frechet_distance(real, fake) == pytest.approx(25 + 4 / 3 * ((3 - 1) ** 2 + (1 - 2) ** 2))


def test_frechet_of_a_set_with_itself_is_zero():
    real, _ = _two_sets(0, 16)
    assert frechet_distance(real, real) == pytest.approx(0.0, abs=1e-11)


def test_frechet_with_fewer_points_than_dimensions():
    real, fake = _two_sets(3, width=30, sizes=(12, 9))
    assert frechet_distance(real, fake) == pytest.approx(
        _frechet_by_matrix_root(real, fake), rel=1e-5
    )


def test_frechet_of_collapsed_samples_is_the_variance_lost_and_the_shift():
    real, _ = _two_sets(4)
    lost = np.trace(np.cov(real, rowvar=False))
    assert frechet_distance(real, np.repeat(real.mean(axis=0)[np.newaxis], 9, 0)) == pytest.approx(
        lost
    )


def test_frechet_is_biased_upwards_by_small_samples():
    generator = np.random.default_rng(0)
    distance = [frechet_distance(*generator.normal(size=(2, 1000, 16))) for _ in range(10)]
    expected = 2 * 16 / 1000 + 16 * 17 / (2 * 1000)  # to first order in 1/N, for N(0, I)
    assert np.mean(distance) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("width", [1, 5, 30])
def test_kernel_agrees_with_scikit_learn(width):
    real, fake = _two_sets(width, width)
    distance = kernel_distance(real, fake)
    assert distance == pytest.approx(_kernel_by_scikit_learn(real, fake), rel=1e-9)
    assert type(distance) is float


def test_kernel_is_unbiased_and_so_takes_both_signs():
    generator = np.random.default_rng(1)
    distances = [kernel_distance(*generator.normal(size=(2, 60, 3))) for _ in range(200)]
    standard_error = np.std(distances) / np.sqrt(200)
    assert min(distances) < 0 < max(distances)
    assert abs(np.mean(distances)) < 3 * standard_error


def test_kernel_blocks_change_nothing(monkeypatch):
    real, fake = _two_sets(2)
    whole = kernel_distance(real, fake)
    monkeypatch.setattr(distribution_distance, "_BLOCK_ROWS", 7)
    assert kernel_distance(real, fake) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize(
    ("reference", "function"),
    [(FrechetReference, frechet_distance), (KernelReference, kernel_distance)],
)
def test_one_reference_serves_many_sets(reference, function):
    real, fake = _two_sets(6)
    kept = reference(torch.tensor(real))
    assert kept.distance(fake) == function(real, fake)
    assert kept.distance(torch.tensor(fake + 1)) == function(real, fake + 1)
    assert kept.distance(fake + 3) > kept.distance(fake)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("function", [frechet_distance, kernel_distance])
def test_rotation_and_order_do_not_matter_and_distance_is_symmetric(function, seed):
    real, fake = _two_sets(seed)
    turn = ortho_group.rvs(5, random_state=seed % 1000)
    order = np.random.default_rng(seed).permutation
    expected = pytest.approx(function(real, fake), rel=1e-9, abs=1e-9)
    assert function(order(real @ turn), order(fake @ turn)) == expected
    assert function(fake, real) == expected


@pytest.mark.parametrize("function", [frechet_distance, kernel_distance])
@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (np.ones((1, 3)), np.eye(3), "real has 1 points; at least 2 are needed"),
        (np.eye(3), np.ones((1, 3)), "fake has 1 points; at least 2 are needed"),
        (np.eye(3), np.eye(4), "real has 3 columns and fake has 4"),
        (np.eye(3), np.full((3, 3), np.nan), "fake holds NaN"),
    ],
)
def test_bad_input_is_named(function, real, fake, message):
    with pytest.raises(MetricError, match=message):
        function(real, fake)
