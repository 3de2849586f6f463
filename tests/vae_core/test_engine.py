from __future__ import annotations

import pytest
import torch

from vae_core import Dataset, Member, StackedAutoencoders, Structure, Trainer, TrainingConfig
from vae_core.engine import loss_function

STRUCTURE = Structure("mlp", (8,), (1, 8, 8), 3, "gaussian")
MEMBERS = [Member("ae", 0, None, 1.0), Member("vae", 0, 0.1, 1.0), Member("vae", 1, 0.1, 1.0)]

COMPILER_WARNING = "ignore:`torch.jit.script_method` is deprecated:DeprecationWarning"
"""PyTorch's compiler uses what PyTorch deprecates."""


def test_an_unknown_engine_is_refused():
    model = StackedAutoencoders(STRUCTURE, MEMBERS)
    with pytest.raises(ValueError, match=r"engine: 'jit' is unknown; eager, compiled are allowed"):
        loss_function(model, "jit")


def test_eager_is_the_model_itself():
    model = StackedAutoencoders(STRUCTURE, MEMBERS)
    assert loss_function(model, "eager") == model.losses


@pytest.mark.slow
@pytest.mark.filterwarnings(COMPILER_WARNING)
def test_compiled_training_gives_the_weights_of_eager_training(small: Dataset):
    trained = []
    for engine in ("eager", "compiled"):
        model = StackedAutoencoders(STRUCTURE, MEMBERS)
        config = TrainingConfig(5, 20, 1e-3, "reference", engine)
        history = Trainer(model, small, config).train()
        trained.append((model, history))
    (eager, eager_history), (compiled, compiled_history) = trained
    assert compiled_history.loss == pytest.approx(eager_history.loss, rel=1e-5)
    for ours, theirs in zip(compiled.parameters(), eager.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings(COMPILER_WARNING)
def test_a_step_is_not_compiled_anew(small: Dataset):
    model = StackedAutoencoders(STRUCTURE, MEMBERS)
    trainer = Trainer(model, small, TrainingConfig(1, 20, 1e-3, "reference", "compiled"))
    rows = torch.arange(20).expand(3, -1)
    trainer.step(rows, 0)
    torch._dynamo.utils.counters.clear()
    for step in range(1, 4):
        trainer.step(rows, step)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 0
