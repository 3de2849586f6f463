"""Built-in networks, the user's own, and what is said when they cannot be built."""

import re
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from vae_core import ARCHITECTURES, ArchitectureError
from vae_core.networks import build_networks, resolve_factory

GREY_8, GREY_28, ODD, PIXEL = (1, 8, 8), (1, 28, 28), (3, 7, 9), (2, 1, 1)


def build(factory, *, image_shape=GREY_8, latent_dim=3, hidden=(6, 5), seed=0):
    if isinstance(factory, str):
        factory = ARCHITECTURES[factory]
    return build_networks(
        factory,
        image_shape=image_shape,
        latent_dim=latent_dim,
        posterior_parameters=2 * latent_dim,
        hidden=hidden,
        seed=seed,
    )


def weights(networks):
    return [value for part in networks for value in part.state_dict().values()]


@pytest.mark.parametrize("image_shape", [GREY_8, GREY_28, ODD, PIXEL])
@pytest.mark.parametrize("hidden", [(6,), (6, 5), (6, 5, 4)])
@pytest.mark.parametrize("name", ["linear", "mlp", "mlp-tanh", "conv"])
def test_images_become_posterior_parameters_and_latents_images(name, hidden, image_shape):
    encoder, decoder = build(name, image_shape=image_shape, hidden=hidden)
    assert encoder(torch.rand(4, *image_shape)).shape == (4, 6)
    assert decoder(torch.randn(4, 3)).shape == (4, *image_shape)


def test_a_linear_network_is_one_affine_map_each_way_whatever_is_hidden():
    for part in build("linear", hidden=(128, 128)):
        assert sum(isinstance(layer, nn.Linear) for layer in part) == 1
        assert not any(isinstance(layer, nn.ReLU) for layer in part)


def test_an_mlp_has_the_hidden_widths_and_the_decoder_mirrors_them():
    encoder, decoder = build("mlp", hidden=(6, 5))
    sizes = [
        [(layer.in_features, layer.out_features) for layer in part if isinstance(layer, nn.Linear)]
        for part in (encoder, decoder)
    ]
    assert sizes == [[(64, 6), (6, 5), (5, 6)], [(3, 5), (5, 6), (6, 64)]]
    kinds = [type(layer) for layer in encoder]
    assert kinds == [nn.Flatten, nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]


def test_an_mlp_without_hidden_layers_is_linear():
    torch.testing.assert_close(weights(build("mlp", hidden=())), weights(build("linear")))


def test_a_convolution_halves_the_image_and_the_decoder_mirrors_it():
    encoder, decoder = build("conv", image_shape=GREY_28, hidden=(6, 5))
    down = [layer for layer in encoder if isinstance(layer, nn.Conv2d)]
    up = [layer for layer in decoder if isinstance(layer, nn.ConvTranspose2d)]
    assert [(layer.in_channels, layer.out_channels) for layer in down] == [(1, 6), (6, 5)]
    assert [(layer.in_channels, layer.out_channels) for layer in up] == [(5, 6), (6, 1)]
    assert decoder[0].out_features == 5 * 7 * 7
    assert isinstance(decoder[-1], nn.ConvTranspose2d)  # no ReLU on the image


def test_a_convolution_needs_channels():
    with pytest.raises(ArchitectureError, match=r"^model\.hidden: \[\] is not allowed for conv"):
        build("conv", hidden=())


@pytest.mark.parametrize("name", ["linear", "mlp", "conv"])
def test_a_seed_names_the_initial_weights(name):
    first = weights(build(name, seed=7))
    torch.rand(3)  # what happened to the global state before does not matter
    torch.testing.assert_close(weights(build(name, seed=7)), first, rtol=0, atol=0)
    assert not torch.equal(weights(build(name, seed=8))[0], first[0])


def test_building_leaves_the_global_random_state_alone():
    def with_dropout(**shapes):
        encoder, decoder = ARCHITECTURES["mlp"](**shapes)
        return nn.Sequential(nn.Dropout(0.5), encoder), decoder

    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    build(with_dropout)
    assert torch.equal(torch.rand(2), expected)


def test_looking_at_shapes_does_not_train_the_network(importable):
    encoder, decoder = build(resolve_factory("own_networks:normalised"), hidden=(4,))
    norms = [m for part in (encoder, decoder) for m in part if hasattr(m, "running_mean")]
    assert len(norms) == 2
    for norm in norms:
        assert norm.num_batches_tracked == 0
        assert norm.running_mean.eq(0).all()
        assert norm.running_var.eq(1).all()
    assert encoder.training
    assert decoder.training


