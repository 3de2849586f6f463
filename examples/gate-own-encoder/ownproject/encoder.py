"""A residual encoder, and a decoder to train it with."""

import math

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """x + f(x), with f two layers: ``[B, width] → [B, width]``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


def networks(
    *,
    image_shape: tuple[int, ...],
    latent_dim: int,
    posterior_parameters: int,
    hidden: tuple[int, ...],
) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder of one run, as ``[model] architecture`` wants them."""
    (width,) = hidden
    pixels = math.prod(image_shape)
    encoder = nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, width),
        Residual(width),
        nn.Linear(width, posterior_parameters),
    )
    decoder = nn.Sequential(
        nn.Linear(latent_dim, width),
        nn.SiLU(),
        nn.Linear(width, pixels),
        nn.Unflatten(1, image_shape),
    )
    return encoder, decoder


def parameter_count(module: nn.Module) -> int:
    """Number of trained weights."""
    return sum(torch.numel(parameter) for parameter in module.parameters())
