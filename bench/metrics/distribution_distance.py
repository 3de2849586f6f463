"""How far apart are two sets of features, as distributions? Fréchet and kernel distance.

Knows features only. Neither is an "FID" or "KID": those names belong to Inception features.
"""

import math

import numpy as np
import numpy.typing as npt

from bench.metrics.arrays import Float64Array, as_matrix64, require_same_width

_BLOCK_ROWS = 512


class FrechetReference:
    """Mean and covariance of the real data, computed once for many sets of samples.

    Parameters
    ----------
    real : [N, D] features, N >= 2.

    Raises
    ------
    MetricError
        If `real` has fewer than two points, is not [N, D], or holds NaN.
    """

    def __init__(self, real: npt.ArrayLike) -> None:
        self.mean, self.factor = _moments(as_matrix64(real, "real", min_rows=2))

    def distance(self, fake: npt.ArrayLike) -> float:
        """Return the squared Fréchet distance to `fake` [M, D]; see `frechet_distance`."""
        samples = as_matrix64(fake, "fake", min_rows=2)
        require_same_width(self.factor, "real", samples, "fake")
        mean, factor = _moments(samples)
        shift = mean - self.mean
        # With A = R'R and B = S'S, tr (AB)^½ is the sum of the singular values of RS': no matrix
        # square root is taken, so no rounding error is magnified under one.
        cross = np.linalg.svd(self.factor @ factor.T, compute_uv=False).sum()
        distance = shift @ shift + (self.factor**2).sum() + (factor**2).sum() - 2.0 * cross
        return max(float(distance), 0.0)


def frechet_distance(real: npt.ArrayLike, fake: npt.ArrayLike) -> float:
    """Return |μ−ν|² + tr(A + B − 2(AB)^½) between Gaussians fitted to two sets of features.

    Squared, as is the custom; covariances with ddof = 1. Biased upwards when the sets are small:
    state their sizes beside it. For many sets of samples, keep a `FrechetReference`.

    Parameters
    ----------
    real, fake : [N, D] and [M, D], at least two points each.

    Raises
    ------
    MetricError
        If a set has fewer than two points, widths differ, or values are not finite.

    References
    ----------
    Dowson & Landau 1982, J. Multivariate Analysis 12; Heusel et al. 2017, arXiv:1706.08500.
    """
    return FrechetReference(real).distance(fake)


class KernelReference:
    """The real data with their mean similarity to each other, computed once for many samples.

    Parameters
    ----------
    real : [N, D] features, N >= 2.

    Raises
    ------
    MetricError
        If `real` has fewer than two points, is not [N, D], or holds NaN.
    """

    def __init__(self, real: npt.ArrayLike) -> None:
        self.points = as_matrix64(real, "real", min_rows=2)
        self.self_similarity = _mean_similarity_within(self.points)

    def distance(self, fake: npt.ArrayLike) -> float:
        """Return the unbiased squared discrepancy to `fake` [M, D]; see `kernel_distance`."""
        samples = as_matrix64(fake, "fake", min_rows=2)
        require_same_width(self.points, "real", samples, "fake")
        across = _mean_similarity_across(self.points, samples)
        return self.self_similarity + _mean_similarity_within(samples) - 2.0 * across


def kernel_distance(real: npt.ArrayLike, fake: npt.ArrayLike) -> float:
    """Return the unbiased squared maximum mean discrepancy with kernel (a·b/D + 1)³.

    Over the full sets, not a mean of subsets; unbiased, so it may be negative. For many sets of
    samples, keep a `KernelReference`.

    Parameters
    ----------
    real, fake : [N, D] and [M, D], at least two points each.

    Raises
    ------
    MetricError
        If a set has fewer than two points, widths differ, or values are not finite.

    References
    ----------
    Gretton et al. 2012, JMLR 13, eq. 3; Bińkowski et al. 2018, arXiv:1801.01401, section 4.
    """
    return KernelReference(real).distance(fake)


def _moments(points: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return the mean [D] and a factor R [min(N, D), D] with covariance RᵀR."""
    mean = points.mean(axis=0)
    centred = (points - mean) / math.sqrt(len(points) - 1)
    return mean, np.asarray(np.linalg.qr(centred, mode="r"))


def _mean_similarity_within(points: Float64Array) -> float:
    """Return the mean kernel value over pairs of different points."""
    count = len(points)
    total = 0.0
    for start in range(0, count, _BLOCK_ROWS):
        block, later = points[start : start + _BLOCK_ROWS], points[start + _BLOCK_ROWS :]
        similarity = _similarity(block, block)
        total += float(similarity.sum() - np.trace(similarity))
        total += 2.0 * float(_similarity(block, later).sum())
    return total / float(count * (count - 1))


def _mean_similarity_across(a: Float64Array, b: Float64Array) -> float:
    total = 0.0
    for start in range(0, len(a), _BLOCK_ROWS):
        total += float(_similarity(a[start : start + _BLOCK_ROWS], b).sum())
    return total / float(len(a) * len(b))


def _similarity(a: Float64Array, b: Float64Array) -> Float64Array:
    """Return the kernel matrix (a·b/D + 1)³, [N, M]."""
    base = a @ b.T
    base /= a.shape[1]
    base += 1.0
    cube: Float64Array = base * base * base  # a power of 3 is ten times slower
    return cube
