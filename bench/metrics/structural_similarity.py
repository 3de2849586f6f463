"""Does a reconstruction keep the structure of its image? The structural similarity index (SSIM).

Knows images with a peak of 1. scikit-image and torchmetrics have the index too: the first takes one
image a call, the second a window larger than an 8×8 digit.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter

from bench.metrics.arrays import Array, Float64Array, MetricError, as_floats, require_same_shape

WINDOW = 7
"""Side of the window, pixels; the largest odd number that fits where images are smaller."""

_SMALLEST_SIDE = 3
_C1, _C2 = 0.01**2, 0.03**2
_BLOCK_NUMBERS = 2**20  # 8 MiB of float64 for each of the five filtered products


def ssim(x: npt.ArrayLike, reconstruction: npt.ArrayLike) -> float:
    """Return the structural similarity, mean over windows, channels and images, in [−1, 1].

    scikit-image's `structural_similarity(data_range=1)` at its defaults: a uniform window of 7×7
    pixels that lies wholly inside the image, sample variances (ddof = 1), K₁ = 0.01, K₂ = 0.03.
    Images with a side below 7 pixels get the largest odd window that fits.

    Parameters
    ----------
    x, reconstruction : arrays of one shape, [N, H, W] or [N, C, H, W], with a peak of 1.

    Raises
    ------
    MetricError
        If shapes differ, an image has a side below 3 pixels, or values are not finite.

    References
    ----------
    Wang et al. 2004, Image quality assessment, IEEE Trans. Image Processing 13, eq. 13.
    """
    return float(ssim_per_image(x, reconstruction).mean())


def ssim_per_image(x: npt.ArrayLike, reconstruction: npt.ArrayLike) -> Float64Array:
    """Return `ssim` of each image, [N]; same arguments and errors."""
    target = as_floats(x, "x")
    decoded = as_floats(reconstruction, "reconstruction")
    require_same_shape(target, "x", decoded, "reconstruction")
    if target.ndim not in (3, 4) or min(target.shape[-2:]) < _SMALLEST_SIDE:
        raise MetricError(
            f"x has shape {target.shape}; [N, H, W] or [N, C, H, W] with sides of at least "
            f"{_SMALLEST_SIDE} pixels is needed"
        )
    side = min(target.shape[-2:])
    window = min(WINDOW, side - 1 + side % 2)
    return np.concatenate(
        [
            _index(target[rows].astype(np.float64), decoded[rows].astype(np.float64), window)
            for rows in _blocks(target)
        ]
    )


def _blocks(images: Array) -> Iterator[slice]:
    height = max(1, _BLOCK_NUMBERS // int(np.prod(images.shape[1:])))
    for start in range(0, len(images), height):
        yield slice(start, start + height)


def _index(x: Float64Array, y: Float64Array, window: int) -> Float64Array:
    """Return the index of each image of two blocks [B, …, H, W]; [B]."""
    mean_x, mean_y = _window_means(x, window), _window_means(y, window)
    unbiased = window**2 / (window**2 - 1)
    variance_x = unbiased * (_window_means(x * x, window) - mean_x**2)
    variance_y = unbiased * (_window_means(y * y, window) - mean_y**2)
    covariance = unbiased * (_window_means(x * y, window) - mean_x * mean_y)
    likeness = (2.0 * mean_x * mean_y + _C1) * (2.0 * covariance + _C2)
    likeness /= (mean_x**2 + mean_y**2 + _C1) * (variance_x + variance_y + _C2)
    per_image: Float64Array = likeness.reshape(len(x), -1).mean(axis=1)
    return per_image


def _window_means(images: Float64Array, window: int) -> Float64Array:
    """Return the mean of every window inside the images, […, H − window + 1, W − window + 1]."""
    means: Float64Array = uniform_filter(images, window, axes=(-2, -1))
    edge = window // 2
    height, width = images.shape[-2:]
    return means[..., edge : height - edge, edge : width - edge]
