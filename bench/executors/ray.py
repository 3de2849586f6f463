"""Cohorts as core tasks of a Ray cluster: for more machines than one.

Tasks, not actors and not Tune: a grid needs no scheduler of trials. A worker imports torch and
reads the data once, so a task is a cohort. Results come back to the driver, which alone writes.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from bench.executors.protocol import (
    CohortTimeoutError,
    ExecutorError,
    Outcome,
    Work,
    WorkerLostError,
    attempt,
)
from bench.plan import Cohort
from bench.process import ATTEMPTS, keep_freed_memory

POLL_SECONDS = 1.0
"""How often the driver looks whether the cluster has grown and whether a cohort is late."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a cohort asks of a node."""

    cpus: float = 1.0
    gpus: float = 0.0


REQUESTS = {"cpu": Request(), "cuda": Request(gpus=1.0)}


class RayExecutor:
    """Runs cohorts on the nodes of the Ray cluster that this process is connected to.

    Ray begins a task again whose worker or node is lost, ``ATTEMPTS`` times in all.

    Parameters
    ----------
    device
        What the cohorts train on; each asks for one CPU, and on CUDA for one GPU.
    cohort_seconds
        How long a cohort may take, counted from when it is handed to Ray, the start of a worker
        (5 to 10 s) included; None is for ever.
    """

    name = "ray"

    def __init__(self, device: str, cohort_seconds: float | None = None) -> None:
        self.request = REQUESTS[device]
        self.cohort_seconds = cohort_seconds

    def run(self, cohorts: Iterable[Cohort], work: Work) -> Iterator[Outcome]:
        """Do ``work`` on every cohort and yield them as they finish.

        Raises
        ------
        ExecutorError
            If no node has what a cohort asks for.
        """
        ray = _ray()
        task = ray.remote(_attempt_on_node).options(
            num_cpus=self.request.cpus,
            num_gpus=self.request.gpus,
            max_retries=ATTEMPTS - 1,
            retry_exceptions=False,
        )
        if slots(self.request) == 0:
            wanted = _shown(self.request)
            raise ExecutorError(f"--executor ray: no node of the cluster has {wanted}")
        todo = iter(cohorts)
        running: dict[Any, tuple[Cohort, float]] = {}
        outcomes: list[Outcome] = []
        try:
            while True:
                while len(running) < max(1, slots(self.request)):  # 1 waits for a node to return
                    cohort = next(todo, None)
                    if cohort is None:
                        break
                    sent = pickle.dumps((cohort, work))
                    running[task.remote(sent, sys.path)] = cohort, time.monotonic()
                yield from outcomes  # only now: no worker waits for the driver
                if not running:
                    return
                done, _ = ray.wait(list(running), num_returns=1, timeout=POLL_SECONDS)
                outcomes = [_outcome(reference, *running.pop(reference)) for reference in done]
                late = [r for r, (_, began) in running.items() if self._is_late(began)]
                outcomes += [self._ended(reference, *running.pop(reference)) for reference in late]
        finally:
            for reference in running:  # interrupted: nobody waits for these any more
                ray.cancel(reference, force=True)

    def _is_late(self, began: float) -> bool:
        return self.cohort_seconds is not None and time.monotonic() - began >= self.cohort_seconds

    def _ended(self, reference: Any, cohort: Cohort, began: float) -> Outcome:
        _ray().cancel(reference, force=True)
        error = CohortTimeoutError(self.cohort_seconds or 0.0)
        return Outcome(cohort, None, error, time.monotonic() - began)


def slots(request: Request) -> int:
    """Cohorts that the cluster, as it is now, can train at the same time."""
    nodes = [node["Resources"] for node in _ray().nodes() if node["Alive"]]
    return sum(_fitting(resources, request) for resources in nodes)


def _fitting(resources: dict[str, float], request: Request) -> int:
    fitting = resources.get("CPU", 0.0) / request.cpus
    if request.gpus:
        fitting = min(fitting, resources.get("GPU", 0.0) / request.gpus)
    return int(fitting)


@contextmanager
def connected(address: str | None, cpus: int) -> Iterator[None]:
    """Be connected to a Ray cluster for a while.

    One that this process is connected to already is used as it is and stays.

    Parameters
    ----------
    address
        Of a running cluster ("auto" for the one of this machine); None starts one on this machine.
    cpus
        CPUs of the one that is started.

    Raises
    ------
    ExecutorError
        If Ray is not installed, or there is no cluster at the address.
    """
    ray = _ray()
    if ray.is_initialized():
        yield
        return
    own: dict[str, Any] = {"num_cpus": cpus, "include_dashboard": False} if address is None else {}
    umask = os.umask(0o077)  # of the token that Ray writes to ~/.ray where there is none
    try:
        # "local" starts one even where RAY_ADDRESS names another.
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = _first_line(error)
        raise ExecutorError(f"--address: {address or 'a Ray of its own'}: {reason}") from None
    finally:
        os.umask(umask)
    try:
        yield
    finally:
        ray.shutdown()


def _ray() -> Any:
    """Ray, if it is installed, with its reports about its use turned off."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError:
        raise ExecutorError(
            "--executor ray: Ray is not installed; pip install -c constraints.txt -e '.[ray]'"
        ) from None
    return ray


def _attempt_on_node(sent: bytes, driver_path: list[str]) -> Outcome:
    """Do the work on a cohort in a worker, which finds a user's own network where the driver does.

    What the node finds by itself comes first.
    """
    sys.path.extend(folder for folder in driver_path if folder not in sys.path)
    torch.set_num_threads(1)
    keep_freed_memory()
    cohort, work = pickle.loads(sent)  # noqa: S301 - from our own driver
    return attempt(cohort, work)


def _outcome(reference: Any, cohort: Cohort, began: float) -> Outcome:
    ray = _ray()
    try:
        outcome: Outcome = ray.get(reference)
    except ray.exceptions.RayTaskError as raised:  # the cohort or its results cannot travel
        cause = raised.cause
        error = cause if isinstance(cause, Exception) else RuntimeError(str(cause))
        return Outcome(cohort, None, error, time.monotonic() - began)
    except ray.exceptions.RayError as lost:
        reason = _first_line(lost)
        error = WorkerLostError(f"{ATTEMPTS} workers or their nodes were lost under it ({reason})")
        return Outcome(cohort, None, error, time.monotonic() - began)
    return outcome


def _shown(request: Request) -> str:
    return f"{request.cpus:g} CPU" + (f" and {request.gpus:g} GPU" if request.gpus else "")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
