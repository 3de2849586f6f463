"""Networks as a user would write them, named by ``own_networks:…`` in tests."""

import math

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """A layer that no table knows: normalisation, a shared weight used twice, a skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.into = nn.Linear(width, width)
        self.gain = nn.Parameter(torch.rand(width) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gain * torch.tanh(self.into(self.norm(x)))


def residual(**sizes):
    """Fully connected networks around a layer that has to be vmapped."""
    return _around(Residual, **sizes)


def normalised(*, image_shape, latent_dim, posterior_parameters, hidden):
    """Convolutions with batch normalisation, so that a network has statistics beside weights.

    Normalisation follows no bias: it would take away its effect and leave it a gradient of pure
    rounding, which Adam blows up to full steps.
    """
    channels, height, width = image_shape
    (inner,) = hidden
    encoder = nn.Sequential(
        nn.Conv2d(channels, inner, 3, padding=1, bias=False),
        nn.BatchNorm2d(inner),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(inner * height * width, posterior_parameters),
    )
    decoder = nn.Sequential(
        nn.Linear(latent_dim, inner),
        nn.ReLU(),
        nn.BatchNorm1d(inner),
        nn.Linear(inner, math.prod(image_shape)),
        nn.Unflatten(1, image_shape),
    )
    return encoder, decoder


class Tied(nn.Module):
    """Two layers with one weight, and a buffer that is not saved."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.second.weight = self.first.weight
        self.register_buffer("scale", torch.full((width,), 0.5), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(x))) * self.scale


def tied(*, image_shape, latent_dim, posterior_parameters, hidden):
    """Networks whose layers share weights."""
    pixels, (width,) = math.prod(image_shape), hidden
    activation = nn.Tanh()
    encoder = nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, width),
        activation,
        Tied(width),
        activation,
        nn.Linear(width, posterior_parameters),
    )
    again = nn.Linear(width, width)
    decoder = nn.Sequential(
        nn.Linear(latent_dim, width),
        activation,
        again,
        activation,
        again,
        activation,
        nn.Linear(width, pixels),
        nn.Unflatten(1, image_shape),
    )
    return encoder, decoder


def dropping_out(*, image_shape, latent_dim, posterior_parameters, hidden):
    """Networks that cannot be stacked."""
    pixels = math.prod(image_shape)
    encoder = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(pixels, posterior_parameters))
    return encoder, nn.Sequential(nn.Linear(latent_dim, pixels), nn.Unflatten(1, image_shape))


class Choosy(nn.Module):
    """Looks at its values to decide what to do, which vmap cannot follow."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x) if x.mean() > 0 else x / 2


class Remembering(nn.Module):
    """Replaces a buffer at each call; under vmap the replacement is lost without a word."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.detach().mean(0)
        return x - self.mean


def _around(make_layer, *, image_shape, latent_dim, posterior_parameters, hidden):
    pixels, (width,) = math.prod(image_shape), hidden
    encoder = nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, width),
        make_layer(width),
        nn.Linear(width, posterior_parameters),
    )
    decoder = nn.Sequential(
        nn.Linear(latent_dim, width),
        make_layer(width),
        nn.Linear(width, pixels),
        nn.Unflatten(1, image_shape),
    )
    return encoder, decoder


def choosy(**sizes):
    """Networks with control flow that depends on data."""
    return _around(lambda width: Choosy(), **sizes)


def remembering(**sizes):
    """Networks with state that is replaced."""
    return _around(Remembering, **sizes)


class Noisy(nn.Module):
    """Draws random numbers where no table of layers can see it."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x)


def noisy(**sizes):
    """Networks that answer differently each time."""
    return _around(lambda width: Noisy(), **sizes)


class Reading(nn.Module):
    """A network in which Python looks at a value, so that a GPU would be waited for."""

    def __init__(self, pixels: int, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(pixels, outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x.flatten(1))
        return y if float(y.detach().sum()) < 1e9 else -y


class Synchronizing(Reading):
    """A network that waits for a GPU in so many words."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x.flatten(1))
        torch.cuda.current_stream().synchronize()
        return y


def _linear(encoder, *, image_shape, latent_dim, hidden, posterior_parameters):
    pixels = math.prod(image_shape)
    decoder = nn.Sequential(nn.Linear(latent_dim, pixels), nn.Unflatten(1, image_shape))
    return encoder(pixels, posterior_parameters), decoder


def reading(**sizes):
    """Linear networks whose encoder reads a value."""
    return _linear(Reading, **sizes)


def synchronizing(**sizes):
    """Linear networks whose encoder waits for the GPU."""
    return _linear(Synchronizing, **sizes)
