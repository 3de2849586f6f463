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

KEYS_AT_ONCE = 1 << 18
"""Rows ordered at a time, of as many epochs as that is: on a GPU a launch costs more than they."""


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
    epochs
        How many are planned.
    device
        Where the rows are drawn and left.

    Attributes
    ----------
    order
        The permutation of each distinct seed in the epoch of the last ``seek``, int64 ``[U, N]``;
        the same memory for all epochs.
    of_member
        Which of them is a member's, int64 ``[K]``.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        train_size: int,
        batch_size: int,
        epochs: int,
        device: torch.device,
    ) -> None:
        unique = sorted(set(seeds))
        self.of_member = torch.tensor([unique.index(seed) for seed in seeds], device=device)
        self.order = torch.zeros((len(unique), train_size), dtype=torch.int64, device=device)
        self._seeds = torch.tensor(unique, device=device)
        self._batch_size = batch_size
        self._epochs = epochs
        self._epoch = -1
        self._drawn = range(0)
        self._orders: Tensor = self.order

    def seek(self, epoch: int) -> None:
        """Make ``order`` that of an epoch."""
        if epoch == self._epoch:
            return
        if epoch not in self._drawn:
            at_once = min(KEYS_AT_ONCE // self.order.numel(), self._epochs - epoch)
            self._drawn = range(epoch, epoch + max(1, at_once))
            self._orders = permutations(self._seeds, self._drawn, self.order.shape[1])
        self.order.copy_(self._orders[epoch - self._drawn.start])
        self._epoch = epoch

    def rows(self, index: int) -> Tensor:
        """Rows of batch ``index`` of the epoch for every member, int64 ``[K, B]``."""
        batch = self.order[:, index * self._batch_size : (index + 1) * self._batch_size]
        return batch[self.of_member]


def permutations(seeds: Tensor, epochs: range, size: int) -> Tensor:
    """Permutations of ``size`` rows that depend on (seed, epoch) alone.

    Row i of a seed has a 63-bit key from words 2·(i mod 2) and 2·(i mod 2) + 1 of Philox block
    ⌊i / 2⌋; the permutation sorts the rows by their keys.

    Parameters
    ----------
    seeds
        int64 ``[U]``.
    epochs
        E, one after the other.

    Returns
    -------
    Tensor
        int64 ``[E, U, size]``, on the device of the seeds.
    """
    block = torch.arange(-(-size // 2), device=seeds.device)
    epoch = torch.arange(epochs.start, epochs.stop, device=seeds.device)[:, None, None]
    words_of = (block, block >> 32, epoch, torch.full_like(block, ORDER))
    shape = (len(epochs), 1, len(block))
    counter = torch.stack([word.expand(shape) for word in words_of], dim=-1)
    words = philox_uint32(seeds[:, None], counter).view(len(epochs), len(seeds), -1, 2)
    keys = (words[..., 0] >> 1 << 32 | words[..., 1])[..., :size]
    return keys.argsort(dim=-1, stable=True)
