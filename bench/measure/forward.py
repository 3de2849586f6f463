"""Ask a trained cohort everything that needs its networks, stacked, and bring the answers to NumPy.

One pass over the training and the test images. What the answers mean is decided elsewhere
(``bench.measure.quality``); nothing here scores anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kernels import philox_normal
from vae_core import Dataset, Gaussian, StackedAutoencoders
from vae_core.likelihoods import SMALLEST_VARIANCE
from vae_core.streams import CALIBRATION, EVALUATION, LIKELIHOOD, PRIOR

Floats = NDArray[np.float32]

IMAGES_PER_BLOCK = 1_000
"""Images a member is asked about at a time; noise is drawn a block at once, so it is part of what a
number means."""

IMAGES_AT_ONCE = 4_000
"""Images in the networks at a time, over all members, so that memory grows with neither."""

POSTERIOR_DRAWS = 8
"""Latents drawn for each test image where an expectation over q(z|x) is asked for."""

DRAWS_AT_ONCE = 16
"""Importance samples of a test image that are decoded together."""


@dataclass(frozen=True)
class Answers:
    """What K members say, one slice each; ``N`` test images, ``M`` training images, ``P`` pixels.

    Attributes
    ----------
    train_mu, test_mu
        Posterior means, ``[K, M, D]`` and ``[K, N, D]``.
    test_logvar
        Log-variance of each latent dimension by itself, ``[K, N, D]``.
    test_cholesky
        Factors of full covariances, ``[K, N, D, D]``; ``[K, N, 0, 0]`` where they are diagonal.
    rate_nats
        Analytic KL, ``[K, N]``; 0 for deterministic members.
    decoder_variance
        σ² of the likelihood, ``[K]``: 1 / (2C), or the mean squared error on training images where
        the likelihood is calibrated; NaN where it has none.
    squared_error_at_mean, squared_error_sampled
        Summed over pixels, ``[K, N]``: of the image decoded from the mean, and of images decoded
        from draws, mean over draws.
    negative_log_likelihood
        −E_q log p(x|z) in nats with all constants, ``[K, N]``.
    log_likelihood
        log 1/S Σ p(x|z) p(z) / q(z|x) over S importance samples, ``[K, N]``, which rises with S to
        log p(x) (Burda et al. 2016); NaN for deterministic members, which have no q.
    prior_images
        Decoded draws from N(0, I), ``[K, n, P]``.
    """

    train_mu: Floats
    test_mu: Floats
    test_logvar: Floats
    test_cholesky: Floats
    rate_nats: Floats
    decoder_variance: Floats
    squared_error_at_mean: Floats
    squared_error_sampled: Floats
    negative_log_likelihood: Floats
    log_likelihood: NDArray[np.float64]
    prior_images: Floats

    def member(self, k: int) -> Answers:
        """The answers of one member: the same arrays without their leading axis."""
        return Answers(**{item.name: getattr(self, item.name)[k] for item in fields(self)})

    def finite_members(self) -> NDArray[np.bool_]:
        """Which members gave numbers only, ``[K]``; what only some models have may be absent."""
        may_be_absent = {"log_likelihood", "decoder_variance"}
        asked = [getattr(self, f.name) for f in fields(self) if f.name not in may_be_absent]
        finite = [np.isfinite(part).reshape(len(part), -1).all(axis=1) for part in asked]
        every: NDArray[np.bool_] = np.logical_and.reduce(finite)
        return every


@torch.inference_mode()
def ask(
    model: StackedAutoencoders,
    dataset: Dataset,
    *,
    prior_samples: int,
    importance_samples: int = 64,
    backend: str,
) -> Answers:
    """Run the stacked networks over the data set.

    Parameters
    ----------
    model, dataset
        On the same device.
    prior_samples
        Number of draws from N(0, I) to decode, the same draws for members of one seed.
    importance_samples
        Draws from q(z|x) of each test image that its likelihood is estimated with.
    backend
        Who draws the posterior noise.
    """
    model.eval()
    train_mu = [encode(model, x).mu for x in _blocks(model, dataset, dataset.train_images)]
    variance = _decoder_variance(model, dataset, backend)
    question = Question(_recon_weights(model, variance), importance_samples, backend)
    blocks = [
        _ask_block(model, x, block, question)
        for block, x in enumerate(_blocks(model, dataset, dataset.test_images))
    ]
    joined = {
        name: torch.cat([block[name] for block in blocks], dim=_IMAGE_AXIS[name])
        for name in _IMAGE_AXIS
    }
    return Answers(
        train_mu=_numpy(torch.cat(train_mu, dim=1)),
        decoder_variance=_numpy(variance),
        prior_images=decode_numpy(model, prior_draws(model, prior_samples)),
        **{name: _numpy(value) for name, value in joined.items()},
    )


_IMAGE_AXIS = {
    "test_mu": 1,
    "test_logvar": 1,
    "test_cholesky": 1,
    "rate_nats": 1,
    "squared_error_at_mean": 1,
    "squared_error_sampled": 1,
    "negative_log_likelihood": 1,
    "log_likelihood": 1,
}


@dataclass(frozen=True)
class Question:
    """What blocks of images are asked with: C of each member's likelihood, importance samples an
    image, who draws the noise.
    """

    recon_weights: tuple[float, ...]
    importance_samples: int
    backend: str


def _ask_block(
    model: StackedAutoencoders, x: Tensor, block: int, question: Question
) -> dict[str, Tensor]:
    posterior = encode(model, x)
    squared, nll = [], []
    for draw in range(POSTERIOR_DRAWS):
        step = block * POSTERIOR_DRAWS + draw
        drawn = model.draw(posterior, step=step, stream=EVALUATION, backend=question.backend)
        output = decode(model, drawn.z[:, 0])
        squared.append(_squared_error(model.likelihood.mean(output), x))
        nll.append(_negative_log_likelihood(model, output, x, question))
    factors = posterior.mu.new_empty((*posterior.mu.shape[:2], 0, 0))
    return {
        "test_mu": posterior.mu,
        "test_logvar": posterior.marginal_logvar,
        "test_cholesky": factors if posterior.lower is None else posterior.cholesky,
        "rate_nats": drawn.kl,
        "squared_error_at_mean": _squared_error(
            model.likelihood.mean(decode(model, posterior.mu)), x
        ),
        "squared_error_sampled": torch.stack(squared).mean(0),
        "negative_log_likelihood": torch.stack(nll).mean(0),
        "log_likelihood": _log_likelihood(model, x, posterior, block, question),
    }


def _log_likelihood(
    model: StackedAutoencoders, x: Tensor, posterior: Gaussian, block: int, question: Question
) -> Tensor:
    if model.deterministic == len(model.members):
        return posterior.mu.new_full(posterior.mu.shape[:2], math.nan, dtype=torch.float64)
    total: Tensor | None = None
    chunks = range(0, question.importance_samples, DRAWS_AT_ONCE)
    for index, first in enumerate(chunks):
        z = model.draw(
            posterior,
            step=block * len(chunks) + index,
            stream=LIKELIHOOD,
            backend=question.backend,
            samples=min(DRAWS_AT_ONCE, question.importance_samples - first),
        ).z
        decoded = decode(model, z.flatten(1, 2))
        outputs = decoded.view(*z.shape[:3], *decoded.shape[2:])
        nll = _negative_log_likelihood(model, outputs, x.unsqueeze(1), question)
        log_weights = posterior.log_prior_over_posterior(z) - nll
        part = torch.logsumexp(log_weights.double(), dim=1)
        total = part if total is None else torch.logaddexp(total, part)
    if total is None:
        raise ValueError("importance_samples: 0 is not allowed; at least 1 is")
    total[: model.deterministic] = math.nan
    return total - math.log(question.importance_samples)


def _decoder_variance(model: StackedAutoencoders, dataset: Dataset, backend: str) -> Tensor:
    """σ² of every member's likelihood, ``[K]``; a calibrated one's is estimated from one draw of
    every training image (Rybkin et al. 2021).
    """
    if not model.likelihood.is_calibrated:
        given = [
            model.likelihood.effective_decoder_variance(1.0, member.recon_weight)
            for member in model.members
        ]
        return torch.tensor([math.nan if value is None else value for value in given])
    totals = torch.zeros(len(model.members), dtype=torch.float64, device=model.seeds.device)
    for block, x in enumerate(_blocks(model, dataset, dataset.train_images)):
        drawn = model.draw(encode(model, x), step=block, stream=CALIBRATION, backend=backend)
        images = model.likelihood.mean(decode(model, drawn.z[:, 0]))
        totals += _squared_error(images, x).double().sum(1)
    pixels = len(dataset.train_images) * math.prod(model.structure.image_shape)
    return (totals / pixels).clamp_min(SMALLEST_VARIANCE)


def _recon_weights(model: StackedAutoencoders, variance: Tensor) -> tuple[float, ...]:
    """C of every member's likelihood: its own, or what its estimated variance makes it."""
    if not model.likelihood.is_calibrated:
        return tuple(member.recon_weight for member in model.members)
    return tuple((1 / (2 * variance)).tolist())


