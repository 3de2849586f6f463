"""A training whose layers, Adam and batches are the kernels' ends at the same weights."""

import pytest
import torch

from kernels.backend import TRITON_INTERPRETED
from vae_core import (
    Member,
    StackedAutoencoders,
    Structure,
    Trainer,
    TrainingConfig,
    optimizer,
    stacking,
)
from vae_core.data import dataset

pytestmark = pytest.mark.skipif(
    not TRITON_INTERPRETED, reason="on a CPU, kernels run under Triton's interpreter alone"
)

MEMBERS = [Member("ae", 0, None, 1.0), Member("vae", 0, 0.1, 1.0), Member("vae", 1, 0.1, 1.0)]


def trained(small, backend):
    structure = Structure("mlp", (8,), (1, 8, 8), 3, "gaussian")
    model = StackedAutoencoders(structure, MEMBERS)
    trainer = Trainer(model, small, TrainingConfig(2, 20, 1e-2, backend, "eager"))
    return model, trainer.train()


def test_weights_and_curves_are_those_of_the_library(small, monkeypatch):
    calls = []
    for module, name in (
        (stacking, "stacked_mlp"), (dataset, "gather_scaled"), (optimizer, "StackedAdam")
    ):  # fmt: skip
        original = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, f=original, n=name, **k: calls.append(n) or f(*a, **k)
        )
    model, history = trained(small, "reference")
    assert calls == []
    by_kernels, kernel_history = trained(small, "triton")
    assert set(calls) == {"stacked_mlp", "gather_scaled", "StackedAdam"}
    assert kernel_history.loss == pytest.approx(history.loss, rel=1e-5)
    for ours, theirs in zip(by_kernels.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_weights_that_the_kernel_does_not_take_are_moved_by_the_library():
    weight = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last).weight
    moved = optimizer.Adam([weight], epsilon=1e-8, device=weight.device, by_kernels=True)
    moved.set_learning_rate(0.1)
    before = weight.detach().clone()
    weight.grad = torch.ones_like(weight)
    moved.step()
    torch.testing.assert_close(weight.detach(), before - 0.1)
