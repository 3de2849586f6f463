"""Where cohorts run. An executor takes cohorts and the work to do on each, and yields what became
of them as they finish: a list of results, or the exception that ended it.
"""

from __future__ import annotations

from bench.executors.choice import (
    EXECUTORS,
    ExecutorRequest,
    choose_executor,
    connected,
    measuring_processes,
    worker_count,
)
from bench.executors.interrupt import Interrupt
from bench.executors.local import LocalExecutor
from bench.executors.pool import PoolExecutor
from bench.executors.protocol import (
    CohortTimeoutError,
    Executor,
    ExecutorError,
    Outcome,
    Work,
    WorkerLostError,
)
from bench.executors.ray import RayExecutor

__all__ = [
    "EXECUTORS",
    "CohortTimeoutError",
    "Executor",
    "ExecutorError",
    "ExecutorRequest",
    "Interrupt",
    "LocalExecutor",
    "Outcome",
    "PoolExecutor",
    "RayExecutor",
    "Work",
    "WorkerLostError",
    "choose_executor",
    "connected",
    "measuring_processes",
    "worker_count",
]
