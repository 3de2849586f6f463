"""How much of the rate is paid, and when: schedules of the KL weight, free nats, a capacity."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SCHEDULES = ("constant", "linear", "cyclical")


@dataclass(frozen=True)
class RateControl:
    """What a cohort does to its KL term; every default leaves it alone.

    Attributes
    ----------
    schedule
        ``constant``; ``linear``: the weight rises from 0 over the warm-up and stays; ``cyclical``:
        it does so in each of ``cycles`` equal parts of the training (Fu et al. 2019,
        arXiv:1903.10145).
    warmup
        Share of the training, or of a cycle, over which the weight rises.
    free_nats
        Nats of each latent dimension that cost nothing, on the mean over the batch (Kingma et al.
        2016, arXiv:1606.04934, appendix C.8).
    capacity_nats
        Where given, the distance of the rate from a target is paid, which rises from 0 to this many
        nats over the training (Burgess et al. 2018, arXiv:1804.03599, equation 8).
    """

    schedule: str = "constant"
    warmup: float = 0.5
    cycles: int = 4
    free_nats: float = 0.0
    capacity_nats: float | None = None

    @property
    def pays_all(self) -> bool:
        """Whether the rate that is paid is the KL."""
        return not self.free_nats and self.capacity_nats is None

    def factor(self, step: int | Tensor, steps: int) -> Tensor | float:
        """What the KL weight is multiplied with at a step of a training of ``steps``, in [0, 1]."""
        if self.schedule == "constant":
            return 1.0
        period = steps / (self.cycles if self.schedule == "cyclical" else 1)
        done = torch.as_tensor(step, dtype=torch.float32) % period
        # A warm-up lasts one step at least: without any, its first would be 0 / 0.
        return (done / max(1.0, self.warmup * period)).clamp(max=1.0)

    def paid(self, kl: Tensor, kl_per_dimension: Tensor, step: int | Tensor, steps: int) -> Tensor:
        """The rate that is paid, ``[…]`` in nats, of the KL's mean over a batch, ``[…]``, and that
        of each dimension, ``[…, D]``, which free nats need.
        """
        if self.free_nats:
            return kl_per_dimension.clamp_min(self.free_nats).sum(-1)
        if self.capacity_nats is None:
            return kl
        reached = torch.as_tensor(step, dtype=torch.float32) / max(1, steps - 1)
        return (kl - self.capacity_nats * reached).abs()
