from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from torch import nn

from bench.peers.protocol import PEERS
from bench.peers.quality import score
from bench.peers.task import Task

TASK = Task(epochs=2)


def test_an_epoch_is_a_whole_number_of_batches_for_everybody():
    assert len(TASK.train_pixels) % TASK.batch_size == 0
    assert TASK.steps == 2 * 11


class Constant(nn.Module):
    """Answers everything with the same row."""

    def __init__(self, row: torch.Tensor, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.row, self.shape = row, shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.row.expand(len(x), -1).reshape(len(x), *self.shape)


def test_a_model_that_ignores_its_input_has_the_log_density_of_a_constant_gaussian():
    images = TASK.dataset.pixels(TASK.dataset.test_images).flatten(1)
    encoder = Constant(torch.zeros(2 * TASK.latent_dim), (2 * TASK.latent_dim,))
    decoder = Constant(torch.full((64,), 0.3), (1, 8, 8))
    found = score((encoder, decoder), TASK)
    deviation = math.sqrt(TASK.decoder_variance)
    expected = stats.norm(0.3, deviation).logpdf(images.double().numpy()).sum(1).mean()
    assert found.test_elbo_nats == pytest.approx(expected, rel=1e-5)
    assert found.test_mse == pytest.approx(float((images - 0.3).square().mean()), rel=1e-5)


def test_the_kl_is_paid():
    encoder = Constant(torch.tensor([1.0] * TASK.latent_dim + [0.0] * TASK.latent_dim), (32,))
    decoder = Constant(torch.full((64,), 0.3), (1, 8, 8))
    free = Constant(torch.zeros(32), (32,))
    paid, unpaid = score((encoder, decoder), TASK), score((free, decoder), TASK)
    # KL(N(1, 1) || N(0, 1)) = 1/2 for each dimension
    assert unpaid.test_elbo_nats - paid.test_elbo_nats == pytest.approx(
        TASK.latent_dim / 2, rel=1e-5
    )


@pytest.mark.parametrize(
    "name", ["vaebench-eager-1", "vaebench-eager-16", "pytorch", "pytorch-fused"]
)
def test_a_peer_learns_the_task(name):
    peer = PEERS[name]
    training = peer.prepare(TASK, range(peer.models))
    before = score(TASK.networks(0), TASK)
    training.run()
    networks = training.networks()
    assert len(networks) == peer.models
    assert score(networks[0], TASK).test_elbo_nats > before.test_elbo_nats + 10


def test_the_hand_written_loop_learns_what_our_cohort_learns():
    task = Task(epochs=8)
    worth = []
    for name in ("vaebench-eager-1", "pytorch"):
        training = PEERS[name].prepare(task, [0])
        training.run()
        worth.append(score(training.networks()[0], task))
    assert worth[0].test_mse == pytest.approx(worth[1].test_mse, rel=0.15)
    assert worth[0].test_elbo_nats == pytest.approx(worth[1].test_elbo_nats, abs=3.0)


def test_the_floor_does_the_products_of_one_step():
    from bench.peers.matrix_products import _products

    products = _products(TASK, models=3)
    flops = sum(2 * left.shape[1] * left.shape[2] * right.shape[2] for left, right, _ in products)
    weights = 64 * 128 + 128 * 128 + 128 * 32 + 16 * 128 + 128 * 128 + 128 * 64
    # forward, weights, inputs: three products a layer, but for the first layer's inputs
    assert flops == 2 * TASK.batch_size * (3 * weights - 64 * 128)
