"""Which images each member sees at each step: a permutation per (seed, epoch), cut into batches.

The permutation sorts counter-based random keys, so it is the same on every device, and those of all
seeds are drawn at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kernels import philox_uint32
from vae_core.streams import ORDER


class BatchOrder:
    """The batches of a cohort; members of one seed share theirs.

    Parameters
    ----------
    seeds
        One a member, K.
    train_size
        Images in the training set, N.
    batch_size
        B; an epoch is ⌊N / B⌋ batches.
    device
        Where the rows are drawn and left.
    """

    def __init__(
        self, seeds: Sequence[int], train_size: int, batch_size: int, device: torch.device
    ) -> None:
        unique = sorted(set(seeds))
        self._seeds = torch.tensor(unique, device=device)
        self._of_member = torch.tensor([unique.index(seed) for seed in seeds], device=device)
        self._train_size = train_size
        self._batch_size = batch_size

    def epoch(self, epoch: int) -> Tensor:
        """Permutations of the training set, int64 ``[unique seeds, N]``."""
        return permutations(self._seeds, epoch, self._train_size)

    def rows(self, order: Tensor, index: int) -> Tensor:
        """Rows of batch ``index`` of an epoch for every member, int64 ``[K, B]``."""
        batch = order[:, index * self._batch_size : (index + 1) * self._batch_size]
        return batch[self._of_member]


def permutations(seeds: Tensor, epoch: int, size: int) -> Tensor:
    """Permutations of ``size`` rows that depend on (seed, epoch) alone.

    Row i of a seed has a 63-bit key from words 2·(i mod 2) and 2·(i mod 2) + 1 of Philox block
    ⌊i / 2⌋; the permutation sorts the rows by their keys.

    Parameters
    ----------
    seeds
        int64 ``[U]``.

    Returns
    -------
    Tensor
        int64 ``[U, size]``, on the device of the seeds.
    """
    block = torch.arange(-(-size // 2), device=seeds.device)
    counter = torch.stack(
        [block, block >> 32, torch.full_like(block, epoch), torch.full_like(block, ORDER)], dim=-1
    )
    words = philox_uint32(seeds[:, None], counter).view(len(seeds), -1, 2)
    keys = (words[..., 0] >> 1 << 32 | words[..., 1])[:, :size]
    return keys.argsort(dim=-1, stable=True)
