"""How many images a second one model trains on, encodes and decodes, measured apart from any sweep.

Each phase runs alone on a warm device, long enough to be timed; objectives take turns repeat by
repeat, so that a machine that slows down slows all of them; the device is synchronised before each
reading of the clock (``torch.utils.benchmark``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import torch
from torch.utils.benchmark import Timer

from bench.measure.configured import build_model, training_of
from bench.plan import RunConfig
from bench.results import ThroughputRecord
from vae_core import Dataset, Trainer

Phase = Literal["train", "encode", "decode"]

REPEATS = 7
WARM_UP_CALLS = 5
SECONDS_PER_REPEAT = 0.02
INFERENCE_BATCH = 1_000


@dataclass(frozen=True)
class Subject:
    """One phase of one model: what to call, and how many images one call handles."""

    run: RunConfig
    phase: Phase
    batch_size: int
    call: Callable[[], object]


def one_run_of_each(runs: Iterable[RunConfig]) -> list[RunConfig]:
    """The first run of each (device, latent dimension, objective): weights and seeds cost alike.

    Dtypes, posteriors and numbers of latents do not, and are not told apart.
    """
    chosen: dict[tuple[str, int, str], RunConfig] = {}
    for run in runs:
        chosen.setdefault((run.device, run.latent_dim, run.objective), run)
    return list(chosen.values())


def measure_throughput(runs: Iterable[RunConfig], dataset: Dataset) -> Iterator[ThroughputRecord]:
    """Time every phase of every run given, those of one device and latent dimension in turn.

    Yields
    ------
    ThroughputRecord
        ``REPEATS`` for each run and phase.
    """
    groups: dict[tuple[str, int], list[RunConfig]] = {}
    for run in runs:
        groups.setdefault((run.device, run.latent_dim), []).append(run)
    for members in groups.values():
        on_device = dataset.to(members[0].device)
        yield from _in_turn([s for run in members for s in _subjects(run, on_device)])


def _subjects(run: RunConfig, dataset: Dataset) -> Iterator[Subject]:
    device = torch.device(run.device)
    model = build_model([run], dataset).to(device)
    trainer = Trainer(model, dataset, training_of(run))
    steps = count()
    yield Subject(run, "train", run.batch_size, lambda: trainer.step(next(steps)))

    single = model.member(0).to(device)
    images = dataset.pixels(dataset.test_images[:INFERENCE_BATCH])
    latents = torch.zeros(len(images), run.latent_dim, device=device)
    yield Subject(run, "encode", len(images), _inference(single.encode, images))
    yield Subject(run, "decode", len(images), _inference(single.decode, latents))


def _inference(function: Callable[[torch.Tensor], Any], x: torch.Tensor) -> Callable[[], object]:
    def call() -> object:
        with torch.inference_mode():
            return function(x)

    return call


def _in_turn(subjects: list[Subject]) -> Iterator[ThroughputRecord]:
    timers = []
    for subject in subjects:
        timer = Timer("call()", globals={"call": subject.call}, num_threads=torch.get_num_threads())
        timer.timeit(WARM_UP_CALLS)
        calls = max(1, math.ceil(SECONDS_PER_REPEAT / timer.timeit(1).mean))
        timers.append((subject, timer, calls))
    for repeat in range(REPEATS):
        for subject, timer, calls in timers:
            yield ThroughputRecord(
                objective=subject.run.objective,
                latent_dim=subject.run.latent_dim,
                device=subject.run.device,
                phase=subject.phase,
                batch_size=subject.batch_size,
                repeat=repeat,
                samples_per_s=subject.batch_size / timer.timeit(calls).mean,
            )
