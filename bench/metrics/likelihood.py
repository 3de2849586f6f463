"""How likely are the data? Importance-sampled log p(x), in nats, summed in the log domain.

Knows log-weights only: ln p(x|z) + ln p(z) − ln q(z|x) for z drawn from q(z|x).
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from bench.metrics.arrays import (
    Float64Array,
    MetricError,
    as_floats,
    as_matrix64,
    require_same_shape,
    to_numpy,
)
from bench.metrics.rate import gaussian_log_density


class ImportanceSampler:
    """Accumulates log-weights batch by batch, so that any number of samples fits in memory."""

    def __init__(self) -> None:
        self.samples = 0
        self._log_sum: Float64Array = np.empty(0)

    def add(self, log_weights: npt.ArrayLike) -> None:
        """Add S more log-weights for each of the same N points.

        Parameters
        ----------
        log_weights : [S, N]; −inf (a sample of zero likelihood) is allowed.

        Raises
        ------
        MetricError
            If the shape is not [S, N] with the N of earlier batches, or a value is NaN or +inf.
        """
        weights = _log_weights(log_weights)
        log_sum = logsumexp(weights, axis=0)
        if self.samples and log_sum.shape != self._log_sum.shape:
            raise MetricError(
                f"log_weights has {log_sum.size} points; earlier batches had {self._log_sum.size}"
            )
        self._log_sum = np.logaddexp(self._log_sum, log_sum) if self.samples else log_sum
        self.samples += len(weights)

    def log_likelihood(self) -> Float64Array:
        """Return the estimate of ln p(x) of each point, [N], in nats.

        Raises
        ------
        MetricError
            If nothing was added.
        """
        if not self.samples:
            raise MetricError("no log_weights were added; at least one sample a point is needed")
        return self._log_sum - math.log(self.samples)


def importance_weighted_log_likelihood(log_weights: npt.ArrayLike) -> float:
    """Return the mean over points of ln (1/S Σ_s w_s), in nats, from log-weights [S, N].

    In expectation a lower bound on log p(x) that rises with S; at S = 1 it is the ELBO. State S
    beside it. For an S that does not fit in memory, feed an `ImportanceSampler`.

    Parameters
    ----------
    log_weights : [S, N]; see `log_importance_weights`. −inf is allowed.

    Raises
    ------
    MetricError
        If the shape is not [S, N], or a value is NaN or +inf.

    References
    ----------
    Burda et al. 2016, arXiv:1509.00519, eq. 8.
    """
    sampler = ImportanceSampler()
    sampler.add(log_weights)
    return float(sampler.log_likelihood().mean())


def log_importance_weights(
    log_likelihood: npt.ArrayLike, z: npt.ArrayLike, mu: npt.ArrayLike, logvar: npt.ArrayLike
) -> Float64Array:
    """Return ln p(x|z) + ln N(z; 0, I) − ln N(z; mu, diag e^logvar), [S, N], in nats.

    Parameters
    ----------
    log_likelihood : [S, N] values of ln p(x_n|z_sn), all constants included.
    z : [S, N, D] draws from the posteriors. mu, logvar : [N, D].

    Raises
    ------
    MetricError
        If shapes do not match or values are not finite.
    """
    mean, log_variance = as_matrix64(mu, "mu"), as_matrix64(logvar, "logvar")
    require_same_shape(mean, "mu", log_variance, "logvar")
    codes = as_floats(z, "z").astype(np.float64, copy=False)
    if codes.ndim != 3 or codes.shape[1:] != mean.shape:
        raise MetricError(
            f"z has shape {codes.shape}; mu needs [S, {mean.shape[0]}, {mean.shape[1]}]"
        )
    likelihood = _log_weights(log_likelihood, "log_likelihood")
    if likelihood.shape != codes.shape[:2]:
        raise MetricError(
            f"log_likelihood has shape {likelihood.shape}; z needs {codes.shape[:2]}, [S, N]"
        )
    prior = gaussian_log_density(codes, np.zeros_like(mean), np.zeros_like(mean))
    return likelihood + prior - gaussian_log_density(codes, mean, log_variance)


def _log_weights(values: npt.ArrayLike, name: str = "log_weights") -> Float64Array:
    """Return [S, N] in float64, where −inf is allowed and NaN and +inf are not."""
    array = to_numpy(values).astype(np.float64, copy=False)
    if array.ndim != 2 or array.size == 0:
        raise MetricError(f"{name} has shape {array.shape}; [S, N] is needed")
    if np.isnan(array).any() or np.isposinf(array).any():
        raise MetricError(f"{name} holds NaN or +inf")
    return array
