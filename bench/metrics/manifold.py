"""Do samples look real, and are real data covered? Precision, recall, density and coverage.

A set of points stands for the union of balls, one a point, that reach to its k-th nearest
neighbour in the same set. Knows features only: which space they live in is the caller's choice.
"""

import numpy as np
import numpy.typing as npt

from bench.metrics.arrays import Float64Array, as_matrix64, require_same_width
from bench.metrics.distances import distance_blocks, nearest_neighbors


class RealManifold:
    """The k-nearest-neighbour manifold of the real data, computed once for many sets of samples.

    Parameters
    ----------
    real : [N, D] features of real data, N > k.
    k : neighbours that set a ball's radius, the point itself excluded.

    Raises
    ------
    MetricError
        If `real` has not more than k points, is not [N, D], or holds NaN.
    """

    def __init__(self, real: npt.ArrayLike, k: int = 5) -> None:
        self.points = as_matrix64(real, "real")
        self.k = k
        self.radii, _ = nearest_neighbors(self.points, k, "real")

    def contains(self, points: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return [M] booleans: which `points` [M, D] lie strictly inside some real point's ball."""
        candidates = self._checked(points, "points")
        blocks = distance_blocks(candidates, self.points)
        return np.concatenate([(block < self.radii).any(axis=1) for _, block in blocks])

    def score(self, fake: npt.ArrayLike) -> dict[str, float]:
        """Return precision, recall, density and coverage of `fake` [M, D], M > k.

        See `precision_recall_density_coverage`.
        """
        samples = self._checked(fake, "fake")
        fake_radii, _ = nearest_neighbors(samples, self.k, "fake")
        real_balls_around = np.zeros(len(samples))
        recalled = np.empty(len(self.points), dtype=bool)
        covered = np.empty(len(self.points), dtype=bool)
        for rows, block in distance_blocks(self.points, samples):
            in_real_ball = block < self.radii[rows, np.newaxis]
            real_balls_around += np.count_nonzero(in_real_ball, axis=0)
            covered[rows] = in_real_ball.any(axis=1)
            recalled[rows] = (block < fake_radii).any(axis=1)
        return {
            "precision": float((real_balls_around > 0).mean()),
            "recall": float(recalled.mean()),
            "density": float(real_balls_around.mean() / self.k),
            "coverage": float(covered.mean()),
        }

    def _checked(self, points: npt.ArrayLike, name: str) -> Float64Array:
        matrix = as_matrix64(points, name)
        require_same_width(self.points, "real", matrix, name)
        return matrix


def precision_recall_density_coverage(
    real: npt.ArrayLike, fake: npt.ArrayLike, k: int = 5
) -> dict[str, float]:
    """Return the four scores of samples `fake` [M, D] against real data `real` [N, D].

    precision: share of samples inside a real ball; recall: share of real points inside a sample's
    ball; density: real balls around a sample over k, mean (may exceed 1); coverage: share of real
    points with a sample in their ball. Inside is strict.

    For many sets of samples against the same data, keep a `RealManifold`.

    Returns
    -------
    dict with `precision`, `recall`, `density`, `coverage`.

    Raises
    ------
    MetricError
        If a set has not more than k points, widths differ, or values are not finite.

    References
    ----------
    Kynkäänniemi et al. 2019, arXiv:1904.06991, eq. 1-2 (precision, recall; inside is ≤ there);
    Naeem et al. 2020, arXiv:2002.09797, section 3 (density, coverage).
    """
    return RealManifold(real, k).score(fake)
