"""Our own: K models as one stacked cohort, trained by its own loop."""

from __future__ import annotations

from collections.abc import Sequence

from bench.peers.protocol import Training
from bench.peers.task import Networks, Task
from vae_core import Member, StackedAutoencoders, Trainer, TrainingConfig
from vae_core.streams import TRAINING


def prepare(task: Task, seeds: Sequence[int], *, engine: str = "eager") -> Training:
    """Ready the cohort of ``seeds``; ``engine`` computes its gradients, a first time before any
    clock runs.
    """
    members = [Member("vae", seed, task.kl_weight, task.recon_weight) for seed in seeds]
    model = StackedAutoencoders(task.structure, members)
    config = TrainingConfig(
        task.epochs, task.batch_size, task.learning_rate, backend="reference", engine=engine
    )
    trainer = Trainer(model, task.dataset, config)
    x = task.train_pixels[: task.batch_size].expand(len(seeds), -1, -1, -1, -1)
    trainer.engine.gradients(x, step=0, stream=TRAINING, backend=config.backend)

    def networks() -> list[Networks]:
        singles = [model.member(k) for k in range(len(seeds))]
        return [(single.encoder, single.decoder) for single in singles]

    return Training(trainer.train, networks)
