"""What a process of a pool does to itself before its first cohort."""

from __future__ import annotations

import os
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait as wait_for_end

import torch

from bench.measure.allocator import keep_freed_memory


def become_worker() -> None:
    """Take one thread and keep its memory, and end with the process that started this one."""
    torch.set_num_threads(1)
    keep_freed_memory()
    end_with_parent()


def end_with_parent() -> None:
    """End this process with the one that started it, however that ends."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        os._exit(1)  # nobody is left to take a result
