"""What a trained model is worth on the test images, the same measure for everybody's weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from bench.peers.task import Networks, Task

DRAWS = 16
"""Latents drawn for each test image to estimate the distortion."""


@dataclass(frozen=True)
class Quality:
    """Mean squared error over pixels and images, decoded from the posterior mean, and the ELBO in
    nats per image under the decoder variance that the task trains for.
    """

    test_mse: float
    test_elbo_nats: float


@torch.inference_mode()
def score(networks: Networks, task: Task) -> Quality:
    """Score one model; the draws are the same for every model."""
    encoder, decoder = networks
    x = task.dataset.pixels(task.dataset.test_images)
    mu, logvar = encoder(x).chunk(2, dim=-1)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn((DRAWS, *mu.shape), generator=generator)
    outputs = decoder((mu + noise * torch.exp(0.5 * logvar)).flatten(0, 1)).view(DRAWS, *x.shape)
    squared_error = (outputs - x).square().flatten(2).sum(-1).mean()
    kl = 0.5 * (mu.square() + torch.expm1(logvar) - logvar).sum(-1).mean()
    variance, pixels = task.decoder_variance, task.dataset.pixels_per_image
    distortion = squared_error / (2 * variance) + 0.5 * pixels * math.log(2 * math.pi * variance)
    return Quality(
        test_mse=float((decoder(mu) - x).square().mean()),
        test_elbo_nats=-float(distortion + kl),
    )
