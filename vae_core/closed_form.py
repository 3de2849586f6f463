"""The known optimum of a linear variational autoencoder with a Gaussian likelihood.

A function of the data's covariance and of two numbers alone, and thus a gate that every part of the
suite must pass on any data. Knows no network and no training.

References
----------
Lucas et al. 2019, Don't Blame the ELBO! (arXiv:1911.02469), section 4; Tipping & Bishop 1999,
Probabilistic Principal Component Analysis, J. Royal Statistical Society B 61.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def covariance_eigenvalues(x: Floats) -> Floats:
    """Eigenvalues of the covariance of images ``[N, P]``, with 1/N, descending ``[P]``."""
    covariance = np.cov(x, rowvar=False, ddof=0)
    return np.linalg.eigvalsh(covariance)[::-1].astype(np.float64)


def pca_squared_error(eigenvalues: Floats, latent_dim: int) -> float:
    """Least squared error per image of a linear autoencoder: the variance that PCA leaves out."""
    return float(eigenvalues[latent_dim:].sum())


@dataclass(frozen=True, eq=False)
class LinearOptimum:
    """What a linear model that minimises ``‖x − x̂‖² / (2σ²) + β·KL`` measures, per image.

    Attributes
    ----------
    eigenvalues
        Of the data's covariance, descending ``[P]``, with 1/N.
    latent_dim
        D, at most P.
    kl_weight
        β.
    decoder_variance
        σ² = 1/(2C), with C the reconstruction weight.
    """

    eigenvalues: Floats
    latent_dim: int
    kl_weight: float
    decoder_variance: float

    @property
    def threshold(self) -> float:
        """The variance s = βσ² that a direction must exceed to be encoded at all."""
        return self.kl_weight * self.decoder_variance

    @property
    def active_eigenvalues(self) -> Floats:
        """Those of the directions that are encoded."""
        leading = self.eigenvalues[: self.latent_dim]
        return leading[leading > self.threshold]

    @property
    def active_statistics(self) -> Floats:
        """Var_x(E_q[z_d|x]) of each latent dimension, descending ``[D]``: 1 − s/λ, or 0."""
        used = 1 - self.threshold / self.active_eigenvalues
        return np.pad(used, (0, self.latent_dim - len(used)))

    @property
    def rate_nats(self) -> float:
        """Mean KL(q(z|x) ‖ N(0, I)): ½ Σ ln(λ/s)."""
        return float(0.5 * np.log(self.active_eigenvalues / self.threshold).sum())

    @property
    def squared_error_sampled(self) -> float:
        """Summed over pixels, decoded from a draw of q(z|x)."""
        return len(self.active_eigenvalues) * self.threshold + self._unencoded

    @property
    def squared_error_at_mean(self) -> float:
        """Summed over pixels, decoded from the mean of q(z|x)."""
        return float((self.threshold**2 / self.active_eigenvalues).sum()) + self._unencoded

    @property
    def elbo_nats(self) -> float:
        """With unweighted KL, whatever β; at β = 1 it equals the model's own log p(x)."""
        constant = 0.5 * len(self.eigenvalues) * np.log(2 * np.pi * self.decoder_variance)
        distortion = self.squared_error_sampled / (2 * self.decoder_variance) + constant
        return float(-distortion - self.rate_nats)

    @property
    def _unencoded(self) -> float:
        return pca_squared_error(self.eigenvalues, len(self.active_eigenvalues))
