"""Which latents are decoded beside the test codes."""

import numpy as np
import pytest
from scipy import stats

from bench.measure import latents
from bench.measure.latents import gaps, mixture_draws, plane_grid, straight_paths, traversals


@pytest.fixture
def two_clusters():
    """Codes of two well separated Gaussians, a quarter and three quarters of them."""
    generator = np.random.default_rng(0)
    left = generator.normal([-4, 0], [0.5, 1], (250, 2))
    right = generator.normal([4, 1], [0.5, 0.2], (750, 2))
    return np.concatenate([left, right]).astype(np.float32)


def test_draws_have_the_distribution_of_the_codes(two_clusters):
    draws = mixture_draws(two_clusters, 4000, seed=0)
    assert draws.shape == (4000, 2)
    assert draws.dtype == np.float32
    is_left = draws[:, 0] < 0
    assert is_left.mean() == pytest.approx(0.25, abs=0.03)
    for part, codes in (
        (draws[is_left], two_clusters[:250]),
        (draws[~is_left], two_clusters[250:]),
    ):
        for d in range(2):
            assert stats.ks_2samp(part[:, d], codes[:, d]).statistic < 0.08


def test_draws_are_a_function_of_the_seed(two_clusters):
    first = mixture_draws(two_clusters, 5, seed=1)
    np.testing.assert_array_equal(mixture_draws(two_clusters, 5, seed=1), first)
    assert not np.array_equal(mixture_draws(two_clusters, 5, seed=2), first)


@pytest.mark.parametrize("scale", [1e-6, 1e9])
def test_the_scale_of_codes_does_not_matter(two_clusters, scale):
    expected = mixture_draws(two_clusters, 50, seed=0) * scale
    found = mixture_draws((two_clusters * scale).astype(np.float32), 50, seed=0)
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-2 * scale)


def test_large_codes_in_more_dimensions_than_a_component_has_points_can_be_drawn_from():
    codes = np.random.default_rng(0).normal(0, 1e7, (60, 32)).astype(np.float32)
    assert np.isfinite(mixture_draws(codes, 20, seed=0)).all()


def test_any_seed_of_a_run_is_taken(two_clusters):
    assert mixture_draws(two_clusters, 5, seed=2**63 - 1).shape[0] == 5


def test_a_collapsed_code_is_drawn_again():
    codes = np.full((50, 3), 0.25, np.float32)
    np.testing.assert_allclose(mixture_draws(codes, 20, seed=0), 0.25, atol=0.01)


def test_fewer_codes_than_components_are_enough():
    codes = np.random.default_rng(0).standard_normal((4, 2)).astype(np.float32)
    assert mixture_draws(codes, 7, seed=0).shape == (7, 2)


def test_paths_are_straight_equally_spaced_and_hold_both_ends():
    codes = np.array([[0, 0], [3, 6], [1, 1]], np.float32)
    paths = straight_paths(codes, np.array([[0, 1], [1, 2]]), 4)
    np.testing.assert_allclose(paths[0], [[0, 0], [1, 2], [2, 4], [3, 6]])
    np.testing.assert_allclose(paths[1, [0, -1]], [[3, 6], [1, 1]])
    assert paths.dtype == np.float32


def test_the_grid_is_laid_out_as_a_picture_is_drawn():
    generator = np.random.default_rng(0)
    codes = generator.uniform([-1, 10], [1, 20], (5000, 2)).astype(np.float32)
    grid, axes = plane_grid(codes)
    side = latents.GRID_SIDE
    assert grid.shape == (side, side, 2)
    assert axes.shape == (2, side)
    np.testing.assert_allclose(axes[:, [0, -1]], [[-0.96, 0.96], [10.2, 19.8]], atol=0.05)
    for d in range(2):
        np.testing.assert_allclose(np.diff(axes[d]), np.diff(axes[d])[0], rtol=1e-3)
    for row in range(side):
        np.testing.assert_array_equal(grid[row, :, 0], axes[0])  # first coordinate to the right
        np.testing.assert_array_equal(grid[row, :, 1], axes[1][side - 1 - row])  # second one up


def test_gaps_lie_between_clusters_and_not_in_them(two_clusters):
    found = gaps(two_clusters)
    assert found.shape == (6, 2)
    assert (np.abs(found[:, 0]) < 2.5).mean() > 0.8
    distances = np.linalg.norm(found[:, None] - two_clusters[None], axis=-1).min(axis=1)
    among_codes = np.median(
        np.partition(np.linalg.norm(two_clusters[:, None] - two_clusters, axis=-1), 1)[:, 1]
    )
    assert distances.min() > 2 * among_codes


def test_gaps_of_a_collapsed_code_are_that_code():
    codes = np.full((20, 2), 0.25, np.float32)
    np.testing.assert_array_equal(gaps(codes), codes[:6])


def test_walks_hold_all_but_one_dimension(two_clusters):
    start = np.array([1.0, 2.0], np.float32)
    walks, values = traversals(start, two_clusters, np.array([1]), from_prior=False)
    assert (walks[0, :, 0] == 1).all()
    np.testing.assert_array_equal(walks[0, :, 1], values[0])
    mean, deviation = two_clusters[:, 1].mean(), two_clusters[:, 1].std()
    expected = mean + deviation * np.linspace(-2.5, 2.5, 7)
    np.testing.assert_allclose(values[0], expected, rtol=1e-4)
