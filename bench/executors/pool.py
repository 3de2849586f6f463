"""Worker processes with one thread each: two stacked cohorts on two cores beat one on both.

Small matrix products gain little from a second thread and metrics nothing, so each core takes a
cohort of its own.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children

from bench.executors.protocol import (
    CohortTimeoutError,
    Outcome,
    Work,
    WorkerLostError,
    attempt,
)
from bench.plan import Cohort
from bench.process import ATTEMPTS, start_workers


class PoolExecutor:
    """Runs cohorts in ``workers`` spawned processes.

    A worker that dies is replaced and its cohort begun again, ``ATTEMPTS`` times in all.

    Parameters
    ----------
    workers
        Processes at the same time; one starts when a cohort needs it.
    cohort_seconds
        How long a cohort may take, the start of its worker (about 3 s) included; None is for ever.
    """

    name = "pool"

    def __init__(self, workers: int, cohort_seconds: float | None = None) -> None:
        self.workers = workers
        self.cohort_seconds = cohort_seconds

    def run(self, cohorts: Iterable[Cohort], work: Work) -> Iterator[Outcome]:
        """Do ``work`` on every cohort and yield them as they finish."""
        crew = _Crew(cohorts, work, self.workers, self.cohort_seconds)
        try:
            crew.begin()
            while crew.running:
                outcomes = crew.finished()
                crew.begin()  # before what finished is dealt with: no worker waits for the driver
                yield from outcomes
        finally:
            crew.dismiss()


@dataclass(frozen=True, slots=True)
class _Begun:
    """A cohort in a worker: for the how-manieth time, and since when."""

    cohort: Cohort
    worker: _Worker
    number: int
    started: float


class _Crew:
    """The workers of one call, what they are doing, and what is to begin again."""

    def __init__(
        self, cohorts: Iterable[Cohort], work: Work, workers: int, limit: float | None
    ) -> None:
        self.running: dict[Future[Outcome], _Begun] = {}
        self._cohorts, self._work = iter(cohorts), work
        self._workers, self._limit = workers, limit
        self._lost: deque[tuple[Cohort, int]] = deque()
        self._idle: list[_Worker] = []

    def begin(self) -> None:
        """Give every free worker a cohort, as long as there are any."""
        while len(self.running) < self._workers:
            if self._lost:
                cohort, number = self._lost.popleft()
            elif (taken := next(self._cohorts, None)) is not None:
                cohort, number = taken, 1
            else:
                return
            future, worker = self._hand_over(cohort)
            self.running[future] = _Begun(cohort, worker, number, time.monotonic())

    def finished(self) -> list[Outcome]:
        """Wait until a cohort is done, its worker dead, or its time over; what is final of that."""
        patience = None
        if self._limit is not None:
            oldest = min(begun.started for begun in self.running.values())
            patience = max(0.0, oldest + self._limit - time.monotonic())
        done, _ = wait(self.running, timeout=patience, return_when=FIRST_COMPLETED)
        outcomes = [self._outcome(future) for future in done]
        outcomes += [self._ended(future) for future in list(self.running) if self._is_late(future)]
        return [outcome for outcome in outcomes if outcome is not None]

    def dismiss(self) -> None:
        """End the workers; those that are at work at once, for nobody waits for them any more."""
        for begun in self.running.values():
            begun.worker.kill()
        for worker in self._idle:
            worker.close()

    def _hand_over(self, cohort: Cohort) -> tuple[Future[Outcome], _Worker]:
        while self._idle:
            worker = self._idle.pop()
            try:
                return worker.submit(cohort, self._work), worker
            except BrokenProcessPool:  # it died while it had nothing to do
                worker.close()
        worker = _Worker()
        return worker.submit(cohort, self._work), worker

    def _outcome(self, future: Future[Outcome]) -> Outcome | None:
        begun = self.running.pop(future)
        try:
            outcome = future.result()
        except BrokenProcessPool:
            begun.worker.close()
            return self._again(begun)
        except Exception as error:  # the cohort or its results cannot travel
            outcome = Outcome(begun.cohort, None, error, time.monotonic() - begun.started)
        self._idle.append(begun.worker)
        return outcome

    def _again(self, begun: _Begun) -> Outcome | None:
        if begun.number < ATTEMPTS:
            self._lost.append((begun.cohort, begun.number + 1))
            return None
        error = WorkerLostError(
            f"{ATTEMPTS} worker processes died under it (killed, out of memory, or crashed)"
        )
        return Outcome(begun.cohort, None, error, time.monotonic() - begun.started)

    def _is_late(self, future: Future[Outcome]) -> bool:
        if self._limit is None or future.done():
            return False
        return time.monotonic() - self.running[future].started >= self._limit

    def _ended(self, future: Future[Outcome]) -> Outcome:
        begun = self.running.pop(future)
        begun.worker.kill()
        seconds = time.monotonic() - begun.started
        return Outcome(begun.cohort, None, CohortTimeoutError(self._limit or 0.0), seconds)


class _Worker:
    """One process behind a pool of its own: the death of one breaks no other's."""

    def __init__(self) -> None:
        before = set(active_children())
        self._pool = start_workers(1)
        self._processes = set(active_children()) - before

    def submit(self, cohort: Cohort, work: Work) -> Future[Outcome]:
        return self._pool.submit(attempt, cohort, work)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def kill(self) -> None:
        for process in self._processes:
            process.kill()
        self.close()
