"""What every executor promises, whatever it runs on."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from bench.measure.members import RunResult
from bench.plan import Cohort

Work = Callable[[Cohort], list[RunResult]]


class ExecutorError(Exception):
    """The executor that was asked for cannot be had; the text is one line."""


class WorkerLostError(Exception):
    """Every worker that began the cohort died: killed, out of memory, crashed, or its node lost."""


class CohortTimeoutError(Exception):
    """The cohort ran past its time limit and was ended."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not finished after {seconds:g} s (--cohort-seconds), and ended")


@dataclass(frozen=True)
class Outcome:
    """What became of one cohort: results for every run, or the error that ended it."""

    cohort: Cohort
    results: list[RunResult] | None
    error: Exception | None
    seconds: float


class Executor(Protocol):
    """Runs work on cohorts.

    Each cohort that is taken yields exactly one outcome, in the order in which they finish; an
    error in one leaves the others alone. ``name`` is what records carry.
    """

    name: str

    def run(self, cohorts: Iterable[Cohort], work: Work) -> Iterator[Outcome]:
        """Do ``work`` on every cohort.

        A cohort is taken from ``cohorts`` only when it can begin, so that an iterable that ends
        early lets finish what has begun. Stopping the iteration stops everything at once.
        """
        ...


def attempt(cohort: Cohort, work: Work) -> Outcome:
    """Do the work on one cohort here and now; whatever it raises becomes its outcome.

    Code of a user's own network may even ask to exit. An interrupt is no outcome and goes on.
    """
    started = time.perf_counter()
    try:
        results, error = work(cohort), None
    except (Exception, SystemExit) as raised:
        results, error = None, _portable(raised)
    return Outcome(cohort, results, error, time.perf_counter() - started)


def _portable(error: BaseException) -> Exception:
    """The error, or its text where it would not survive the way to another process."""
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # a user's error may raise anything while it is taken apart and put together
        copy = None
    if isinstance(error, Exception) and type(copy) is type(error):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")
