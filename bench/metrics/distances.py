"""Euclidean distances and neighbours, in blocks of rows: memory stays linear in the points.

Distances are float64, from ‖a‖² + ‖b‖² − 2a·b summed in an order that makes d(a, b) = d(b, a), so
that a set compared with itself meets its own radii exactly.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bench.metrics.arrays import Float64Array, MetricError, require_at_least

_BLOCK_NUMBERS = 2**22  # 32 MiB of float64


def distance_blocks(
    rows: Float64Array, columns: Float64Array
) -> Iterator[tuple[slice, Float64Array]]:
    """Yield consecutive slices of `rows` with their distances [block, M] to all `columns`."""
    row_squares, column_squares = (rows**2).sum(axis=1), (columns**2).sum(axis=1)
    height = max(1, _BLOCK_NUMBERS // len(columns))
    for start in range(0, len(rows), height):
        block = slice(start, min(start + height, len(rows)))
        distances = np.add.outer(row_squares[block], column_squares)
        distances -= (2.0 * rows[block]) @ columns.T
        np.maximum(distances, 0.0, out=distances)
        np.sqrt(distances, out=distances)
        yield block, distances


def nearest_neighbors(
    points: Float64Array, k: int, name: str
) -> tuple[Float64Array, npt.NDArray[np.intp]]:
    """Return the distance to the k-th nearest neighbour, [N], and the k nearest, [N, k], unordered.

    No point is its own neighbour.

    Raises
    ------
    MetricError
        If there are not more than k points.
    """
    require_at_least(k, "k", 1)
    if len(points) <= k:
        raise MetricError(f"{name} has {len(points)} points; more than k = {k} are needed")
    radii = np.empty(len(points))
    neighbors = np.empty((len(points), k), dtype=np.intp)
    for rows, block in distance_blocks(points, points):
        block[np.arange(len(block)), np.arange(rows.start, rows.stop)] = np.inf
        neighbors[rows] = np.argpartition(block, k - 1, axis=1)[:, :k]
        radii[rows] = np.take_along_axis(block, neighbors[rows], axis=1).max(axis=1)
    return radii, neighbors
