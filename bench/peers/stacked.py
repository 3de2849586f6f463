"""Our own: K models as one stacked cohort, trained by its own loop."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bench.peers.protocol import Training
from bench.peers.task import Networks, Task
from bench.process import keep_freed_memory
from kernels import resolve_backend
from vae_core import Member, StackedAutoencoders, Trainer, TrainingConfig
from vae_core.streams import TRAINING


def prepare(task: Task, seeds: Sequence[int], *, engine: str = "eager") -> Training:
    """Ready the cohort of ``seeds``; ``engine`` runs its steps. What a CPU compiles is compiled
    before any clock runs; a GPU's recording is part of each training. The process keeps its memory,
    as those do that train a sweep.
    """
    keep_freed_memory()
    members = [Member("vae", seed, task.kl_weight, task.recon_weight) for seed in seeds]
    model = StackedAutoencoders(task.structure, members).to(task.device)
    backend = resolve_backend("auto", model.seeds.device)
    config = TrainingConfig(
        task.epochs, task.batch_size, task.learning_rate, backend=backend, engine=engine
    )
    trainer = Trainer(model, task.dataset.to(task.device), config)
    x = task.train_pixels[: task.batch_size].to(task.device).expand(len(seeds), -1, -1, -1, -1)
    first = torch.zeros((), dtype=torch.int64, device=task.device)
    trainer.engine.gradients(x, step=first, stream=TRAINING, backend=config.backend)

    def networks() -> list[Networks]:
        singles = [model.member(k) for k in range(len(seeds))]
        return [(single.encoder, single.decoder) for single in singles]

    return Training(trainer.train, networks)
