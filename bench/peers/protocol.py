"""What a peer is to the measurement: a function that readies one training, and its place in the
table.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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


Prepare = Callable[..., Training]
"""Of (task, seeds, **options): readies the training of one model a seed: data in place, weights
initialised, nothing stepped."""


@dataclass(frozen=True)
class Peer:
    """A row of the table: how many models train at once, and the module whose ``prepare`` does it.

    ``needs`` is the distribution it is measured for, whose version is reported. With ``per_thread``
    it trains ``models`` on each thread. ``options`` are further arguments of ``prepare``.
    """

    title: str
    module: str
    models: int
    needs: str = "torch"
    per_thread: bool = False
    device: str = "cpu"
    options: Mapping[str, Any] = field(default_factory=dict)

    def models_on(self, threads: int) -> int:
        """How many models train at once on so many threads."""
        return self.models * (threads if self.per_thread else 1)

    def prepare(self, task: Task, seeds: Sequence[int]) -> Training:
        """Import the peer and ready one training."""
        prepare: Prepare = importlib.import_module(f"bench.peers.{self.module}").prepare
        return prepare(task, seeds, **self.options)


def _on_gpu(title: str, module: str, models: int, needs: str = "torch", **options: Any) -> Peer:
    return Peer(title, module, models, needs, device="cuda", options=options)


OURS = {"cpu": "vaebench", "cuda": "gpu-vaebench"}
"""The row of each device that the others are divided by."""

PEERS: dict[str, Peer] = {
    OURS["cpu"]: Peer("vaebench, compiled, a worker a core", "workers", 16, per_thread=True),
    "vaebench-eager-16": Peer("vaebench, one process, eager", "stacked", 16),
    "vaebench-eager-64": Peer("vaebench, one process, eager", "stacked", 64),
    "vaebench-eager-1": Peer("vaebench, cohort of one, eager", "stacked", 1),
    "pytorch": Peer("plain PyTorch loop", "pytorch_loop", 1),
    "pytorch-fused": Peer(
        "plain PyTorch loop, fused Adam", "pytorch_loop", 1, options={"fused": True}
    ),
    "pythae": Peer("pythae BaseTrainer", "pythae_trainer", 1, needs="pythae"),
    "jax-16": Peer("JAX vmap + jit + scan", "jax_vmap", 16, needs="jax"),
    "jax-64": Peer("JAX vmap + jit + scan", "jax_vmap", 64, needs="jax"),
    "floor-16": Peer("matrix products alone (floor)", "matrix_products", 16),
    "floor-64": Peer("matrix products alone (floor)", "matrix_products", 64),
    OURS["cuda"]: _on_gpu("vaebench", "stacked", 256, engine="captured"),
    "gpu-vaebench-compiled": _on_gpu("vaebench, compiled", "stacked", 256, engine="compiled"),
    "gpu-vaebench-eager": _on_gpu("vaebench, eager", "stacked", 256),
    "gpu-vaebench-16": _on_gpu("vaebench", "stacked", 16, engine="captured"),
    "gpu-vaebench-1": _on_gpu("vaebench, cohort of one", "stacked", 1, engine="captured"),
    "gpu-vaebench-eager-1": _on_gpu("vaebench, cohort of one, eager", "stacked", 1),
    "gpu-pytorch": _on_gpu("plain PyTorch loop", "pytorch_loop", 1),
    "gpu-pytorch-fused": _on_gpu("plain PyTorch loop, fused Adam", "pytorch_loop", 1, fused=True),
    "gpu-pythae": _on_gpu("pythae BaseTrainer", "pythae_trainer", 1, needs="pythae"),
    "gpu-jax-1": _on_gpu("JAX jit + scan", "jax_vmap", 1, needs="jax"),
    "gpu-jax-16": _on_gpu("JAX vmap + jit + scan", "jax_vmap", 16, needs="jax"),
    "gpu-jax": _on_gpu("JAX vmap + jit + scan", "jax_vmap", 256, needs="jax"),
    "gpu-jax-tf32": _on_gpu(
        "JAX vmap + jit + scan, TF32", "jax_vmap", 256, needs="jax", precision="tensorfloat32"
    ),
    "gpu-floor": _on_gpu("matrix products alone (floor)", "matrix_products", 256),
}
