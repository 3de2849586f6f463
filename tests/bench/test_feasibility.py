"""What no machine here can hold is refused before it is asked for."""

from dataclasses import replace

import pytest
import torch

from bench import feasibility
from bench.feasibility import check_data, check_memory, denied_memory_in_one_line, total_bytes
from bench.measure.configured import build_model
from bench.plan import DataSpec, SpecError, SweepSpec, expand
from vae_core.data import load_dataset


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def runs_of(model=None, **axes):
    table = {"name": "s", "model": model or {}, "sweep": axes}
    return expand(SweepSpec.model_validate(table), "h")


@pytest.mark.parametrize(
    ("model", "axes", "line"),
    [
        (
            {"hidden": [65_536, 65_536]},
            {},
            r"^model\.hidden: \[65536, 65536\] is not allowed; what",
        ),
        (
            {"hidden": [9]},
            {"latent_dim": [65_536], "posterior": ["full"]},
            r"latent_dim 65536 needs",
        ),
        ({"architecture": "conv", "hidden": [65_536] * 3}, {}, r"^model\.hidden: "),
        (
            {},
            {"latent_samples": [2**63 - 1]},
            r"^sweep\.latent_samples: 9223372036854775807 is not",
        ),
    ],
    ids=["width", "covariance", "channels", "draws"],
)
def test_what_exceeds_the_memory_of_a_large_machine_is_refused(
    digits, monkeypatch, model, axes, line
):
    monkeypatch.setattr(feasibility, "total_bytes", lambda device: 10**11)
    with pytest.raises(SpecError, match=line):
        check_memory(runs_of(model, **axes), digits)


@pytest.mark.parametrize("architecture", ["linear", "mlp", "mlp-tanh", "conv"])
def test_weights_are_counted_as_they_are_built(digits, monkeypatch, architecture):
    model = {"architecture": architecture, "hidden": [5, 7]}
    (run,) = runs_of(model, objective=["vae"], posterior=["full"])
    run = replace(run, batch_size=1)
    built = sum(weight.nbytes for weight in build_model([run], digits).parameters())
    monkeypatch.setattr(feasibility, "total_bytes", lambda device: 4 * built)
    check_memory([run], digits)
    monkeypatch.setattr(feasibility, "total_bytes", lambda device: 4 * built - 1)
    with pytest.raises(SpecError, match=r"^model\.hidden: "):
        check_memory([run], digits)


@pytest.mark.parametrize("key", ["train_size", "test_size"])
@pytest.mark.parametrize("size", [10**12, 2**63 - 1])
def test_more_drawn_images_than_memory_holds_are_refused(key, size):
    with pytest.raises(SpecError, match=rf"^data\.{key}: {size} is not allowed; at most \d+ is"):
        check_data(DataSpec(name="linear-gaussian", **{key: size}))
    check_data(DataSpec(name="linear-gaussian", **{key: 1000}))
    check_data(DataSpec(name="digits", **{key: size}))  # refused where they are read


def test_nothing_random_is_drawn(digits):
    before = torch.random.get_rng_state()
    check_memory(runs_of(), digits)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_limit_of_a_container_counts(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(feasibility, "CONTROL_GROUP_LIMIT", limit)
    whole = total_bytes("cpu")
    assert whole > 2**28
    limit.write_text("max\n")
    assert total_bytes("cpu") == whole
    limit.write_text("1048576\n")
    assert total_bytes("cpu") == 1_048_576


def test_a_network_of_ones_own_is_not_looked_at(digits):
    check_memory(runs_of({"architecture": "no_such_package:factory"}), digits)


def denied_by_pytorch():
    torch.empty(2**60)


def denied_by_python():
    bytearray(2**62)


@pytest.mark.parametrize("ask", [denied_by_pytorch, denied_by_python])
def test_memory_that_is_denied_is_one_line(ask):
    with (
        pytest.raises(SpecError, match=r"^model\.hidden: .*denies"),
        denied_memory_in_one_line("model.hidden"),
    ):
        ask()


def test_another_error_stays_what_it_is():
    with pytest.raises(RuntimeError, match="shape"), denied_memory_in_one_line("model.hidden"):
        torch.ones(2) @ torch.ones(3, 3)
