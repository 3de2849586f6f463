"""The batch of a step, picked and scaled: what indexing and dividing give, to the bit."""

import pytest
import torch

from kernels.gather import gather_batch

OF_RUN = torch.tensor([1, 0, 1])


def orders(table):
    generator = torch.Generator().manual_seed(1)
    return torch.stack([torch.randperm(len(table), generator=generator) for _ in range(2)])


def expected(table, order, step, batch_size, levels):
    start = step % (order.shape[1] // batch_size) * batch_size
    return table[order[OF_RUN, start : start + batch_size]].to(torch.float32) / levels


def gathered(table, order, step, batch_size, levels, device):
    return gather_batch(
        table.to(device),
        order.to(device),
        OF_RUN.to(device),
        torch.tensor(step, device=device),
        batch_size,
        levels,
    ).cpu()


@pytest.mark.parametrize("shape", [(1,), (1, 8, 8), (3, 11, 13), (1, 40, 40)])
@pytest.mark.parametrize("levels", [16, 255])
def test_integers_come_to_between_zero_and_one(device, shape, levels):
    generator = torch.Generator().manual_seed(0)
    table = torch.randint(levels + 1, (50, *shape), generator=generator, dtype=torch.uint8)
    order = orders(table)
    for step in (0, 6, 7, 17):
        found = gathered(table, order, step, 7, levels, device)
        assert torch.equal(found, expected(table, order, step, 7, levels))


def test_numbers_stay_as_they_are(device):
    table = torch.randn(9, 2, 5)
    order = orders(table)
    found = gathered(table, order, 0, 9, 1, device)
    assert torch.equal(found, expected(table, order, 0, 9, 1))


def test_a_table_may_lie_anyhow(device):
    table = torch.randint(256, (9, 4, 5, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    order = orders(table)
    found = gathered(table, order, 1, 4, 255, device)
    assert torch.equal(found, expected(table, order, 1, 4, 255))
