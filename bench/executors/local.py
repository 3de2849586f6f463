"""One cohort after the other in this process: for one core, for a GPU, and for debugging."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from bench.executors.protocol import Outcome, Work
from bench.plan import Cohort


class LocalExecutor:
    """Runs cohorts in this process, with all of its threads."""

    name = "local"

    def run(self, cohorts: Sequence[Cohort], work: Work) -> Iterator[Outcome]:
        """Do ``work`` on every cohort, in order."""
        for cohort in cohorts:
            started = time.perf_counter()
            try:
                results, error = work(cohort), None
            except Exception as raised:
                results, error = None, raised
            yield Outcome(cohort, results, error, time.perf_counter() - started)
