"""What does the code cost, and where is it spent? KL of Gaussian posteriors against N(0, I).

Everything in nats, in float64. Knows posteriors as arrays, not the networks that made them.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.metrics.arrays import (
    Float64Array,
    MetricError,
    as_floats,
    as_matrix64,
    require_at_least,
    require_same_shape,
    to_numpy,
)

ACTIVE_VARIANCE = 0.01
_LOG_2PI = math.log(2.0 * math.pi)
_BLOCK_NUMBERS = 2**16  # half a MiB of float64: the inner loop stays in the processor's cache
_NEGLIGIBLE = -80.0  # beside e⁰; below, float32 exponentials become subnormal and slow


def gaussian_kl(mu: npt.ArrayLike, logvar: npt.ArrayLike) -> Float64Array:
    """Return KL(N(mu, diag e^logvar) ‖ N(0, I)) of each point, [N], in nats.

    Parameters
    ----------
    mu, logvar : [N, D].

    Raises
    ------
    MetricError
        If shapes differ or values are not finite.

    References
    ----------
    Kingma & Welling 2014, arXiv:1312.6114, appendix B.
    """
    kl: Float64Array = _kl_terms(*_posterior(mu, logvar)).sum(axis=1)
    return kl


def rate_per_dimension(mu: npt.ArrayLike, logvar: npt.ArrayLike) -> Float64Array:
    """Return the mean over points of each dimension's KL, [D], in nats; as `gaussian_kl`."""
    rate: Float64Array = _kl_terms(*_posterior(mu, logvar)).mean(axis=0)
    return rate


def full_gaussian_kl(mu: npt.ArrayLike, cholesky: npt.ArrayLike) -> Float64Array:
    """Return KL(N(mu, LLᵀ) ‖ N(0, I)) of each point, [N], in nats.

    ½(‖L‖² + ‖mu‖² − D) − Σ_d ln L_dd.

    Parameters
    ----------
    mu : [N, D]. cholesky : [N, D, D] lower-triangular L with positive diagonal.

    Raises
    ------
    MetricError
        If shapes do not match, L is not such a factor, or values are not finite.
    """
    mean = as_matrix64(mu, "mu")
    factor = _checked_cholesky(cholesky, mean)
    diagonal = np.diagonal(factor, axis1=1, axis2=2)
    width = mean.shape[1]
    squares = (factor**2).sum(axis=(1, 2)) + (mean**2).sum(axis=1)
    kl: Float64Array = 0.5 * (squares - width) - np.log(diagonal).sum(axis=1)
    return kl


def active_dimensions(
    mu: npt.ArrayLike, threshold: float = ACTIVE_VARIANCE
) -> npt.NDArray[np.bool_]:
    """Return [D] booleans: which dimensions of the codes `mu` [N, D] vary by more than `threshold`.

    Variance over the points with 1/N. Raises as `active_units`.
    """
    active: npt.NDArray[np.bool_] = as_matrix64(mu, "mu", min_rows=2).var(axis=0) > threshold
    return active


def active_units(mu: npt.ArrayLike, threshold: float = ACTIVE_VARIANCE) -> float:
    """Return the number of latent dimensions with Var_x(E_q[z_d|x]) > threshold.

    Parameters
    ----------
    mu : [N, D] posterior means. threshold : variance; 0.01 is the published one.

    Raises
    ------
    MetricError
        If there are fewer than two points or values are not finite.

    References
    ----------
    Burda et al. 2016, arXiv:1509.00519, section 5.2.
    """
    return float(active_dimensions(mu, threshold).sum())


