"""Our own with ``torch.compile``: what a cohort gains that is long enough to pay for compiling."""

from __future__ import annotations

from collections.abc import Sequence

from bench.peers import stacked
from bench.peers.protocol import Training
from bench.peers.task import Task


def prepare(task: Task, seeds: Sequence[int]) -> Training:
    """Ready the cohort of ``seeds`` and compile it."""
    return stacked.prepare(task, seeds, engine="compiled")
