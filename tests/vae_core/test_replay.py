"""Training steps recorded as CUDA graphs: the same weights, other batches, and who must not be."""

import pytest
import torch

from vae_core import (
    Dataset,
    LossSettings,
    Member,
    OptimizerSettings,
    RateControl,
    StackedAutoencoders,
    Structure,
    Trainer,
    TrainingConfig,
)
from vae_core.replay import WARM_UP_CALLS, Replayed, WaitsForDeviceError

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
    pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated"),
    pytest.mark.filterwarnings("ignore:TensorFloat32 tensor cores for float32"),
]

MEMBERS = [Member("ae", 0, None, 1.0), Member("vae", 0, 0.1, 1.0), Member("vae", 1, 0.1, 1.0)]


def test_a_recording_reads_what_is_in_device_memory_now():
    given, total = torch.zeros(3, device="cuda"), torch.zeros(3, device="cuda")

    def add():
        total.add_(given)
        return 2 * total

    replayed = Replayed(add)
    for call in range(WARM_UP_CALLS + 4):
        given.fill_(call)
        result = replayed()
    assert total.tolist() == [sum(range(WARM_UP_CALLS + 4))] * 3
    assert torch.equal(result, 2 * total)


def test_what_waits_for_the_device_is_not_recorded():
    value = torch.ones(3, device="cuda")
    replayed = Replayed(lambda: value * float(value.sum()))
    for _ in range(WARM_UP_CALLS - 1):
        assert replayed().tolist() == [3.0] * 3
    with pytest.raises(WaitsForDeviceError, match="synchronizing CUDA operation"):
        replayed()
    assert torch.cuda.get_sync_debug_mode() == 0


def train(small, engine, *, device="cuda", members=MEMBERS, architecture="mlp", **settings):
    posterior = settings.pop("posterior", "diagonal")
    hidden = (8,)
    structure = Structure(architecture, hidden, (1, 8, 8), 3, "gaussian", posterior)
    model = StackedAutoencoders(structure, members).to(device)
    backend = "triton" if device == "cuda" else "reference"
    config = TrainingConfig(5, 20, 1e-3, backend, engine, **settings)
    trainer = Trainer(model, small.to(device), config)
    return model, trainer.train(), trainer


CASES = {
    "plain": {},
    "convolutions": {"architecture": "conv"},
    "bfloat16": {"dtype": "bfloat16"},
    "falling learning rate": {"optimizer": OptimizerSettings(milestones=(1, 3), decay=0.5)},
    "drawn pixels": {"binarize": True},
    "cyclical weight": {"loss": LossSettings(rate=RateControl("cyclical"))},
    "free nats": {"loss": LossSettings(rate=RateControl(free_nats=0.1))},
    "full covariance": {"posterior": "full"},
    "denoising": {"members": [Member("denoising-ae", 0, None, 1.0), *MEMBERS[1:]]},
    "many samples": {
        "members": [Member("iwae", 0, 0.1, 1.0)],
        "loss": LossSettings(samples=4),
    },
}


@pytest.mark.parametrize("engine", ["captured", "compiled"])
@pytest.mark.parametrize("case", CASES)
def test_a_recorded_training_gives_the_weights_of_eager_training(small: Dataset, case, engine):
    if engine == "compiled" and case not in ("plain", "bfloat16", "many samples"):
        pytest.skip("compiles for a quarter of a minute; the three kinds of program are tried")
    settings = CASES[case]
    eager, eager_history, _ = train(small, "eager", **settings)
    recorded, history, trainer = train(small, engine, **settings)
    assert trainer.engine.name == engine
    loose = settings.get("dtype") == "bfloat16"
    assert history.loss == pytest.approx(eager_history.loss, rel=1e-2 if loose else 1e-4)
    for ours, theirs in zip(recorded.parameters(), eager.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=3e-3 if loose else 2e-5)


@pytest.mark.parametrize("case", ["plain", "convolutions", "drawn pixels", "free nats"])
def test_a_training_on_the_gpu_gives_the_weights_of_one_on_the_cpu(small: Dataset, case):
    here, here_history, _ = train(small, "eager", device="cpu", **CASES[case])
    there, history, trainer = train(small, "auto", **CASES[case])
    assert trainer.engine.name == "captured"
    assert history.loss == pytest.approx(here_history.loss, rel=1e-3)
    for ours, theirs in zip(there.parameters(), here.parameters(), strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-3, atol=1e-4)


def test_a_member_of_a_large_cohort_is_what_it_is_in_a_small_one(small: Dataset):
    members = [Member("vae", seed, 0.1, 1.0) for seed in range(300)]
    many, many_history, _ = train(small, "auto", members=members)
    few, history, _ = train(small, "auto", members=members[:2])
    assert many_history.loss[:, :2] == pytest.approx(history.loss, rel=1e-4)
    for ours, theirs in zip(many.parameters(), few.parameters(), strict=True):
        torch.testing.assert_close(ours[:2], theirs, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("network", ["reading", "synchronizing"])
def test_auto_gives_way_where_a_network_waits_for_the_gpu_and_says_so(small, importable, network):
    name = f"own_networks:{network}"
    eager, _, _ = train(small, "eager", architecture=name)
    model, history, trainer = train(small, "auto", architecture=name)
    assert trainer.engine.name == "eager"
    assert trainer.engine.reason.startswith("eager because a step waits for the GPU: Waits")
    assert (history.first_bad_step == -1).all()
    for ours, theirs in zip(model.parameters(), eager.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    with pytest.raises(WaitsForDeviceError):
        train(small, "captured", architecture=name)
    # what was refused leaves nothing behind
    _, _, trainer = train(small, "captured", architecture="mlp")
    assert trainer.engine.name == "captured"


def test_memory_that_runs_out_in_a_recording_is_said_to_have_run_out():
    given = torch.ones(8, device="cuda")
    calls = 0

    def fill():
        nonlocal calls
        calls += 1
        if calls > WARM_UP_CALLS:
            torch.empty(1 << 45, dtype=torch.uint8, device="cuda")
        return given + 1

    replayed = Replayed(fill)
    for _ in range(WARM_UP_CALLS):
        replayed()
    with pytest.raises(torch.OutOfMemoryError):
        replayed()
    assert (given + 1).tolist() == [2.0] * 8
