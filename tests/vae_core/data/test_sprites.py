"""Sprites: the factors are what one sees, and every machine draws the same."""

import numpy as np
import pytest
import torch

from vae_core import DataError, load_dataset
from vae_core.data.sprites import GRID_SIZE, SIZES, factors_of, render, stamps

SQUARE, ELLIPSE, HEART = range(3)


def drawn(shape=SQUARE, scale=5, orientation=0, x=10, y=20):
    return render(np.array([[shape, scale, orientation, x, y]]))[0, 0]


@pytest.fixture(scope="module")
def dataset():
    return load_dataset("sprites")


def test_the_data_set_is_what_it_says(dataset):
    assert dataset.train_images.shape == (10_000, 1, 64, 64)
    assert dataset.test_images.shape == (2_000, 1, 64, 64)
    assert dataset.train_images.dtype == torch.uint8
    assert (dataset.levels, dataset.train_images.unique().tolist()) == (1, [0, 1])
    factors = dataset.factors
    assert factors.names == ("shape", "scale", "orientation", "position_x", "position_y")
    assert factors.sizes == (3, 6, 40, 32, 32)
    assert (factors.train.shape, factors.train.dtype) == ((10_000, 5), torch.int64)
    assert torch.equal(dataset.test_labels, factors.test[:, 0])


def test_every_machine_draws_the_same(dataset):
    assert dataset.content_hash == load_dataset("sprites").content_hash == "0cd9783723f4ba03"


def test_every_value_of_every_factor_occurs_about_equally_often(dataset):
    for column, size in zip(dataset.factors.train.T, SIZES, strict=True):
        counts = np.bincount(column, minlength=size)
        expected = 10_000 / size
        assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_no_grid_point_stands_twice(dataset):
    every = torch.cat([dataset.factors.train, dataset.factors.test]).numpy()
    assert len(np.unique(np.ravel_multi_index(tuple(every.T), SIZES))) == 12_000


def test_points_of_the_grid_and_factors_are_one_to_one():
    points = np.array([0, 1, 32, GRID_SIZE - 1])
    assert factors_of(points).tolist() == [
        [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0], [2, 5, 39, 31, 31]
    ]  # fmt: skip


def test_a_larger_data_set_holds_the_usual_one(dataset):
    larger = load_dataset("sprites", train_size=10_500, test_size=2_100)
    assert torch.equal(larger.train_images[:10_000], dataset.train_images)
    assert torch.equal(larger.test_images[100:], dataset.test_images)
    assert load_dataset("sprites", train_size=7, test_size=3).train_images.shape[0] == 7


def test_more_than_the_grid_is_refused():
    message = r"^data\.train_size: 737000 with 2000 test images is not allowed; sprites has 737280 "
    with pytest.raises(DataError, match=message):
        load_dataset("sprites", train_size=737_000)


def test_areas_are_those_of_the_shapes():
    """Mean over orientations; at scale 1 a sprite lies in a circle of radius 16 pixels."""
    areas = stamps().sum(axis=(3, 4)).mean(axis=2)
    squares = np.linspace(0.5, 1, 6) ** 2
    np.testing.assert_allclose(areas[SQUARE], 2 * 16**2 * squares, rtol=0.03)
    np.testing.assert_allclose(areas[ELLIPSE], np.pi * 16 * 8 * squares, rtol=0.03)
    np.testing.assert_allclose(areas[HEART], areas[HEART, -1] * squares, rtol=0.03)


def test_position_moves_a_sprite_by_whole_pixels():
    for shape in (SQUARE, ELLIPSE, HEART):
        here, there = drawn(shape, x=0, y=3), drawn(shape, x=31, y=13)
        np.testing.assert_array_equal(np.roll(here, (10, 31), axis=(0, 1)), there)


def test_x_is_to_the_right_and_y_is_down():
    rows, columns = np.nonzero(drawn(x=0, y=31))
    assert rows.mean() == pytest.approx(31 + 15.5)
    assert columns.mean() == pytest.approx(15.5)


def test_a_quarter_turn_is_ten_steps_counter_clockwise():
    for shape in (SQUARE, ELLIPSE, HEART):
        upright, turned = stamps()[shape, 3, 0], stamps()[shape, 3, 10]
        np.testing.assert_array_equal(np.rot90(upright), turned)


def test_symmetric_shapes_hide_their_orientation():
    shapes = stamps()
    np.testing.assert_array_equal(shapes[SQUARE, :, 3], shapes[SQUARE, :, 13])
    np.testing.assert_array_equal(shapes[ELLIPSE, :, 3], shapes[ELLIPSE, :, 23])
    assert (shapes[ELLIPSE, :, 3] != shapes[ELLIPSE, :, 13]).any()
    hearts = shapes[HEART, 5].reshape(40, -1)
    assert len(np.unique(hearts, axis=0)) == 40


def test_a_heart_has_two_lobes_above_and_a_tip_below():
    heart = stamps()[HEART, 5, 0]
    np.testing.assert_array_equal(heart, heart[:, ::-1])
    rows = np.flatnonzero(heart.any(axis=1))
    top, bottom = heart[rows[0]], heart[rows[-1]]
    assert (np.diff(top.astype(int), prepend=0) == 1).sum() == 2
    assert 0 < bottom.sum() <= 4


def test_no_sprite_leaves_its_image():
    corners = [(0, 0), (31, 31), (0, 31), (31, 0)]
    for shape in range(3):
        areas = {int(drawn(shape, 5, 7, x, y).sum()) for x, y in corners}
        assert areas == {int(stamps()[shape, 5, 7].sum())}
