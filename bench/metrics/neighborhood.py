"""Are neighbours kept between images and codes? Trustworthiness and neighbourhood continuity.

Knows two views of the same points, row by row; not which is the image and which the code.
"""

import numpy as np
import numpy.typing as npt

from bench.metrics.arrays import (
    Float64Array,
    MetricError,
    as_matrix64,
    require_at_least,
    require_same_rows,
)
from bench.metrics.distances import distance_blocks, nearest_neighbors


class Neighborhoods:
    """Points in their original space with their neighbours, computed once for many embeddings.

    Parameters
    ----------
    x : [N, P] points in the original space.
    k : neighbours, fewer than N / 2.

    Raises
    ------
    MetricError
        If k is not in 1 … N/2, all points are equal, or values are not finite.
    """

    def __init__(self, x: npt.ArrayLike, k: int) -> None:
        self.points = _checked(x, "x", k)
        self.k = k
        _, self.neighbors = nearest_neighbors(self.points, k, "x")

    def trustworthiness(self, z: npt.ArrayLike) -> float:
        """Return how far the neighbours in `z` [N, D] are neighbours in x."""
        codes = self._embedding(z)
        _, neighbors = nearest_neighbors(codes, self.k, "z")
        return _rank_agreement(self.points, neighbors)

    def continuity(self, z: npt.ArrayLike) -> float:
        """Return how far the neighbours in x are neighbours in `z` [N, D]."""
        return _rank_agreement(self._embedding(z), self.neighbors)

    def _embedding(self, z: npt.ArrayLike) -> Float64Array:
        codes = _checked(z, "z", self.k)
        require_same_rows(self.points, "x", codes, "z")
        return codes


def trustworthiness(x: npt.ArrayLike, z: npt.ArrayLike, k: int) -> float:
    """Return 1 minus the scaled rank error in x of each point's k nearest neighbours in z.

    1: neighbours in z are neighbours in x; about 0.5: z is noise. As scikit-learn's, except that
    points at equal distance in x share the lowest rank. For many z against one x, keep a
    `Neighborhoods`.

    Parameters
    ----------
    x : [N, P] original points. z : [N, D] the same points, embedded. k : fewer than N / 2.

    Raises
    ------
    MetricError
        If k is not in 1 … N/2, rows do not match, all points of one space are equal (they have no
        nearest neighbours), or values are not finite.

    References
    ----------
    Venna & Kaski 2001, Neighborhood preservation in nonlinear projection methods, ICANN.
    """
    return Neighborhoods(x, k).trustworthiness(z)


def neighborhood_continuity(x: npt.ArrayLike, z: npt.ArrayLike, k: int) -> float:
    """Return `trustworthiness` with the spaces swapped: neighbours in x should be so in z.

    Same arguments, errors, scale and source.
    """
    return Neighborhoods(x, k).continuity(z)


def _checked(points: npt.ArrayLike, name: str, k: int) -> Float64Array:
    require_at_least(k, "k", 1)
    matrix = as_matrix64(points, name)
    if 2 * k >= len(matrix):
        raise MetricError(f"k is {k}; with {len(matrix)} points it must be below half of them")
    if (matrix == matrix[0]).all():
        raise MetricError(f"{name} holds {len(matrix)} equal points; they have no neighbours")
    return matrix


def _rank_agreement(points: Float64Array, neighbors: npt.NDArray[np.intp]) -> float:
    """Score `neighbors` [N, k] by their distance ranks among `points` [N, D]."""
    count, k = neighbors.shape
    excess = 0
    for rows, block in distance_blocks(points, points):
        distance = np.take_along_axis(block, neighbors[rows], axis=1)
        for column in distance.T:
            # The point itself, at distance 0, makes the count of closer ones a rank from 1.
            rank = np.count_nonzero(block < column[:, np.newaxis], axis=1)
            excess += int(np.maximum(rank - k, 0).sum())
    return 1.0 - 2.0 * excess / float(count * k * (2 * count - 3 * k - 1))
