"""Random specifications through the command line: each must be planned or refused in one line."""

from __future__ import annotations

import gc
import os
import re
import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import hypothesis
from typer.testing import CliRunner, Result

from bench.chaos.specs import any_text, tiny_tables, to_text
from bench.cli import app
from bench.results import Store
from bench.results.directory import STORE

__all__ = ["Fuzzed", "Verdict", "fuzz_plans", "fuzz_runs", "plan", "train"]

Verdict = Literal["done", "refused"]

SIZE = Path("/proc/self/statm")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MEMORY_BYTES = 2 * 2**30
"""What a specification may ask for beyond what the program has: an asking that the system grants
and cannot keep would end it without a word."""

FORESEEN = re.compile(
    r"the loss was no longer finite|after \d+ steps its codes or images are not finite"
)
"""Reasons of failed runs that a specification can bring about by its numbers."""


@dataclass(slots=True)
class Fuzzed:
    """How many specifications ended how; ``bugs`` has the text and the trace of each that broke."""

    verdicts: Counter[str] = field(default_factory=Counter)
    bugs: list[str] = field(default_factory=list)
    seconds: float = 0.0


def plan(text: str, folder: Path) -> Verdict:
    """Lay out the sweep of a text, training nothing.

    Raises
    ------
    AssertionError
        If it is neither laid out nor refused with one line and exit code 2.
    """
    path = folder / "fuzzed.toml"
    path.write_text(text, encoding="utf-8")
    with _limited_memory():
        result = CliRunner().invoke(app, ["run", str(path), "--dry-run"])
    return _verdict(text, result, allowed={0})


def train(table: dict[str, Any], folder: Path) -> Verdict:
    """Run the sweep of a specification in this process, without a report.

    Raises
    ------
    AssertionError
        If it is neither run nor refused, or a run failed for a reason that is no number's.
    """
    text, out = to_text(table), folder / "out"
    path = folder / "fuzzed.toml"
    path.write_text(text, encoding="utf-8")
    command = ["run", str(path), "--out", str(out), "--executor", "local", "--no-report"]
    verdict = _verdict(text, CliRunner().invoke(app, command), allowed={0, 1})
    if verdict == "done":
        with Store(out / STORE, read_only=True) as store:
            for reason in store.reasons("failed"):
                if not FORESEEN.match(reason):
                    raise AssertionError(f"{text}\na run failed: {reason}")
    return verdict


def fuzz_plans(examples: int, folder: Path, seed: int) -> Fuzzed:
    """Lay out so many random sweeps."""
    return _fuzz(lambda text: plan(text, folder), any_text, examples, seed)


def fuzz_runs(examples: int, folder: Path, seed: int) -> Fuzzed:
    """Train so many random tiny sweeps."""
    numbers = iter(range(10 * examples))

    def run(table: dict[str, Any]) -> Verdict:
        place = folder / f"fuzzed-{next(numbers)}"
        place.mkdir()
        return train(table, place)

    return _fuzz(run, tiny_tables(), examples, seed)


def _fuzz(
    run: Callable[[Any], Verdict],
    strategy: hypothesis.strategies.SearchStrategy[Any],
    examples: int,
    seed: int,
) -> Fuzzed:
    fuzzed, started = Fuzzed(), time.monotonic()

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def each(example: Any) -> None:
        try:
            fuzzed.verdicts[run(example)] += 1
        except AssertionError as bug:
            fuzzed.bugs.append(str(bug))

    each()
    fuzzed.seconds = time.monotonic() - started
    return fuzzed


def _verdict(text: str, result: Result, *, allowed: set[int]) -> Verdict:
    lines = result.stderr.splitlines()
    if result.exit_code in allowed and isinstance(result.exception, SystemExit | None):
        return "done"
    if result.exit_code == 2:
        errors = [line for line in lines if line.startswith("error: ")]
        if len(errors) == 1 and lines[-1] == errors[0] and errors[0].isprintable():
            return "refused"
    trace = "".join(traceback.format_exception(result.exception)) if result.exception else ""
    raise AssertionError(f"{text}\nexit code {result.exit_code}: {result.stderr}\n{trace}")


@contextmanager
def _limited_memory() -> Iterator[None]:
    """Deny this process what goes beyond ``MEMORY_BYTES``, where the system says what it has."""
    if not SIZE.exists():
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    gc.collect(1)  # networks of the last one, which its error may still hold
    limit = int(SIZE.read_text(encoding="utf-8").split()[0]) * PAGE_BYTES + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
