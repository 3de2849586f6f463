"""Sprites drawn from five known factors, in the style of dSprites.

Shape, scale, orientation and position are those of dSprites (Matthey et al. 2017); the drawing is
our own, so scores compare with published ones only roughly. Orientation is not fully identifiable:
a square looks the same after a quarter turn, an ellipse after half a turn, so that some images
occur several times in the grid.

All sprites are 720 stamps of 32×32 pixels, moved by whole pixels: 12,000 images are drawn in 0.3 s.
Reading them from a cache would save little, so there is none.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from vae_core.data.dataset import DataError, Dataset, Factors
from vae_core.data.request import Request

NAMES = ("shape", "scale", "orientation", "position_x", "position_y")
SHAPES = ("square", "ellipse", "heart")
SCALES = np.linspace(0.5, 1.0, 6)
ORIENTATIONS = np.arange(40) * (2 * np.pi / 40)
"""Radians, counter-clockwise. dSprites has 0 and 2π, which look the same; here each is another."""

POSITIONS = 32
SIZES = (len(SHAPES), len(SCALES), len(ORIENTATIONS), POSITIONS, POSITIONS)
GRID_SIZE = int(np.prod(SIZES))

TRAIN_SIZE = 10_000
TEST_SIZE = 2_000
CHOICE_SEED = 0

IMAGE_SIDE = 64
STAMP_SIDE = 32
"""The largest sprite fits in: its centre moves over 32 whole pixels of 64."""

# A pixel centre on the outline belongs to the sprite, whichever way the last bit was rounded.
OUTLINE = 1e-9


def load(request: Request) -> Dataset:
    """Binary images ``[N, 1, 64, 64]`` of a fixed random part of the grid; the label is the shape.

    Training images are the first and test images the last of one permutation of the grid, so parts
    of other sizes hold or are held by the usual ones, and no grid point is in both.

    Raises
    ------
    DataError
        When more images are asked for than the grid has points.
    """
    train_size = TRAIN_SIZE if request.train_size is None else request.train_size
    test_size = TEST_SIZE if request.test_size is None else request.test_size
    if train_size + test_size > GRID_SIZE:
        raise DataError(
            f"data.train_size: {train_size} with {test_size} test images is not allowed; sprites "
            f"has {GRID_SIZE} images in all"
        )
    order = np.random.default_rng(CHOICE_SEED).permutation(GRID_SIZE)
    train = factors_of(order[:train_size])
    test = factors_of(order[GRID_SIZE - test_size :])
    factors = Factors(NAMES, SIZES, torch.from_numpy(train), torch.from_numpy(test))
    return Dataset(
        name="sprites",
        levels=1,
        train_images=torch.from_numpy(render(train)),
        train_labels=factors.train[:, 0].clone(),
        test_images=torch.from_numpy(render(test)),
        test_labels=factors.test[:, 0].clone(),
        factors=factors,
    )


def factors_of(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Factor values ``[N, 5]`` of points of the grid, numbered with the last factor fastest."""
    return np.stack(np.unravel_index(points, SIZES), axis=1).astype(np.int64)


def render(factors: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Draw images ``[N, 1, 64, 64]`` of 0 and 1 from factor values ``[N, 5]``.

    ``position_x`` counts pixels to the right, ``position_y`` pixels down.
    """
    shape, scale, orientation, x, y = factors.T
    images = np.zeros((len(factors), 1, IMAGE_SIDE, IMAGE_SIDE), dtype=np.uint8)
    # windows[n, i, j] is the part of image n that has its corner at row i and column j.
    windows = sliding_window_view(images[:, 0], (STAMP_SIDE,) * 2, axis=(1, 2), writeable=True)
    windows[np.arange(len(factors)), y, x] = stamps()[shape, scale, orientation]
    return images


def stamps() -> NDArray[np.uint8]:
    """Every sprite at the centre of its stamp, ``[3, 6, 40, 32, 32]`` of 0 and 1."""
    centres = (np.arange(STAMP_SIDE) + 0.5) / (STAMP_SIDE / 2) - 1
    right, up = centres, -centres[:, None]
    turn = ORIENTATIONS[:, None, None]
    size = SCALES[:, None, None, None]
    u = (right * np.cos(turn) + up * np.sin(turn)) / size
    v = (up * np.cos(turn) - right * np.sin(turn)) / size
    return np.stack([_square(u, v), _ellipse(u, v), _heart(u, v)]).astype(np.uint8)


# Each shape at scale 1 lies in the unit disc, so that no turn moves it out of its stamp.


def _square(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.bool_]:
    half_side = np.sqrt(0.5)
    inside: NDArray[np.bool_] = np.maximum(np.abs(u), np.abs(v)) <= half_side + OUTLINE
    return inside


def _ellipse(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = u**2 + (2 * v) ** 2 <= 1 + OUTLINE
    return inside


def _heart(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Inside of the sextic (x² + y² − 1)³ = x²y³, shifted to the middle of its height."""
    x, y = 1.4 * u, 1.4 * v + 0.12
    inside: NDArray[np.bool_] = (x**2 + y**2 - 1) ** 3 - x**2 * y**3 <= OUTLINE
    return inside
