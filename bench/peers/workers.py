"""Our own as a sweep runs it: a worker process with one thread for each core, a compiled cohort in
each.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from bench.peers import stacked
from bench.peers.protocol import Training
from bench.peers.task import Networks, Task
from bench.process import start_workers

_training: Training | None = None
"""What a worker has readied; a worker has one at a time."""


def prepare(task: Task, seeds: Sequence[int], *, engine: str = "compiled") -> Training:
    """Start as many workers as this process has threads, and ready a share of ``seeds`` in each."""
    count = torch.get_num_threads()
    workers = [start_workers(1) for _ in range(count)]
    shares = [seeds[index::count] for index in range(count)]
    for ready in [w.submit(_ready, task, s, engine) for w, s in zip(workers, shares, strict=True)]:
        ready.result()
    spent: list[float] = []

    def run() -> None:
        spent[:] = [done.result() for done in [worker.submit(_train) for worker in workers]]

    def networks() -> list[Networks]:
        found = [trained for worker in workers for trained in worker.submit(_networks).result()]
        for worker in workers:
            worker.shutdown()
        return found

    return Training(run, networks, cpu_seconds_elsewhere=lambda: sum(spent))


def _ready(task: Task, seeds: Sequence[int], engine: str) -> None:
    global _training
    _training = stacked.prepare(task, seeds, engine=engine)


def _train() -> float:
    before = time.process_time()
    _readied().run()
    return time.process_time() - before


def _networks() -> Sequence[Networks]:
    return _readied().networks()


def _readied() -> Training:
    if _training is None:
        raise RuntimeError("nothing is readied in this worker")
    return _training
