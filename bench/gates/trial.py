"""``python -m bench.gates.trial``: how often does the gate find what is wrong, and how often does
it cry for nothing? Runs it on copies of this checkout and writes every outcome down.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.gates.command import ROOT
from bench.gates.regressions import REGRESSIONS, copy_tree, inject

UNCHANGED = "unchanged"
BUSY = "while True: sum(i * i for i in range(10**6))"


@dataclass(frozen=True)
class Outcome:
    """One run of the gate.

    Attributes
    ----------
    subject
        ``unchanged``, or the regression in the copy.
    busy
        Processes that this program kept busy beside it; ``load`` is the machine's, from everybody,
        when it ended.
    exit_code
        Of the gate.
    only
        Which figures were measured; empty for all.
    found
        Figures that did not pass.
    confirmed
        Figures that seemed slower and did not when measured again.
    """

    subject: str
    busy: int
    load: float
    exit_code: int
    seconds: float
    only: tuple[str, ...]
    found: tuple[str, ...]
    confirmed: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether the gate said what it should have."""
        return self.exit_code == (0 if self.subject == UNCHANGED else 1)


def main(
    subject: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"{UNCHANGED}, {', '.join(REGRESSIONS)}; repeatable."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of the gate for each subject.")] = 1,
    busy: Annotated[
        int, typer.Option(min=0, help="Run with 0 to this many busy processes beside, in turn.")
    ] = 0,
    brief: Annotated[
        bool, typer.Option("--brief", help="Measure only figures in which a regression must show.")
    ] = False,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Outcomes, a line each.")] = Path(
        "runs", "gate-trial.jsonl"
    ),
) -> None:
    """Run the gate on copies of this checkout, unchanged and with known regressions."""
    subjects = subject or [UNCHANGED, *REGRESSIONS]
    unknown = sorted(set(subjects) - {UNCHANGED, *REGRESSIONS})
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is unknown")
    out.parent.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for repeat in range(repeats):
        for name in subjects:
            only = REGRESSIONS[name].shows_in if brief and name != UNCHANGED else ()
            outcome = try_once(name, busy=repeat % (busy + 1), only=only)
            outcomes.append(outcome)
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outcome)) + "\n")
            typer.echo(
                f"{name} {repeat + 1}/{repeats}, {outcome.busy} busy, load {outcome.load}: exit "
                f"{outcome.exit_code} in {outcome.seconds:.0f} s {', '.join(outcome.found)}"
            )
    raise typer.Exit(0 if all(outcome.is_right for outcome in outcomes) else 1)


def try_once(name: str, *, busy: int = 0, only: tuple[str, ...] = ()) -> Outcome:
    """Copy the checkout, make one thing wrong unless ``name`` is ``unchanged``, run its gate."""
    with tempfile.TemporaryDirectory(prefix="vaebench-trial-") as temporary:
        tree = Path(temporary)
        copy_tree(ROOT, tree)
        if name != UNCHANGED:
            inject(REGRESSIONS[name], tree)
        started = time.perf_counter()
        with _busy_processes(busy):
            ran = subprocess.run(  # noqa: S603 - our own command, no shell
                [sys.executable, "-m", "bench", "gate", *(f"--only={part}" for part in only)],
                cwd=tree,
                env={**os.environ, "PYTHONPATH": str(tree)},
                capture_output=True,
                text=True,
                check=False,
            )
        seconds = time.perf_counter() - started
        table = tree / "runs" / "gate" / "gate.json"
        if not table.exists():
            raise RuntimeError(f"the gate gave no table: {ran.stderr.strip()}")
        rows = json.loads(table.read_text(encoding="utf-8"))["rows"]
    wrong = [row for row in rows if row["verdict"].isupper()]
    twice = [row for row in rows if row["note"].startswith("measured twice")]
    return Outcome(
        subject=name,
        busy=busy,
        load=round(os.getloadavg()[0], 1),
        exit_code=ran.returncode,
        seconds=round(seconds, 1),
        only=only,
        found=tuple(row["name"] for row in wrong),
        confirmed=tuple(row["name"] for row in twice if row not in wrong),
    )


@contextmanager
def _busy_processes(count: int) -> Iterator[None]:
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]  # noqa: S603
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


if __name__ == "__main__":
    typer.run(main)
