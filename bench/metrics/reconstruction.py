"""How much of the input is lost? Squared error per pixel, and the same in decibels."""

import math

import numpy as np
import numpy.typing as npt

from bench.metrics.arrays import MetricError, as_floats, require_same_shape


def mse(x: npt.ArrayLike, reconstruction: npt.ArrayLike) -> float:
    """Return the squared error, mean over pixels and samples.

    Parameters
    ----------
    x, reconstruction : arrays of one shape, [N, ...], in [0, 1].

    Raises
    ------
    MetricError
        If shapes differ or values are not finite.
    """
    target = as_floats(x, "x")
    decoded = as_floats(reconstruction, "reconstruction")
    require_same_shape(target, "x", decoded, "reconstruction")
    return float(np.mean(np.square(np.subtract(target, decoded, dtype=np.float64))))


def psnr_db(mse: float) -> float:
    """Return the peak signal-to-noise ratio −10 log₁₀(mse) in decibels, for inputs in [0, 1].

    Infinite for a perfect reconstruction.

    Raises
    ------
    MetricError
        If `mse` is negative or not finite.
    """
    if not math.isfinite(mse) or mse < 0.0:
        raise MetricError(f"mse is {mse}; a finite number of at least 0 is needed")
    return -10.0 * math.log10(mse) if mse > 0.0 else math.inf
