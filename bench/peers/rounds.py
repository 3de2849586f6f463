"""Rounds of trainings, peer after peer, each in a process of its own that waits while others run.

A library's threads never meet another library's, and a machine that slows down slows all peers of a
round alike, so ratios are taken within a round.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

from bench.peers.protocol import PEERS
from bench.peers.quality import Quality, score
from bench.peers.task import Task
from bench.process import THREAD_VARIABLES, end_with_parent


@dataclass(frozen=True)
class Measurement:
    """One training of one peer: models trained at once, seconds on the wall, seconds of processor
    time over all its threads and processes, and the worth of each model.
    """

    peer: str
    round: int
    models: int
    wall_seconds: float
    cpu_seconds: float
    quality: tuple[Quality, ...]


def run_rounds(
    names: Sequence[str], task: Task, *, rounds: int, threads: int
) -> Iterator[Measurement]:
    """Train every peer once a round; a first round, of all at once, compiles and warms up and is
    not yielded.

    Each round starts with another peer. One-model peers take another seed each round, so that their
    worth is a mean over seeds too.
    """
    with ExitStack() as stack:
        stack.enter_context(_environment(threads, task.device))
        context = get_context("spawn")
        processes = {
            name: stack.enter_context(
                ProcessPoolExecutor(
                    1, context, initializer=_become_peer, initargs=(threads, task.device)
                )
            )
            for name in names
        }
        first = [processes[name].submit(_train_once, name, task, -1, threads) for name in names]
        for trained in first:
            trained.result()
        for index in range(rounds):
            turn = index % len(names)
            for name in (*names[turn:], *names[:turn]):
                yield processes[name].submit(_train_once, name, task, index, threads).result()


def seeds_of(models: int, index: int) -> list[int]:
    """One seed a model: the round's where there is one model, always the same where there are
    several.
    """
    return [max(index, 0)] if models == 1 else list(range(models))


@contextmanager
def _environment(threads: int, device: str) -> Iterator[None]:
    """Variables that libraries read when they start; workers inherit them."""
    wanted = {
        **dict.fromkeys(THREAD_VARIABLES, f"{threads}"),
        "JAX_PLATFORMS": device,
        # JAX would take most of a GPU's memory, which peers share.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}",
    }
    if device == "cpu":
        wanted["CUDA_VISIBLE_DEVICES"] = ""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _become_peer(threads: int, device: str) -> None:
    """End with the process that started this one, and keep to as many cores as there are threads,
    where the system can do that; not to train on a GPU, whose compilers want all cores.
    """
    end_with_parent()
    if device == "cpu" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def _train_once(name: str, task: Task, index: int, threads: int) -> Measurement:
    peer = PEERS[name]
    training = peer.prepare(task, seeds_of(peer.models_on(threads), index))
    wall, cpu = time.perf_counter(), time.process_time()
    training.run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    cpu += training.cpu_seconds_elsewhere()
    worth = tuple(score(networks, task) for networks in training.networks())
    return Measurement(name, index, peer.models_on(threads), wall, cpu, worth)
