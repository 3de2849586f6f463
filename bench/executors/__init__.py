"""Where cohorts run. An executor takes cohorts and the work to do on each, and yields what became
of them as they finish: a list of results, or the exception that ended it.
"""

from __future__ import annotations

from bench.executors.local import LocalExecutor
from bench.executors.pool import PoolExecutor
from bench.executors.protocol import Executor, Outcome, Work
from bench.results.provenance import usable_cores

__all__ = [
    "Executor",
    "LocalExecutor",
    "Outcome",
    "PoolExecutor",
    "Work",
    "choose_executor",
    "worker_count",
]


def choose_executor(device: str, cohorts: int, workers: int | None) -> Executor:
    """Return a pool for several cohorts on a CPU, this process for one, and for a GPU.

    ``workers`` is the number of processes; None takes one a core.
    """
    useful = min(cohorts, worker_count(device, workers))
    return PoolExecutor(useful) if useful > 1 else LocalExecutor()


def worker_count(device: str, workers: int | None) -> int:
    """Cohorts that train at the same time on a device; None means one a core."""
    if device != "cpu":
        return 1
    return usable_cores() if workers is None else workers
