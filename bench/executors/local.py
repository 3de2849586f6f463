"""One cohort after the other in this process: for one core, for a GPU, and for debugging."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.executors.protocol import Outcome, Work, attempt
from bench.plan import Cohort
from bench.process import keep_freed_memory


class LocalExecutor:
    """Runs cohorts in this process, with all of its threads."""

    name = "local"

    def run(self, cohorts: Iterable[Cohort], work: Work) -> Iterator[Outcome]:
        """Do ``work`` on every cohort, in order."""
        keep_freed_memory()
        for cohort in cohorts:
            yield attempt(cohort, work)
