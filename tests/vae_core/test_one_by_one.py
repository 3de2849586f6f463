"""Networks that cannot be vectorised are found out before training, and run all the same."""

import re

import pytest
import torch
from torch import nn

from vae_core import StackedAutoencoders, StackingError, Structure
from vae_core.cohort import Member
from vae_core.one_by_one import OneByOne, how_stacked, stack_tried

EXAMPLE = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))


class Counting(nn.Module):
    """State in Python, next to the buffers."""

    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(()))

    def forward(self, x):
        self.total = self.total + x.detach().sum()
        return x + self.total


class Choosy(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Noisy(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x)


class Within(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x):
        return self.linear(x)


class Broken(nn.Module):
    def forward(self, x):
        raise ValueError("3 channels are needed")


@pytest.mark.parametrize(
    ("make", "way"),
    [
        (lambda: nn.Sequential(nn.Linear(3, 3), nn.ReLU()), "native"),
        (lambda: nn.Sequential(nn.Linear(3, 3), Within()), "vmap"),
        (lambda: nn.Sequential(nn.Linear(3, 3), Choosy()), "one by one"),
        (Counting, "one by one"),
    ],
    ids=["native", "vmap", "control flow", "state"],
)
def test_the_fastest_way_that_gives_the_modules_own_answer(make, way):
    assert how_stacked(stack_tried([make(), make()], EXAMPLE)) == way


class Mute(nn.Module):
    """Raises under vmap alone, and does not say why."""

    def forward(self, x):
        if torch._C._functorch.is_batchedtensor(x):
            raise RuntimeError("\n")
        return x


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Mute(), r"^vmap: RuntimeError$"),
        (Choosy(), r"^vmap: .*data-dependent control flow"),
        (Counting(), r"^under vmap it gives another answer than alone$"),
    ],
)
def test_why_is_said(module, reason):
    stacked = stack_tried([module, module], EXAMPLE)
    assert isinstance(stacked, OneByOne)
    assert re.match(reason, stacked.reason)


def test_the_trial_leaves_the_modules_and_the_stack_as_they_were():
    members = [Counting(), Counting()]
    stacked = stack_tried(members, EXAMPLE)
    assert members[0].total == 0
    assert stacked.member_state(1) == {"total": torch.zeros(())}


def test_members_one_by_one_keep_state_of_their_own():
    stacked = stack_tried([Counting(), Counting()], EXAMPLE)
    x = torch.stack([torch.ones(2, 3), torch.full((2, 3), 2.0)])
    stacked(x)
    torch.testing.assert_close(stacked(x)[1], torch.full((2, 3), 2.0 + 24.0))
    assert stacked.member_state(0) == {"total": torch.tensor(12.0)}


def test_randomness_is_refused_before_anything_is_trained():
    with pytest.raises(StackingError, match=r"^Noisy: gives another answer to the same input"):
        stack_tried([Noisy()], EXAMPLE)


def test_a_network_that_raises_alone_raises():
    with pytest.raises(ValueError, match="3 channels are needed"):
        stack_tried([Broken()], EXAMPLE)


def test_a_cohort_says_how_it_is_stacked(importable):
    members = [Member("vae", seed, 1.0, 1.0) for seed in (0, 1)]
    for architecture, way in [("mlp", "native"), ("own_networks:choosy", "one by one")]:
        structure = Structure(architecture, (8,), (1, 4, 4), 2, "gaussian")
        model = StackedAutoencoders(structure, members)
        assert model.stacking == way
        assert [note.split(":")[0] for note in model.stacking_notes] == (
            [] if way == "native" else ["encoder one by one", "decoder one by one"]
        )
