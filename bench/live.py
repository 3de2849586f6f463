"""The page of a sweep that is still running: drawn again as cohorts finish, at a bounded cost."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import reports
from bench.results import Store
from bench.results.exports import export

__all__ = ["LivePage"]

COST_SHARE = 0.2
"""Of the time, at most, that goes into drawing: after a drawing of 10 s none begins for 40 s."""


class LivePage:
    """The tables and the page of a sweep, brought up to date between cohorts.

    Parameters
    ----------
    store, directory
        Where the sweep is kept.
    total
        Runs that the sweep consists of, for the line on the page that says how far it is.
    formats
        Vector formats drawn beside the page.
    clock
        Seconds, monotonic.
    """

    def __init__(
        self,
        store: Store,
        directory: Path,
        *,
        total: int,
        formats: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._directory = directory
        self._total = total
        self._formats = formats
        self._clock = clock
        self._not_before = 0.0

    def refresh(self) -> bool:
        """Draw the page unless it was drawn too recently; says whether it was."""
        started = self._clock()
        if started < self._not_before:
            return False
        export(self._store, self._directory)
        progress = f"{len(self._store.statuses()):,} of {self._total:,} runs so far"
        reports.build(
            self._directory, only_if_changed=True, formats=self._formats, progress=progress
        )
        finished = self._clock()
        self._not_before = finished + (finished - started) * (1 / COST_SHARE - 1)
        return True
