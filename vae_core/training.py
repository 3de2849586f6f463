"""The one training loop: a stacked cohort, one Adam, and no waiting for the device inside an epoch.

Members never meet: the summed loss gives each member the gradient of its own loss, Adam works
element by element, and a member whose loss is no longer finite cannot touch the others. Batches and
noise are functions of a run's seed, the epoch and the step, so a run is the same in any cohort.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.cohort import PLAIN, Losses, LossSettings, StackedAutoencoders
from vae_core.data import Dataset
from vae_core.data.binarize import draw_binary
from vae_core.engine import Engine
from vae_core.streams import TRAINING


@dataclass(frozen=True)
class OptimizerSettings:
    """Of Adam beside its learning rate: ε of its denominator, and the epochs after which the
    learning rate is multiplied with ``decay``.
    """

    epsilon: float = 1e-8
    milestones: tuple[int, ...] = ()
    decay: float = 1.0


@dataclass(frozen=True)
class TrainingConfig:
    """Passes over the data, images a batch, Adam's learning rate, who draws the noise (``kernels``
    backend), who computes losses and gradients (``vae_core.engine``), and in what the networks
    compute: ``float32``, or ``bfloat16`` by autocast with weights and losses in float32. ``loss``
    is what the losses of all members share; with ``binarize`` images are drawn black and white
    from their grey levels at each step.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    backend: str
    engine: str = "auto"
    dtype: str = "float32"
    loss: LossSettings = PLAIN
    optimizer: OptimizerSettings = OptimizerSettings()
    binarize: bool = False

    def steps(self, train_size: int) -> int:
        """Whole batches in all epochs: an epoch is ⌊N / B⌋ batches of a fresh permutation."""
        return self.epochs * (train_size // self.batch_size)


@dataclass(frozen=True)
class History:
    """What training left behind.

    Attributes
    ----------
    loss, error, rate
        Means over each epoch's steps, float64 ``[epochs, K]``.
    first_bad_step
        The first step (from 0) at which a member's loss was not finite, int64 ``[K]``; −1 where
        there was none.
    """

    loss: NDArray[np.float64]
    error: NDArray[np.float64]
    rate: NDArray[np.float64]
    first_bad_step: NDArray[np.int64]


class Trainer:
    """A model, its optimiser and its data, ready to step.

    Parameters
    ----------
    model
        The stacked members, already on the device.
    dataset
        On the same device.

    Raises
    ------
    ValueError
        When a batch is larger than the training set.
    """

    def __init__(
        self, model: StackedAutoencoders, dataset: Dataset, config: TrainingConfig
    ) -> None:
        train_size = len(dataset.train_images)
        if config.batch_size > train_size:
            raise ValueError(
                f"training.batch_size: {config.batch_size} is larger than the training set "
                f"({train_size} images)"
            )
        self.model = model
        self.dataset = dataset
        self.config = config
        self.steps_per_epoch = train_size // config.batch_size
        # One kernel for all weights of all members.
        self.optimizer = torch.optim.Adam(
            model.parameters(),
            lr=config.learning_rate,
            eps=config.optimizer.epsilon,
            fused=True,
        )
        self._schedule = torch.optim.lr_scheduler.MultiStepLR(
            self.optimizer, list(config.optimizer.milestones), config.optimizer.decay
        )
        self.engine = Engine(
            model,
            config.engine,
            dtype=config.dtype,
            steps=config.steps(train_size),
            settings=config.loss,
        )
        self._batches = BatchOrder(
            [member.seed for member in model.members],
            train_size,
            config.batch_size,
            model.seeds.device,
        )

    def train(self) -> History:
        """Run every epoch and return the curves."""
        self.model.train()
        epochs = []
        first_bad = torch.full_like(self.model.seeds, -1)
        for epoch in range(self.config.epochs):
            totals: Tensor | None = None
            order = self._batches.epoch(epoch)
            for index in range(self.steps_per_epoch):
                step = epoch * self.steps_per_epoch + index
                losses = self.step(self._batches.rows(order, index), step)
                values = torch.stack([losses.loss, losses.error, losses.rate]).detach()
                totals = values if totals is None else totals + values
                newly_bad = (first_bad < 0) & ~values[0].isfinite()
                first_bad = torch.where(newly_bad, step, first_bad)
            if totals is not None:
                epochs.append(totals / self.steps_per_epoch)
            self._schedule.step()
        curves = torch.stack(epochs).double().cpu().numpy()
        return History(curves[:, 0], curves[:, 1], curves[:, 2], first_bad.cpu().numpy())

    def step(self, rows: Tensor, step: int) -> Losses:
        """Train once on the images ``rows`` ``[K, B]`` of the training set, as step ``step``."""
        x = self.dataset.pixels(self.dataset.train_images[rows])
        if self.config.binarize:
            x = draw_binary(x, self.model.seeds, step)
        losses = self.engine.gradients(x, step=step, stream=TRAINING, backend=self.config.backend)
        self.optimizer.step()
        return losses


class BatchOrder:
    """Which images each member sees at each step: a permutation per (seed, epoch), cut into
    batches.
    """

    def __init__(
        self, seeds: list[int], train_size: int, batch_size: int, device: torch.device
    ) -> None:
        self._unique = sorted(set(seeds))
        self._train_size = train_size
        self._batch_size = batch_size
        self._device = device
        self._of_member = torch.tensor([self._unique.index(seed) for seed in seeds], device=device)

    def epoch(self, epoch: int) -> Tensor:
        """Permutations of the training set, int64 ``[unique seeds, N]``."""
        orders = [permutation(seed, epoch, self._train_size) for seed in self._unique]
        return torch.stack(orders).to(self._device)

    def rows(self, order: Tensor, index: int) -> Tensor:
        """Rows of batch ``index`` of an epoch for every member, int64 ``[K, B]``."""
        batch = order[:, index * self._batch_size : (index + 1) * self._batch_size]
        return batch[self._of_member]


def permutation(seed: int, epoch: int, size: int) -> Tensor:
    """Permutation of ``size`` rows that depends on (seed, epoch) alone, int64 ``[size]``."""
    entropy = np.random.SeedSequence([seed, epoch])
    return torch.from_numpy(np.random.Generator(np.random.PCG64(entropy)).permutation(size))
