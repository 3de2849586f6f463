"""Work on a cohort that spawned processes can import: it answers, fails, dies or never ends."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.measure.cohort import CohortWork
from bench.measure.members import RunResult
from bench.plan import Cohort
from bench.results import RunRecord

RAISES, DIES, SLEEPS = 101, 102, 103
"""Latent dimensions of the cohorts on which the work does so."""


@dataclass(frozen=True)
class Troubled:
    """Real work, or a short answer without it, with trouble on some cohorts."""

    real: CohortWork | None = None

    def __call__(self, cohort: Cohort) -> list[RunResult]:
        if cohort.latent_dim == RAISES:
            raise ArithmeticError(f"no luck with {cohort.latent_dim} dimensions")
        if cohort.latent_dim == DIES:
            os.kill(os.getpid(), signal.SIGKILL)
        if cohort.latent_dim == SLEEPS:
            time.sleep(600)
        return self.real(cohort) if self.real else answer(cohort)


@dataclass(frozen=True)
class Slow:
    """A short answer after a while."""

    seconds: float

    def __call__(self, cohort: Cohort) -> list[RunResult]:
        time.sleep(self.seconds)
        return answer(cohort)


@dataclass(frozen=True)
class DiesOnce:
    """Kills the process of its first cohort, and leaves a file to know that it did."""

    marker: Path

    def __call__(self, cohort: Cohort) -> list[RunResult]:
        if not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return answer(cohort)


class UntransportableError(Exception):
    """Cannot be unpickled: it is made with two arguments and keeps one."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


def raise_untransportable(cohort: Cohort) -> list[RunResult]:
    raise UntransportableError("this", "no reason")


def ask_to_exit(cohort: Cohort) -> list[RunResult]:
    sys.exit(3)


def answer(cohort: Cohort) -> list[RunResult]:
    """One failed record a run that tells which process wrote it."""
    return [
        RunResult(RunRecord(config=run, status="failed", reason=f"process {os.getpid()}"))
        for run in cohort.runs
    ]
