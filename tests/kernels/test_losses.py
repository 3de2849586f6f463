"""Errors and weighted means by kernels: what PyTorch makes of the same numbers in float64."""

import pytest
import torch
import torch.nn.functional as F

from kernels.losses import can_fuse, image_error, note, weighted_means

SHAPES = [(3, 1, 5, 1, 8, 8), (2, 3, 4, 3, 7, 5), (1, 1, 1, 1, 1, 1), (2, 1, 3, 1, 20, 20)]
KINDS = {
    "squared": lambda outputs, x: (outputs - x).square(),
    "cross-entropy": lambda outputs, x: F.binary_cross_entropy_with_logits(
        outputs, x.expand_as(outputs), reduction="none"
    ),
}


def drawn(shape, device):
    generator = torch.Generator().manual_seed(0)
    outputs = 3 * torch.randn(shape, generator=generator)
    x = torch.rand((shape[0], *shape[2:]), generator=generator)
    weights = torch.randn(shape[:3], generator=generator)
    return outputs.to(device), x.to(device), weights.to(device)


def expected(outputs, x, weights, kind):
    wide = outputs.double().requires_grad_()
    error = KINDS[kind](wide, x.double().unsqueeze(1)).flatten(3).sum(-1)
    (gradient,) = torch.autograd.grad((weights.double() * error).sum(), wide)
    return error.detach(), gradient


