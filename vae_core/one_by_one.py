"""Networks that ``torch.func.vmap`` cannot run: found out beforehand, and run one after the other.

A module with state of its own in Python, with control flow that looks at values, or with an
operation that vmap has no rule for either raises under vmap or, worse, answers something else. A
short trial against the modules alone tells both.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from vae_core.stacked_layers import Stacked
from vae_core.stacking import StackingError, Vmapped, stack

WAYS = ("native", "vmap", "one by one")
"""How networks run at once, the fastest first."""

TRIAL_CALLS = 2
"""State that a call leaves behind shows in the next."""

TOLERANCE = 1e-3
"""Relative; products of a batch of matrices and of one differ by rounding only."""


class OneByOne(Stacked):
    """K modules as they are, called in turn; ``reason`` says why they are not vectorised."""

    def __init__(self, members: Sequence[nn.Module], reason: str) -> None:
        super().__init__()
        self.networks = nn.ModuleList(copy.deepcopy(member) for member in members)
        self.reason = reason

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([network(part) for network, part in zip(self.networks, x, strict=True)])

    def member_state(self, k: int) -> dict[str, Tensor]:
        state = cast("dict[str, Tensor]", self.networks[k].state_dict())
        return {name: value.detach().clone() for name, value in state.items()}

    def squared_weights(self, members: int) -> Tensor:
        return torch.stack(
            [
                torch.stack([value.square().sum() for value in network.parameters()]).sum()
                for network in self.networks
            ]
        )


def stack_tried(members: Sequence[nn.Module], example: Tensor) -> Stacked:
    """``stack``, and where that gives another answer than the modules themselves, ``OneByOne``.

    Parameters
    ----------
    members
        Equal modules, as for ``stack``.
    example
        An input of one of them, ``[B, …]``.

    Raises
    ------
    StackingError
        As ``stack``, and when a module does not give the same answer twice.
    """
    stacked = stack(members)
    if not any(isinstance(layer, Vmapped) for layer in stacked.modules()):
        return stacked
    reason = _why_not_vectorised(members[:2], example)
    return stacked if reason is None else OneByOne(members, reason)


def how_stacked(network: Stacked) -> str:
    """``native``, ``vmap`` or ``one by one``: the slowest way among its layers."""
    if isinstance(network, OneByOne):
        return "one by one"
    layers = network.modules()
    return "vmap" if any(isinstance(layer, Vmapped) for layer in layers) else "native"


def _why_not_vectorised(members: Sequence[nn.Module], example: Tensor) -> str | None:
    inputs = example.expand(len(members), *example.shape)
    expected = _trial(OneByOne(members, "trial"), inputs)
    if not _agree(expected, _trial(OneByOne(members, "trial"), inputs)):
        raise StackingError(
            f"{type(members[0]).__name__}: gives another answer to the same input, so a run would "
            "not be a function of its configuration; build the network without randomness"
        )
    try:
        found = _trial(stack(members), inputs)
    except Exception as error:  # whatever a user's code raises under vmap, and does not raise alone
        return f"vmap: {(str(error).strip() or type(error).__name__).splitlines()[0]}"
    return None if _agree(expected, found) else "under vmap it gives another answer than alone"


@torch.no_grad()
def _trial(network: Stacked, inputs: Tensor) -> list[Tensor]:
    """Outputs of a few calls in training, and the state they leave."""
    outputs = [network.train()(inputs) for _ in range(TRIAL_CALLS)]
    states = [network.member_state(k) for k in range(len(inputs))]
    return [*outputs, *(state[name] for state in states for name in sorted(state))]


def _agree(expected: Sequence[Tensor], found: Sequence[Tensor]) -> bool:
    return len(expected) == len(found) and all(
        one.shape == other.shape
        and torch.allclose(one.double(), other.double(), rtol=TOLERANCE, atol=1e-6, equal_nan=True)
        for one, other in zip(expected, found, strict=True)
    )