def rate_decomposition(
    mu: npt.ArrayLike,
    logvar: npt.ArrayLike,
    *,
    cholesky: npt.ArrayLike | None = None,
    samples: int = 1,
    seed: int = 0,
) -> dict[str, float]:
    """Split the rate into what the codes tell of the input, of each other, and of the prior.

    With q(z) = 1/N Σ_n q(z|x_n) over all points given, and z drawn from each q(z|x_n):
    index-code mutual information E ln q(z|x)/q(z), total correlation E ln q(z)/Π_d q(z_d), and
    dimension-wise KL Σ_d E ln q(z_d)/p(z_d). They sum to the analytic KL up to Monte-Carlo error.
    Mutual information never exceeds ln N: state N beside it. Time grows as samples · N² · D,
    memory as N · D.

    Parameters
    ----------
    mu, logvar : [N, D], N >= 2; log-variance of each dimension by itself.
    cholesky : [N, D, D] lower-triangular factors of full covariances, or None (or [N, 0, 0]) where
        they are diagonal. Time then grows as N² · D².
    samples : draws from each posterior. seed : of the draws.

    Returns
    -------
    dict with `mutual_information_nats`, `total_correlation_nats`, `dimensionwise_kl_nats`.

    Raises
    ------
    MetricError
        If there are fewer than two points, shapes differ, or values are not finite.

    References
    ----------
    Hoffman & Johnson 2016, ELBO surgery, NIPS workshop AABI;
    Chen et al. 2018, arXiv:1802.04942, eq. 2.
    """
    mean, log_variance = _posterior(mu, logvar)
    if len(mean) < 2:
        raise MetricError("mu has 1 point; a mixture of at least 2 posteriors is needed")
    require_at_least(samples, "samples", 1)
    factor = _cholesky(cholesky, mean)
    noise = np.random.default_rng(seed)
    terms = np.zeros(3)
    for _ in range(samples):
        eps = noise.standard_normal(mean.shape)
        z = mean + (
            np.exp(0.5 * log_variance) * eps
            if factor is None
            else np.einsum("nij,nj->ni", factor, eps)
        )
        own = gaussian_log_density(z, mean, log_variance)
        prior = gaussian_log_density(z, np.zeros_like(z), np.zeros_like(z))
        joint, marginals = _mixture_log_densities(z, mean, log_variance)
        if factor is not None:
            own, joint = _full_log_densities(z, eps, mean, factor)
        terms += [
            (own - joint).mean(),
            (joint - marginals).mean(),
            (marginals - prior).mean(),
        ]
    mutual_information, total_correlation, dimensionwise_kl = terms / samples
    return {
        "mutual_information_nats": float(mutual_information),
        "total_correlation_nats": float(total_correlation),
        "dimensionwise_kl_nats": float(dimensionwise_kl),
    }


def gaussian_log_density(
    z: Float64Array, mean: Float64Array, log_variance: Float64Array
) -> Float64Array:
    """Return ln N(z; mean, diag e^log_variance), summed over the last axis."""
    scaled = (z - mean) ** 2 * np.exp(-log_variance)
    density: Float64Array = -0.5 * (scaled + log_variance + _LOG_2PI).sum(axis=-1)
    return density


def _posterior(mu: npt.ArrayLike, logvar: npt.ArrayLike) -> tuple[Float64Array, Float64Array]:
    mean, log_variance = as_matrix64(mu, "mu"), as_matrix64(logvar, "logvar")
    require_same_shape(mean, "mu", log_variance, "logvar")
    return mean, log_variance


def _cholesky(cholesky: npt.ArrayLike | None, mean: Float64Array) -> Float64Array | None:
    """Full covariances' factors, None where there are none."""
    if cholesky is None or to_numpy(cholesky).size == 0:
        return None
    return _checked_cholesky(cholesky, mean)


def _checked_cholesky(cholesky: npt.ArrayLike, mean: Float64Array) -> Float64Array:
    factor = as_floats(cholesky, "cholesky").astype(np.float64, copy=False)
    count, width = mean.shape
    if factor.shape != (count, width, width):
        raise MetricError(
            f"cholesky has shape {factor.shape}; mu needs {(count, width, width)}, [N, D, D]"
        )
    diagonal = np.diagonal(factor, axis1=1, axis2=2)
    if np.triu(factor, k=1).any() or (diagonal <= 0.0).any():
        raise MetricError("cholesky is not lower-triangular with a positive diagonal")
    return factor