def found(outputs, x, weights, kind):
    outputs = outputs.detach().requires_grad_()
    error = image_error(outputs, x, kind)
    (gradient,) = torch.autograd.grad(error, outputs, weights)
    return error.detach(), gradient


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_errors_and_their_gradients_are_those_of_the_formula(device, shape, kind):
    outputs, x, weights = drawn(shape, device)
    for ours, theirs in zip(
        found(outputs, x, weights, kind), expected(outputs, x, weights, kind), strict=True
    ):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours.double(), theirs, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_images_are_read_where_they_lie(device, kind):
    shape = (3, 1, 5, 2, 6, 4)
    outputs, x, weights = drawn(shape, device)
    plain = found(outputs, x, weights, kind)
    runs_inside = outputs.permute(1, 2, 0, 3, 4, 5).contiguous().permute(2, 0, 1, 3, 4, 5)
    channels_last = outputs.permute(0, 1, 2, 4, 5, 3).contiguous().permute(0, 1, 2, 5, 3, 4)
    for same in (runs_inside, channels_last, outputs[:, :, :1].expand_as(outputs)):
        wanted = found(same.contiguous(), x, weights, kind)
        for ours, theirs in zip(found(same, x, weights, kind), wanted, strict=True):
            assert torch.equal(ours, theirs)
    one = x[:1].expand_as(x)
    for ours, theirs in zip(
        found(outputs, one, weights, kind), found(outputs, one.contiguous(), weights, kind),
        strict=True,
    ):  # fmt: skip
        assert torch.equal(ours, theirs)
    assert torch.equal(plain[0], found(runs_inside, x, weights, kind)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_low_precision_outputs_have_errors_in_float32(device, kind):
    outputs, x, weights = drawn((2, 1, 4, 1, 8, 8), device)
    outputs = outputs.bfloat16()
    error, gradient = found(outputs, x, weights, kind)
    theirs, their_gradient = expected(outputs.float(), x, weights, kind)
    assert (error.dtype, gradient.dtype) == (torch.float32, torch.bfloat16)
    torch.testing.assert_close(error.double(), theirs, rtol=2e-6, atol=2e-6)
    torch.testing.assert_close(gradient.double(), their_gradient, rtol=2**-7, atol=1e-6)


def test_large_logits_cost_what_they_are_wrong_by(device):
    outputs = torch.tensor([90.0, -90.0, 90.0, -90.0], device=device).view(1, 1, 4, 1, 1, 1)
    x = torch.tensor([1.0, 0.0, 0.0, 1.0], device=device).view(1, 4, 1, 1, 1)
    error, gradient = found(outputs, x, torch.ones(1, 1, 4, device=device), "cross-entropy")
    assert error.flatten().tolist() == [0, 0, 90, 90]
    assert gradient.flatten().tolist() == pytest.approx([0, 0, 1, -1], abs=1e-30)


def test_what_is_no_number_stays_with_its_image(device):
    outputs, x, weights = drawn((2, 1, 5, 1, 8, 8), device)
    outputs[1, 0, 2, 0, 3, 3] = float("nan")
    error, gradient = found(outputs, x, weights, "squared")
    assert error.isnan().nonzero().tolist() == [[1, 0, 2]]
    assert gradient.isnan().nonzero().tolist() == [[1, 0, 2, 0, 3, 3]]


def test_what_it_does_not_take_is_said(device):
    outputs, x, _ = drawn((1, 1, 2, 1, 2, 2), device)
    assert can_fuse(outputs, x)
    assert not can_fuse(outputs.double(), x)
    assert not can_fuse(outputs, x.clone().requires_grad_())
    assert not can_fuse(outputs[:0], x[:0])
    with pytest.raises(ValueError, match="kind must be one of squared, cross-entropy, got 'abs'"):
        image_error(outputs, x, "abs")


@pytest.mark.parametrize(("runs", "samples", "batch"), [(3, 1, 5), (2, 4, 300), (1, 1, 1500)])
def test_weighted_means_and_their_gradients(device, runs, samples, batch):
    generator = torch.Generator().manual_seed(0)
    error = torch.rand((runs, samples, batch), generator=generator).to(device).requires_grad_()
    kl = torch.rand((runs, batch), generator=generator).to(device).requires_grad_()
    recon_weight = torch.linspace(0.5, 2, runs).to(device)
    kl_weight = torch.linspace(0, 3, runs).to(device)
    slope = torch.linspace(1, 2, runs).to(device)
    loss, mean_error, mean_kl = weighted_means(error, kl, recon_weight, kl_weight)
    assert (mean_error.requires_grad, mean_kl.requires_grad) == (False, False)
    gradients = torch.autograd.grad(loss, (error, kl), slope)

    wide = error.detach().double().requires_grad_(), kl.detach().double().requires_grad_()
    means = wide[0].mean((1, 2)), wide[1].mean(-1)
    expected = recon_weight.double() * means[0] + kl_weight.double() * means[1]
    wanted = torch.autograd.grad(expected, wide, slope.double())
    for ours, theirs in zip(
        (loss, mean_error, mean_kl, *gradients), (expected, *means, *wanted), strict=True
    ):
        torch.testing.assert_close(ours.detach().double(), theirs.detach(), rtol=1e-6, atol=1e-9)


def test_a_kl_that_nobody_trains_gets_no_gradient(device):
    error = torch.rand(2, 1, 4, device=device).requires_grad_()
    kl, ones = torch.zeros(2, 4, device=device), torch.ones(2, device=device)
    loss, _, _ = weighted_means(error, kl, 3 * ones, 0 * ones)
    loss.backward(ones)
    torch.testing.assert_close(error.grad, torch.full_like(error, 3 / 4))
    assert kl.grad is None


@pytest.mark.parametrize("runs", [3, 1500])
def test_notes_of_steps_and_of_the_first_bad_one(device, runs):
    table = torch.zeros(4, 3, runs, device=device)
    first_bad = torch.full((runs,), -1, device=device)
    for step in range(6):
        values = torch.arange(3.0 * runs, device=device).view(3, runs) + 1000 * step
        if step in (2, 4):
            values[0, 1] = float("inf") if step == 2 else float("nan")
        note(*values, torch.tensor(step, device=device), table, first_bad)
        assert torch.equal(table[step % 4], values) or step == 4
    assert first_bad[:3].tolist() == [-1, 2, -1]
    assert table[:, 2, 0].tolist() == [2 * runs + 1000 * step for step in (4, 5, 2, 3)]
