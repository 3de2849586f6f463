"""The loop that one writes by hand: one model, in-memory batches, ``torch.optim.Adam``.

A strong opponent: no data loader, no logging, the loss is never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor

from bench.measure.cohort import synchronize
from bench.peers.protocol import Training
from bench.peers.task import Networks, Task


def prepare(task: Task, seeds: Sequence[int], *, fused: bool | None = None) -> Training:
    """Ready one model; ``fused`` is Adam's (None is PyTorch's default: a loop over tensors)."""
    (seed,) = seeds
    encoder, decoder = (network.to(task.device) for network in task.networks(seed))
    optimizer = torch.optim.Adam(
        chain(encoder.parameters(), decoder.parameters()), lr=task.learning_rate, fused=fused
    )
    images = task.train_pixels.to(task.device)

    def run() -> None:
        torch.manual_seed(seed)
        for _ in range(task.epochs):
            order = torch.randperm(len(images), device=task.device)
            for rows in torch.split(order, task.batch_size):
                loss = loss_of((encoder, decoder), images[rows], task)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        synchronize(torch.device(task.device))

    return Training(run, lambda: [(encoder.cpu(), decoder.cpu())])


def loss_of(networks: Networks, x: Tensor, task: Task) -> Tensor:
    """``C·‖x − x̂‖² + β·KL``, mean over the batch ``[B, 1, 8, 8]``, with one draw of z."""
    encoder, decoder = networks
    mu, logvar = encoder(x).chunk(2, dim=-1)
    z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
    error = (decoder(z) - x).square().flatten(1).sum(1)
    kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1)
    loss: Tensor = (task.recon_weight * error + task.kl_weight * kl).mean()
    return loss
