"""Chains of layers as one op: the values and gradients of PyTorch's layers, in float64's digits."""

from itertools import pairwise

import pytest
import torch

from kernels import mlp_launch
from kernels.mlp import can_fuse, stacked_mlp

TOLERANCE = 3e-5
"""Of the root mean square: products of float32's digits, added in float32."""

LAYERS = [(64, 128), (128, 128), (128, 32), (16, 128), (128, 64)]


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def layers(widths, runs, device, *, bias=True, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
        return drawn.to(device, dtype).requires_grad_()

    weights = [normal(runs, *pair) for pair in pairwise(widths)]
    biases = [normal(runs, 1, width) if bias else None for width in widths[1:]]
    return weights, biases


def plain(x, weights, biases):
    for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        x = torch.bmm(x.relu() if index else x, weight)
        x = x if bias is None else x + bias
    return x


def wide(values):
    return [None if v is None else v.detach().double().requires_grad_() for v in values]


def assert_close(ours, theirs):
    scale = theirs.square().mean().sqrt()
    assert (ours.double() - theirs).abs().max() <= TOLERANCE * scale


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("runs", "rows", "widths"),
    [(1, 1, (1, 1)), (2, 5, (3, 7, 2)), (3, 40, (20, 33, 17, 6)), (2, 130, (64, 16))],
)
def test_values_and_gradients_are_those_of_the_layers(device, runs, rows, widths, bias):
    weights, biases = layers(widths, runs, device, bias=bias)
    x = normal(runs, rows, widths[0], seed=1).to(device).requires_grad_()
    given = [value for value in (x, *weights, *biases) if value is not None]
    y = stacked_mlp(x, weights, biases)
    dy = normal(*y.shape, seed=2).to(device)
    gradients = torch.autograd.grad(y, given, dy)

    wide_x, wide_weights, wide_biases = wide([x])[0], wide(weights), wide(biases)
    expected = plain(wide_x, wide_weights, wide_biases)
    wide_given = [v for v in (wide_x, *wide_weights, *wide_biases) if v is not None]
    assert_close(y, expected)
    for ours, theirs in zip(
        gradients, torch.autograd.grad(expected, wide_given, dy.double()), strict=True
    ):
        assert_close(ours, theirs)


@pytest.mark.parametrize("tile", mlp_launch.TILES, ids=str)
def test_every_tile_computes_the_same(device, monkeypatch, tile):
    """Layer by layer, or a number near zero would pass one ReLU and not the other; many runs, again
    and again, for what races is wrong now and then.
    """
    monkeypatch.setattr(mlp_launch, "TILES", (tile,))
    mlp_launch.tile_of.cache_clear()
    sizes = [(2, 70, 40, 70)] if device == "cpu" else [(64, 128, *pair) for pair in LAYERS]
    for runs, rows, inner, columns in sizes:
        x = normal(runs, rows, inner, seed=1).to(device)
        dy = normal(runs, rows, columns, seed=2).to(device)
        (weight,), (bias,) = layers((inner, columns), runs, device)
        plain_y = torch.baddbmm(*map(_double, (bias, x, weight)))
        plain_dx = torch.bmm(_double(dy), _double(weight).mT) * (x > 0)
        plain_dweight = torch.bmm(_double(x).mT, _double(dy))
        for _ in range(1 if device == "cpu" else 20):
            assert_close(mlp_launch.affine(x, weight, bias, relu=True), plain_y.relu())
            assert_close(mlp_launch.input_gradient(dy, weight, x), plain_dx)
            dweight, dbias = mlp_launch.weight_gradient(x, dy, bias=True)
            assert_close(dweight, plain_dweight)
            assert_close(dbias, _double(dy).sum(1, keepdim=True))
    mlp_launch.tile_of.cache_clear()


