"""Which latents to decode beside the test codes: mixture draws, lines, a grid, walks, gaps."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

Floats = NDArray[np.float32]

MIXTURE_COMPONENTS = 10
PATH_POINTS = 11
PICTURE_PATH_POINTS = 9
GRID_SIDE = 15
GRID_QUANTILES = (0.02, 0.98)
TRAVERSED = 6
TRAVERSAL_POINTS = 7
TRAVERSAL_REACH = 2.5
GAPS = 6
GAP_CANDIDATES = 2_000
GAP_SEED = 0

SEEDS_OF_NUMPY = 1 << 32
"""scikit-learn takes seeds below this; a run's may be larger."""


def mixture_draws(
    train_codes: Floats, count: int, *, components: int = MIXTURE_COMPONENTS, seed: int
) -> Floats:
    """Draws from a Gaussian mixture fitted to training codes ``[M, D]``: ``[count, D]``.

    Full covariances by expectation maximisation (Ghosh 2020, section 4): the density that an
    autoencoder's codes can be sampled from, and a fair second look at a VAE's. One component is
    the Gaussian with the codes' mean and covariance.
    """
    codes = train_codes.astype(np.float64)
    # Fitted to codes of unit scale: an autoencoder's may have any, and the floor under the
    # variances means nothing without one.
    scale = codes.std() or 1.0
    mixture = GaussianMixture(
        min(components, len(codes)), random_state=seed % SEEDS_OF_NUMPY, reg_covar=1e-6
    )
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


def traversals(
    start: Floats, codes: Floats, dimensions: NDArray[np.int64], *, from_prior: bool
) -> tuple[Floats, Floats]:
    """Walks from one code along one latent dimension each, the others held.

    Parameters
    ----------
    start
        Code that is changed, ``[D]``.
    codes
        Test codes ``[N, D]``: where the walks of a model without a prior lie.
    dimensions
        ``[T]``, one walk each.
    from_prior
        Whether a walk covers N(0, 1), not the mean and standard deviation of the codes.

    Returns
    -------
    walks, values
        ``[T, points, D]``, and the values that the walked dimension takes, ``[T, points]``:
        2.5 standard deviations to either side.
    """
    steps = np.linspace(-TRAVERSAL_REACH, TRAVERSAL_REACH, TRAVERSAL_POINTS, dtype=np.float32)
    centre, scale = (
        (np.zeros(len(dimensions), np.float32), np.ones(len(dimensions), np.float32))
        if from_prior
        else (codes.mean(axis=0)[dimensions], codes.std(axis=0)[dimensions])
    )
    values = centre[:, None] + scale[:, None] * steps
    walks = np.tile(start, (len(dimensions), TRAVERSAL_POINTS, 1))
    np.put_along_axis(walks, dimensions[:, None, None], values[..., None], axis=2)
    return walks, values


def gaps(codes: Floats) -> Floats:
    """Points between codes ``[N, D]`` that lie farthest from any code, ``[gaps, D]``.

    Midpoints of random pairs of codes, so that every point lies inside the cloud, taken one after
    another where the nearest code or point taken before is farthest away. Distances are in
    standard deviations of each dimension.
    """
    scale = codes.std(axis=0)
    scaled = codes / np.where(scale > 0, scale, 1)
    pairs = np.random.default_rng(GAP_SEED).integers(len(codes), size=(GAP_CANDIDATES, 2))
    middles = scaled[pairs].mean(axis=1)
    distance, _ = cKDTree(scaled).query(middles)
    taken = []
    for _ in range(GAPS):
        taken.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(middles - middles[taken[-1]], axis=1))
    found: Floats = codes[pairs[taken]].mean(axis=1)
    return found
