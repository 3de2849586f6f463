"""The whole gate on one screen: expectation, measurement, verdict, confirmation, table."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.gates import baseline, table
from bench.gates.baseline import MachineBaseline
from bench.gates.comparison import Comparison, with_baseline, with_commit
from bench.gates.errors import GateError
from bench.gates.judge import Row, Verdict, confirm
from bench.gates.machine import machine_class
from bench.gates.session import Checkout, Session
from bench.results.provenance import collect_environment

__all__ = [
    "BASELINE",
    "PROCESSES",
    "PROCESSES_FOR_BASELINE",
    "TESTS",
    "Request",
    "run_gate",
    "update_baseline",
]

TESTS = Path("tests", "perf")
BASELINE = Path("bench", "gates", "baseline.json")
PROCESSES = 3
"""Fresh processes that time everything. Each has an error of its own, from where its memory lies,
that more rounds do not lessen."""

PROCESSES_FOR_BASELINE = 5

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What is asked of the gate.

    Attributes
    ----------
    root
        The checkout that is measured; ``tests`` and ``baseline`` are relative to it.
    out
        Folder for the table and for what every process measured.
    command
        The command line, for the table's provenance.
    processes
        How many time everything, one after the other.
    only
        Run only tests whose name in the table begins with one of these; none for all.
    """

    root: Path
    tests: Path
    baseline: Path
    out: Path
    command: str
    processes: int
    only: tuple[str, ...] = ()

    @property
    def here(self) -> Session:
        """The tests of this checkout."""
        if not (self.root / self.tests).exists():
            raise GateError(f"{self.root / self.tests}: no such tests; --tests names others")
        return Session(Checkout(self.root), self.tests, self.out / "measured-here", self.only)


def run_gate(request: Request, against: str | None, say: Say) -> bool:
    """Compare with the baseline, or with the commit ``against``; returns whether all passes.

    Raises
    ------
    GateError
        When there is nothing to compare with, or nothing can be measured.
    """
    started_at, clock = datetime.now(UTC), time.perf_counter()
    if against is None:
        expected = baseline.read(request.root / request.baseline, machine_class()).entries
        comparison = with_baseline(request.here, expected)
        rows = _judge(comparison, request.processes, say)
    else:
        with with_commit(
            request.here,
            against,
            baseline_path=request.baseline,
            folder=request.out / "measured-other",
        ) as comparison:
            rows = _judge(comparison, request.processes, say)
    seconds = time.perf_counter() - clock
    provenance = collect_environment(
        command=request.command, started_at=started_at, wall_seconds=seconds
    )
    title = f"Gate against {against or f'the baseline of {machine_class()}'}"
    paths = table.write(request.out, rows, title=title, provenance=provenance)
    say(table.plain(rows))
    say(f"{table.summary(rows)} in {seconds:.0f} s; written: {', '.join(map(str, paths))}")
    return all(row.verdict.passes for row in rows)


def _judge(comparison: Comparison, processes: int, say: Say) -> list[Row]:
    """Measure and compare; what seems slower is measured once more before it is believed."""
    rows = comparison.rows(processes, say)
    if not rows:
        raise GateError(
            "there is no figure to compare: no test uses vae_gate, or --only names none"
        )
    slower = [row for row in rows if row.verdict is Verdict.SLOWER]
    if not slower:
        return rows
    say(f"measuring again: {', '.join(row.name for row in slower)}")
    nodes = list(dict.fromkeys(row.node for row in slower if row.node is not None))
    return confirm(rows, comparison.rows(processes, say, nodes))


def update_baseline(request: Request, say: Say) -> None:
    """Measure in many processes and write the baseline of this class of machine.

    Raises
    ------
    GateError
        When a test fails or does not meet its closed form; the file is left as it is. A test that
        is skipped, as one of a GPU is without one, is left out, and that is said.
    """
    if request.only:
        raise GateError("--only: is not allowed with --update-baseline, which writes all figures")
    started_at, clock = datetime.now(UTC), time.perf_counter()
    entries = with_baseline(request.here, {}).entries(request.processes, say)
    provenance = collect_environment(
        command=request.command,
        started_at=started_at,
        wall_seconds=time.perf_counter() - clock,
    )
    machine = MachineBaseline(provenance=provenance, entries=entries)
    path = request.root / request.baseline
    baseline.update(path, machine_class(), machine)
    say(f"{len(entries)} figures of {machine_class()} written: {path}")
