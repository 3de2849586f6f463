"""What a peer is to the measurement: a function that readies one training, and its place in the
table.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.peers.task import Networks, Task


@dataclass(frozen=True)
class Training:
    """One training, ready to be timed.

    Attributes
    ----------
    run
        Everything between initial and final weights; the clock runs around this call alone.
    networks
        The trained models, asked for afterwards; none where nothing is learnt.
    cpu_seconds_elsewhere
        Processor time that ``run`` took in other processes, asked for after it.
    """

    run: Callable[[], object]
    networks: Callable[[], Sequence[Networks]]
    cpu_seconds_elsewhere: Callable[[], float] = lambda: 0.0


Prepare = Callable[[Task, Sequence[int]], Training]
"""Readies the training of one model a seed: data in place, weights initialised, nothing stepped."""


@dataclass(frozen=True)
class Peer:
    """A row of the table: how many models train at once, and the module whose ``prepare`` does it.

    ``needs`` is the distribution it is measured for, whose version is reported. With ``per_thread``
    it trains ``models`` on each thread.
    """

    title: str
    module: str
    models: int
    needs: str = "torch"
    per_thread: bool = False

    def models_on(self, threads: int) -> int:
        """How many models train at once on so many threads."""
        return self.models * (threads if self.per_thread else 1)

    def prepare(self, task: Task, seeds: Sequence[int]) -> Training:
        """Import the peer and ready one training."""
        prepare: Prepare = importlib.import_module(f"bench.peers.{self.module}").prepare
        return prepare(task, seeds)


OURS = "vaebench"
"""The row that the others are divided by."""

PEERS: dict[str, Peer] = {
    OURS: Peer("vaebench, compiled, a worker a core", "workers", 16, per_thread=True),
    "vaebench-eager-16": Peer("vaebench, one process, eager", "stacked", 16),
    "vaebench-eager-64": Peer("vaebench, one process, eager", "stacked", 64),
    "vaebench-eager-1": Peer("vaebench, cohort of one, eager", "stacked", 1),
    "pytorch": Peer("plain PyTorch loop", "pytorch_loop", 1),
    "pytorch-fused": Peer("plain PyTorch loop, fused Adam", "pytorch_loop_fused", 1),
    "pythae": Peer("pythae BaseTrainer", "pythae_trainer", 1, needs="pythae"),
    "jax-16": Peer("JAX vmap + jit + scan", "jax_vmap", 16, needs="jax"),
    "jax-64": Peer("JAX vmap + jit + scan", "jax_vmap", 64, needs="jax"),
    "floor-16": Peer("matrix products alone (floor)", "matrix_products", 16),
    "floor-64": Peer("matrix products alone (floor)", "matrix_products", 64),
}
