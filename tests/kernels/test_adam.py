"""One launch for all tensors moves them as PyTorch's Adam does."""

import pytest
import torch

from kernels import adam
from kernels.adam import StackedAdam

SIZES = [(5, 700), (3,), (2, 1500), (1024,), (7, 1)]


def normal(shape, seed, device):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator).to(device)


@pytest.mark.parametrize("at_once", [32, 2])
def test_steps_are_those_of_adam(device, monkeypatch, at_once):
    monkeypatch.setattr(adam, "TENSORS_A_LAUNCH", at_once)
    ours = [normal(shape, seed, device) for seed, shape in enumerate(SIZES)]
    theirs = [value.double().requires_grad_() for value in ours]
    stacked = StackedAdam(ours, epsilon=1e-6)
    plain = torch.optim.Adam(theirs, lr=1e-2, eps=1e-6)
    rate = torch.tensor(1e-2, device=device)
    for step in range(5):
        for index, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            # gradients of very different size, and none at all where weights are frozen
            size = 10.0 ** (2 * index - 4)
            mine.grad = None if index == 1 else size * normal(mine.shape, 50 + step, device)
            other.grad = None if index == 1 else mine.grad.double()
        stacked.step(rate)
        plain.step()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.double(), other.detach(), rtol=1e-6, atol=1e-6)


def test_a_gradient_that_is_part_of_another_tensor_is_read_where_it_lies(device):
    ours, plain = torch.ones(64, device=device), torch.ones(64, device=device)
    for value, gradient in (
        (ours, normal((67,), 0, device)[3:]),
        (plain, normal((67,), 0, device)[3:].clone()),
    ):
        value.grad = gradient
        StackedAdam([value], epsilon=1e-8).step(torch.tensor(0.1, device=device))
    assert torch.equal(ours, plain)


def test_what_it_cannot_move_is_refused(device):
    for value in (torch.ones(3).double(), torch.ones(3, 4).T):
        with pytest.raises(ValueError, match="float32 and contiguous"):
            StackedAdam([value.to(device)], epsilon=1e-8)


def test_a_graph_that_saved_a_weight_notices_that_it_moved(device):
    weight = torch.ones(4, device=device, requires_grad=True)
    loss = (weight * weight).sum()
    weight.grad = torch.ones_like(weight)
    StackedAdam([weight], epsilon=1e-8).step(torch.tensor(0.1, device=device))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
