"""q(z|x) as an encoder's output describes it: a mean, and a covariance that is diagonal or full.

Every tensor may carry stacked runs in front. A point is a posterior whose covariance is ignored, so
that a deterministic and a variational model have the same network.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from kernels import reparameterize_kl
from kernels.reference import posterior_noise

PARAMETERS: dict[str, Callable[[int], int]] = {
    "diagonal": lambda latent_dim: 2 * latent_dim,
    "full": lambda latent_dim: 2 * latent_dim + latent_dim * (latent_dim - 1) // 2,
}
"""How many numbers an encoder gives for each form of covariance, of D latent dimensions."""


@dataclass(frozen=True)
class Drawn:
    """Latents of a posterior and what they cost.

    Attributes
    ----------
    z
        ``[…, S, B, D]``, S of each image.
    kl
        ``[…, B]``, analytic, in nats.
    kl_per_dimension
        ``[…, D]``, mean over the batch, in nats; empty unless it was asked for.
    """

    z: Tensor
    kl: Tensor
    kl_per_dimension: Tensor


@dataclass(frozen=True)
class Gaussian:
    """N(mu, L Lᵀ) of a batch.

    Attributes
    ----------
    mu, logvar
        ``[…, B, D]``; exp(½·logvar) is the diagonal of L, so that logvar is the log-variance itself
        where the covariance is diagonal.
    lower
        What stands below the diagonal of L, row by row, ``[…, B, D(D−1)/2]``; None for a diagonal
        covariance.
    """

    mu: Tensor
    logvar: Tensor
    lower: Tensor | None = None

    @classmethod
    def of(cls, parameters: Tensor, latent_dim: int) -> Gaussian:
        """Read an encoder's output ``[…, B, Q]``: the mean, the log-variances, the rest of L."""
        # one split, not slices: its gradient is one kernel
        sizes = [latent_dim, latent_dim, parameters.shape[-1] - 2 * latent_dim]
        if sizes[-1] == 0:
            return cls(*torch.split(parameters, latent_dim, dim=-1))
        return cls(*torch.split(parameters, sizes, dim=-1))

    def members(self, chosen: slice) -> Gaussian:
        """Those of some stacked runs."""
        if chosen == slice(0, len(self.mu)):
            return self
        lower = None if self.lower is None else self.lower[chosen]
        return Gaussian(self.mu[chosen], self.logvar[chosen], lower)

    @property
    def wide(self) -> Gaussian:
        """The same in float32 at least, which exponentials and sums over dimensions need."""
        lower = None if self.lower is None else _wide(self.lower)
        return Gaussian(_wide(self.mu), _wide(self.logvar), lower)

    @property
    def cholesky(self) -> Tensor:
        """L, lower-triangular, ``[…, B, D, D]``."""
        factor = torch.diag_embed(torch.exp(0.5 * self.logvar))
        if self.lower is None:
            return factor
        width = self.mu.shape[-1]
        rows, columns = torch.tril_indices(width, width, -1, device=self.mu.device)
        factor[..., rows, columns] = self.lower.to(factor.dtype)
        return factor

    @property
    def marginal_logvar(self) -> Tensor:
        """Log-variance of each dimension by itself, ``[…, B, D]``."""
        if self.lower is None:
            return self.logvar
        return self.cholesky.square().sum(-1).log()

    def draw(
        self,
        *,
        seeds: Tensor,
        step: int | Tensor,
        stream: int,
        backend: str,
        samples: int = 1,
        per_dimension: bool = False,
    ) -> Drawn:
        """Draw ``samples`` latents of every image, with the noise of each run's seed.

        A full covariance takes the noise that a diagonal one takes, so the two are paired; it has
        no fused kernel and no KL per dimension.
        """
        if self.lower is None:
            draw = partial(
                reparameterize_kl,
                self.mu,
                self.logvar,
                seed=seeds,
                step=step,
                stream=stream,
                samples=None if samples == 1 else samples,
                backend=backend,
            )
            found: tuple[Tensor, ...] = draw(per_dimension=per_dimension)
            z, kl = found[:2]
            per = found[2] if per_dimension else kl.new_empty(0)
            return Drawn(z.unsqueeze(-3) if samples == 1 else z, kl, per)
        wide = self.wide
        width, factor = wide.mu.shape[-1], wide.cholesky
        at = torch.as_tensor(step, device=seeds.device)
        noise = posterior_noise(wide.mu.shape, seeds, at, stream, samples).to(factor.dtype)
        with torch.autocast(factor.device.type, enabled=False):
            z = wide.mu.unsqueeze(-3) + torch.einsum("...bij,...sbj->...sbi", factor, noise)
        squares = factor.square().sum((-1, -2)) + wide.mu.square().sum(-1)
        kl = 0.5 * (squares - width - wide.logvar.sum(-1))
        return Drawn(z.to(self.mu.dtype), kl, kl.new_empty(0))

    def whiten(self, z: Tensor) -> Tensor:
        """The standard noise that gives latents ``[…, S, B, D]``: L⁻¹ (z − mu)."""
        centred = z - self.mu.unsqueeze(-3)
        if self.lower is None:
            return centred * torch.exp(-0.5 * self.logvar).unsqueeze(-3)
        factor = self.cholesky.unsqueeze(-4)
        noise: Tensor = torch.linalg.solve_triangular(factor, centred.unsqueeze(-1), upper=False)
        return noise.squeeze(-1)

    def log_prior_over_posterior(self, z: Tensor) -> Tensor:
        """Return log p(z) − log q(z|x) in nats, ``[…, S, B]``, of latents ``[…, S, B, D]``.

        The noise behind z does not depend on the parameters, and no gradient goes through it; the
        normalising constants cancel but for the log-variances.
        """
        wide, z = self.wide, _wide(z)
        noise = wide.whiten(z).detach()
        log_volume = 0.5 * wide.logvar.sum(-1).unsqueeze(-2)
        return 0.5 * (noise.square() - z.square()).sum(-1) + log_volume


def log_density_of_pairs(posterior: Gaussian, z: Tensor) -> Tensor:
    """Return log q(z_i,d | x_j) of every latent under every image's diagonal posterior.

    ``z`` is ``[…, B, D]``; the result ``[…, B, B, D]`` has i, then j, then the dimension.
    """
    wide = posterior.wide
    mu, logvar = wide.mu.unsqueeze(-3), wide.logvar.unsqueeze(-3)
    squares = (z.unsqueeze(-2) - mu).square() * torch.exp(-logvar)
    return -0.5 * (squares + logvar + math.log(2 * math.pi))


def _wide(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
