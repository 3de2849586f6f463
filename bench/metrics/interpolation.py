"""Do close codes decode to close images? What a decoder does along straight lines of codes.

Knows decoded images only: choosing the pairs, walking the line and decoding it are the caller's.
"""

import numpy as np
import numpy.typing as npt

from bench.metrics.arrays import MetricError, as_floats
from bench.metrics.manifold import RealManifold


def interpolation_evenness(paths: npt.ArrayLike) -> float:
    """Return mean decoded step over largest decoded step, averaged over paths, in (0, 1].

    1: the image changes at a constant rate; small: the decoder stands still and then jumps, down
    to 1/(T − 1) when all change happens in one step. A path along which nothing changes has no
    evenness and is left out.

    Parameters
    ----------
    paths : [P, T, ...] images decoded at T >= 3 equally spaced codes on each of P straight lines.

    Raises
    ------
    MetricError
        If T < 3, no path changes at all, or values are not finite.
    """
    decoded = as_floats(paths, "paths")
    if decoded.ndim < 3 or decoded.shape[1] < 3:
        raise MetricError(f"paths has shape {decoded.shape}; [P, T, ...] with T >= 3 is needed")
    points = decoded.reshape(*decoded.shape[:2], -1).astype(np.float64, copy=False)
    steps = np.linalg.norm(np.diff(points, axis=1), axis=2)
    largest = steps.max(axis=1)
    moving = largest > 0
    if not moving.any():
        raise MetricError(f"none of the {len(points)} paths changes; evenness is undefined")
    return float((steps.mean(axis=1)[moving] / largest[moving]).mean())


def interpolation_precision(
    real: npt.ArrayLike | RealManifold, midpoints: npt.ArrayLike, k: int = 5
) -> float:
    """Return the share of decoded midpoints inside the k-nearest-neighbour manifold of real data.

    Parameters
    ----------
    real : [N, D] features of real data, or their `RealManifold`, whose own k then holds.
    midpoints : [M, D] features of images decoded halfway between the codes of pairs.

    Raises
    ------
    MetricError
        If `real` has not more than k points, widths differ, or values are not finite.

    References
    ----------
    The precision of Kynkäänniemi et al. 2019, arXiv:1904.06991, eq. 1-2, asked of midpoints.
    """
    manifold = real if isinstance(real, RealManifold) else RealManifold(real, k)
    return float(manifold.contains(midpoints).mean())
