"""What every metric does first with what it is given: a checked NumPy array, or one clear error.

Knows nothing of any metric. PyTorch tensors on any device are accepted; torch is never imported.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Float64Array: TypeAlias = npt.NDArray[np.float64]


class MetricError(ValueError):
    """A metric has no value for what it was given; the message is one line saying why."""


def to_numpy(values: npt.ArrayLike) -> Array:
    """Return `values` as a NumPy array: a tensor is detached and copied to the CPU first."""
    tensor: Any = values
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        if tensor.is_floating_point() and tensor.element_size() < 4:
            tensor = tensor.float()  # NumPy has no bfloat16
    return np.asarray(tensor)


def as_floats(values: npt.ArrayLike, name: str) -> Array:
    """Return finite numbers of any shape; float32 and float64 stay, all else becomes float64.

    Raises
    ------
    MetricError
        If the values are not real numbers, there are none, or one is NaN or infinite.
    """
    array = to_numpy(values)
    if array.dtype.kind not in "fiub":
        raise MetricError(f"{name} has dtype {array.dtype}; real numbers are needed")
    if array.size == 0:
        raise MetricError(f"{name} has shape {array.shape}: it is empty")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    finite = np.isfinite(array)
    if not finite.all():
        first = tuple(int(index) for index in np.argwhere(~finite)[0])
        count = int(array.size - np.count_nonzero(finite))
        raise MetricError(
            f"{name} holds NaN or infinite values ({count} of {array.size}, the first at {first})"
        )
    return array


def as_matrix(values: npt.ArrayLike, name: str, *, min_rows: int = 1) -> Array:
    """Return finite numbers of shape [N, D] with N at least `min_rows`."""
    array = as_floats(values, name)
    if array.ndim != 2:
        raise MetricError(f"{name} has shape {array.shape}; [N, D] is needed")
    if array.shape[0] < min_rows:
        raise MetricError(f"{name} has {array.shape[0]} points; at least {min_rows} are needed")
    return array


def as_matrix64(values: npt.ArrayLike, name: str, *, min_rows: int = 1) -> Float64Array:
    """Return what `as_matrix` returns, in float64."""
    return as_matrix(values, name, min_rows=min_rows).astype(np.float64, copy=False)


def as_labels(values: npt.ArrayLike, name: str, length: int) -> Array:
    """Return class labels of shape [length]; any dtype that NumPy can sort."""
    array = to_numpy(values)
    if array.shape != (length,):
        raise MetricError(f"{name} has shape {array.shape}; one label a point, [{length}], needed")
    if array.dtype.kind == "f":
        as_floats(array, name)
    return array


def require_same_width(a: Array, name_a: str, b: Array, name_b: str) -> None:
    """Raise unless both [N, D] matrices have the same D."""
    if a.shape[1] != b.shape[1]:
        raise MetricError(
            f"{name_a} has {a.shape[1]} columns and {name_b} has {b.shape[1]}; "
            "they must live in one space"
        )


def require_same_rows(a: Array, name_a: str, b: Array, name_b: str) -> None:
    """Raise unless both arrays describe the same N points."""
    if a.shape[0] != b.shape[0]:
        raise MetricError(
            f"{name_a} has {a.shape[0]} points and {name_b} has {b.shape[0]}; "
            "row i of both must be the same point"
        )


def require_same_shape(a: Array, name_a: str, b: Array, name_b: str) -> None:
    """Raise unless both arrays have the same shape."""
    if a.shape != b.shape:
        raise MetricError(
            f"{name_a} has shape {a.shape} and {name_b} has shape {b.shape}; they must be equal"
        )


def require_at_least(value: int, name: str, minimum: int) -> None:
    """Raise unless a count argument is at least `minimum`."""
    if value < minimum:
        raise MetricError(f"{name} is {value}; at least {minimum} is needed")
