"""Encoders and decoders of one run, as ordinary modules: the built-in ones and the user's own.

An encoder maps images ``[B, C, H, W]`` to posterior parameters ``[B, Q]``; a decoder maps latents
``[B, D]`` to images ``[B, C, H, W]`` (means for a Gaussian likelihood, logits for a Bernoulli one).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol, cast

import torch
from torch import Tensor, nn


class ArchitectureError(ValueError):
    """A network cannot be built: unknown name, a factory that cannot be imported, or wrong
    shapes.
    """


class Factory(Protocol):
    """What a user's ``package.module:factory`` must be."""

    def __call__(
        self,
        *,
        image_shape: tuple[int, ...],
        latent_dim: int,
        posterior_parameters: int,
        hidden: tuple[int, ...],
    ) -> tuple[nn.Module, nn.Module]:
        """Return an encoder ``[B, C, H, W] → [B, posterior_parameters]`` and a decoder ``[B,
        latent_dim] → [B, C, H, W]``.
        """
        ...


def linear(
    *,
    image_shape: tuple[int, ...],
    latent_dim: int,
    posterior_parameters: int,
    hidden: tuple[int, ...],
) -> tuple[nn.Module, nn.Module]:
    """One affine map each way: the model whose optimum is known (probabilistic PCA); ``hidden`` is
    not used.
    """
    return mlp(
        image_shape=image_shape,
        latent_dim=latent_dim,
        posterior_parameters=posterior_parameters,
        hidden=(),
    )


def mlp(
    *,
    image_shape: tuple[int, ...],
    latent_dim: int,
    posterior_parameters: int,
    hidden: tuple[int, ...],
) -> tuple[nn.Module, nn.Module]:
    """Fully connected layers of the widths ``hidden`` with ReLU between; the decoder mirrors the
    encoder.
    """
    pixels = math.prod(image_shape)
    encoder = nn.Sequential(nn.Flatten(), *_dense([pixels, *hidden, posterior_parameters]))
    decoder = nn.Sequential(
        *_dense([latent_dim, *reversed(hidden), pixels]), nn.Unflatten(1, image_shape)
    )
    return encoder, decoder


def mlp_tanh(
    *,
    image_shape: tuple[int, ...],
    latent_dim: int,
    posterior_parameters: int,
    hidden: tuple[int, ...],
) -> tuple[nn.Module, nn.Module]:
    """The same with tanh between and the weights of Glorot & Bengio 2010, biases zero: the networks
    of Burda et al. 2016, section 5.
    """
    pixels = math.prod(image_shape)
    into, out = [pixels, *hidden, posterior_parameters], [latent_dim, *reversed(hidden), pixels]
    encoder = nn.Sequential(nn.Flatten(), *_dense(into, nn.Tanh))
    decoder = nn.Sequential(*_dense(out, nn.Tanh), nn.Unflatten(1, image_shape))
    for layer in (*encoder, *decoder):
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return encoder, decoder


def _dense(widths: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for index in range(len(widths) - 1):
        if index:
            layers.append(activation())
        layers.append(nn.Linear(widths[index], widths[index + 1]))
    return layers


def conv(
    *,
    image_shape: tuple[int, ...],
    latent_dim: int,
    posterior_parameters: int,
    hidden: tuple[int, ...],
) -> tuple[nn.Module, nn.Module]:
    """3×3 convolutions of stride 2 with ``hidden`` channels and ReLU, then one affine map; the
    decoder mirrors it.

    Raises
    ------
    ArchitectureError
        When ``hidden`` names no channels.
    """
    if not hidden:
        raise ArchitectureError(
            "model.hidden: [] is not allowed for conv; one channel count a layer is"
        )
    channels = [image_shape[0], *hidden]
    sizes = [image_shape[1:]]
    for _ in hidden:
        sizes.append(tuple(math.ceil(side / 2) for side in sizes[-1]))
    folded = (channels[-1], *sizes[-1])

    down: list[nn.Module] = []
    for into, out in pairwise(channels):
        down += [nn.Conv2d(into, out, 3, stride=2, padding=1), nn.ReLU()]
    encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(math.prod(folded), posterior_parameters))

    up: list[nn.Module] = [
        nn.Linear(latent_dim, math.prod(folded)),
        nn.ReLU(),
        nn.Unflatten(1, folded),
    ]
    for level in reversed(range(len(hidden))):
        # A stride of 2 maps n to 2n − 1; an even target needs one more row or column.
        height, width = (1 - side % 2 for side in sizes[level])
        up.append(
            nn.ConvTranspose2d(
                channels[level + 1],
                channels[level],
                3,
                stride=2,
                padding=1,
                output_padding=(height, width),
            )
        )
        if level:
            up.append(nn.ReLU())
    return encoder, nn.Sequential(*up)


