"""A run's configuration in the terms of ``vae_core``: its networks, and how they are trained."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bench.plan import RunConfig
from kernels import resolve_backend
from vae_core import (
    Dataset,
    LossSettings,
    Member,
    OptimizerSettings,
    RateControl,
    StackedAutoencoders,
    Structure,
    TrainingConfig,
)


def build_model(runs: Sequence[RunConfig], dataset: Dataset) -> StackedAutoencoders:
    """The stacked networks of runs of one structure, with their initial weights, on the CPU."""
    first = runs[0]
    structure = Structure(
        architecture=first.architecture,
        hidden=first.hidden,
        image_shape=dataset.image_shape,
        latent_dim=first.latent_dim,
        likelihood=first.likelihood,
        posterior=first.covariance,
    )
    members = [Member(run.objective, run.seed, run.kl_weight, run.recon_weight) for run in runs]
    return StackedAutoencoders(structure, members)


def training_of(run: RunConfig) -> TrainingConfig:
    """How a run trains; resolves who draws its noise.

    Raises
    ------
    BackendError
        When the kernel that was asked for cannot run on the run's device.
    """
    return TrainingConfig(
        epochs=run.epochs,
        batch_size=run.batch_size,
        learning_rate=run.learning_rate,
        backend=resolve_backend(run.kernel, torch.device(run.device)),
        engine=run.engine,
        dtype=run.dtype,
        binarize=run.binarize == "dynamic",
        optimizer=OptimizerSettings(
            epsilon=run.adam_epsilon,
            milestones=run.learning_rate_milestones,
            decay=run.learning_rate_decay,
        ),
        loss=loss_of(run),
    )


def loss_of(run: RunConfig) -> LossSettings:
    """What of a run's loss its objective leaves open."""
    return LossSettings(
        samples=run.latent_samples or 1,
        rate=RateControl(
            schedule=run.kl_schedule,
            warmup=run.kl_warmup,
            cycles=run.kl_cycles,
            free_nats=run.free_nats,
            capacity_nats=run.capacity_nats,
        ),
        corruption=run.corruption,
        decoder_decay=run.decoder_decay,
    )
