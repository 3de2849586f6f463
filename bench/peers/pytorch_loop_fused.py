"""The same hand-written loop with PyTorch's fused Adam, which few turn on for a CPU."""

from __future__ import annotations

from collections.abc import Sequence

from bench.peers import pytorch_loop
from bench.peers.protocol import Training
from bench.peers.task import Task


def prepare(task: Task, seeds: Sequence[int]) -> Training:
    """Ready one model."""
    return pytorch_loop.prepare(task, seeds, fused=True)
