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
from vae_core import Dataset, StackedAutoencoders
from vae_core.streams import EVALUATION, LIKELIHOOD, PRIOR

Floats = NDArray[np.float32]

IMAGES_PER_BLOCK = 1_000
"""Images a member is asked about at a time; noise is drawn a block at once, so it is part of what a
number means."""

IMAGES_AT_ONCE = 4_000
"""Images in the networks at a time, over all members, so that memory grows with neither."""

POSTERIOR_DRAWS = 8
"""Latents drawn for each test image where an expectation over q(z|x) is asked for."""

IMPORTANCE_SAMPLES = 64
"""Importance samples a test image; the bound on log p(x) rises with them (Burda 2016)."""


@dataclass(frozen=True)
class Answers:
    """What K members say, one slice each; ``N`` test images, ``M`` training images, ``P`` pixels.

    Attributes
    ----------
    train_mu, test_mu, test_logvar
        Posterior means and log-variances, ``[K, M, D]`` and ``[K, N, D]``.
    error_at_mean, squared_error_at_mean, squared_error_sampled
        Summed over pixels, ``[K, N]``: the likelihood's error and the squared error of the image
        decoded from the mean, and the squared error of images decoded from draws, mean over draws.
    negative_log_likelihood
        −E_q log p(x|z) in nats with all constants, ``[K, N]``.
    log_weights
        log p(x|z) + log p(z) − log q(z|x) of importance samples, ``[K, S, N]``; NaN for
        deterministic members, which have no q.
    prior_images
        Decoded draws from N(0, I), ``[K, n, P]``.
    """

    train_mu: Floats
    test_mu: Floats
    test_logvar: Floats
    squared_error_at_mean: Floats
    squared_error_sampled: Floats
    negative_log_likelihood: Floats
    log_weights: Floats
    prior_images: Floats

    def member(self, k: int) -> Answers:
        """The answers of one member: the same arrays without their leading axis."""
        return Answers(**{item.name: getattr(self, item.name)[k] for item in fields(self)})

    def finite_members(self) -> NDArray[np.bool_]:
        """Which members gave numbers only, ``[K]``; importance weights may be absent."""
        asked = [getattr(self, item.name) for item in fields(self) if item.name != "log_weights"]
        finite = [np.isfinite(part).reshape(len(part), -1).all(axis=1) for part in asked]
        every: NDArray[np.bool_] = np.logical_and.reduce(finite)
        return every


@torch.inference_mode()
def ask(
    model: StackedAutoencoders, dataset: Dataset, *, prior_samples: int, backend: str
) -> Answers:
    """Run the stacked networks over the data set.

    Parameters
    ----------
    model, dataset
        On the same device.
    prior_samples
        Number of draws from N(0, I) to decode, the same draws for members of one seed.
    backend
        Who draws the posterior noise.
    """
    model.eval()
    train_mu = [encode(model, x)[0] for x in _blocks(model, dataset, dataset.train_images)]
    blocks = [
        _ask_block(model, x, block, backend)
        for block, x in enumerate(_blocks(model, dataset, dataset.test_images))
    ]
    joined = {
        name: torch.cat([block[name] for block in blocks], dim=_IMAGE_AXIS[name])
        for name in _IMAGE_AXIS
    }
    return Answers(
        train_mu=_numpy(torch.cat(train_mu, dim=1)),
        prior_images=decode_numpy(model, prior_draws(model, prior_samples)),
        **{name: _numpy(value) for name, value in joined.items()},
    )


_IMAGE_AXIS = {
    "test_mu": 1,
    "test_logvar": 1,
    "squared_error_at_mean": 1,
    "squared_error_sampled": 1,
    "negative_log_likelihood": 1,
    "log_weights": 2,
}


def _ask_block(
    model: StackedAutoencoders, x: Tensor, block: int, backend: str
) -> dict[str, Tensor]:
    mu, logvar = encode(model, x)
    at_mean = model.likelihood.mean(decode(model, mu))
    squared, nll = [], []
    for draw in range(POSTERIOR_DRAWS):
        step = block * POSTERIOR_DRAWS + draw
        z, _ = model.draw(mu, logvar, step=step, stream=EVALUATION, backend=backend)
        output = decode(model, z)
        squared.append(_squared_error(model.likelihood.mean(output), x))
        nll.append(_negative_log_likelihood(model, output, x))
    return {
        "test_mu": mu,
        "test_logvar": logvar,
        "squared_error_at_mean": _squared_error(at_mean, x),
        "squared_error_sampled": torch.stack(squared).mean(0),
        "negative_log_likelihood": torch.stack(nll).mean(0),
        "log_weights": _log_weights(model, x, mu, logvar, block, backend),
    }


def _log_weights(
    model: StackedAutoencoders,
    x: Tensor,
    mu: Tensor,
    logvar: Tensor,
    block: int,
    backend: str,
) -> Tensor:
    weights = []
    for sample in range(IMPORTANCE_SAMPLES):
        step = block * IMPORTANCE_SAMPLES + sample
        z, _ = model.draw(mu, logvar, step=step, stream=LIKELIHOOD, backend=backend)
        noise = (z - mu) * torch.exp(-0.5 * logvar)
        # The normalising constants of p(z) and q(z|x) cancel but for the log-variances.
        prior_over_posterior = 0.5 * (noise.square() - z.square() + logvar).sum(-1)
        weights.append(prior_over_posterior - _negative_log_likelihood(model, decode(model, z), x))
    stacked = torch.stack(weights, dim=1)
    stacked[: model.deterministic] = math.nan
    return stacked


def _negative_log_likelihood(model: StackedAutoencoders, output: Tensor, x: Tensor) -> Tensor:
    error = model.likelihood.error(output, x)
    pixels = math.prod(model.structure.image_shape)
    rows = [
        model.likelihood.negative_log_likelihood(error[k], member.recon_weight, pixels)
        for k, member in enumerate(model.members)
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


def encode(model: StackedAutoencoders, x: Tensor) -> tuple[Tensor, Tensor]:
    """``model.encode`` of images ``[K, B, C, H, W]``, some at a time."""
    mu, logvar = zip(*(model.encode(part) for part in _parts(x)), strict=True)
    return torch.cat(mu, dim=1), torch.cat(logvar, dim=1)


def decode(model: StackedAutoencoders, z: Tensor) -> Tensor:
    """``model.decoder`` of latents ``[K, B, D]``, some at a time."""
    return torch.cat([model.decoder(part) for part in _parts(z)], dim=1)


def _parts(stacked: Tensor) -> tuple[Tensor, ...]:
    return torch.split(stacked, max(1, IMAGES_AT_ONCE // len(stacked)), dim=1)


def _numpy(tensor: Tensor) -> Floats:
    return tensor.float().cpu().numpy()