def _full_log_densities(
    z: Float64Array, eps: Float64Array, mean: Float64Array, factor: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Return ln q(z_n|x_n) and ln q(z_n), both [N], of full covariances L Lᵀ.

    With W = L⁻¹, ln N(z; mu, L Lᵀ) = −½‖W z − W mu‖² + ln det W − D/2 ln 2π; one matrix product
    gives W z for a block of z and all N posteriors.
    """
    count, width = mean.shape
    inverse = np.linalg.inv(factor)
    constant = -np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1) - 0.5 * width * _LOG_2PI
    own = constant - 0.5 * (eps**2).sum(axis=1)
    whitened_mean = np.einsum("nij,nj->ni", inverse, mean)
    by_column = inverse.transpose(2, 0, 1).reshape(width, count * width)
    joint = np.empty(count)
    rows = max(1, 16 * _BLOCK_NUMBERS // (count * width))
    for start in range(0, count, rows):
        block = slice(start, start + rows)
        whitened = (z[block] @ by_column).reshape(-1, count, width) - whitened_mean
        densities = constant - 0.5 * (whitened**2).sum(axis=2) - math.log(count)
        joint[block] = _log_sum_exp_rows(densities, np.float64)
    return own, joint


def _kl_terms(mean: Float64Array, log_variance: Float64Array) -> Float64Array:
    # expm1 keeps the digits of a posterior close to the prior, where 1 + logvar - e^logvar cancels.
    terms: Float64Array = 0.5 * (mean**2 + np.expm1(log_variance) - log_variance)
    return terms


def _mixture_log_densities(
    z: Float64Array, mean: Float64Array, log_variance: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Return ln q(z) and Σ_d ln q(z_d), both [N], of the mixture of all N posteriors.

    ln q(z_d|x_n) is a parabola in z_d, so one matrix product gives it for a block of z and all n,
    to about 1e-16 (z/σ)² nats.
    """
    count, width = mean.shape
    powers = np.stack([z**2, z, np.ones_like(z)], axis=2)  # [N, D, 3]
    precision = np.exp(-log_variance)
    constant = -0.5 * (mean**2 * precision + log_variance + _LOG_2PI) - math.log(count)
    coefficients = [-0.5 * precision, mean * precision, constant]
    parabolas = np.stack([coefficient.T for coefficient in coefficients], axis=1)  # [D, 3, N]
    joint = np.empty(count)
    marginals = np.zeros(count)
    rows = max(1, _BLOCK_NUMBERS // count)
    for start in range(0, count, rows):
        block = slice(start, start + rows)
        log_joint = np.full((len(z[block]), count), (width - 1) * math.log(count))
        for d in range(width):
            log_density = powers[block, d] @ parabolas[d]
            log_joint += log_density
            # N² D exponentials are nearly all of the time. In float32 they take a third of it and
            # cost 1e-6 nats, which cancels between the two terms that use the marginals.
            marginals[block] += _log_sum_exp_rows(log_density, np.float32)
        joint[block] = _log_sum_exp_rows(log_joint, np.float64)
    return joint, marginals


def _log_sum_exp_rows(values: Float64Array, dtype: type[np.floating[Any]]) -> Float64Array:
    """Return ln Σ_j e^values[i, j], the exponentials of what is left of the maximum in `dtype`."""
    largest = values.max(axis=1, keepdims=True)
    scaled = np.empty(values.shape, dtype)
    np.subtract(values, largest, out=scaled, casting="same_kind")
    np.maximum(scaled, _NEGLIGIBLE, out=scaled)
    np.exp(scaled, out=scaled)
    total: Float64Array = np.log(scaled.sum(axis=1, dtype=np.float64)) + largest[:, 0]
    return total
