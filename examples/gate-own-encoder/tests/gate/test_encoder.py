"""What must not get worse in this project's encoder."""

import pytest
import torch
from ownproject.encoder import networks, parameter_count
from torch import nn

from bench.plan import SweepSpec

SWEEP = SweepSpec(
    name="own-encoder",
    data={"train_size": 512},
    model={"architecture": "ownproject.encoder:networks", "hidden": [32]},
    sweep={"objective": ["vae"], "latent_dim": [4], "kl_weight": [0.1], "seed": [0, 1, 2, 3]},
    training={"epochs": 60},
    metrics={"throughput": False, "geometry": False, "rate_decomposition": False},
)


@pytest.fixture
def encoder():
    encoder, _ = networks(image_shape=(1, 8, 8), latent_dim=4, posterior_parameters=8, hidden=(32,))
    return encoder


def test_quality(vae_gate):
    vae_gate.sweep(SWEEP)


def test_encoding_time(vae_gate, encoder):
    """Beside the same widths in plain PyTorch."""
    x = torch.rand(256, 1, 8, 8)
    layers = [nn.Linear(64, 32), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 32), nn.Linear(32, 8)]
    plain = nn.Sequential(nn.Flatten(), *layers)
    with torch.inference_mode():
        vae_gate.time(lambda: encoder(x), beside=lambda: plain(x))


def test_size(vae_gate, encoder):
    vae_gate.count("parameters", parameter_count(encoder))
