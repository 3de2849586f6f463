"""The floor: the matrix products of a training step and nothing else, K models in one batched call.

Forward, gradient of the weights, gradient of the inputs (not of the first layer's, which nobody
needs), into memory that is there already. No bias, no activation, no noise, no optimiser.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch

from bench.measure.cohort import synchronize
from bench.peers.protocol import Training
from bench.peers.task import Task


def prepare(task: Task, seeds: Sequence[int]) -> Training:
    """Ready the products of one model a seed."""
    products = _products(task, len(seeds))

    def run() -> None:
        for _ in range(task.steps):
            for left, right, out in products:
                torch.bmm(left, right, out=out)
        synchronize(torch.device(task.device))

    return Training(run, list)


def _products(task: Task, models: int) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    pixels = task.dataset.pixels_per_image
    encoder = [pixels, *task.hidden, 2 * task.latent_dim]
    decoder = [task.latent_dim, *reversed(task.hidden), pixels]
    products = []
    for widths in (encoder, decoder):
        for layer, (into, out) in enumerate(pairwise(widths)):
            x, weight, gradient = (
                torch.rand(models, *shape, device=task.device)
                for shape in ((task.batch_size, into), (into, out), (task.batch_size, out))
            )
            products += [
                (x, weight, torch.empty_like(gradient)),
                (x.mT, gradient, torch.empty_like(weight)),
            ]
            if widths is decoder or layer > 0:
                products.append((gradient, weight.mT, torch.empty_like(x)))
    return products
