"""Processes that train or measure: how they are started, and what they do to themselves first."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as wait_for_end

import torch
from threadpoolctl import threadpool_limits

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of ``mallopt`` (mallopt(3)): from what size on free memory at the heap's end goes back to the
system, and from what size on a block is asked of the system by itself."""
KEPT_BYTES = 1 << 30

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
ATTEMPTS = 3
"""How often work is begun whose process dies: it may have been lost to something else."""


def start_workers(count: int) -> ProcessPoolExecutor:
    """Start processes with a thread each that Ctrl-C does not reach: who started them decides."""
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=become_worker)
    with _ctrl_c_ignored():  # inherited by the processes that submitting starts
        for _ in range(count):
            pool.submit(os.getpid)
    return pool


def become_worker() -> None:
    """Take one thread and keep its memory, and end with the process that started this one."""
    # Every library has threads of its own, as many as cores: a process on each of sixteen would
    # have sixteen of each. Some are loaded already; others will read what the environment says.
    os.environ |= dict.fromkeys(THREAD_VARIABLES, "1")
    threadpool_limits(1)
    torch.set_num_threads(1)
    keep_freed_memory()
    end_with_parent()


def keep_freed_memory() -> None:
    """Have this process keep what it frees: the next step asks for blocks of the same sizes.

    glibc gives large blocks back, and the system fills each new one with zeros, a page at a time:
    up to a quarter of a convolutional step (``docs/performance.md``). Other C libraries stay as
    they are.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        # Without the first, the second alone would do harm: it ends glibc's own adjustments.
        if mallopt is not None and mallopt(M_MMAP_THRESHOLD, KEPT_BYTES) == 1:
            mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def end_with_parent() -> None:
    """End this process with the one that started it, however that ends."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        os._exit(1)  # nobody is left to take a result


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
