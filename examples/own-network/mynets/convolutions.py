"""Convolutions at full size with group normalisation, and a decoder that mirrors them."""

import math

from torch import nn

GROUPS = 4


def normalised(*, image_shape, latent_dim, posterior_parameters, hidden):
    """Encoder ``[B, C, H, W] → [B, posterior_parameters]`` and decoder ``[B, latent_dim] → [B, C,
    H, W]``; ``hidden`` is one channel count, a multiple of 4.
    """
    channels, height, width = image_shape
    (inner,) = hidden
    folded = (inner, height, width)
    encoder = nn.Sequential(
        nn.Conv2d(channels, inner, 3, padding=1, bias=False),
        nn.GroupNorm(GROUPS, inner),
        nn.SiLU(),
        nn.Flatten(),
        nn.Linear(math.prod(folded), posterior_parameters),
    )
    decoder = nn.Sequential(
        nn.Linear(latent_dim, math.prod(folded)),
        nn.SiLU(),
        nn.Unflatten(1, folded),
        nn.Conv2d(inner, channels, 3, padding=1),
    )
    return encoder, decoder
