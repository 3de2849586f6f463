"""Codes beside known factors: what the disentanglement metrics check before they score.

Knows no metric.
"""

import numpy as np
import numpy.typing as npt

from bench.metrics.arrays import (
    Float64Array,
    MetricError,
    as_matrix64,
    require_same_rows,
    to_numpy,
)

IntArray = npt.NDArray[np.intp]


def numeric_factors(
    codes: npt.ArrayLike, factors: npt.ArrayLike, *, min_codes: int = 1, min_factors: int = 1
) -> tuple[Float64Array, Float64Array]:
    """Return codes [N, D] and factors [N, F]; a single factor may come as [N].

    Raises
    ------
    MetricError
        If there are too few codes or factors, a factor has one value only, rows do not match, or
        values are not finite.
    """
    z = as_matrix64(codes, "codes")
    columns = to_numpy(factors)
    y = as_matrix64(columns[:, np.newaxis] if columns.ndim == 1 else columns, "factors")
    require_same_rows(z, "codes", y, "factors")
    _require_columns(z, "codes", min_codes)
    _require_columns(y, "factors", min_factors)
    for index, column in enumerate(y.T):
        if (column == column[0]).all():
            raise MetricError(f"factor {index} has one value only ({column[0]:g}); two are needed")
    return z, y


def discrete_factors(
    codes: npt.ArrayLike, factors: npt.ArrayLike, *, min_codes: int = 1, min_factors: int = 1
) -> tuple[Float64Array, IntArray]:
    """Return codes [N, D] and, for each factor, the index of its value among its sorted values.

    Raises
    ------
    MetricError
        As `numeric_factors`; also if a factor never repeats a value.
    """
    z, y = numeric_factors(codes, factors, min_codes=min_codes, min_factors=min_factors)
    return z, np.column_stack([_value_index(column, index) for index, column in enumerate(y.T)])


def _require_columns(matrix: Float64Array, name: str, minimum: int) -> None:
    if matrix.shape[1] < minimum:
        raise MetricError(
            f"{name} has {matrix.shape[1]} column, shape {matrix.shape}; {minimum} are needed"
        )


def _value_index(factor: Float64Array, index: int) -> IntArray:
    values, inverse = np.unique(factor, return_inverse=True)
    if len(values) == len(factor):
        raise MetricError(
            f"factor {index} never repeats a value in {len(factor)} points; "
            "a discrete factor is needed: bin it first"
        )
    return inverse
