"""Ctrl-C once lets the cohorts in flight finish; twice stops at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, Self

from bench.plan import Cohort

NOTICE = b"\nfinishing the cohorts in flight; Ctrl-C again stops at once\n"


class Interrupt:
    """While it is open, the first Ctrl-C is remembered and the second is a ``KeyboardInterrupt``.

    Outside the main thread, where no Ctrl-C arrives, it does nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._remember)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def until(self, cohorts: Iterable[Cohort]) -> Iterator[Cohort]:
        """The cohorts, as long as nobody asks to stop."""
        for cohort in cohorts:
            if self.requested:
                return
            yield cohort

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        os.write(2, NOTICE)  # not sys.stderr: it may be interrupted in the middle of a line
