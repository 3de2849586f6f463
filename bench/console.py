"""What a sweep says while it runs: a live display on a terminal, plain lines everywhere else.

Both say the same things; they differ in that a terminal shows progress in place of one line a
finished cohort. Nothing here decides anything.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from bench.plan import Cohort, Plan

__all__ = ["Console", "SweepOutcome", "TerminalConsole", "console_for", "counted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOutcome:
    """How a sweep ended: all its runs by status, and its report if one was drawn."""

    directory: Path
    ok: int
    failed: int
    skipped: int
    report: Path | None

    @property
    def exit_code(self) -> int:
        """0 if every run is ok or was skipped for a reason, 1 if one failed."""
        return 1 if self.failed else 0


class Console:
    """Plain lines on a stream; the calls come in the order in which they stand here."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._total = 0
        self._done = 0
        self._at_start = 0
        self._started = 0.0

    def plan(self, plan: "Plan") -> None:
        """Say what the sweep consists of, and what this machine cannot run."""
        trained = len(plan.runs) - sum(plan.skipped_counts.values())
        cohorts = counted(len(plan.cohorts), "cohort")
        self._line(f"{plan.spec.name}: {counted(trained, 'run')} to train, together in {cohorts}")
        for device, count in plan.skipped_counts.items():
            self.skipped(f"{device}: {plan.skipped[device]}", count)

    def skipped(self, reason: str, count: int) -> None:
        """Say once why ``count`` runs are skipped."""
        self._line(f"skipped: {counted(count, 'other run')} ({reason})")

    def started(self, *, total: int, done: int) -> None:
        """Say that training begins; ``done`` of the ``total`` runs were there before."""
        self._total, self._done, self._at_start = total, done, done
        self._started = time.monotonic()
        if done:
            self._line(f"{done} of {total} runs are there already")

    def cohort_finished(self, cohort: "Cohort", *, ok: int, failed: int, seconds: float) -> None:
        """A cohort is on disk: what it was, how long it took, how it stands with the sweep."""
        self._done += len(cohort)
        outcome = f"{ok} ok" + (f", {failed} failed" if failed else "")
        self._line(
            f"[{self._done}/{self._total}] {describe_cohort(cohort)}: {outcome} "
            f"in {seconds:.1f} s, {duration(self._seconds_left())} left"
        )

    def stage(self, text: str) -> None:
        """Name what comes after training: timing, tables, the report."""
        self._line(text)

    def done(self, outcome: SweepOutcome) -> None:
        """Say how it ended; the last line says where the report is."""
        self.close()
        parts = [f"{outcome.ok} ok"]
        parts += [f"{outcome.failed} failed"] if outcome.failed else []
        parts += [f"{outcome.skipped} skipped"] if outcome.skipped else []
        self._line(f"{', '.join(parts)} in {outcome.directory}")
        if outcome.failed:
            self._line(f"why they failed: python -m bench status {outcome.directory}")
        if outcome.report is not None:
            self._line(f"report: {outcome.report}")

    def close(self) -> None:
        """End a live display, however the sweep ended; harmless when there is none."""

    def _seconds_left(self) -> float:
        return (self._total - self._done) / self._runs_per_second()

    def _runs_per_second(self) -> float:
        """Mean rate since training began; asked when a cohort has just finished."""
        elapsed = max(time.monotonic() - self._started, 1e-3)
        return (self._done - self._at_start) / elapsed

    def _line(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


class TerminalConsole(Console):
    """The same on a terminal: one live line with runs done, rate and time left."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def started(self, *, total: int, done: int) -> None:
        """Begin the live display."""
        super().started(total=total, done=done)
        if done < total:
            self._progress = _progress(self._stream)
            self._progress.start()
            self._task = self._progress.add_task(
                "training", total=total, completed=done, rate="", left=""
            )

    def cohort_finished(self, cohort: "Cohort", *, ok: int, failed: int, seconds: float) -> None:
        """Move the bar; a cohort with failures leaves a line."""
        if failed:
            super().cohort_finished(cohort, ok=ok, failed=failed, seconds=seconds)
        else:
            self._done += len(cohort)
        self._update(
            completed=self._done,
            rate=f"{self._runs_per_second():.2f} runs/s",
            left=f"{duration(self._seconds_left())} left",
        )

    def stage(self, text: str) -> None:
        """Show what comes after training in place of the bar's label."""
        if self._progress is None:
            super().stage(text)
        else:
            self._update(description=text, left="")

    def close(self) -> None:
        """Take the live display away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _update(self, **changes: Any) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, **changes)

    def _line(self, text: str) -> None:
        if self._progress is not None:
            self._progress.console.print(text, markup=False, highlight=False)
        else:
            super()._line(text)


def console_for(stream: TextIO) -> Console:
    """A live display if the stream is a terminal, plain lines otherwise."""
    return TerminalConsole(stream) if stream.isatty() else Console(stream)


def describe_cohort(cohort: "Cohort") -> str:
    """A cohort in a few words: objectives, latent dimension, device, number of runs."""
    objectives = "+".join(cohort.objectives)
    runs = counted(len(cohort), "run")
    return f"{objectives} latent {cohort.latent_dim} {cohort.device}, {runs}"


def duration(seconds: float) -> str:
    """Seconds as somebody would say them: ``8 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Plain text columns, numbers to the right."""
    cells = [list(header), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numeric = [all(isinstance(row[i], int | float) for row in rows) for i in range(len(header))]
    lines = []
    for line in cells:
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def counted(count: int, noun: str) -> str:
    """A number with its noun, "1 run" or "2 runs"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _progress(stream: TextIO) -> "Progress":
    from rich.console import Console as RichConsole
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    return Progress(
        SpinnerColumn(),
        MofNCompleteColumn(),
        TextColumn("runs"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
        TextColumn("{task.description}", markup=False),
        console=RichConsole(file=stream),
        refresh_per_second=4,
        transient=True,
    )
