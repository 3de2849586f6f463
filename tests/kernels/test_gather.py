"""Rows of a table of images, scaled: what indexing and dividing give, to the bit."""

import pytest
import torch

from kernels.gather import gather_scaled


@pytest.mark.parametrize("shape", [(1,), (1, 8, 8), (3, 11, 13), (1, 40, 40)])
@pytest.mark.parametrize("levels", [16, 255])
def test_integers_come_to_between_zero_and_one(device, shape, levels):
    generator = torch.Generator().manual_seed(0)
    table = torch.randint(levels + 1, (50, *shape), generator=generator, dtype=torch.uint8)
    index = torch.randint(50, (3, 7), generator=generator)
    expected = table[index].to(torch.float32) / levels
    found = gather_scaled(table.to(device), index.to(device), levels)
    assert torch.equal(found.cpu(), expected)


def test_numbers_stay_as_they_are(device):
    table = torch.randn(9, 2, 5)
    index = torch.tensor([8, 0, 8])
    assert torch.equal(gather_scaled(table.to(device), index.to(device), 1).cpu(), table[index])


def test_tables_and_rows_may_lie_anyhow(device):
    table = torch.randint(256, (9, 4, 5, 3), dtype=torch.uint8).to(device).permute(0, 3, 1, 2)
    index = torch.arange(9).to(device)[::2].expand(2, -1)
    assert torch.equal(gather_scaled(table, index, 255), table[index].float() / 255)
