"""K runs of one structure as one stacked model.

Members differ in numbers only: seed, objective, KL weight, reconstruction weight. They stand in the
order of the objectives' table, so that those of one objective are one slice, and noise is drawn for
the stochastic ones alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import torch
from torch import Tensor, nn

from kernels import philox_normal
from kernels.losses import can_fuse, image_error, weighted_means
from vae_core.likelihoods import LIKELIHOODS
from vae_core.model import Autoencoder, Structure, autoencoder, initial_networks
from vae_core.objectives import OBJECTIVES, Terms
from vae_core.one_by_one import WAYS, OneByOne, how_stacked, stack_tried
from vae_core.posteriors import Drawn, Gaussian
from vae_core.rate_control import RateControl
from vae_core.stacked_layers import Stacked
from vae_core.stacking import StackedSequential
from vae_core.streams import CORRUPTION

TRIAL_BATCH = 4


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
class LossSettings:
    """What a cohort's losses share beside the members' own numbers.

    Attributes
    ----------
    samples
        Latents drawn of each image, S.
    rate
        How much of the KL is paid, and when.
    corruption
        Standard deviation of the noise that denoising encoders see on images in [0, 1].
    decoder_decay
        Weight of the decoder's squared weights, where an objective has them.
    """

    samples: int = 1
    rate: RateControl = field(default_factory=RateControl)
    corruption: float = 0.25
    decoder_decay: float = 1e-6


PLAIN = LossSettings()


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
        When there is no member, or they do not stand in the order of the objectives.
    ArchitectureError, StackingError
        When the networks cannot be built or stacked.
    """

    def __init__(self, structure: Structure, members: Sequence[Member]) -> None:
        super().__init__()
        ranks = [list(OBJECTIVES).index(member.objective) for member in members]
        if not members or ranks != sorted(ranks):
            raise ValueError(
                f"members: one or more are needed, in the order {', '.join(OBJECTIVES)}"
            )
        self.structure = structure
        self.members = tuple(members)
        self.deterministic = sum(not OBJECTIVES[m.objective].is_stochastic for m in members)
        self.likelihood = LIKELIHOODS[structure.likelihood]

        networks = [initial_networks(structure, member.seed) for member in members]
        encoders, decoders = zip(*networks, strict=True)
        self.encoder: Stacked = stack_tried(encoders, _example(*structure.image_shape))
        self.decoder: Stacked = stack_tried(decoders, _example(structure.latent_dim))
        self.objectives = _slices([member.objective for member in members])
        self._is_weighted_sum = not self.likelihood.is_calibrated and all(
            OBJECTIVES[name].is_weighted_sum for name in self.objectives
        )
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

    def use_kernels(self, wanted: bool) -> None:
        """Have Triton run what layers it can from now on, or PyTorch all of them."""
        for module in self.modules():
            if isinstance(module, StackedSequential):
                module.by_kernels = wanted

    def encode(self, x: Tensor) -> Gaussian:
        """Images ``[K, B, C, H, W]`` to q(z|x); deterministic members use its mean only."""
        return Gaussian.of(self.encoder(x), self.structure.latent_dim)

    def draw(
        self,
        posterior: Gaussian,
        *,
        step: int | Tensor,
        stream: int,
        backend: str,
        samples: int = 1,
        per_dimension: bool = False,
    ) -> Drawn:
        """Latents ``[K, S, B, D]`` and KL ``[K, B]`` in nats: drawn for stochastic members, the
        mean and 0 for the rest. ``step`` may be a 0-d int64 tensor, which a compiled program needs.
        """
        first, mu = self.deterministic, posterior.mu
        points = mu[:first].unsqueeze(1).expand(-1, samples, -1, -1)
        free = mu.new_zeros(
            (first, mu.shape[1]), dtype=torch.promote_types(mu.dtype, torch.float32)
        )
        if first == len(self.members):
            return Drawn(points, free, free.new_zeros(first, mu.shape[-1]))
        drawn = posterior.members(slice(first, len(self.members))).draw(
            seeds=self.seeds[first:],
            step=step,
            stream=stream,
            backend=backend,
            samples=samples,
            per_dimension=per_dimension,
        )
        if first == 0:
            return drawn
        per = drawn.kl_per_dimension
        return Drawn(
            torch.cat([points, drawn.z]),
            torch.cat([free, drawn.kl]),
            torch.cat([per.new_zeros(first, *per.shape[1:]), per]) if per_dimension else per,
        )

    def losses(
        self,
        x: Tensor,
        *,
        step: int | Tensor,
        stream: int,
        backend: str,
        steps: int = 1,
        settings: LossSettings = PLAIN,
    ) -> Losses:
        """What each member's objective makes of one batch ``[K, B, C, H, W]``, at step ``step`` of
        ``steps``.
        """
        posterior = self.encode(self._corrupted(x, step, settings.corruption))
        drawn = self.draw(
            posterior,
            step=step,
            stream=stream,
            backend=backend,
            samples=settings.samples,
            per_dimension=settings.rate.free_nats > 0,
        )
        outputs = self.decoder(drawn.z.flatten(1, 2)).unflatten(1, drawn.z.shape[1:3])
        by_kernels = backend == "triton" and can_fuse(outputs, x)
        error = (
            image_error(outputs, x, self.likelihood.kind)
            if by_kernels
            else self.likelihood.error(outputs, x.unsqueeze(1).expand_as(outputs))
        )
        kl_weights = self.kl_weights
        if settings.rate.schedule != "constant":
            kl_weights = kl_weights * settings.rate.factor(step, steps)
        if by_kernels and self._is_weighted_sum and settings.rate.pays_all:
            return Losses(*weighted_means(error, drawn.kl, self.recon_weights, kl_weights))
        mean_error, mean_kl = error.mean((1, 2)), drawn.kl.mean(-1)
        rate = settings.rate.paid(mean_kl, drawn.kl_per_dimension, step, steps)
        losses = [
            OBJECTIVES[name].loss(
                Terms(
                    error=_part(error, chosen),
                    mean_error=_part(mean_error, chosen),
                    posterior=posterior.members(chosen),
                    z=_part(drawn.z, chosen),
                    kl=_part(drawn.kl, chosen),
                    rate=_part(rate, chosen),
                    recon_weight=_part(self.recon_weights, chosen),
                    kl_weight=_part(kl_weights, chosen),
                    likelihood=self.likelihood,
                    pixels=math.prod(self.structure.image_shape),
                )
            )
            for name, chosen in self.objectives.items()
        ]
        loss = losses[0] if len(losses) == 1 else torch.cat(losses)
        loss = self._with_decay(loss, settings.decoder_decay)
        return Losses(loss, mean_error, mean_kl)

    def _corrupted(self, x: Tensor, step: int | Tensor, deviation: float) -> Tensor:
        """Images as the encoders see them: with noise for members whose objective corrupts."""
        for name, chosen in self.objectives.items():
            if OBJECTIVES[name].corrupts:
                shape = x[chosen].shape
                noise = philox_normal(shape, self.seeds[chosen], step, CORRUPTION).to(x.dtype)
                noisy = x[chosen] + deviation * noise
                x = torch.cat([x[: chosen.start], noisy, x[chosen.stop :]])
        return x

    def _with_decay(self, loss: Tensor, weight: float) -> Tensor:
        for name, chosen in self.objectives.items():
            if OBJECTIVES[name].decays_decoder:
                decay = weight * self.decoder.squared_weights(len(self.members))[chosen]
                loss = torch.cat([loss[: chosen.start], loss[chosen] + decay, loss[chosen.stop :]])
        return loss

    def member(self, k: int) -> Autoencoder:
        """Run ``k`` alone, on the CPU, as an ordinary model with copies of its weights."""
        encoder, decoder = initial_networks(self.structure, self.members[k].seed)
        encoder.load_state_dict(self.encoder.member_state(k))
        decoder.load_state_dict(self.decoder.member_state(k))
        return autoencoder(self.structure, self.members[k].objective, encoder, decoder).eval()


def _slices(names: Sequence[str]) -> dict[str, slice]:
    """Where each name stands in a list in which equal names are neighbours."""
    slices, start = {}, 0
    for name, group in groupby(names):
        stop = start + len(list(group))
        slices[name] = slice(start, stop)
        start = stop
    return slices


def _part(values: Tensor, chosen: slice) -> Tensor:
    """Those of some members; where it is all of them no slice, which costs two kernels backward."""
    return values if chosen == slice(0, len(values)) else values[chosen]


def _example(*shape: int) -> Tensor:
    """A small batch of inputs in [0, 1) to try a network with, always the same."""
    return torch.rand(TRIAL_BATCH, *shape, generator=torch.Generator().manual_seed(0))
