"""K runs of one structure as one stacked model.

Members differ in numbers only: seed, objective, KL weight, reconstruction weight. Deterministic
members come first, so that the stochastic ones are one slice and noise is drawn for them alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kernels import reparameterize_kl
from vae_core.model import Autoencoder, split_parameters
from vae_core.networks import build_networks, resolve_factory
from vae_core.objectives import LIKELIHOODS, OBJECTIVES
from vae_core.one_by_one import WAYS, OneByOne, how_stacked, stack_tried
from vae_core.stacked_layers import Stacked

TRIAL_BATCH = 4


@dataclass(frozen=True)
class Structure:
    """What all members share. ``image_shape`` is (C, H, W); ``hidden`` are layer widths or channel
    counts.
    """

    architecture: str
    hidden: tuple[int, ...]
    image_shape: tuple[int, ...]
    latent_dim: int
    likelihood: str


@dataclass(frozen=True)
class Member:
    """What a run brings to the stack: C is ``recon_weight``, β is ``kl_weight`` (None where no KL
    is trained).
    """

    objective: str
    seed: int
    kl_weight: float | None
    recon_weight: float


@dataclass(frozen=True)
class Losses:
    """What one batch costs each member, means over the batch, ``[K]``: the loss and its two terms.

    ``error`` is the likelihood's error summed over pixels; ``rate`` is the KL in nats, 0 for
    deterministic members.
    """

    loss: Tensor
    error: Tensor
    rate: Tensor


class StackedAutoencoders(nn.Module):
    """The members' encoders and decoders, stacked; every tensor carries the member axis K first.

    Raises
    ------
    ValueError
        When there is no member, or a stochastic member stands before a deterministic one.
    ArchitectureError, StackingError
        When the networks cannot be built or stacked.
    """

    def __init__(self, structure: Structure, members: Sequence[Member]) -> None:
        super().__init__()
        stochastic = [OBJECTIVES[member.objective].is_stochastic for member in members]
        if not members or stochastic != sorted(stochastic):
            raise ValueError(
                "members: one or more are needed, deterministic objectives before stochastic ones"
            )
        self.structure = structure
        self.members = tuple(members)
        self.deterministic = stochastic.count(False)
        self.likelihood = LIKELIHOODS[structure.likelihood]

        networks = [initial_networks(structure, member.seed) for member in members]
        encoders, decoders = zip(*networks, strict=True)
        self.encoder: Stacked = stack_tried(encoders, _example(*structure.image_shape))
        self.decoder: Stacked = stack_tried(decoders, _example(structure.latent_dim))
        self.seeds: Tensor
        self.recon_weights: Tensor
        self.kl_weights: Tensor
        self.register_buffer("seeds", torch.tensor([member.seed for member in members]))
        self.register_buffer(
            "recon_weights", torch.tensor([member.recon_weight for member in members])
        )
        self.register_buffer(
            "kl_weights", torch.tensor([member.kl_weight or 0.0 for member in members])
        )

    @property
    def stacking(self) -> str:
        """How the members run at once: ``native``, ``vmap`` or ``one by one``, the slower of the
        two networks' ways.
        """
        return max(map(how_stacked, (self.encoder, self.decoder)), key=WAYS.index)

    @property
    def stacking_notes(self) -> list[str]:
        """Why a network is run one by one, where one is."""
        parts = {"encoder": self.encoder, "decoder": self.decoder}
        return [
            f"{name} one by one: {network.reason}"
            for name, network in parts.items()
            if isinstance(network, OneByOne)
        ]

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images ``[K, B, C, H, W]`` to means and log-variances ``[K, B, D]``; deterministic
        members use the means only.
        """
        return split_parameters(self.encoder(x))

    def draw(
        self, mu: Tensor, logvar: Tensor, *, step: int | Tensor, stream: int, backend: str
    ) -> tuple[Tensor, Tensor]:
        """Latents ``[K, B, D]`` and KL ``[K, B]`` in nats: drawn for stochastic members, the mean
        and 0 for the rest. ``step`` may be a 0-d int64 tensor, which a compiled program needs.
        """
        first = self.deterministic
        if first == len(self.members):
            kl_dtype = torch.promote_types(mu.dtype, torch.float32)
            return mu, mu.new_zeros(mu.shape[:-1], dtype=kl_dtype)
        z, kl = reparameterize_kl(
            mu[first:],
            logvar[first:],
            seed=self.seeds[first:],
            step=step,
            stream=stream,
            backend=backend,
        )
        if first == 0:
            return z, kl
        return torch.cat([mu[:first], z]), torch.cat([kl.new_zeros(first, kl.shape[1]), kl])

    def losses(self, x: Tensor, *, step: int | Tensor, stream: int, backend: str) -> Losses:
        """``C · error + β · KL`` of one batch ``[K, B, C, H, W]``."""
        mu, logvar = self.encode(x)
        z, kl = self.draw(mu, logvar, step=step, stream=stream, backend=backend)
        error = self.likelihood.error(self.decoder(z), x).mean(-1)
        rate = kl.mean(-1)
        return Losses(self.recon_weights * error + self.kl_weights * rate, error, rate)

    def member(self, k: int) -> Autoencoder:
        """Run ``k`` alone, on the CPU, as an ordinary model with copies of its weights."""
        encoder, decoder = initial_networks(self.structure, self.members[k].seed)
        encoder.load_state_dict(self.encoder.member_state(k))
        decoder.load_state_dict(self.decoder.member_state(k))
        return autoencoder(self.structure, self.members[k].objective, encoder, decoder).eval()


def _example(*shape: int) -> Tensor:
    """A small batch of inputs in [0, 1) to try a network with, always the same."""
    return torch.rand(TRIAL_BATCH, *shape, generator=torch.Generator().manual_seed(0))


def initial_networks(structure: Structure, seed: int) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder with the initial weights of ``seed``.

    Every objective gets the same parameters (a deterministic one leaves the log-variances unused),
    so that an autoencoder and a variational one of the same seed start from the same weights.
    """
    return build_networks(
        resolve_factory(structure.architecture),
        image_shape=structure.image_shape,
        latent_dim=structure.latent_dim,
        posterior_parameters=2 * structure.latent_dim,
        hidden=structure.hidden,
        seed=seed,
    )


def autoencoder(
    structure: Structure, objective: str, encoder: nn.Module, decoder: nn.Module
) -> Autoencoder:
    """Return the model of one run around its two networks."""
    return Autoencoder(
        encoder,
        decoder,
        latent_dim=structure.latent_dim,
        is_stochastic=OBJECTIVES[objective].is_stochastic,
        likelihood=structure.likelihood,
    )
