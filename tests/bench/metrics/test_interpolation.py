import numpy as np
import pytest
import torch

from bench.metrics import (
    MetricError,
    RealManifold,
    interpolation_evenness,
    interpolation_precision,
    precision_recall_density_coverage,
)


def _path(*positions):
    """Images of four equal pixels at the given grey values."""
    return np.repeat(np.array(positions, dtype=float), 4).reshape(len(positions), 2, 2)


def test_a_straight_line_of_images_is_perfectly_even():
    evenness = interpolation_evenness(_path(0.0, 0.25, 0.5, 0.75, 1.0)[np.newaxis])
    assert evenness == pytest.approx(1.0)
    assert type(evenness) is float


def test_one_jump_scores_one_over_the_number_of_steps():
    assert interpolation_evenness(_path(0, 0, 0, 1, 1)[np.newaxis]) == pytest.approx(1 / 4)


def test_paths_are_averaged_and_steps_are_lengths_not_signed():
    even, uneven = _path(0, 1, 2), _path(0, 1, -2)  # steps 1, 1 and 1, 3
    paths = torch.tensor(np.stack([even, uneven]), dtype=torch.float32, requires_grad=True)
    assert interpolation_evenness(paths) == pytest.approx((1 + (1 + 3) / 2 / 3) / 2)


def test_a_path_that_stands_still_is_left_out():
    paths = np.stack([_path(1, 1, 1), _path(0, 0, 1)])
    assert interpolation_evenness(paths) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (np.ones((2, 5, 3)), "none of the 2 paths changes; evenness is undefined"),
        (np.ones((2, 2, 3)), r"paths has shape \(2, 2, 3\); \[P, T, ...\] with T >= 3"),
        (np.ones((2, 5)), r"paths has shape \(2, 5\); \[P, T, ...\]"),
        (np.full((2, 5, 3), np.nan), "paths holds NaN"),
    ],
)
def test_bad_paths_are_named(paths, message):
    with pytest.raises(MetricError, match=message):
        interpolation_evenness(paths)


def test_precision_is_the_precision_of_the_midpoints():
    generator = np.random.default_rng(0)
    real, midpoints = generator.normal(size=(60, 3)), generator.normal(0.5, 1.5, (40, 3))
    expected = precision_recall_density_coverage(real, midpoints, k=3)["precision"]
    assert 0.2 < expected < 0.9
    assert interpolation_precision(real, midpoints, k=3) == expected
    assert interpolation_precision(RealManifold(real, k=3), midpoints) == expected


def test_one_midpoint_is_enough_and_a_wrong_width_is_named():
    assert interpolation_precision(np.eye(9), np.full((1, 9), 1 / 9)) == 1.0
    with pytest.raises(MetricError, match="real has 9 columns and points has 4"):
        interpolation_precision(np.eye(9), np.eye(4))
