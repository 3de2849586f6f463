"""How much of a continuous factor can be read off the codes? R² of linear regression.

Knows codes and the numbers to be predicted. As with probes, the same function scores a model and
its controls.
"""

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve
from sklearn.metrics import r2_score

from bench.metrics.arrays import (
    Array,
    Float64Array,
    MetricError,
    as_matrix,
    as_matrix64,
    require_same_rows,
    require_same_width,
    to_numpy,
)

ALPHA = 1.0

_BLOCK_ROWS = 1024


def regression_r2(
    train_z: npt.ArrayLike, train_y: npt.ArrayLike, test_z: npt.ArrayLike, test_y: npt.ArrayLike
) -> float:
    """Return the share of the test targets' variance that a linear regression explains, R².

    Ridge regression (L2, α = 1, with an intercept) on standardised codes, fitted on the training
    codes, as scikit-learn's `StandardScaler` and `Ridge()` at their defaults; mean over targets.
    1: the targets are a linear function of the codes; 0: as good as the mean; below 0: worse. The
    scale of a code does not matter. An angle must be given as its cosine and sine.

    Parameters
    ----------
    train_z, test_z : [N, D] and [M, D] codes.
    train_y, test_y : [N, F] and [M, F] numbers; one target may come as [N] and [M].

    Raises
    ------
    MetricError
        If a target is constant on the test points, there are fewer than two, shapes do not match,
        or values are not finite.
    """
    return float(regression_r2_per_target(train_z, train_y, test_z, test_y).mean())


def regression_r2_per_target(
    train_z: npt.ArrayLike, train_y: npt.ArrayLike, test_z: npt.ArrayLike, test_y: npt.ArrayLike
) -> Float64Array:
    """Return `regression_r2` of each target, [F]; same arguments and errors."""
    train, test = as_matrix(train_z, "train_z"), as_matrix(test_z, "test_z", min_rows=2)
    require_same_width(train, "train_z", test, "test_z")
    train_targets, test_targets = _targets(train_y, "train_y"), _targets(test_y, "test_y")
    require_same_rows(train, "train_z", train_targets, "train_y")
    require_same_rows(test, "test_z", test_targets, "test_y")
    require_same_width(train_targets, "train_y", test_targets, "test_y")
    for index, target in enumerate(test_targets.T):
        if (target == target[0]).all():
            raise MetricError(f"target {index} has one value only ({target[0]:g}) in test_y")
    weights, offset = _ridge(train, train_targets)
    predicted = test @ weights + offset
    return np.asarray(r2_score(test_targets, predicted, multioutput="raw_values"))


def _ridge(codes: Array, targets: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return weights [D, F] of the codes as they are, and an offset [F].

    The normal equations of standardised codes, summed over blocks of rows in float64: pixels of
    many images are never copied whole, as scikit-learn would.
    """
    count, width = codes.shape
    mean = codes.mean(axis=0, dtype=np.float64)
    target_mean = targets.mean(axis=0)
    products, moments = np.zeros((width, width)), np.zeros((width, targets.shape[1]))
    for start in range(0, count, _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        centred = codes[rows] - mean
        products += centred.T @ centred
        moments += centred.T @ (targets[rows] - target_mean)
    deviation = np.sqrt(np.diag(products) / count)
    # What rounding leaves of a constant code is no variation.
    deviation[deviation <= count * np.finfo(np.float64).eps * np.abs(mean)] = np.inf
    products /= deviation
    products /= deviation[:, np.newaxis]
    products[np.diag_indices(width)] += ALPHA
    standardised = solve(
        products, moments / deviation[:, np.newaxis], assume_a="pos", overwrite_a=True
    )
    weights = np.asarray(standardised) / deviation[:, np.newaxis]
    return weights, target_mean - mean @ weights


def _targets(values: npt.ArrayLike, name: str) -> Float64Array:
    columns = to_numpy(values)
    return as_matrix64(columns[:, np.newaxis] if columns.ndim == 1 else columns, name)