ARCHITECTURES: dict[str, Factory] = {
    "linear": linear,
    "mlp": mlp,
    "mlp-tanh": mlp_tanh,
    "conv": conv,
}


def resolve_factory(architecture: str) -> Factory:
    """Return the factory of a built-in name or of a ``package.module:factory`` path, which is
    imported.

    Raises
    ------
    ArchitectureError
        When the name is unknown, or the path cannot be imported or is not callable.
    """
    if architecture in ARCHITECTURES:
        return ARCHITECTURES[architecture]
    module_name, colon, attribute = architecture.partition(":")
    if not (colon and module_name and attribute):
        raise ArchitectureError(
            f"model.architecture: {architecture!r} is unknown; {', '.join(ARCHITECTURES)} or "
            "'package.module:factory' is allowed"
        )
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except Exception as error:  # importing runs the user's code, which may fail in any way
        raise ArchitectureError(
            f"model.architecture: {architecture!r} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not callable(factory):
        raise ArchitectureError(
            f"model.architecture: {architecture!r} is a {type(factory).__name__}, not a callable"
        )
    return cast("Factory", factory)


def build_networks(
    factory: Factory,
    *,
    image_shape: tuple[int, ...],
    latent_dim: int,
    posterior_parameters: int,
    hidden: tuple[int, ...],
    seed: int,
) -> tuple[nn.Module, nn.Module]:
    """Build one run's encoder and decoder with the initial weights of ``seed``, on the CPU.

    The weights depend on the seed alone, so runs that share a seed start from the same point. The
    CPU's global random state is left as it was.

    Raises
    ------
    ArchitectureError
        When the factory fails or does not return two modules of the right shapes.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            built = factory(
                image_shape=image_shape,
                latent_dim=latent_dim,
                posterior_parameters=posterior_parameters,
                hidden=hidden,
            )
        except ArchitectureError:
            raise
        except Exception as error:
            raise ArchitectureError(
                f"model.architecture: the factory failed: {type(error).__name__}: {error}"
            ) from error
    if not (
        isinstance(built, tuple)
        and len(built) == 2
        and all(isinstance(part, nn.Module) for part in built)
    ):
        raise ArchitectureError(
            "model.architecture: the factory must return (encoder, decoder), two modules"
        )
    encoder, decoder = built
    _check_shape("encoder", encoder, image_shape, (posterior_parameters,))
    _check_shape("decoder", decoder, (latent_dim,), image_shape)
    return encoder, decoder


def _check_shape(part: str, module: nn.Module, into: tuple[int, ...], out: tuple[int, ...]) -> None:
    batch = 2
    given = f"model.architecture: the {part}, given [{batch}, {_list(into)}],"
    module.eval()  # so that looking at it neither draws random numbers nor moves statistics
    try:
        with torch.no_grad():
            found = module(torch.zeros(batch, *into))
    except Exception as error:
        raise ArchitectureError(f"{given} failed: {type(error).__name__}: {error}") from error
    module.train()
    if not isinstance(found, Tensor):
        raise ArchitectureError(
            f"{given} returns a {type(found).__name__}; one tensor, "
            f"[{batch}, {_list(out)}], is needed"
        )
    if tuple(found.shape) != (batch, *out):
        raise ArchitectureError(
            f"{given} returns {list(found.shape)}; [{batch}, {_list(out)}] is needed"
        )


def _list(sizes: tuple[int, ...]) -> str:
    return ", ".join(map(str, sizes))
