"""What commands say in several lines: a plan, the state of a sweep, the command line itself."""

import shlex
import sys
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill, shorten
from typing import TYPE_CHECKING

from bench.console import counted, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.plan import Plan
    from bench.results.status import SweepStatus

__all__ = ["command_line", "datasets_text", "plan_text", "program", "status_text"]


def plan_text(plan: "Plan") -> str:
    """What a sweep would do."""
    rows = [
        (name, len(values), shorten(", ".join(map(str, values)), width=72, placeholder=" …"))
        for name, values in plan.axes.items()
    ]
    lines = [
        f"{plan.spec.name}: {counted(len(plan.runs), 'run')}, "
        f"{counted(len(plan.cohorts), 'cohort')} to train",
        "",
        table(("axis", "values", ""), rows),
    ]
    for device, count in plan.skipped_counts.items():
        lines += ["", f"skipped: {counted(count, 'run')} on {device} ({plan.skipped[device]})"]
    return "\n".join(lines)


def status_text(status: "SweepStatus") -> str:
    """How far a sweep is."""
    kinds = ("ok", "failed", "skipped", "missing")
    rows = [
        (device, *[by_status[kind] for kind in kinds])
        for device, by_status in status.counts.items()
    ]
    lines = [status.name, "", table(("device", *kinds), rows), ""]
    for kind, reasons in (("failed", status.failures), ("skipped", status.skips)):
        lines += [
            f"{kind}: {counted(count, 'run')} ({reason})" for reason, count in reasons.items()
        ]
    if status.holder is not None:
        missing, total = status.total("missing"), sum(map(status.total, kinds))
        lines.append(f"running: {status.holder}, {total - missing} of {total} runs are there")
    lines.append(f"report: {status.report or 'none yet'}")
    return "\n".join(lines)


def datasets_text(datasets: "Sequence[tuple[str, str, str]]") -> str:
    """Every data set, what it is and how to get it, as wide as the terminal."""
    columns = max(len(name) for name, *_ in datasets) + 2
    width, indent = get_terminal_size().columns, " " * columns
    lines = []
    for name, description, obtain in datasets:
        lines.append(fill(f"{name:<{columns}}{description}", width, subsequent_indent=indent))
        lines.append(fill(obtain, width, initial_indent=indent, subsequent_indent=indent))
    return "\n".join(lines)


def program() -> str:
    """How this program was started."""
    name = Path(sys.argv[0]).name
    return "python -m bench" if name == "__main__.py" else name


def command_line() -> str:
    """The command line, as one would type it again."""
    return f"{program()} {shlex.join(sys.argv[1:])}"
