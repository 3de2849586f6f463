"""Weights on disk: what is written is what is read, and nothing else is read."""

import json
import math
import re

import pytest
import torch
from safetensors.torch import load as parse
from safetensors.torch import save as serialize

from vae_core import (
    CheckpointError,
    Member,
    StackedAutoencoders,
    Structure,
    Trainer,
    TrainingConfig,
    load,
    to_bytes,
)
from vae_core.checkpoints import METADATA_KEY

pytestmark = pytest.mark.usefixtures("importable")


def trained(
    dataset, architecture, hidden, objective="vae", likelihood="gaussian", posterior="diagonal"
):
    """A model that has left its initial weights, with its structure."""
    structure = Structure(architecture, hidden, dataset.image_shape, 2, likelihood, posterior)
    member = Member(objective, 0, None if objective == "ae" else 0.1, 1.0)
    stacked = StackedAutoencoders(structure, [member])
    Trainer(stacked, dataset, TrainingConfig(2, 24, 1e-2, "reference")).train()
    return stacked.member(0), structure


@pytest.fixture
def saved(small, tmp_path):
    model, structure = trained(small, "mlp", (6,))
    path = tmp_path / "model.safetensors"
    path.write_bytes(to_bytes(model, structure, "vae"))
    return path


def assert_same_model(loaded, model, images):
    assert (loaded.training, loaded.is_stochastic) == (False, model.is_stochastic)
    posterior, expected = loaded.encode(images), model.encode(images)
    assert torch.equal(posterior.mu, expected.mu)
    assert torch.equal(posterior.cholesky, expected.cholesky)
    assert torch.equal(loaded.decode(expected.mu), model.decode(expected.mu))
    assert torch.equal(loaded.sample(5, seed=1), model.sample(5, seed=1))
    assert loaded.sample(5).shape == (5, *images.shape[1:])


@pytest.mark.parametrize(
    ("architecture", "hidden", "objective", "likelihood"),
    [
        ("linear", (), "ae", "gaussian"),
        ("mlp", (6, 5), "vae", "bernoulli"),
        ("conv", (3,), "vae", "gaussian"),
        ("conv", (3, 2), "ae", "bernoulli"),
    ],
)
def test_a_built_in_model_is_read_as_it_was_written(
    small, tmp_path, architecture, hidden, objective, likelihood
):
    model, structure = trained(small, architecture, hidden, objective, likelihood)
    path = tmp_path / "model.safetensors"
    path.write_bytes(to_bytes(model, structure, objective))
    assert_same_model(load(str(path)), model, small.pixels(small.test_images))


@pytest.mark.parametrize("name", ["residual", "normalised", "tied"])
def test_a_users_own_model_is_read_with_its_factory(small, tmp_path, name):
    import own_networks

    model, structure = trained(small, f"own_networks:{name}", (4,))
    path = tmp_path / "model.safetensors"
    path.write_bytes(to_bytes(model, structure, "vae"))
    loaded = load(path, factory=getattr(own_networks, name))
    assert_same_model(loaded, model, small.pixels(small.test_images))

    message = f"{path}: trained with 'own_networks:{name}'; pass that callable as factory="
    with pytest.raises(CheckpointError, match=f"^{re.escape(message)}$"):
        load(path)


def test_a_file_says_in_words_what_it_holds(saved):
    length = int.from_bytes(saved.read_bytes()[:8], "little")
    header = json.loads(saved.read_bytes()[8 : 8 + length])
    assert json.loads(header["__metadata__"][METADATA_KEY]) == {
        "architecture": "mlp",
        "hidden": [6],
        "image_shape": [1, 8, 8],
        "latent_dim": 2,
        "likelihood": "gaussian",
        "posterior": "diagonal",
        "objective": "vae",
    }


def test_a_file_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "nothing.safetensors"
    with pytest.raises(CheckpointError, match=re.escape(f"{path}: cannot be read as safetensors")):
        load(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a pickle in a zip", bytes(200)])
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read as safetensors: "):
        load(path)


def test_a_torn_file_is_refused(saved):
    saved.write_bytes(saved.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match="cannot be read as safetensors: "):
        load(saved)


def rewritten(path, tensors=None, **changes):
    """The file of another description or other weights."""
    tensors = tensors or parse(path.read_bytes())
    described = {
        "architecture": "mlp",
        "hidden": [6],
        "image_shape": [1, 8, 8],
        "latent_dim": 2,
        "likelihood": "gaussian",
        "posterior": "diagonal",
        "objective": "vae",
    }
    kept = {name: value for name, value in (described | changes).items() if value is not None}
    path.write_bytes(serialize(tensors, metadata={METADATA_KEY: json.dumps(kept)}))


def test_rewriting_alone_changes_nothing(saved):
    before = load(saved).sample(3)
    rewritten(saved)
    assert torch.equal(load(saved).sample(3), before)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"format": "pt"},
        {METADATA_KEY: "{"},
        {METADATA_KEY: "[1, 2]"},
        {METADATA_KEY: "[" * 100_000},
    ],
    ids=["nothing", "another", "torn", "a list", "nested"],
)
def test_somebody_elses_file_is_refused(tmp_path, metadata):
    path = tmp_path / "model.safetensors"
    path.write_bytes(serialize({"weight": torch.zeros(2)}, metadata=metadata))
    with pytest.raises(CheckpointError, match=r"holds no vaebench description of a model$"):
        load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent_dim": None}, "holds no vaebench description of a model"),
        ({"latent_dim": math.inf}, "holds no vaebench description of a model"),
        ({"latent_dim": "two"}, "holds no vaebench description of a model"),
        ({"hidden": 6}, "holds no vaebench description of a model"),
        ({"objective": "gan"}, "objective 'gan' is unknown"),
        ({"likelihood": "cauchy"}, "likelihood 'cauchy' is unknown"),
        ({"architecture": "conv", "hidden": []}, "its networks cannot be built: model.hidden: []"),
        ({"architecture": "conv", "image_shape": [8, 8]}, "its networks cannot be built: "),
        ({"latent_dim": 3}, "the weights do not fit the networks: "),
        ({"hidden": [6, 6]}, "the weights do not fit the networks: "),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(saved, changes, message):
    rewritten(saved, **changes)
    with pytest.raises(CheckpointError, match=re.escape(f"{saved}: {message}")):
        load(saved)


def test_missing_weights_are_refused(saved):
    tensors = parse(saved.read_bytes())
    del tensors["decoder.0.bias"]
    rewritten(saved, tensors)
    with pytest.raises(CheckpointError, match=r"the weights do not fit .*decoder\.0\.bias"):
        load(saved)


def test_a_file_cannot_name_code_to_import(saved, monkeypatch):
    rewritten(saved, architecture="own_networks:residual")

    def refuse(name):
        raise AssertionError(f"{name} was imported")

    monkeypatch.setattr("importlib.import_module", refuse)
    with pytest.raises(CheckpointError, match="pass that callable as factory="):
        load(saved)