def _negative_log_likelihood(
    model: StackedAutoencoders, output: Tensor, x: Tensor, question: Question
) -> Tensor:
    error = model.likelihood.error(output, x.expand_as(output))
    pixels = math.prod(model.structure.image_shape)
    rows = [
        model.likelihood.negative_log_likelihood(member_error, weight, pixels)
        for member_error, weight in zip(error, question.recon_weights, strict=True)
    ]
    return torch.stack(rows)


def _squared_error(images: Tensor, x: Tensor) -> Tensor:
    return (images - x).square().flatten(2).sum(-1)


def _blocks(model: StackedAutoencoders, dataset: Dataset, images: Tensor) -> Iterator[Tensor]:
    for part in torch.split(images, IMAGES_PER_BLOCK):
        yield dataset.pixels(part).expand(len(model.members), *part.shape)


def prior_draws(model: StackedAutoencoders, count: int) -> Tensor:
    """Draw from N(0, I), ``[K, count, D]``: a function of each member's seed alone."""
    shape = (len(model.members), count, model.structure.latent_dim)
    return philox_normal(shape, model.seeds, 0, PRIOR, device=model.seeds.device)


@torch.inference_mode()
def decode_numpy(model: StackedAutoencoders, z: Tensor | NDArray[Any]) -> Floats:
    """Decode latents ``[K, n, D]`` to flattened mean images ``[K, n, P]``, in blocks."""
    latents = torch.as_tensor(z, dtype=torch.float32, device=model.seeds.device)
    return model.likelihood.mean(decode(model, latents)).flatten(2).cpu().numpy()


def encode(model: StackedAutoencoders, x: Tensor) -> Gaussian:
    """``model.encode`` of images ``[K, B, C, H, W]``, some at a time."""
    parameters = torch.cat([model.encoder(part) for part in _parts(x)], dim=1)
    return Gaussian.of(parameters, model.structure.latent_dim)


def decode(model: StackedAutoencoders, z: Tensor) -> Tensor:
    """``model.decoder`` of latents ``[K, B, D]``, some at a time."""
    return torch.cat([model.decoder(part) for part in _parts(z)], dim=1)


def _parts(stacked: Tensor) -> tuple[Tensor, ...]:
    return torch.split(stacked, max(1, IMAGES_AT_ONCE // len(stacked)), dim=1)


def _numpy(tensor: Tensor) -> NDArray[Any]:
    return tensor.cpu().numpy()
