"""A training whose layers, Adam and batches are the kernels' ends at the same weights."""

import pytest
import torch

from kernels.backend import TRITON_INTERPRETED
from vae_core import (
    LossSettings,
    Member,
    RateControl,
    StackedAutoencoders,
    Structure,
    Trainer,
    TrainingConfig,
    cohort,
    optimizer,
    stacking,
    training,
)

pytestmark = pytest.mark.skipif(
    not TRITON_INTERPRETED, reason="on a CPU, kernels run under Triton's interpreter alone"
)

MEMBERS = [Member("ae", 0, None, 1.0), Member("vae", 0, 0.1, 1.0), Member("vae", 1, 0.1, 1.0)]


LAUNCHED = {
    "stacked_mlp": stacking,
    "gather_batch": training,
    "note": training,
    "StackedAdam": optimizer,
    "image_error": cohort,
    "weighted_means": cohort,
}
"""What a training by kernels calls, and where."""

CASES = {
    "plain": ("gaussian", MEMBERS, LossSettings(), set(LAUNCHED)),
    "logits": ("bernoulli", MEMBERS, LossSettings(), set(LAUNCHED)),
    "rising weight": (
        "gaussian", MEMBERS, LossSettings(rate=RateControl("linear")), set(LAUNCHED)
    ),
    "free nats": (
        "gaussian", MEMBERS, LossSettings(rate=RateControl(free_nats=0.1)),
        set(LAUNCHED) - {"weighted_means"},
    ),
    "calibrated": (
        "gaussian-calibrated", MEMBERS, LossSettings(), set(LAUNCHED) - {"weighted_means"}
    ),
    "more than a weighted sum": (
        "gaussian", [MEMBERS[0], Member("iwae", 1, 0.1, 1.0)], LossSettings(samples=3),
        set(LAUNCHED) - {"weighted_means"},
    ),
}  # fmt: skip


def trained(small, case, backend):
    likelihood, members, settings, _ = CASES[case]
    structure = Structure("mlp", (8,), (1, 8, 8), 3, likelihood)
    model = StackedAutoencoders(structure, members)
    epochs = 2 if case == "plain" else 1  # the interpreter takes a second a step
    config = TrainingConfig(epochs, 20, 1e-2, backend, "eager", loss=settings)
    return model, Trainer(model, small, config).train()


@pytest.mark.parametrize("case", CASES)
def test_weights_and_curves_are_those_of_the_library(small, monkeypatch, case):
    calls = []
    for name, module in LAUNCHED.items():
        original = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, f=original, n=name, **k: calls.append(n) or f(*a, **k)
        )
    model, history = trained(small, case, "reference")
    assert calls == []
    by_kernels, kernel_history = trained(small, case, "triton")
    assert set(calls) == CASES[case][-1]
    assert kernel_history.loss == pytest.approx(history.loss, rel=1e-5)
    assert kernel_history.error == pytest.approx(history.error, rel=1e-5)
    assert kernel_history.rate == pytest.approx(history.rate, rel=1e-5, abs=1e-7)
    assert kernel_history.first_bad_step.tolist() == [-1] * len(model.members)
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
