"""Which executor a request, a device and a number of cohorts lead to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.executors import ray
from bench.executors.local import LocalExecutor
from bench.executors.pool import PoolExecutor
from bench.executors.protocol import Executor, ExecutorError
from bench.results.provenance import usable_cores

EXECUTORS = ("auto", "local", "pool", "ray")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorRequest:
    """Where cohorts are to run, as a command line asks for it.

    Parameters
    ----------
    name
        One of ``EXECUTORS``; "auto" takes a pool where that pays and this process otherwise.
    workers
        Cohorts that train at the same time on CPUs, and processes that measure what a GPU trained;
        None takes one a core. A running Ray cluster has the CPUs it has.
    address
        Of a running Ray cluster; None starts one on this machine.
    cohort_seconds
        How long a cohort may take before it is ended and its runs fail; None is for ever.

    Raises
    ------
    ExecutorError
        If what is asked for does not go together.
    """

    name: str = "auto"
    workers: int | None = None
    address: str | None = None
    cohort_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.name not in EXECUTORS:
            raise ExecutorError(
                f"--executor: {self.name!r} is not allowed; {', '.join(EXECUTORS)} are"
            )
        if self.address is not None and self.name != "ray":
            raise ExecutorError(f"--address: is of --executor ray, not of {self.name}")
        if self.workers is not None and self.address is not None:
            raise ExecutorError("--workers: a running cluster (--address) has the CPUs it has")
        if self.cohort_seconds is not None and self.name == "local":
            raise ExecutorError(
                "--cohort-seconds: a cohort in this process cannot be ended; use --executor pool"
            )


def choose_executor(device: str, cohorts: int, request: ExecutorRequest) -> Executor:
    """Return what was asked for; left open, a pool for several cohorts on a CPU or a time limit."""
    if request.name == "ray":
        return ray.RayExecutor(device, request.cohort_seconds)
    useful = max(1, min(cohorts, worker_count(device, request)))
    by_itself = useful > 1 or request.cohort_seconds is not None
    if request.name == "pool" or (request.name == "auto" and by_itself):
        return PoolExecutor(useful, request.cohort_seconds)
    return LocalExecutor()


def worker_count(device: str, request: ExecutorRequest) -> int:
    """Cohorts that train at the same time on a device."""
    if request.name == "ray":
        return max(1, ray.slots(ray.REQUESTS[device]))
    if device != "cpu" or request.name == "local":
        return 1
    return usable_cores() if request.workers is None else request.workers


def measuring_processes(device: str, request: ExecutorRequest) -> int:
    """Processes that measure the members of a cohort: the cores that training on a GPU leaves idle.

    On a CPU every core trains, and a task of Ray asks for one core.
    """
    if device == "cpu" or request.name == "ray":
        return 1
    return usable_cores() if request.workers is None else request.workers


@contextmanager
def connected(request: ExecutorRequest) -> Iterator[None]:
    """Have what the request needs running for a while: a Ray cluster, or nothing.

    Raises
    ------
    ExecutorError
        If it cannot be had.
    """
    if request.name != "ray":
        yield
        return
    with ray.connected(request.address, request.workers or usable_cores()):
        yield