def test_only_gradients_that_are_asked_for_are_computed(device, monkeypatch):
    weights, biases = layers((4, 5, 6, 2), 2, device)
    frozen = (weights[0], biases[0], weights[2])
    for value in frozen:
        value.requires_grad_(False)
    calls = []
    for name in ("input_gradient", "weight_gradient"):
        launch = getattr(mlp_launch, name)
        monkeypatch.setattr(
            mlp_launch, name, lambda *a, f=launch, n=name, **k: calls.append(n) or f(*a, **k)
        )
    stacked_mlp(normal(2, 3, 4).to(device), weights, biases).sum().backward()
    assert calls == ["weight_gradient", "input_gradient", "weight_gradient"]
    assert all(value.grad is not None for value in (weights[1], *biases[1:]))
    assert all(value.grad is None for value in frozen)


def test_inputs_are_read_where_they_lie(device):
    """Runs that share their images, and rows that are part of longer ones."""
    weights, biases = layers((4, 6), 3, device)
    shared = torch.randn(5, 9).to(device)[:, :4].expand(3, 5, 4)
    assert_close(
        stacked_mlp(shared, weights, biases), plain(*map(_double, (shared, weights, biases)))
    )
    strided = torch.randn(3, 5, 8).to(device)[..., ::2]
    assert_close(
        stacked_mlp(strided, weights, biases), plain(*map(_double, (strided, weights, biases)))
    )


def _double(value):
    return wide(value) if isinstance(value, list) else value.detach().double()


def test_what_is_no_number_stays_in_its_run_and_row(device):
    weights, biases = layers((4, 6, 3), 2, device)
    x = torch.randn(2, 5, 4).to(device)
    clean = stacked_mlp(x, weights, biases)
    x[1, 2] = torch.nan
    y = stacked_mlp(x, weights, biases)
    assert y[1, 2].isnan().all()
    y[1, 2] = clean[1, 2]
    torch.testing.assert_close(y, clean, rtol=0, atol=0)


def test_a_second_derivative_is_refused(device):
    weights, biases = layers((4, 6), 1, device)
    x = torch.randn(1, 5, 4).to(device).requires_grad_()
    (gradient,) = torch.autograd.grad(
        stacked_mlp(x, weights, biases).square().sum(), x, create_graph=True
    )
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_what_the_kernels_do_not_take_is_not_fused(device):
    x = torch.zeros(2, 3, 4, device=device)
    weights, biases = layers((4, 5, 6), 2, device)
    assert can_fuse(x, weights, biases)
    assert can_fuse(x, weights, [None, None])
    assert not can_fuse(x.double(), weights, biases)
    assert not can_fuse(x, [weights[0], weights[1].double()], biases)
    assert not can_fuse(x, weights, [biases[0].double(), None])
    assert not can_fuse(x, [layers((5, 4), 2, device)[0][0].mT], [None])
    assert not can_fuse(x[:, :0], weights, biases)
    # another number of runs, or of inputs: PyTorch's layers refuse them
    assert not can_fuse(x[:1], weights, biases)
    assert not can_fuse(x[..., :3], weights, biases)
    # a run is counted in 32 bits
    assert can_fuse(x[:, :1].expand(2, 1 << 28, 4), weights, biases)
    assert not can_fuse(x[:, :1].expand(2, 1 << 29, 4), weights, biases)


def test_who_has_an_own_way_with_layers_is_left_to_it(device):
    x = torch.zeros(2, 3, 4, device=device)
    weights, biases = layers((4, 5), 2, device)
    with torch.autocast(torch.device(device).type, torch.bfloat16):
        assert not can_fuse(x, weights, biases)
    seen = []

    def look(part):
        seen.append(can_fuse(part, weights, biases))
        return part

    torch.func.vmap(look)(x.expand(1, 2, 3, 4))
    assert seen == [False]


@pytest.mark.parametrize(
    ("runs", "rows", "columns", "size"),
    [(256, 128, 128, (64, 64)), (256, 128, 16, (64, 16)), (16, 128, 128, (32, 32)),
     (1, 128, 128, (16, 32)), (256, 3, 500, (16, 64))],
)  # fmt: skip
def test_tiles_are_large_where_there_are_enough_of_them(runs, rows, columns, size):
    tile = mlp_launch.tile_of(runs, rows, columns, processors=132)
    assert (tile.rows, tile.columns) == size