def test_built_in_names_and_paths_are_resolved(importable):
    import own_networks

    assert resolve_factory("conv") is ARCHITECTURES["conv"]
    assert resolve_factory("own_networks:residual") is own_networks.residual


@pytest.mark.parametrize("name", ["transformer", "own_networks", ":factory", "package.module:"])
def test_an_unknown_name_is_refused(name):
    message = (
        f"model.architecture: {name!r} is unknown; linear, mlp, mlp-tanh, conv or "
        "'package.module:factory' is allowed"
    )
    with pytest.raises(ArchitectureError, match=f"^{re.escape(message)}$"):
        resolve_factory(name)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (
            "no_such_package.module:factory",
            "ModuleNotFoundError: No module named 'no_such_package'",
        ),
        ("json:no_such_name", "AttributeError: module 'json' has no attribute 'no_such_name'"),
        (".relative:factory", "TypeError: "),
        ("broken_syntax:factory", "SyntaxError: "),
        ("broken_code:factory", "ZeroDivisionError: division by zero"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_the_reason(path, reason, tmp_path, monkeypatch):
    (tmp_path / "broken_syntax.py").write_text("def factory(:\n")
    (tmp_path / "broken_code.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    message = re.escape(f"model.architecture: {path!r} cannot be imported: {reason}")
    with pytest.raises(ArchitectureError, match="^" + message):
        resolve_factory(path)


def test_what_cannot_be_called_is_refused():
    message = r"^model\.architecture: 'math:pi' is a float, not a callable$"
    with pytest.raises(ArchitectureError, match=message):
        resolve_factory("math:pi")


class Pair(nn.Module):
    """An encoder that returns mean and log-variance apart."""

    def forward(self, x):
        return x.flatten(1)[:, :3], x.flatten(1)[:, 3:6]


GOOD_ENCODER = nn.Sequential(nn.Flatten(), nn.Linear(64, 6))
GOOD_DECODER = nn.Sequential(nn.Linear(3, 64), nn.Unflatten(1, GREY_8))


@pytest.mark.parametrize(
    ("built", "message"),
    [
        (GOOD_ENCODER, "the factory must return (encoder, decoder), two modules"),
        ((GOOD_ENCODER,), "the factory must return (encoder, decoder), two modules"),
        ((GOOD_ENCODER, torch.relu), "the factory must return (encoder, decoder), two modules"),
        (
            (nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), GOOD_DECODER),
            "the encoder, given [2, 1, 8, 8], returns [2, 3]; [2, 6] is needed",
        ),
        (
            (GOOD_ENCODER, nn.Linear(3, 64)),
            "the decoder, given [2, 3], returns [2, 64]; [2, 1, 8, 8] is needed",
        ),
        (
            (Pair(), GOOD_DECODER),
            "the encoder, given [2, 1, 8, 8], returns a tuple; one tensor, [2, 6], is needed",
        ),
        (
            (GOOD_ENCODER, nn.Linear(4, 64)),
            "the decoder, given [2, 3], failed: RuntimeError: mat1 and mat2 shapes",
        ),
    ],
    ids=["one", "one in a tuple", "function", "encoder", "decoder", "pair", "wrong input"],
)
def test_a_factory_that_builds_something_else_is_refused(built, message):
    with pytest.raises(ArchitectureError, match=re.escape(f"model.architecture: {message}")):
        build(lambda **shapes: built)


def test_a_factory_that_fails_is_refused_with_the_reason():
    def no_arguments():
        return SimpleNamespace()

    message = r"^model\.architecture: the factory failed: TypeError: .*unexpected keyword argument"
    with pytest.raises(ArchitectureError, match=message):
        build(no_arguments)


def test_tanh_networks_start_from_glorots_weights():
    encoder, decoder = build("mlp-tanh", image_shape=GREY_28, latent_dim=50, hidden=(200, 200))
    assert [type(layer).__name__ for layer in encoder] == [
        "Flatten", "Linear", "Tanh", "Linear", "Tanh", "Linear"
    ]  # fmt: skip
    for layer in (*encoder, *decoder):
        if isinstance(layer, nn.Linear):
            bound = (6 / (layer.in_features + layer.out_features)) ** 0.5
            assert layer.bias.abs().max() == 0
            assert 0.95 * bound < layer.weight.abs().max() <= bound
