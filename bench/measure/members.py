"""The members of a trained cohort, measured here one after the other, or side by side elsewhere.

On a GPU a cohort trains in seconds and leaves the cores idle, while metrics run on a CPU, with one
thread and about a third of a second a member: there each core measures members of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load as deserialize
from threadpoolctl import threadpool_limits

from bench.measure.forward import Answers
from bench.measure.optimum import linear_optimum
from bench.measure.pictures import draw_pictures
from bench.measure.quality import measure
from bench.measure.reference import Reference, load_reference
from bench.measure.subject import Subject, Values
from bench.plan import DataSpec, MetricsSpec, RunConfig
from bench.process import ATTEMPTS, start_workers
from bench.results import Curves, RunRecord
from vae_core import Autoencoder, Member, Structure, TrainingConfig
from vae_core.model import autoencoder, initial_networks

SIDE_BY_SIDE_FROM = 32
"""Members from which processes are started: that takes as long as measuring about so many."""


@dataclass(frozen=True)
class RunResult:
    """A record and, for a run that is ok, its weights (a safetensors file) and picture arrays."""

    record: RunRecord
    weights: bytes | None = None
    pictures: Mapping[str, NDArray[Any]] | None = None


@dataclass(frozen=True)
class TrainedMember:
    """A member with its answers, in a form that travels.

    Attributes
    ----------
    weights
        A safetensors file.
    answers, path_images
        Its slices of what the cohort was asked.
    values, curves
        What training left for its record.
    """

    run: RunConfig
    structure: Structure
    member: Member
    training: TrainingConfig
    weights: bytes
    answers: Answers
    path_images: NDArray[np.float32]
    values: Values
    curves: Curves

    def model(self) -> Autoencoder:
        """The member alone, on the CPU."""
        networks = initial_networks(self.structure, self.member.seed)
        model = autoencoder(self.structure, self.member.objective, *networks)
        model.load_state_dict(deserialize(self.weights))
        return model.eval()


def measure_members(
    members: Sequence[TrainedMember], data: DataSpec, metrics: MetricsSpec, *, processes: int
) -> Iterator[RunResult]:
    """Measure members, in their order, side by side in up to ``processes`` processes.

    What a process that dies had not given back is begun again in new ones, ``ATTEMPTS`` times in
    all.

    Raises
    ------
    BrokenProcessPool
        When processes died each time.
    """
    work = partial(_measured, data=data, metrics=metrics)
    if processes == 1 or len(members) < SIDE_BY_SIDE_FROM:
        yield from map(work, members)
        return
    given = 0
    for attempt in range(ATTEMPTS):
        try:
            for result in _workers(processes).map(work, members[given:]):
                given += 1
                yield result
        except BrokenProcessPool:
            _workers.cache_clear()
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return


@lru_cache(maxsize=1)
def _workers(count: int) -> ProcessPoolExecutor:
    """Processes that stay for the next cohort: each has the data and the controls by then."""
    return start_workers(count)


def _measured(trained: TrainedMember, *, data: DataSpec, metrics: MetricsSpec) -> RunResult:
    # Metrics are many small calls of several libraries, each with threads that wait for each other:
    # with one they take a fifth of the time, and as many processes as cores have a core each.
    with threadpool_limits(1):
        return _measured_alone(trained, data, metrics)


def _measured_alone(trained: TrainedMember, data: DataSpec, metrics: MetricsSpec) -> RunResult:
    reference: Reference = load_reference(data, metrics)
    subject = Subject(
        structure=trained.structure,
        member=trained.member,
        model=trained.model(),
        answers=trained.answers,
        path_images=trained.path_images,
    )
    values = {**trained.values, **measure(subject, reference)}
    optimum = linear_optimum(trained.structure, trained.member, trained.training, reference)
    return RunResult(
        record=RunRecord(config=trained.run, status="ok", values=values, curves=trained.curves),
        weights=trained.weights,
        pictures=draw_pictures(subject.model, trained.answers, reference) | optimum,
    )
