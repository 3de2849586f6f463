"""pythae's ``BaseTrainer`` on its ``BetaVAE`` around this task's networks, as its users call it.

Its progress bar and its log go nowhere, and what it saves goes to a temporary folder. All else that
``train`` does is timed: the data loader, the best model's copy each epoch, the final save.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import torch
from pythae.data.datasets import BaseDataset  # type: ignore[import-not-found]
from pythae.models import BetaVAE, BetaVAEConfig  # type: ignore[import-not-found]
from pythae.models.base.base_utils import ModelOutput  # type: ignore[import-not-found]
from pythae.models.nn import BaseDecoder, BaseEncoder  # type: ignore[import-not-found]
from pythae.trainers import BaseTrainer, BaseTrainerConfig  # type: ignore[import-not-found]
from torch import Tensor, nn

from bench.measure.cohort import synchronize
from bench.peers.protocol import Training
from bench.peers.task import Task


def prepare(task: Task, seeds: Sequence[int]) -> Training:
    """Ready one model.

    Raises
    ------
    ValueError
        When the task's reconstruction weight is not the ½ that pythae fixes.
    """
    if task.recon_weight != 0.5:
        raise ValueError(f"recon_weight: {task.recon_weight} is not allowed for pythae; 0.5 is")
    (seed,) = seeds
    logging.disable(logging.INFO)
    encoder, decoder = task.networks(seed)
    config = BetaVAEConfig(input_dim=(1, 8, 8), latent_dim=task.latent_dim, beta=task.kl_weight)
    model = BetaVAE(config, encoder=_Encoder(encoder), decoder=_Decoder(decoder))
    images = task.train_pixels
    dataset = BaseDataset(images, torch.zeros(len(images)))

    def run() -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            Path(os.devnull).open("w") as nowhere,
            redirect_stdout(nowhere),
            redirect_stderr(nowhere),
        ):
            settings = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=task.epochs,
                per_device_train_batch_size=task.batch_size,
                learning_rate=task.learning_rate,
                seed=seed,
                no_cuda=task.device == "cpu",
            )
            BaseTrainer(model, dataset, training_config=settings).train()
            synchronize(torch.device(task.device))

    return Training(run, lambda: [(encoder.cpu(), decoder.cpu())])


class _Encoder(BaseEncoder):  # type: ignore[misc]
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> ModelOutput:
        mu, logvar = self.network(x).chunk(2, dim=-1)
        return ModelOutput(embedding=mu, log_covariance=logvar)


class _Decoder(BaseDecoder):  # type: ignore[misc]
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.network(z))
