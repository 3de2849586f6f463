"""Which latents to decode beside the test codes: mixture draws, straight lines, a grid."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

Floats = NDArray[np.float32]

MIXTURE_COMPONENTS = 10
MIXTURE_FIT_LIMIT = 10_000
PATH_POINTS = 11
PICTURE_PATH_POINTS = 9
GRID_SIDE = 15
GRID_QUANTILES = (0.02, 0.98)


def mixture_draws(
    train_codes: Floats, count: int, *, components: int = MIXTURE_COMPONENTS, seed: int
) -> Floats:
    """Draws from a Gaussian mixture fitted to training codes ``[M, D]``: ``[count, D]``.

    Full covariances by expectation maximisation (Ghosh 2020, section 4): the density that an
    autoencoder's codes can be sampled from, and a fair second look at a VAE's. One component is
    the Gaussian with the codes' mean and covariance.
    """
    codes = train_codes[:MIXTURE_FIT_LIMIT].astype(np.float64)
    # Fitted to codes of unit scale: an autoencoder's may have any, and the floor under the
    # variances means nothing without one.
    scale = codes.std() or 1.0
    mixture = GaussianMixture(min(components, len(codes)), random_state=seed, reg_covar=1e-6)
    with warnings.catch_warnings():
        # Fewer different codes than components, or a slow fit: a density to draw from all the same.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(codes / scale)
    draws: NDArray[np.float64] = mixture.sample(count)[0] * scale
    return draws.astype(np.float32)


def straight_paths(codes: Floats, pairs: NDArray[np.int64], points: int) -> Floats:
    """Equally spaced codes on the lines between ``pairs`` ``[p, 2]`` of codes ``[N, D]``.

    Returns ``[p, points, D]``, both ends included.
    """
    start, end = codes[pairs[:, 0]], codes[pairs[:, 1]]
    share = np.linspace(0, 1, points, dtype=codes.dtype)[None, :, None]
    return start[:, None] + share * (end - start)[:, None]


def plane_grid(codes: Floats) -> tuple[Floats, Floats]:
    """Regular grid over the middle 96 % of two-dimensional codes ``[N, 2]``.

    Returns
    -------
    grid, axes
        ``[side, side, 2]``, first index from the largest second coordinate down, second index
        along the first coordinate up, as a picture is drawn; and ``[2, side]``, each ascending.
    """
    low, high = np.quantile(codes, GRID_QUANTILES, axis=0)
    axes = np.stack([np.linspace(low[d], high[d], GRID_SIDE) for d in range(2)])
    across, down = np.meshgrid(axes[0], axes[1][::-1])
    return np.stack([across, down], axis=-1).astype(np.float32), axes.astype(np.float32)
