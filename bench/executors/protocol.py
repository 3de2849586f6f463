"""What every executor promises, whatever it runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.measure.cohort import RunResult
from bench.plan import Cohort

Work = Callable[[Cohort], list[RunResult]]


@dataclass(frozen=True)
class Outcome:
    """What became of one cohort: results for every run, or the error that ended it."""

    cohort: Cohort
    results: list[RunResult] | None
    error: Exception | None
    seconds: float


class Executor(Protocol):
    """Runs work on cohorts.

    Each cohort yields exactly one outcome, in the order in which they finish; an error in one
    leaves the others alone. ``name`` is what records carry.
    """

    name: str

    def run(self, cohorts: Sequence[Cohort], work: Work) -> Iterator[Outcome]:
        """Do ``work`` on every cohort; stopping the iteration stops what has not begun."""
        ...
