"""Work on a cohort that spawned processes can import: it answers, fails, dies or never ends."""

import os
import signal
import time
from dataclasses import dataclass

from bench.measure.cohort import CohortWork, RunResult
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


def answer(cohort: Cohort) -> list[RunResult]:
    """One failed record a run that tells which process wrote it."""
    return [
        RunResult(RunRecord(config=run, status="failed", reason=f"process {os.getpid()}"))
        for run in cohort.runs
    ]
