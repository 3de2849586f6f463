from __future__ import annotations

import pytest
import torch

from vae_core import Dataset, Member, StackedAutoencoders, Structure, Trainer, TrainingConfig
from vae_core import engine as engine_module
from vae_core.engine import COMPILE_FROM_STEPS, Engine

STRUCTURE = Structure("mlp", (8,), (1, 8, 8), 3, "gaussian")
MEMBERS = [Member("ae", 0, None, 1.0), Member("vae", 0, 0.1, 1.0), Member("vae", 1, 0.1, 1.0)]

COMPILER_WARNING = "ignore:`torch.jit.script_method` is deprecated:DeprecationWarning"
"""PyTorch's compiler uses what PyTorch deprecates."""


def engine(requested, *, steps=10, dtype="float32", structure=STRUCTURE):
    model = StackedAutoencoders(structure, MEMBERS)
    return Engine(model, requested, dtype=dtype, steps=steps)


@pytest.mark.parametrize(
    ("requested", "dtype", "message"),
    [
        ("jit", "float32", r"^engine: .jit. is unknown; auto, eager, captured, compiled are"),
        ("eager", "half", r"^dtype: 'half' is unknown; float32, bfloat16 are allowed$"),
    ],
)
def test_an_unknown_name_is_refused(requested, dtype, message):
    with pytest.raises(ValueError, match=message):
        engine(requested, dtype=dtype)


@pytest.mark.parametrize(
    ("steps", "architecture", "chosen"),
    [
        (COMPILE_FROM_STEPS, "mlp", "compiled"),
        (COMPILE_FROM_STEPS, "linear", "compiled"),
        (COMPILE_FROM_STEPS - 1, "mlp", "eager"),
        (COMPILE_FROM_STEPS, "conv", "eager"),
        (COMPILE_FROM_STEPS, "own_networks:residual", "eager"),
    ],
)
def test_auto_compiles_long_trainings_of_dense_networks(importable, steps, architecture, chosen):
    hidden = () if architecture == "linear" else (8,)
    structure = Structure(architecture, hidden, (1, 8, 8), 3, "gaussian")
    assert engine("auto", steps=steps, structure=structure).name == chosen


def test_gradients_are_those_of_each_members_own_loss():
    computing = engine("eager")
    model = computing._model
    x = torch.rand(3, 20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for images, step in ((x + 1, 4), (x, 5)):
        computing.gradients(images, step=torch.tensor(step), stream=0, backend="reference")
    found = [value.grad.clone() for value in model.parameters()]
    model.zero_grad()
    for k in range(3):
        model.losses(x, step=5, stream=0, backend="reference").loss[k].backward()
    for gradient, value in zip(found, model.parameters(), strict=True):
        torch.testing.assert_close(gradient, value.grad)


class Refused(torch._dynamo.exc.TorchDynamoException):
    pass


def refusing(function):
    def compiled(*args, **kwargs):
        raise Refused("no compiler here\nand more")

    return compiled


def test_auto_gives_way_where_nothing_can_be_compiled_and_says_so(monkeypatch, small):
    monkeypatch.setattr(engine_module, "compile_whole", refusing)
    monkeypatch.setattr(engine_module, "COMPILE_FROM_STEPS", 1)
    weights = {}
    for requested in ("auto", "eager"):
        model = StackedAutoencoders(STRUCTURE, MEMBERS)
        trainer = Trainer(model, small, TrainingConfig(1, 20, 1e-3, "reference", requested))
        trainer.train()
        weights[requested] = list(model.parameters())
        assert trainer.engine.name == "eager"
        expected = "eager because compiling failed: Refused: no compiler here"
        assert trainer.engine.reason == (expected if requested == "auto" else None)
    for ours, theirs in zip(weights["auto"], weights["eager"], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_what_was_asked_for_by_name_does_not_give_way(monkeypatch, small):
    monkeypatch.setattr(engine_module, "compile_whole", refusing)
    model = StackedAutoencoders(STRUCTURE, MEMBERS)
    trainer = Trainer(model, small, TrainingConfig(1, 20, 1e-3, "reference", "compiled"))
    with pytest.raises(Refused, match="no compiler here"):
        trainer.train()


def test_bfloat16_computes_in_bfloat16_and_keeps_weights_and_losses_in_float32(small):
    rates = {}
    for dtype in ("float32", "bfloat16"):
        model = StackedAutoencoders(STRUCTURE, MEMBERS)
        seen = []
        model.encoder.register_forward_hook(lambda module, args, out, seen=seen: seen.append(out))
        config = TrainingConfig(4, 20, 1e-3, "reference", "eager", dtype)
        history = Trainer(model, small, config).train()
        assert {out.dtype for out in seen} == {getattr(torch, dtype)}
        assert {value.dtype for value in model.parameters()} == {torch.float32}
        rates[dtype] = history.loss[-1]
    assert rates["bfloat16"] == pytest.approx(rates["float32"], rel=2e-2)
    assert (rates["bfloat16"] != rates["float32"]).all()


def test_autoencoders_alone_train_in_bfloat16(small):
    model = StackedAutoencoders(STRUCTURE, MEMBERS[:1])
    config = TrainingConfig(1, 20, 1e-3, "reference", "eager", "bfloat16")
    history = Trainer(model, small, config).train()
    assert history.rate.tolist() == [[0.0]]


@pytest.mark.slow
@pytest.mark.filterwarnings(COMPILER_WARNING)
def test_compiled_training_gives_the_weights_of_eager_training(small: Dataset):
    trained = []
    for requested in ("eager", "compiled"):
        model = StackedAutoencoders(STRUCTURE, MEMBERS)
        config = TrainingConfig(5, 20, 1e-3, "reference", requested)
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
    trainer.step(0)
    torch._dynamo.utils.counters.clear()
    for step in range(1, 4):
        trainer.step(step)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 0


def test_a_step_is_captured_on_a_gpu_only():
    message = r"^engine: captured needs a CUDA device; the models are on cpu$"
    with pytest.raises(ValueError, match=message):
        engine("captured")
