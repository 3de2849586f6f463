"""Order of the training images: a permutation of each (seed, epoch), cut into batches."""

import pytest
import torch
from scipy.stats import chisquare

from vae_core import batches
from vae_core.batches import BatchOrder, permutations


def permutation(seed, epoch, size):
    ((order,),) = permutations(torch.tensor([seed]), range(epoch, epoch + 1), size)
    return order


def test_a_permutation_holds_every_row_once():
    for size in (1, 2, 101):
        found = permutation(0, 0, size)
        assert found.dtype == torch.int64
        assert found.sort().values.tolist() == list(range(size))


def test_a_permutation_depends_on_seed_and_epoch_and_on_nothing_else():
    first = permutation(3, 5, 50)
    torch.manual_seed(9)
    assert torch.equal(permutation(3, 5, 50), first)
    assert torch.equal(permutations(torch.tensor([8, 3]), range(4, 7), 50)[1, 1], first)
    for seed, epoch in [(3, 6), (4, 5), (5, 3)]:
        assert not torch.equal(permutation(seed, epoch, 50), first)


def test_every_permutation_is_as_likely():
    (orders,) = permutations(torch.arange(12_000), range(1), 4)
    _, counts = orders.unique(dim=0, return_counts=True)
    assert len(counts) == 24
    assert chisquare(counts.numpy()).pvalue > 1e-3
    _, epochs = permutations(torch.tensor([7]), range(2_400), 4)[:, 0].unique(
        dim=0, return_counts=True
    )
    assert chisquare(epochs.numpy()).pvalue > 1e-3


def test_members_of_one_seed_see_the_same_batches():
    order = BatchOrder([4, 2, 4], 10, 3, epochs=2, device=torch.device("cpu"))
    order.seek(1)
    rows = torch.stack([order.rows(index) for index in range(3)])  # [step, K, B]
    assert torch.equal(rows[:, 0], rows[:, 2])
    assert torch.equal(rows[:, 0].flatten(), permutation(4, 1, 10)[:9])
    assert torch.equal(rows[:, 1].flatten(), permutation(2, 1, 10)[:9])


@pytest.mark.parametrize("at_once", [1, 40, 1 << 18])
def test_epochs_come_in_any_order_and_stay_where_a_recording_finds_them(monkeypatch, at_once):
    monkeypatch.setattr(batches, "KEYS_AT_ONCE", at_once)
    order = BatchOrder([3, 5], 10, 3, epochs=4, device=torch.device("cpu"))
    place = order.order
    for epoch in (0, 1, 1, 3, 2, 9, 0):
        order.seek(epoch)
        assert order.order is place
        assert torch.equal(place[1], permutation(5, epoch, 10))
