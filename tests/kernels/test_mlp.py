"""Chains of layers as one op: the values and gradients of PyTorch's layers, in float64's digits."""

from itertools import pairwise

import pytest
import torch

from kernels import mlp_launch
from kernels.mlp import can_fuse, stacked_mlp

TOLERANCE = 3e-6
"""Of the size of the terms that are added: products of float32's digits, added in float32."""


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
    assert (ours.double() - theirs).abs().max() <= 10 * TOLERANCE * scale


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("runs", "rows", "widths"),
    [(1, 1, (1, 1)), (2, 5, (3, 7, 2)), (3, 40, (20, 33, 17, 6)), (2, 130, (64, 16))],
)
def test_values_and_gradients_are_those_of_the_layers(device, runs, rows, widths, bias):
    weights, biases = layers(widths, runs, device, bias=bias)
    x = torch.randn(runs, rows, widths[0]).to(device).requires_grad_()
    given = [value for value in (x, *weights, *biases) if value is not None]
    y = stacked_mlp(x, weights, biases)
    dy = torch.randn(y.shape).to(device)
    gradients = torch.autograd.grad(y, given, dy)

    wide_x, wide_weights, wide_biases = wide([x])[0], wide(weights), wide(biases)
    expected = plain(wide_x, wide_weights, wide_biases)
    wide_given = [v for v in (wide_x, *wide_weights, *wide_biases) if v is not None]
    assert_close(y, expected)
    for ours, theirs in zip(
        gradients, torch.autograd.grad(expected, wide_given, dy.double()), strict=True
    ):
        assert_close(ours, theirs)


@pytest.mark.parametrize("tile", mlp_launch.TILES)
def test_every_tile_computes_the_same(device, monkeypatch, tile):
    """Many runs of many tiles, again and again: what races is wrong now and then."""
    monkeypatch.setattr(mlp_launch, "TILES", (tile,))
    mlp_launch.tile_of.cache_clear()
    runs, rows, widths = (2, 70, (40, 70)) if device == "cpu" else (64, 128, (64, 128, 128, 32))
    weights, biases = layers(widths, runs, device)
    x = torch.randn(runs, rows, widths[0]).to(device).requires_grad_()
    given = (x, *weights, *biases)
    wide_given = wide(given)
    expected = plain(wide_given[0], wide_given[1 : len(widths)], wide_given[len(widths) :])
    dy = torch.randn(expected.shape).to(device)
    wide_gradients = torch.autograd.grad(expected, wide_given, dy.double())
    for _ in range(1 if device == "cpu" else 20):
        y = stacked_mlp(x, weights, biases)
        assert_close(y, expected)
        for ours, theirs in zip(torch.autograd.grad(y, given, dy), wide_gradients, strict=True):
            assert_close(ours, theirs)
    mlp_launch.tile_of.cache_clear()


def test_only_gradients_that_are_asked_for_are_computed(device):
    weights, biases = layers((4, 5, 6), 2, device)
    weights[0].requires_grad_(False)
    x = torch.randn(2, 3, 4).to(device)
    stacked_mlp(x, weights, biases).sum().backward()
    assert weights[0].grad is None
    assert all(value.grad is not None for value in (weights[1], *biases))


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
    return wide(value) if isinstance(value, list) else value.double()


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


def test_what_others_have_their_own_way_with_is_not_fused(device):
    x = torch.zeros(2, 3, 4, device=device)
    assert can_fuse(x, [x])
    assert not can_fuse(x.double(), [x])
    assert not can_fuse(x, [x.double()])
    assert not can_fuse(x[:, :0], [x])
    with torch.autocast(torch.device(device).type, torch.bfloat16):
        assert not can_fuse(x, [x])
    torch.func.vmap(lambda part: [] if can_fuse(part, [part]) else part)(x)


@pytest.mark.parametrize(
    ("runs", "rows", "columns", "size"),
    [(256, 128, 128, (64, 64)), (256, 128, 16, (64, 16)), (16, 128, 128, (32, 32)),
     (1, 128, 128, (16, 32)), (256, 3, 500, (16, 64))],
)  # fmt: skip
def test_tiles_are_large_where_there_are_enough_of_them(runs, rows, columns, size):
    tile = mlp_launch.tile_of(runs, rows, columns, processors=132)
    assert (tile.rows, tile.columns) == size
