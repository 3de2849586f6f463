"""Cohorts: runs of one structure that train together as one stacked model."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from bench.plan.choices import OBJECTIVES
from bench.plan.grid import RunConfig
from bench.plan.spec import SweepSpec

__all__ = ["MAX_COHORT_SIZE", "Cohort", "Plan", "group"]

MAX_COHORT_SIZE = {"cpu": 16, "cuda": 256}
"""On a CPU, 16 runs in a stack cost as little each as 64; smaller cohorts spread over the cores
and, when killed, lose less. A GPU needs more to be busy."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Runs of one structure, ordered by objective (AE first), seed and weights."""

    runs: tuple[RunConfig, ...]

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def structure(self) -> tuple[Any, ...]:
        """What its runs share."""
        return self.runs[0].structure

    @property
    def device(self) -> str:
        """The device all its runs train on."""
        return self.runs[0].device

    @property
    def latent_dim(self) -> int:
        """The number of latent dimensions all its runs have."""
        return self.runs[0].latent_dim

    @property
    def objectives(self) -> tuple[str, ...]:
        """The objectives among its runs, in their fixed order."""
        present = {run.objective for run in self.runs}
        return tuple(objective for objective in OBJECTIVES if objective in present)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep would do: its runs, how they train together, and what this machine cannot run.

    ``skipped`` maps a device that is not there to the reason; its runs are in ``runs`` but in no
    cohort. ``limits`` maps a structure to how many of its runs fit in memory at once.
    """

    spec: SweepSpec
    runs: tuple[RunConfig, ...]
    cohorts: tuple[Cohort, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[tuple[Any, ...], int] = field(default_factory=dict)

    @property
    def axes(self) -> dict[str, tuple[Any, ...]]:
        """Values of each sweep axis, in the order of the specification."""
        return {name: tuple(values) for name, values in self.spec.sweep}

    @property
    def skipped_counts(self) -> dict[str, int]:
        """Number of runs on each device that is not there."""
        return {device: sum(run.device == device for run in self.runs) for device in self.skipped}


def group(
    runs: Iterable[RunConfig],
    *,
    limits: Mapping[tuple[Any, ...], int] | None = None,
    at_least: int = 1,
) -> list[Cohort]:
    """Group runs into cohorts of one structure, evenly filled.

    Cohorts come in the order in which their structures first appear. Which runs share a cohort
    changes no result, so a resumed sweep may group what is left differently.

    Parameters
    ----------
    limits
        How many runs of a structure fit in memory at once, where that is known;
        ``MAX_COHORT_SIZE`` holds beside it.
    at_least
        Cohorts to make if there are as many runs, so that every worker has one.
    """
    by_structure: defaultdict[tuple[Any, ...], list[RunConfig]] = defaultdict(list)
    for run in runs:
        by_structure[run.structure].append(run)
    sizes = {structure: len(members) for structure, members in by_structure.items()}
    parts = {
        structure: -(-len(members) // _most(members[0], structure, limits or {}))
        for structure, members in by_structure.items()
    }
    while sum(parts.values()) < min(at_least, sum(sizes.values())):
        parts[max(parts, key=lambda structure: sizes[structure] / parts[structure])] += 1
    cohorts = []
    for structure, members in by_structure.items():
        members.sort(key=_rank)
        count = parts[structure]
        bounds = [len(members) * part // count for part in range(count + 1)]
        cohorts += [Cohort(tuple(members[start:end])) for start, end in pairwise(bounds)]
    return cohorts


def _most(run: RunConfig, structure: tuple[Any, ...], limits: Mapping[tuple[Any, ...], int]) -> int:
    most = MAX_COHORT_SIZE[run.device]
    return min(most, limits.get(structure, most))


def _rank(run: RunConfig) -> tuple[int, int, float, float]:
    return (
        OBJECTIVES.index(run.objective),
        run.seed,
        0.0 if run.kl_weight is None else run.kl_weight,
        run.recon_weight,
    )
