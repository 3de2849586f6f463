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
from vae_core.data import dataset as data

pytestmark = pytest.mark.skipif(
    not TRITON_INTERPRETED, reason="on a CPU, kernels run under Triton's interpreter alone"
)

MEMBERS = [Member("ae", 0, None, 1.0), Member("vae", 0, 0.1, 1.0), Member("vae", 1, 0.1, 1.0)]


def trained(small):
    structure = Structure("mlp", (8,), (1, 8, 8), 3, "gaussian")
    model = StackedAutoencoders(structure, MEMBERS)
    trainer = Trainer(model, small, TrainingConfig(2, 20, 1e-2, "reference", "eager"))
    return model, trainer.train()


def test_weights_and_curves_are_those_of_the_library(small, monkeypatch):
    model, history = trained(small)
    calls = []
    for module, name in ((stacking, "stacked_mlp"), (data, "gather_scaled")):
        original = getattr(module, name)
        monkeypatch.setattr(module, "takes_triton", lambda device: True)
        monkeypatch.setattr(
            module, name, lambda *given, f=original, n=name: calls.append(n) or f(*given)
        )
    monkeypatch.setattr(optimizer, "takes_triton", lambda device: True)
    by_kernels, kernel_history = trained(small)
    assert set(calls) == {"stacked_mlp", "gather_scaled"}
    assert kernel_history.loss == pytest.approx(history.loss, rel=1e-6)
    for ours, theirs in zip(by_kernels.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
