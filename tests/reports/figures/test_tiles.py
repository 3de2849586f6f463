from __future__ import annotations

import numpy as np
import pytest

from reports.figures.tiles import as_colour, centres, tile


def test_images_stand_row_by_row_with_background_between():
    images = np.stack([np.full((8, 8), value, np.uint8) for value in (10, 20, 30)])
    sheet = tile(images, 2, "#ff0000")
    assert sheet.shape == (17, 17, 3)
    assert (sheet[:8, :8] == 10).all()
    assert (sheet[:8, 9:] == 20).all()
    assert (sheet[9:, :8] == 30).all()
    assert (sheet[8] == [255, 0, 0]).all()
    assert (sheet[9:, 9:] == [255, 0, 0]).all()


def test_colour_images_stay_as_they_are():
    images = np.random.default_rng(0).integers(0, 255, (2, 4, 6, 3), dtype=np.uint8)
    sheet = tile(images, 2, "#ffffff")
    assert (sheet[:, :6] == images[0]).all()
    assert (sheet[:, 7:] == images[1]).all()


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\[n, H, W\] or \[n, H, W, 3\], not \[2, 4, 4, 2\]"):
        as_colour(np.zeros((2, 4, 4, 2), np.uint8))


def test_centres_are_the_middles_of_tiles():
    sheet = tile(np.full((3, 28, 28), 200, np.uint8), 3, "#000000")
    for middle in centres(3, 28):
        assert (sheet[:, int(middle) - 13 : int(middle) + 14] == 200).all()
