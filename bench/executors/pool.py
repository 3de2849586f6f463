"""Worker processes with one thread each: two stacked cohorts on two cores beat one on both.

Small matrix products gain little from a second thread and metrics nothing, so each core takes a
cohort of its own.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait as wait_for_end

import torch

from bench.executors.protocol import Outcome, Work
from bench.measure.cohort import RunResult
from bench.plan import Cohort

Timed = tuple[list[RunResult], float]


class PoolExecutor:
    """Runs cohorts in ``workers`` spawned processes.

    A worker that dies breaks the standard library's pool and takes its neighbours' cohorts with it.
    Those are run again, each alone in a pool of its own, so that only the one that kills its worker
    fails.
    """

    name = "pool"

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, cohorts: Sequence[Cohort], work: Work) -> Iterator[Outcome]:
        """Do ``work`` on every cohort, the largest first, and yield them as they finish."""
        lost = []
        for outcome in self._in_one_pool(sorted(cohorts, key=len, reverse=True), work):
            if isinstance(outcome.error, BrokenProcessPool):
                lost.append(outcome.cohort)
            else:
                yield outcome
        for cohort in lost:
            yield from self._in_one_pool([cohort], work)

    def _in_one_pool(self, cohorts: Sequence[Cohort], work: Work) -> Iterator[Outcome]:
        workers = max(1, min(self.workers, len(cohorts)))  # they start when work is submitted
        pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_become_worker)
        with _ctrl_c_ignored():  # inherited by the workers that submitting starts
            running = {pool.submit(_timed, work, cohort): cohort for cohort in cohorts}
        try:
            while running:
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield _outcome(running.pop(future), future)
        finally:
            if running:  # interrupted: nobody waits for these any more
                for worker in active_children():
                    worker.terminate()
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Ignore Ctrl-C for a moment; only a main thread may, and only there does it arrive."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _become_worker() -> None:
    """Take one thread, and end with the process that started this one, however that ends."""
    torch.set_num_threads(1)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        os._exit(1)  # nobody is left to take a result


def _timed(work: Work, cohort: Cohort) -> Timed:
    started = time.perf_counter()
    return work(cohort), time.perf_counter() - started


def _outcome(cohort: Cohort, future: Future[Timed]) -> Outcome:
    try:
        results, seconds = future.result()
    except Exception as error:  # handed on, to be recorded for each run
        return Outcome(cohort, None, error, 0.0)
    return Outcome(cohort, results, None, seconds)
