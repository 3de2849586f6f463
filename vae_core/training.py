"""The one training loop: a stacked cohort, one Adam, and no waiting for the device inside an epoch.

Members never meet: the summed loss gives each member the gradient of its own loss, Adam works
element by element, and a member whose loss is no longer finite cannot touch the others. Batches and
noise are functions of a run's seed, the epoch and the step, so a run is the same in any cohort, but
for the rounding of products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kernels.gather import gather_batch
from kernels.losses import note
from vae_core.batches import BatchOrder
from vae_core.cohort import PLAIN, Losses, LossSettings, StackedAutoencoders
from vae_core.data import Dataset
from vae_core.data.binarize import draw_binary
from vae_core.engine import Engine
from vae_core.optimizer import PLAIN_ADAM, Adam, OptimizerSettings
from vae_core.replay import Replayed, WaitsForDeviceError
from vae_core.streams import TRAINING


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
    optimizer: OptimizerSettings = PLAIN_ADAM
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
        device = model.seeds.device
        self.model = model
        self.dataset = dataset
        self.config = config
        self.steps_per_epoch = train_size // config.batch_size
        self._batches = BatchOrder(
            [member.seed for member in model.members],
            train_size,
            config.batch_size,
            config.epochs,
            device,
        )
        # What changes from step to step is in memory of the device, where a recording finds it.
        self._rows = torch.zeros(
            (len(model.members), config.batch_size), dtype=torch.int64, device=device
        )
        self._step = torch.zeros((), dtype=torch.int64, device=device)
        self._next_step = 0
        self._by_kernels = config.backend == "triton"
        model.use_kernels(self._by_kernels)
        self.optimizer = Adam(
            model.parameters(),
            epsilon=config.optimizer.epsilon,
            device=device,
            by_kernels=self._by_kernels,
        )
        self.optimizer.set_learning_rate(config.learning_rate * config.optimizer.factor(0))
        self.engine = Engine(
            model,
            config.engine,
            dtype=config.dtype,
            steps=config.steps(train_size),
            settings=config.loss,
        )
        self._tally = Tally(
            self.steps_per_epoch, len(model.members), device, by_kernel=self._by_kernels
        )
        self._replayed = Replayed(self._advance) if self.engine.records_steps else None

    def train(self) -> History:
        """Run every epoch and return the curves."""
        self.model.train()
        epochs = []
        for epoch in range(self.config.epochs):
            factor = self.config.optimizer.factor(epoch)
            self.optimizer.set_learning_rate(self.config.learning_rate * factor)
            for index in range(self.steps_per_epoch):
                self.step(epoch * self.steps_per_epoch + index)
            epochs.append(self._tally.take(epoch))
        self._replayed = None  # a recording keeps the memory of a step
        curves = torch.stack(epochs).cpu().numpy()
        first_bad = self._tally.first_bad_step.cpu().numpy()
        return History(curves[:, 0], curves[:, 1], curves[:, 2], first_bad)

    def step(self, step: int) -> Losses:
        """Train once, on the batch of a step counted from 0.

        What it returns is good until the next step.
        """
        epoch, index = divmod(step, self.steps_per_epoch)
        self._batches.seek(epoch)
        if not self._by_kernels:
            self._rows.copy_(self._batches.rows(index))
        if step != self._next_step:
            self._step.fill_(step)
        self._next_step = step + 1
        if self._replayed is not None:
            try:
                return self._replayed()
            except WaitsForDeviceError as error:
                self.engine.give_way("a step waits for the GPU", error)
                self._replayed = None
        return self._advance()

    def _advance(self) -> Losses:
        """One step as the device memory describes it, and on to the next; nothing in it may wait
        for the device.
        """
        x = self._batch()
        if self.config.binarize:
            x = draw_binary(x, self.model.seeds, self._step)
        losses = self.engine.gradients(
            x, step=self._step, stream=TRAINING, backend=self.config.backend
        )
        self.optimizer.step()
        self._tally.add(losses, self._step)
        self._step.add_(1)
        return losses

    def _batch(self) -> Tensor:
        """The images of this step, float32 ``[K, B, C, H, W]``."""
        if not self._by_kernels:
            return self.dataset.pixels(self.dataset.train_images[self._rows])
        return gather_batch(
            self.dataset.train_images,
            self._batches.order,
            self._batches.of_member,
            self._step,
            self.config.batch_size,
            self.dataset.divisor,
        )


class Tally:
    """The losses of each step of an epoch, and when one was first no number, on their device."""

    def __init__(
        self, steps_per_epoch: int, members: int, device: torch.device, *, by_kernel: bool
    ) -> None:
        self._values = torch.zeros((steps_per_epoch, 3, members), device=device)
        self.first_bad_step = torch.full((members,), -1, device=device)
        self._by_kernel = by_kernel

    def add(self, losses: Losses, step: Tensor) -> None:
        """Note the losses of one step; its number is a 0-d int64 tensor."""
        if self._by_kernel:
            note(losses.loss, losses.error, losses.rate, step, self._values, self.first_bad_step)
            return
        values = torch.stack([losses.loss, losses.error, losses.rate])
        row = (step % len(self._values)).view(1)
        self._values.index_copy_(0, row, values.unsqueeze(0).to(self._values.dtype))

    def take(self, epoch: int) -> Tensor:
        """Means of loss, error and rate over an epoch that has been noted, float64 ``[3, K]``."""
        if self._by_kernel:
            return self._values.double().mean(0)
        is_bad = ~self._values[:, 0].isfinite()
        first = is_bad.int().argmax(0) + epoch * len(self._values)
        newly_bad = (self.first_bad_step < 0) & is_bad.any(0)
        self.first_bad_step = torch.where(newly_bad, first, self.first_bad_step)
        return self._values.double().mean(0)
